"""Cycles on a schedule, until a signal says stop.

APScheduler is the trigger and nothing more: one job per organization, never two of one at a time, missed ones not made
up for (`measurements.md` 12). A cycle that fails is logged and counted, and the next one is the recovery. The main
loop waits for nothing that can hang: it takes requests, watches over the cycles, and feeds the watchdog.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from apscheduler.events import (
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MAX_INSTANCES,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.executors.pool import BasePoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from syncd.daemon.health import LifeSigns
from syncd.daemon.notify import Notifier
from syncd.daemon.requests import Mailbox, Wish
from syncd.daemon.running import Running
from syncd.daemon.statusline import status_line
from syncd.daemon.work import Work
from syncd.errors import SyncdError
from syncd.ports import Clock
from syncd.telemetry.logs import get_logger
from syncd.telemetry.metrics import Metrics

#: How long a stopping daemon waits for the calls in flight; with what else there is to close, it ends within 30 s.
STOP_WITHIN = timedelta(seconds=26)
_TICK_S = 1.0
#: How often files are looked at, the store is asked for decisions, and whether it answers.
_WATCH_S = 3
_LISTEN_S = 2
_PROBE_S = 10
#: The daemon's own jobs; no organization's name begins like that.
_OWN = "#"
#: More than any configuration has organizations, since each may need a thread for itself and none may wait.
_MOST_THREADS = 2_000
#: The wall clock drifts less than this against the monotonic one within a tick, unless somebody sets it.
_JUMP_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a daemon needs besides its work.

    *reload* reads the configuration again and returns the new works, or raises `SyncdError`. *probe* asks the store;
    it may hang.
    """

    clock: Clock
    random: Random
    mailbox: Mailbox
    health: LifeSigns
    notifier: Notifier
    metrics: Metrics
    reload: Callable[[], Iterable[Work]]
    probe: Callable[[], None]
    stop_within: timedelta = STOP_WITHIN


class _InPool(BasePoolExecutor):  # type: ignore[misc]  # APScheduler has no types
    """Runs jobs in a pool that is ours to wait for."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        super().__init__(pool)


class Daemon:
    """Runs *works* until it is asked to stop."""

    def __init__(self, works: Iterable[Work], around: Surroundings) -> None:
        self._around = around
        self._stopping = threading.Event()
        self._all: dict[str, Running] = {}
        self._log = get_logger()
        self._withheld = ""
        self._offset = self._wall_clock_offset()
        self._pool = ThreadPoolExecutor(_MOST_THREADS)
        self._scheduler = BackgroundScheduler(executors={"default": _InPool(self._pool)}, timezone=UTC)
        self._scheduler.add_listener(self._settled, EVENT_JOB_EXECUTED | EVENT_JOB_MAX_INSTANCES)
        self._often("beat", _PROBE_S, around.health.scheduler_fired)
        self._often("store", _PROBE_S, around.probe)
        self._often("decisions", _LISTEN_S, self._listen)
        for work in works:
            self._add(work, reason="start")

    def run(self) -> bool:
        """Work until asked to stop; return whether every cycle ended in time."""
        around = self._around
        self._scheduler.start()
        around.health.started()
        self._log.info("daemon_started", organizations=len(self._all))
        self._tell_status()
        around.notifier.ready()
        tick = min(_TICK_S, (around.notifier.watchdog_s or _TICK_S) / 3)
        while True:
            request = around.mailbox.next(tick)
            if request is not None and request.wish is Wish.STOP:
                return self._stop()
            if request is not None and request.wish is Wish.RELOAD:
                self._reload()
            elif request is not None:
                self._ask(request.organization, request.reason)
            self._tick()

    def _tick(self) -> None:
        """Watch over the cycles, and give systemd a sign of life if all is well."""
        stalled = [name for name, running in self._all.items() if running.watch_over()]
        self._around.health.loop_ticked(stalled)
        self._mind_the_clock()
        trouble = self._around.health.trouble
        if trouble and trouble != self._withheld:
            self._log.error("watchdog_withheld", reason=trouble)
        self._withheld = trouble
        if not trouble:
            self._around.notifier.alive()
        self._tell_status()

    def _stop(self) -> bool:
        around, seconds = self._around, self._around.stop_within.total_seconds()
        self._stopping.set()
        for running in self._all.values():
            running.work.stop.set()
        # Last: who sees that it is stopping may rely on every cycle having been told.
        around.health.stopping()
        around.notifier.stopping()
        ending = threading.Thread(target=self._end, name="shutdown", daemon=True)
        ending.start()
        ending.join(seconds)
        if ending.is_alive():
            self._log.error("daemon_stop_timed_out", waited_s=seconds)
            return False
        self._log.info("daemon_stopped")
        return True

    def _end(self) -> None:
        """Begin no cycle any more, then wait for those that run.

        APScheduler would wait with its locks held, which a cycle that ends just now needs to plan the next one.
        """
        self._scheduler.shutdown(wait=False)
        self._pool.shutdown()

    def _reload(self) -> None:
        """Take over a new configuration, or keep the old one and say so."""
        around = self._around
        around.notifier.reloading(around.clock.monotonic())
        try:
            works = {work.organization: work for work in around.reload()}
        except SyncdError as error:
            self._log.error("configuration_rejected", message=str(error))
        except Exception as error:  # noqa: BLE001 - what is wrong with the new configuration must not end the old one
            self._log.error("configuration_rejected", message=type(error).__name__, exc_info=error)
        else:
            self._swap(works)
        finally:
            around.notifier.ready()

    def _swap(self, works: Mapping[str, Work]) -> None:
        gone, added = self._all.keys() - works.keys(), works.keys() - self._all.keys()
        kept = self._all.keys() & works.keys()
        changed = {name for name in kept if works[name].settings != self._all[name].work.settings}
        for name in gone:
            self._remove(name)
        for name in sorted(kept):  # the unchanged ones too: credentials may be others than they were
            self._replace(works[name])
        for name in sorted(added):
            self._add(works[name], reason="reload")
        self._log.info("configuration_reloaded", added=len(added), removed=len(gone), changed=len(changed))

    def _add(self, work: Work, *, reason: str) -> None:
        around = self._around
        running = Running(work, clock=around.clock, random=around.random, stopping=self._stopping)
        self._all[work.organization] = running
        self._plan(running, self._soonest(running, reason))
        self._watch_files(running)

    def _replace(self, work: Work) -> None:
        running, before = self._all[work.organization], self._all[work.organization].work
        running.replace(work)
        # Before the timetable: a narrower policy holds from the next call on.
        if before.settings != work.settings and not work.allows_as_much(before.settings) and running.interrupt():
            self._log.warning("cycle_interrupted", organization=work.organization)
        if before.schedule != work.schedule:
            now = self._around.clock.now()
            self._plan(running, running.timetable.after(now, now))
        self._watch_files(running)

    def _remove(self, name: str) -> None:
        """Begin no more cycles of *name*, and end the one that runs."""
        self._all.pop(name).retire()
        self._drop(name)
        self._drop(f"{_OWN}files {name}")

    def _ask(self, organization: str | None, reason: str) -> None:
        """Let a cycle of *organization* (of all without) begin as soon as may be."""
        for name in [organization] if organization is not None else list(self._all):
            running = self._all.get(name)
            if running is None:
                continue  # it went with a reload
            if running.asked_while_busy():
                self._log.info("cycle_requested", organization=name, reason=reason)
            else:
                self._plan(running, self._soonest(running, reason))

    def _soonest(self, running: Running, reason: str) -> datetime | None:
        """Return when a cycle that is asked for now may begin."""
        now, name = self._around.clock.now(), running.work.organization
        begins = running.timetable.next_open(now)
        self._log.info("cycle_requested", organization=name, reason=reason)
        if begins != now:
            self._log.info("cycle_postponed", organization=name, until=begins and begins.isoformat())
            self._around.metrics.skipped(name, "window")
        return begins

    def _plan(self, running: Running, begins: datetime | None) -> None:
        """Let the next cycle begin at *begins*; after it, the timetable says."""
        name = running.work.organization
        self._scheduler.add_job(
            self._run,
            running.trigger,
            args=(running,),
            id=name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            next_run_time=begins,
            replace_existing=True,
        )
        self._tell_plan(running, begins)

    def _run(self, running: Running) -> None:
        """Run the cycle that is due, once APScheduler has planned the one after it.

        It submits the one before it plans the other, with its lock held: whoever ended in between would see the old
        plan, and have the new one written over what it makes of it.
        """
        self._scheduler.get_job(running.work.organization)
        running.run()

    def _tell_plan(self, running: Running, begins: datetime | None) -> None:
        gap = running.timetable.longest_gap(self._around.clock.now())
        self._around.metrics.interval(running.work.organization, gap.total_seconds())
        running.work.observer.scheduled(begins)

    def _settled(self, event: JobExecutionEvent | JobSubmissionEvent) -> None:
        """See to the next cycle after one has ended, or could not begin since the one before it still runs."""
        running = self._all.get(event.job_id)
        if running is None or self._stopping.is_set():
            return
        if event.code == EVENT_JOB_MAX_INSTANCES:
            reason = "the cycle before it still runs"
            self._log.warning("cycle_skipped", organization=event.job_id, reason=reason)
            self._around.metrics.skipped(event.job_id, "running")
        job = self._scheduler.get_job(event.job_id)
        regular = None if job is None else job.next_run_time
        begins = running.next_after(self._around.clock.now(), regular)
        if begins != regular:
            with suppress(JobLookupError):  # the daemon has stopped meanwhile, or a reload has removed it
                self._scheduler.modify_job(event.job_id, next_run_time=begins)
        self._tell_plan(running, begins)

    def _watch_files(self, running: Running) -> None:
        name = running.work.organization
        if running.watch is None:
            self._drop(f"{_OWN}files {name}")
        else:
            self._often(f"files {name}", _WATCH_S, self._look_at_files, name)

    def _look_at_files(self, name: str) -> None:
        """Ask for a cycle when a file has changed; on a thread of its own, since a file system may hang."""
        running = self._all.get(name)
        if running is not None and running.watch is not None and running.watch.changed():
            self._around.mailbox.ask(Wish.SYNC, "file", name)

    def _listen(self) -> None:
        """Ask for a cycle where a person has decided something: approved, revoked, resumed, released."""
        for name, running in list(self._all.items()):
            if running.hears_a_decision():
                self._around.mailbox.ask(Wish.SYNC, "decision", name)

    def _often(self, name: str, seconds: float, do: Callable[..., None], *arguments: str) -> None:
        """Have *do* done every few seconds, never twice at a time."""
        self._scheduler.add_job(
            do,
            IntervalTrigger(seconds=seconds, timezone=UTC),
            args=arguments,
            id=f"{_OWN}{name}",
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            next_run_time=self._around.clock.now(),
            replace_existing=True,
        )

    def _drop(self, job: str) -> None:
        if self._scheduler.get_job(job) is not None:
            self._scheduler.remove_job(job)

    def _mind_the_clock(self) -> None:
        """Plan anew when somebody has set the wall clock: APScheduler would wait until it is as late as it was."""
        offset = self._wall_clock_offset()
        by, self._offset = offset - self._offset, offset
        if abs(by) < _JUMP_S:
            return
        self._log.warning("clock_jumped", by_s=round(by))
        now = self._around.clock.now()
        for job in self._scheduler.get_jobs():
            running = self._all.get(job.id)
            if running is None:
                job.modify(next_run_time=now)
            elif job.next_run_time is not None:
                shifted = job.next_run_time + timedelta(seconds=by)
                regular = running.timetable.after(now, now)
                begins = running.timetable.next_open(min(shifted, regular) if regular is not None else shifted)
                job.modify(next_run_time=begins)
                self._tell_plan(running, begins)

    def _wall_clock_offset(self) -> float:
        return self._around.clock.now().timestamp() - self._around.clock.monotonic()

    def _tell_status(self) -> None:
        states = [running.work.progress for running in self._all.values()]
        self._around.notifier.status(status_line(states, trouble=self._withheld))
