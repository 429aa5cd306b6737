"""A daemon on a thread of its own, with cycles that do what a test says."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Self

from prometheus_client import CollectorRegistry

from syncd.daemon.daemon import Daemon, Surroundings
from syncd.daemon.health import LifeSigns
from syncd.daemon.notify import Notifier
from syncd.daemon.observers import Several
from syncd.daemon.progress import Progress
from syncd.daemon.requests import Mailbox, Wish
from syncd.daemon.settings import Schedule
from syncd.daemon.work import Work
from syncd.errors import SyncdError
from syncd.model.moments import Boot
from syncd.model.report import Outcome, Report, Result
from syncd.telemetry.metrics import Metrics
from syncd.telemetry.observer import TelemetryObserver
from tests.builders import operation, plan
from tests.fakes.clock import PATIENCE_S

SOON = PATIENCE_S


class RealClock:
    """The machine's time, which a test may set: APScheduler has no other."""

    def __init__(self) -> None:
        self.set_by = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.set_by, UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def boot(self) -> Boot | None:
        return None

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(seconds)


def a_report(*, deferred: int = 0, applied: bool = False, refused: bool = False) -> Report:
    """A cycle that did what it could; a removal may have been *refused* for good."""
    one, end = operation(), operation("deregister", "user:fry", bundle="removal:user:fry")
    done = [Outcome(operation=one, result=Result.APPLIED)] if applied else []
    failed = Outcome(operation=end, result=Result.FAILED, code="AccessDeniedException", permanent=True)
    now = RealClock().now()
    return Report(
        cycle_id="c",
        organization="pe",
        command="run",
        started_at=now,
        finished_at=now,
        plan=plan(one, deferred={"user.create": deferred} if deferred else {}),
        outcomes=(*done, *([failed] if refused else [])),
    )


class Cycles:
    """The cycles of one organization: *behave* gets the number of the cycle and the event that asks it to stop."""

    def __init__(self, behave: Callable[[int], Report] = lambda _: a_report()) -> None:
        self._behave = behave
        self._changed = threading.Condition()
        self.stop = threading.Event()
        self.begun = 0
        self.ended = 0
        #: When each cycle began, by the monotonic clock.
        self.begun_at: list[float] = []

    def __call__(self) -> Report:
        with self._changed:
            self.begun += 1
            self.begun_at.append(time.monotonic())
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


class RunningDaemon:
    """Runs from `with` to its end; every organization is called as its cycles are."""

    def __init__(
        self, *, stop_within: float = SOON, reload: Callable[[], Iterable[Work]] | None = None, **cycles: Cycles
    ) -> None:
        self.registry = CollectorRegistry()
        self.mailbox = Mailbox()
        self.clock = RealClock()
        self.health = LifeSigns(self.clock)
        self.in_time: bool | None = None
        self.metrics = Metrics(self.registry, organizations=[*cycles, "late"])
        self.cycles = cycles
        self.schedule: dict[str, Any] = {"every": "1h"}
        self._around: dict[str, Any] = {"stop_within": timedelta(seconds=stop_within)}
        self._reload = reload or (lambda: ())
        self.probed = 0
        self.probe: Callable[[], None] = lambda: self.health.store_answered(good=True)

    def work(self, name: str, cycles: Cycles, **more: Any) -> Work:  # noqa: ANN401 - what a Work has
        progress = Progress(self.clock)
        return Work(
            organization=name,
            schedule=Schedule.model_validate({"jitter": "0s", **self.schedule}),
            cycle=cycles,
            observer=Several(progress, TelemetryObserver(name, self.metrics)),
            progress=progress,
            stop=cycles.stop,
            **more,
        )

    def scheduled(self, **schedule: Any) -> Self:  # noqa: ANN401 - the keys of a schedule
        """Let this be the schedule of every organization."""
        self.schedule = schedule
        return self

    def __enter__(self) -> Self:
        self.works = {name: self.work(name, cycles) for name, cycles in self.cycles.items()}
        return self.start(self.works.values())

    def start(self, works: Iterable[Work]) -> Self:
        around = Surroundings(
            clock=self.clock,
            random=Random(1),
            mailbox=self.mailbox,
            health=self.health,
            notifier=Notifier({}),
            metrics=self.metrics,
            reload=self._reload,
            probe=self.probe,
            **self._around,
        )
        daemon = Daemon(works, around)

        def run() -> None:
            self.in_time = daemon.run()

        self._thread = threading.Thread(target=run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self.mailbox.ask(Wish.STOP, "test")
        self._thread.join(SOON)
        assert not self._thread.is_alive()

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"organization": "pe", **labels})


def refusing(message: str) -> Callable[[], Iterable[Work]]:
    """Reading the configuration again fails."""

    def reload() -> Iterable[Work]:
        raise SyncdError(message)

    return reload
