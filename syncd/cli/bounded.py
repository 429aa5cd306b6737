"""Examinations beside each other, none of which can hold up the others, or the command."""

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from syncd.errors import StoreError, SyncdError

if TYPE_CHECKING:
    from syncd.model.check import Check
    from syncd.wiring.examination import Area

#: What ends with the process, and can't be waited for: something that could not be reached.
_UNREACHED = StoreError.exit_code


def examined(areas: "Iterable[Area]", limit_s: float) -> "Iterator[Check]":
    """Yield the checks of all *areas*, in their order and as soon as they are done.

    All are looked at at the same time. A check that takes more than *limit_s* ends its area: what hangs there is left
    to itself, and dies with the process.
    """
    inquiries = [_Inquiry(area) for area in areas]
    for inquiry in inquiries:
        yield from inquiry.checks(limit_s)


class _Inquiry:
    """One area, looked at on a thread of its own."""

    def __init__(self, area: "Area") -> None:
        self._area = area
        self._done: queue.SimpleQueue[Check | None] = queue.SimpleQueue()
        threading.Thread(target=self._examine, name=area.name, daemon=True).start()

    def checks(self, limit_s: float) -> "Iterator[Check]":
        from syncd.model.check import fail

        last = "it began"
        while True:
            try:
                check = self._done.get(timeout=limit_s)
            except queue.Empty:
                found = f"no answer within {limit_s:g} s after {last}; the rest is not looked at"
                remedy = "look at what is asked next: network, disk, server; for a large directory use --timeout"
                yield replace(fail("time", found, remedy, _UNREACHED), area=self._area.name)
                return
            if check is None:
                return
            last = f"the check of {check.topic}"
            yield replace(check, area=self._area.name)

    def _examine(self) -> None:
        from syncd.model.check import fail, failed

        try:
            for check in self._area.examine():
                self._done.put(check)
        except SyncdError as error:
            self._done.put(failed("error", error))
        except Exception as error:  # noqa: BLE001 - a defect in one examination must not hide what the others find
            found = f"this could not be looked at: {type(error).__name__}: {error}"
            self._done.put(fail("error", found, "please report it with this text", SyncdError.exit_code))
        finally:
            self._done.put(None)
