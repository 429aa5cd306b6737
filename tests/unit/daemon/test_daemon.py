"""Cycles on a schedule; the scheduler is the real one, the cycles are not."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self

import pytest
from prometheus_client import CollectorRegistry

from syncd.daemon import Daemon, Job
from syncd.errors import SourceUnreachable
from syncd.model.report import Outcome, Report, Result
from syncd.telemetry.metrics import Metrics
from syncd.telemetry.observer import TelemetryObserver
from tests.builders import operation, plan

SOON = 5.0


class RealClock:
    """The machine's time; these tests are about a real scheduler."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(seconds)


class Cycles:
    """A cycle that does what the test says, and counts how often it ran."""

    def __init__(self, behave: Callable[[int], Report]) -> None:
        self._behave = behave
        self._changed = threading.Condition()
        self.begun = 0
        self.ended = 0

    def __call__(self, organization: str) -> Report:
        with self._changed:
            self.begun += 1
            number = self.begun
            self._changed.notify_all()
        try:
            return self._behave(number)
        finally:
            with self._changed:
                self.ended += 1
                self._changed.notify_all()

    def wait_for(self, *, begun: int = 0, ended: int = 0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.begun >= begun and self.ended >= ended, SOON)


def report(*, deferred: int = 0, applied: bool = False) -> Report:
    one = operation()
    now = RealClock().now()
    return Report(
        cycle_id="c",
        organization="pe",
        command="run",
        started_at=now,
        finished_at=now,
        plan=plan(one, deferred={"user.create": deferred} if deferred else {}),
        outcomes=(Outcome(operation=one, result=Result.APPLIED),) if applied else (),
    )


def hanging(go_on: threading.Event) -> Callable[[int], Report]:
    """A cycle that ends when it is let."""

    def hang(_number: int) -> Report:
        go_on.wait(SOON)
        return report()

    return hang


class Running:
    """A daemon on a thread of its own, and what is seen of it."""

    def __init__(self, cycles: Cycles, *, every: float = 3600.0, stop_within: float = SOON) -> None:
        self.registry = CollectorRegistry()
        self.stop = threading.Event()
        self.in_time: bool | None = None
        metrics = Metrics(self.registry, organizations=["pe"])
        self._daemon = Daemon(
            [Job(organization="pe", every=timedelta(seconds=every))],
            cycles,
            observers={"pe": TelemetryObserver("pe", metrics)},
            clock=RealClock(),
            stop=self.stop,
            stop_within=timedelta(seconds=stop_within),
        )
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.in_time = self._daemon.run()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self.stop.set()
        self._thread.join(SOON)
        assert not self._thread.is_alive()

    def failed_cycles(self) -> float | None:
        labels = {"organization": "pe", "result": "failed"}
        return self.registry.get_sample_value("syncd_cycles_total", labels)


def test_the_first_cycle_begins_at_once() -> None:
    """An interval of an hour doesn't mean an hour without a cycle."""
    cycles = Cycles(lambda _: report())

    with Running(cycles) as daemon:
        cycles.wait_for(ended=1)

    assert cycles.begun == 1
    assert daemon.in_time is True


def test_cycles_follow_one_another() -> None:
    """The interval repeats."""
    cycles = Cycles(lambda _: report())

    with Running(cycles, every=0.05):
        cycles.wait_for(ended=3)


def test_an_attempt_is_told_before_the_cycle_ends() -> None:
    """A cycle that hangs is seen as attempted."""
    go_on = threading.Event()
    cycles = Cycles(hanging(go_on))

    with Running(cycles) as daemon:
        cycles.wait_for(begun=1)
        attempted = daemon.registry.get_sample_value(
            "syncd_cycle_last_attempt_timestamp_seconds", {"organization": "pe"}
        )
        go_on.set()

    assert attempted is not None
    assert attempted > 0


def test_deferred_work_follows_at_once() -> None:
    """While a plan leaves operations for later and applies some, nobody waits for the interval."""
    cycles = Cycles(lambda number: report(deferred=3 - number, applied=True))

    with Running(cycles):
        cycles.wait_for(ended=3)

    assert cycles.begun == 3


def test_deferred_work_without_progress_waits() -> None:
    """If nothing could be applied, trying again at once would only repeat it."""
    cycles = Cycles(lambda _: report(deferred=1))

    with Running(cycles):
        cycles.wait_for(ended=1)

    assert cycles.begun == 1


@pytest.mark.parametrize("error", [SourceUnreachable("no answer"), ZeroDivisionError("a defect")])
def test_a_failed_cycle_does_not_end_the_daemon(error: Exception) -> None:
    """Expected or not: it is counted, and the next cycle comes."""

    def fail_first(number: int) -> Report:
        if number == 1:
            raise error
        return report()

    cycles = Cycles(fail_first)

    with Running(cycles, every=0.05) as daemon:
        cycles.wait_for(ended=2)
        failed = daemon.failed_cycles()

    assert failed == 1
    assert daemon.in_time is True


def test_one_organization_never_has_two_cycles_at_once() -> None:
    """A cycle that takes longer than the interval makes the next ones be skipped."""
    go_on = threading.Event()
    cycles = Cycles(hanging(go_on))

    with Running(cycles, every=0.02):
        cycles.wait_for(begun=1)
        time_for_ten_more = 0.2
        go_on.wait(time_for_ten_more)
        begun = cycles.begun
        go_on.set()

    assert begun == 1


def test_stopping_waits_for_the_running_cycle() -> None:
    """The cycle ends by itself, in its own time, before the daemon does."""
    begun = threading.Event()

    def slow(_number: int) -> Report:
        begun.set()
        threading.Event().wait(0.2)
        return report()

    cycles = Cycles(slow)
    with Running(cycles) as daemon:
        begun.wait(SOON)
        daemon.end()

    assert (cycles.ended, daemon.in_time) == (1, True)


def test_stopping_does_not_wait_for_ever() -> None:
    """A cycle that hangs is told, after the time that was set."""
    go_on = threading.Event()
    cycles = Cycles(hanging(go_on))

    with Running(cycles, stop_within=0.1) as daemon:
        cycles.wait_for(begun=1)
        daemon.end()
        go_on.set()

    assert daemon.in_time is False
