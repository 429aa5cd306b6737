"""The cycles of one organization, one after the other: what APScheduler's job calls."""

import threading
from datetime import datetime
from random import Random

from syncd.daemon.timetable import Timetable, Trigger, backoff
from syncd.daemon.watch import Watch
from syncd.daemon.work import Work
from syncd.errors import SyncdError
from syncd.model.report import Report, Result
from syncd.ports import Clock
from syncd.telemetry.logs import get_logger


class Running:
    """Runs the cycles of *work* when told to; a request that comes in the middle of one is answered after it."""

    def __init__(self, work: Work, *, clock: Clock, random: Random, stopping: threading.Event) -> None:
        self._clock = clock
        self._random = random
        self._stopping = stopping
        self._lock = threading.Lock()
        self._busy = self._again = self._retired = False
        self._overdue = self._stalled = False
        self._decisions: int | None = None
        self._log = get_logger(organization=work.organization)
        self.replace(work)

    def replace(self, work: Work) -> None:
        """Let the next cycle be one of *work*; the one that runs ends as it was begun, unless `interrupt` ends it."""
        with self._lock:
            self.work = work
        self.timetable = Timetable(work.schedule, self._random)
        self.trigger = Trigger(self.timetable)
        self.watch = Watch(work.files) if work.files and work.schedule.on_change else None

    def interrupt(self) -> bool:
        """End a running cycle between two calls; the next one, of what `replace` has said, follows at once.

        Returns whether one runs.
        """
        with self._lock:
            self._again = self._again or self._busy
            self.work.halt.set()
            self.work.stop.set()
            return self._busy

    def retire(self) -> None:
        """End the running cycle between two calls, and begin none any more, whatever it leaves behind."""
        self._retired = True
        self.work.stop.set()

    def asked_while_busy(self) -> bool:
        """Return whether a cycle runs now; then another one follows it at once."""
        with self._lock:
            self._again = self._busy
            return self._busy

    def hears_a_decision(self) -> bool:
        """Return whether people have decided something since it was asked last; what was before is no news."""
        try:
            now = self.work.decisions()
        except SyncdError:
            return False  # whether the store answers is told by others
        before, self._decisions = self._decisions, now
        return before is not None and now != before

    def run(self) -> None:
        """Run a cycle; while one leaves work behind, or was asked for meanwhile, the next follows at once."""
        with self._lock:
            self._busy = True
        more = True
        while more:
            more = self._one() or self._pop_again()

    def watch_over(self) -> bool:
        """Tell a cycle that takes too long to stop; return whether one is wedged."""
        schedule, progress = self.work.schedule, self.work.progress
        running = progress.running_s
        if running is not None and running > schedule.deadline.total_seconds() and not self._overdue:
            self._overdue = True
            self._log.error("cycle_deadline_exceeded", after_s=round(running))
            self.work.stop.set()
        idle = progress.idle_s
        stalled = idle > schedule.stalled_after.total_seconds()
        if stalled and not self._stalled:
            self._log.error("cycle_stalled", idle_s=round(idle))
        self._stalled = stalled
        return stalled

    def next_after(self, now: datetime, regular: datetime | None) -> datetime | None:
        """Return when the next cycle begins: at *regular*, or later than that after failures in a row."""
        failures = self.work.progress.failures
        if regular is None or failures < 2:  # noqa: PLR2004 - the first failure may be a hiccup: the usual time is soon enough
            return regular
        wait = backoff(regular - now, failures)
        self._log.warning("backing_off", failures=failures, wait_s=round(wait.total_seconds()))
        return max(regular, self.timetable.next_open(now + wait) or regular)

    def _one(self) -> bool:
        """Run one cycle; return whether it left work behind that the next one gets on with."""
        work = self._taken_up()
        self._overdue = False
        if self._is_over:  # maybe since just before it was cleared
            work.stop.set()
            return False
        report: Report | None = None
        work.observer.began(self._clock.now())
        try:
            report = work.cycle()
        except Exception as error:  # noqa: BLE001 - one organization's defect must not end the others' cycles
            work.observer.failed(error)
        finally:
            work.progress.ended(report)
        # Without progress, the same plan would be made and fail again, without a pause.
        return (
            report is not None
            and report.plan is not None
            and (bool(report.plan.deferred) or report.has_given_up)
            and report.count(Result.APPLIED) > 0
        )

    def _taken_up(self) -> Work:
        """Return the work of the next cycle; who replaces it from here on finds one that can be interrupted."""
        with self._lock:
            work = self.work
            work.halt.clear()
            work.stop.clear()
            return work

    @property
    def _is_over(self) -> bool:
        return self._retired or self._stopping.is_set()

    def _pop_again(self) -> bool:
        with self._lock:
            again, self._again = self._again and not self._is_over, False
            # Whoever asks from now on finds nobody at work, and tells the scheduler.
            self._busy = again
            return again
