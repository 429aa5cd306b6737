"""What code costs, counted in steps: no clock is asked, so that every machine says the same."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import TraceFunction


def steps(work: Callable[[], object]) -> int:
    """How many of the interpreter's instructions in Python functions this takes: the same on every machine."""
    taken = 0

    def count(frame: FrameType, event: str, _argument: object) -> "TraceFunction":
        nonlocal taken
        frame.f_trace_opcodes = True
        taken += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(before)
    return taken
