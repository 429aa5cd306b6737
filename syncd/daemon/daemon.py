"""Cycles on a schedule, until a signal says stop.

APScheduler is the trigger and nothing more: one job per organization, never two of one at a time, missed
ones not made up for (`measurements.md` 12). A cycle that fails is logged and counted, and the next one is
the recovery.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from syncd.model.report import Report, Result
from syncd.ports import Clock
from syncd.telemetry.logs import get_logger
from syncd.telemetry.observer import TelemetryObserver

#: How long a stopping daemon waits for the call in flight.
STOP_WITHIN = timedelta(seconds=30)
_STOPPING = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """How often the cycle of *organization* runs; *jitter* spreads it, so that many don't begin together."""

    organization: str
    every: timedelta
    jitter: timedelta = timedelta(0)


class Daemon:
    """Runs the cycles of *jobs* until *stop* is set.

    *cycle* runs one cycle of an organization and returns its report, or raises. It must look at *stop*
    itself, between calls.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        cycle: Callable[[str], Report],
        *,
        observers: Mapping[str, TelemetryObserver],
        clock: Clock,
        stop: threading.Event,
        stop_within: timedelta = STOP_WITHIN,
    ) -> None:
        self._jobs = jobs
        self._cycle = cycle
        self._observers = observers
        self._clock = clock
        self._stop = stop
        self._stop_within = stop_within
        self._log = get_logger()

    def run(self) -> bool:
        """Work until told to stop; return whether every cycle ended in time."""
        scheduler = self._scheduler()
        scheduler.start()
        self._log.info("daemon_started", organizations=len(self._jobs))
        self._stop.wait()
        ending = threading.Thread(target=scheduler.shutdown, name="shutdown", daemon=True)
        ending.start()
        ending.join(self._stop_within.total_seconds())
        if ending.is_alive():
            self._log.error("daemon_stop_timed_out", waited_s=self._stop_within.total_seconds())
            return False
        self._log.info("daemon_stopped")
        return True

    def _scheduler(self) -> BackgroundScheduler:
        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(max(len(self._jobs), 1))}, timezone=UTC
        )
        scheduler.add_listener(self._skipped, EVENT_JOB_MAX_INSTANCES)
        for job in self._jobs:
            scheduler.add_job(
                self._work,
                IntervalTrigger(
                    seconds=job.every.total_seconds(), jitter=job.jitter.total_seconds() or None, timezone=UTC
                ),
                args=[job.organization],
                id=job.organization,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
                next_run_time=self._clock.now(),
            )
        return scheduler

    def _work(self, organization: str) -> None:
        """Run a cycle; while one leaves work behind, the next follows at once."""
        more = True
        while more and not self._stop.is_set():
            more = self._one(organization)

    def _one(self, organization: str) -> bool:
        observer = self._observers[organization]
        observer.began(self._clock.now())
        try:
            report = self._cycle(organization)
        except Exception as error:  # noqa: BLE001 - one organization's defect must not end the others' cycles
            observer.failed(error)
            return False
        # Without progress, the same plan would be made and fail again, without a pause.
        return report.plan is not None and bool(report.plan.deferred) and report.count(Result.APPLIED) > 0

    def _skipped(self, event: JobSubmissionEvent) -> None:
        self._log.warning("cycle_skipped", organization=event.job_id, reason="the cycle before it still runs")


@contextmanager
def stopping_on_signals(
    stop: threading.Event, *, told: Callable[[str], None], abandon: Callable[[], None]
) -> Iterator[None]:
    """Let SIGTERM and SIGINT set *stop* and tell their name; a second one calls *abandon*.

    The signals are blocked and a thread waits for them. A handler in the main thread could come in the
    middle of waiting for *stop*, whose lock it would then wait for in vain.
    """
    ended = threading.Event()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)

    def watch() -> None:
        while True:
            number = signal.sigwait(_STOPPING)
            if ended.is_set():
                return
            if stop.is_set():
                abandon()
            told(signal.Signals(number).name)
            stop.set()

    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        if watcher.ident is not None:
            signal.pthread_kill(watcher.ident, signal.SIGTERM)
        watcher.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
