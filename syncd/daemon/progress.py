"""Whether the cycles of an organization get on: what the watchdog and `/livez` rest on (`ops.md` SD-5)."""

import threading
from datetime import datetime

from syncd.model.report import SUCCESSES, Outcome, Report
from syncd.ports import Clock, Observer


class Progress(Observer):
    """When the running cycle began, when it last gave a sign of progress, and how the last one ended.

    Anything that is told counts as progress: a call that ended, an entry read, a stage that began.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began: float | None = None
        self._moved = 0.0
        #: What `Report.summary` said of the last cycle, "" before the first.
        self.summary = ""
        #: Cycles in a row that ended with an error.
        self.failures = 0
        self.next_at: datetime | None = None
        self.last_success: datetime | None = None

    @property
    def running_s(self) -> float | None:
        """For how many seconds the running cycle has been at work; None: none runs."""
        with self._lock:
            return None if self._began is None else self._clock.monotonic() - self._began

    @property
    def idle_s(self) -> float:
        """For how many seconds the running cycle has given no sign of progress; 0 when none runs."""
        with self._lock:
            return 0.0 if self._began is None else self._clock.monotonic() - self._moved

    def began(self, at: datetime) -> None:  # noqa: ARG002 - the wall clock may jump
        with self._lock:
            self._began = self._moved = self._clock.monotonic()

    def ended(self, report: Report | None) -> None:
        """Note that no cycle runs any more; without *report* it failed."""
        with self._lock:
            self._began = None
        self.failures = 0 if report is not None else self.failures + 1
        self.summary = "failed" if report is None else report.summary
        if report is not None and report.summary in SUCCESSES:
            self.last_success = report.finished_at

    def scheduled(self, at: datetime | None) -> None:
        self.next_at = at

    def stage(self, name: str, total: int | None = None) -> None:  # noqa: ARG002 - that it came is what counts
        self._move()

    def advanced(self, count: int = 1) -> None:  # noqa: ARG002 - the same
        self._move()

    def called(self, operation: str, code: str, seconds: float) -> None:  # noqa: ARG002 - the same
        self._move()

    def settled(self, outcome: Outcome) -> None:  # noqa: ARG002 - the same
        self._move()

    def event(self, name: str, **fields: object) -> None:  # noqa: ARG002 - the same
        self._move()

    def _move(self) -> None:
        self._moved = self._clock.monotonic()
