"""Cycles on a schedule; the scheduler is the real one, the cycles are not."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from syncd.daemon.requests import Wish
from syncd.daemon.work import Work
from syncd.errors import ConfigurationError, SourceUnreachable
from syncd.model.report import Report
from tests.fakes.daemons import SOON, Cycles, RealClock, RunningDaemon, a_report, refusing


def hanging(go_on: threading.Event) -> Callable[[int], Report]:
    """A cycle that ends when it is let."""

    def hang(_number: int) -> Report:
        go_on.wait(SOON)
        return a_report()

    return hang


@contextmanager
def closing_with(end: Callable[[], None]) -> Iterator[None]:
    """Call *end* at the end."""
    try:
        yield
    finally:
        end()


def until(true: Callable[[], bool]) -> None:
    """Wait until it is true, within reason."""
    tick = threading.Event()
    for _ in range(int(SOON / 0.02)):
        if true():
            return
        tick.wait(0.02)
    pytest.fail("it never happened")


def a_while() -> None:
    """Long enough for what should not happen."""
    threading.Event().wait(0.3)


def test_the_first_cycle_begins_at_once() -> None:
    """An interval of an hour doesn't mean an hour without a cycle."""
    cycles = Cycles()

    with RunningDaemon(pe=cycles) as daemon:
        cycles.wait_for(ended=1)

    assert cycles.begun == 1
    assert daemon.in_time is True


def test_cycles_follow_one_another() -> None:
    """The interval repeats."""
    cycles = Cycles()

    with RunningDaemon(pe=cycles).scheduled(every="1s"):
        cycles.wait_for(ended=3)


def test_a_cycle_is_asked_for_by_a_request() -> None:
    """A signal, a changed file or a POST doesn't wait for the hour."""
    cycles = Cycles()

    with RunningDaemon(pe=cycles) as daemon:
        cycles.wait_for(ended=1)
        daemon.mailbox.ask(Wish.SYNC, "signal")
        cycles.wait_for(ended=2)
        daemon.mailbox.ask(Wish.SYNC, "http", "pe")
        cycles.wait_for(ended=3)
        daemon.mailbox.ask(Wish.SYNC, "http", "gone")
        a_while()

    assert cycles.begun == 3


def test_a_request_in_the_middle_of_a_cycle_is_answered_after_it() -> None:
    """What changed while it was being read is read once more, and once only."""
    go_on = threading.Event()
    cycles = Cycles(hanging(go_on))

    with RunningDaemon(pe=cycles) as daemon:
        cycles.wait_for(begun=1)
        for _ in range(5):
            daemon.mailbox.ask(Wish.SYNC, "file", "pe")
        a_while()
        begun = cycles.begun
        go_on.set()
        cycles.wait_for(ended=2)
        a_while()

    assert (begun, cycles.begun) == (1, 2)


def test_a_changed_file_asks_for_a_cycle(tmp_path: Path) -> None:
    """Once it keeps still."""
    people = tmp_path / "people.csv"
    people.write_text("one")
    cycles = Cycles()
    daemon = RunningDaemon(pe=cycles)
    daemon.start([daemon.work("pe", cycles, files=(people,))])
    cycles.wait_for(ended=1)
    people.write_text("another")
    cycles.wait_for(ended=2)
    daemon.end()

    assert cycles.begun == 2


def test_a_closed_window_postpones() -> None:
    """Neither the start nor a request begins a cycle in a blackout; it is counted as postponed."""
    cycles = Cycles()

    with RunningDaemon(pe=cycles).scheduled(every="1h", blackout=["2000-01-01 - 2100-01-01"]) as daemon:
        daemon.mailbox.ask(Wish.SYNC, "signal")
        a_while()
        next_at = daemon.works["pe"].progress.next_at

    assert cycles.begun == 0
    assert next_at is not None
    assert next_at.year == 2100


def test_an_attempt_is_told_before_the_cycle_ends() -> None:
    """A cycle that hangs is seen as attempted."""
    go_on = threading.Event()
    cycles = Cycles(hanging(go_on))

    with RunningDaemon(pe=cycles) as daemon:
        cycles.wait_for(begun=1)
        attempted = daemon.value("syncd_cycle_last_attempt_timestamp_seconds")
        go_on.set()

    assert attempted is not None
    assert attempted > 0


def test_deferred_work_follows_at_once() -> None:
    """While a plan leaves operations for later and applies some, nobody waits for the interval."""
    cycles = Cycles(lambda number: a_report(deferred=3 - number, applied=True))

    with RunningDaemon(pe=cycles):
        cycles.wait_for(ended=3)

    assert cycles.begun == 3


def test_what_a_refused_removal_took_is_given_back_at_once() -> None:
    """Whose removal was refused half-way doesn't wait for the interval."""
    cycles = Cycles(lambda number: a_report(applied=True, refused=number == 1))

    with RunningDaemon(pe=cycles):
        cycles.wait_for(ended=2)

    assert cycles.begun == 2


def test_deferred_work_without_progress_waits() -> None:
    """If nothing could be applied, trying again at once would only repeat it."""
    cycles = Cycles(lambda _: a_report(deferred=1))

    with RunningDaemon(pe=cycles):
        cycles.wait_for(ended=1)
        a_while()

    assert cycles.begun == 1


@pytest.mark.parametrize("error", [SourceUnreachable("no answer"), ZeroDivisionError("a defect")])
def test_a_failed_cycle_does_not_end_the_daemon(error: Exception) -> None:
    """Expected or not: it is counted, and the next cycle comes."""

    def fail_first(number: int) -> Report:
        if number == 1:
            raise error
        return a_report()

    cycles = Cycles(fail_first)

    with RunningDaemon(pe=cycles).scheduled(every="1s") as daemon:
        cycles.wait_for(ended=2)
        failed = daemon.value("syncd_cycles_total", result="failed")

    assert failed == 1
    assert daemon.in_time is True


def test_failures_in_a_row_are_asked_less_often() -> None:
    """After the second one the next cycle comes two seconds later, not one."""

    def fail(_number: int) -> Report:
        raise SourceUnreachable("no answer")

    cycles = Cycles(fail)

    with RunningDaemon(pe=cycles).scheduled(every="1s"):
        cycles.wait_for(begun=3)

    assert cycles.begun_at[2] - cycles.begun_at[1] > 1.8


def test_a_hanging_organization_delays_nobody() -> None:
    """The others' cycles come as if it weren't there."""
    go_on = threading.Event()
    stuck, well = Cycles(hanging(go_on)), Cycles()

    with RunningDaemon(pe=stuck, other=well).scheduled(every="1s"):
        stuck.wait_for(begun=1)
        well.wait_for(ended=3)
        go_on.set()


def test_one_organization_never_has_two_cycles_at_once() -> None:
    """A cycle that takes longer than the interval makes the next ones be skipped, and counted."""
    go_on = threading.Event()
    cycles = Cycles(hanging(go_on))

    with RunningDaemon(pe=cycles).scheduled(every="1s"):
        cycles.wait_for(begun=1)
        threading.Event().wait(1.5)
        begun = cycles.begun
        go_on.set()

    assert begun == 1


def test_a_cycle_beyond_its_deadline_is_told_to_stop() -> None:
    """It ends between two calls; the next one is not told so."""
    cycles = Cycles()
    told: list[bool] = []

    def obey(number: int) -> Report:
        told.append(cycles.stop.wait(SOON) if number == 1 else cycles.stop.is_set())
        return a_report()

    cycles = Cycles(obey)
    with RunningDaemon(pe=cycles).scheduled(every="1s", deadline="1s"):
        cycles.wait_for(ended=2)

    assert told[:2] == [True, False]


def test_a_wedged_cycle_is_seen() -> None:
    """Without any sign of progress `/livez` says no; when it moves again, yes."""
    go_on = threading.Event()
    cycles = Cycles(hanging(go_on))

    with RunningDaemon(pe=cycles).scheduled(every="1h", stalled_after="1s") as daemon:
        cycles.wait_for(begun=1)
        until(lambda: not daemon.health.live()["no cycle wedged"])
        trouble = daemon.health.trouble
        go_on.set()
        until(lambda: daemon.health.live()["no cycle wedged"])

    assert "pe" in trouble


def test_stopping_waits_for_the_running_cycle() -> None:
    """The cycle is told, ends by itself in its own time, and before the daemon does."""
    begun = threading.Event()
    cycles = Cycles()

    def slow(_number: int) -> Report:
        begun.set()
        assert cycles.stop.wait(SOON)
        threading.Event().wait(0.2)
        return a_report()

    cycles = Cycles(slow)
    with RunningDaemon(pe=cycles) as daemon:
        begun.wait(SOON)
        daemon.end()

    assert (cycles.ended, daemon.in_time) == (1, True)
    assert daemon.health.ready()["not stopping"] is False


class HeldWhilePlanning(RealClock):
    """A clock on which whoever plans the next cycle after the second failure waits until the scheduler has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.planner = 0
        self.planning = threading.Event()

    def now(self) -> datetime:
        """Tell the time, to the planner once the scheduler's thread has ended."""
        if threading.get_ident() == self.planner:
            self.planning.set()
            until(lambda: all(thread.name != "APScheduler" for thread in threading.enumerate()))
        return super().now()


def test_a_cycle_that_ends_while_the_daemon_stops_delays_it_not() -> None:
    """It still plans the next one, for which it needs the scheduler: who stops doesn't wait for it with that held."""
    clock, handled = HeldWhilePlanning(), threading.Event()

    def reload() -> Iterable[Work]:
        handled.set()
        raise ConfigurationError("nothing new")

    def fail(number: int) -> Report:
        if number == 1:
            # Asked for while one runs, the second follows on the same thread, which alone plans what comes then.
            running.mailbox.ask(Wish.SYNC, "test")
            running.mailbox.ask(Wish.RELOAD, "test")
            assert handled.wait(SOON)
        clock.planner = threading.get_ident() if number == 2 else 0
        raise SourceUnreachable("no answer")

    running = RunningDaemon(pe=Cycles(fail), reload=reload)
    running.clock = clock
    with running as daemon:
        assert clock.planning.wait(SOON)

    assert daemon.in_time is True


def test_stopping_does_not_wait_for_ever() -> None:
    """A cycle that hangs is told, after the time that was set."""
    go_on = threading.Event()
    cycles = Cycles(hanging(go_on))

    with RunningDaemon(pe=cycles, stop_within=0.1) as daemon:
        cycles.wait_for(begun=1)
        daemon.end()
        go_on.set()

    assert daemon.in_time is False


def test_a_reload_adds_changes_and_removes() -> None:
    """Who is new begins at once; who is gone is told to stop; who stays keeps the time of the next cycle."""
    old, gone, new, late = Cycles(), Cycles(), Cycles(), Cycles()
    daemon = RunningDaemon(pe=old, gone=gone)
    daemon._reload = lambda: [daemon.work("pe", new, settings="changed"), daemon.work("late", late)]
    with daemon:
        old.wait_for(ended=1)
        gone.wait_for(ended=1)
        daemon.mailbox.ask(Wish.RELOAD, "signal")
        late.wait_for(ended=1)
        daemon.mailbox.ask(Wish.SYNC, "signal")
        new.wait_for(ended=1)
        late.wait_for(ended=2)

    assert gone.stop.is_set()
    assert (old.begun, gone.begun) == (1, 1)


@pytest.mark.parametrize("settings", ["narrower", "wider", "the same"])
def test_a_narrower_configuration_ends_the_cycle_that_runs(settings: str) -> None:
    """Whatever isn't provably as wide ends it between two calls; the next one begins at once, with the new one."""
    go_on = threading.Event()
    old, new = Cycles(hanging(go_on)), Cycles()
    new.stop, halt = old.stop, threading.Event()
    daemon = RunningDaemon(pe=old)

    def work(cycles: Cycles, settings: str) -> Work:
        return daemon.work("pe", cycles, settings=settings, halt=halt, allows_as_much=lambda _: settings == "wider")

    reloads = threading.Semaphore(0)

    def reload() -> Iterable[Work]:
        reloads.release()
        return [work(new, settings)]

    daemon._reload = reload
    with closing_with(daemon.start([work(old, "the same")]).end):
        old.wait_for(begun=1)
        try:
            for _ in range(2):  # once the second is asked for, the first has been taken over
                daemon.mailbox.ask(Wish.RELOAD, "signal")
                assert reloads.acquire(timeout=SOON)
            told = (old.stop.is_set(), halt.is_set())
        finally:
            go_on.set()
        if settings == "narrower":
            new.wait_for(ended=1)
            assert not halt.is_set()
        a_while()

    assert told == (settings == "narrower", settings == "narrower")
    assert old.begun == 1
    assert new.begun == (1 if settings == "narrower" else 0)


def test_who_is_removed_begins_no_cycle_any_more() -> None:
    """Neither deferred work nor a request that came in the middle is a reason to go on with what was taken out."""
    begun = threading.Event()
    cycles = Cycles()

    def leave_work_behind(_number: int) -> Report:
        begun.set()
        assert cycles.stop.wait(SOON)
        return a_report(deferred=1, applied=True)

    cycles = Cycles(leave_work_behind)
    with RunningDaemon(pe=cycles) as daemon:  # the new configuration has nobody
        assert begun.wait(SOON)
        daemon.mailbox.ask(Wish.SYNC, "file", "pe")
        daemon.mailbox.ask(Wish.RELOAD, "signal")
        cycles.wait_for(ended=1)
        a_while()

    assert cycles.begun == 1


def test_a_reload_takes_over_a_new_schedule() -> None:
    """Nobody waits an hour for the shorter interval to begin."""
    cycles = Cycles()
    daemon = RunningDaemon(pe=cycles)
    daemon._reload = lambda: [daemon.scheduled(every="1s").work("pe", cycles)]
    with daemon:
        cycles.wait_for(ended=1)
        daemon.mailbox.ask(Wish.RELOAD, "signal")
        cycles.wait_for(ended=3)


def test_a_refused_reload_changes_nothing() -> None:
    """The old configuration goes on."""
    cycles = Cycles()

    with RunningDaemon(pe=cycles, reload=refusing("mode is missing")) as daemon:
        cycles.wait_for(ended=1)
        daemon.mailbox.ask(Wish.RELOAD, "signal")
        daemon.mailbox.ask(Wish.SYNC, "signal")
        cycles.wait_for(ended=2)


@pytest.mark.parametrize("by", [-86_400.0, 86_400.0])
def test_a_set_clock_is_noticed(by: float) -> None:
    """Somebody sets the wall clock by a day, back or forth: the next cycle is never more than an interval away."""
    cycles = Cycles()

    with RunningDaemon(pe=cycles) as daemon:
        cycles.wait_for(ended=1)
        progress = daemon.works["pe"].progress
        until(lambda: progress.next_at is not None and progress.running_s is None)
        daemon.clock.set_by = by
        until(lambda: abs((progress.next_at or daemon.clock.now()) - daemon.clock.now()) <= timedelta(hours=1))


def test_a_store_that_hangs_keeps_nobody_from_asking() -> None:
    """The probe waits on a thread of its own; being alive and the cycles don't depend on it."""
    go_on = threading.Event()
    cycles = Cycles()
    daemon = RunningDaemon(pe=cycles)

    def hang() -> None:
        go_on.wait(SOON)

    daemon.probe = hang
    with daemon:
        cycles.wait_for(ended=1)
        daemon.mailbox.ask(Wish.SYNC, "signal")
        cycles.wait_for(ended=2)
        alive = daemon.health.live()
        go_on.set()

    assert all(alive.values())


def test_a_decision_wakes_the_daemon() -> None:
    """Somebody has approved, resumed or released something: a cycle begins; what was decided before is no news."""
    cycles, asked, number = Cycles(), threading.Event(), [7]

    def decisions() -> int:
        found = number[0]
        asked.set()
        return found

    daemon = RunningDaemon(pe=cycles)
    daemon.start([daemon.work("pe", cycles, decisions=decisions)])
    try:
        cycles.wait_for(ended=1)
        assert asked.wait(SOON)
        assert cycles.begun == 1
        number[0] += 1
        cycles.wait_for(ended=2)
    finally:
        daemon.end()
