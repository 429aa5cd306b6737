"""An observer that remembers what it was told."""

from collections import Counter

from syncd.model.report import Outcome, Report
from syncd.ports import Observer


class RecordingObserver(Observer):
    """Counts calls by operation and code, keeps outcomes, events and reports."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.outcomes: list[Outcome] = []
        self.events: list[tuple[str, dict[str, object]]] = []
        self.reports: list[Report] = []
        self.stages: list[str] = []

    def stage(self, name: str, total: int | None = None) -> None:
        self.stages.append(name if total is None else f"{name}:{total}")

    def advanced(self, count: int = 1) -> None:
        pass

    def called(self, operation: str, code: str, seconds: float) -> None:
        self.calls[operation, code] += 1

    def settled(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def finished(self, report: Report) -> None:
        self.reports.append(report)

    def event(self, name: str, **fields: object) -> None:
        self.events.append((name, fields))
