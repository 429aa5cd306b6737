"""What `syncd doctor` looked at, how it is, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How one thing is: WARN works today."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. *remedy* is the next step, "" where none is needed.

    *exit_code* is what a command would end with that needs this.
    """

    topic: str
    health: Health
    found: str
    remedy: str = ""
    exit_code: int = 0
