"""Tells several observers what happens in the cycles of one organization."""

from collections.abc import Callable, Sequence
from datetime import datetime

from syncd.model.report import Outcome, Report
from syncd.ports import Observer
from syncd.telemetry.logs import get_logger


class Several(Observer):
    """Passes everything on to *observers*, in their order.

    One that fails is logged and doesn't keep the others, or the cycle, from going on.
    """

    def __init__(self, *observers: Observer) -> None:
        self._observers: Sequence[Observer] = observers

    def began(self, at: datetime) -> None:
        self._tell(lambda observer: observer.began(at))

    def failed(self, error: Exception) -> None:
        self._tell(lambda observer: observer.failed(error))

    def scheduled(self, at: datetime | None) -> None:
        self._tell(lambda observer: observer.scheduled(at))

    def stage(self, name: str, total: int | None = None) -> None:
        self._tell(lambda observer: observer.stage(name, total))

    def advanced(self, count: int = 1) -> None:
        self._tell(lambda observer: observer.advanced(count))

    def called(self, operation: str, code: str, seconds: float) -> None:
        self._tell(lambda observer: observer.called(operation, code, seconds))

    def settled(self, outcome: Outcome) -> None:
        self._tell(lambda observer: observer.settled(outcome))

    def finished(self, report: Report) -> None:
        self._tell(lambda observer: observer.finished(report))

    def event(self, name: str, **fields: object) -> None:
        self._tell(lambda observer: observer.event(name, **fields))

    def _tell(self, tell: Callable[[Observer], None]) -> None:
        for observer in self._observers:
            try:
                tell(observer)
            except Exception as error:  # noqa: BLE001 - whoever only watches must not end a cycle
                get_logger().error("observer_failed", observer=type(observer).__name__, exc_info=error)
