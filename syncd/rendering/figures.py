"""Operations in numbers: what they are about, as the pages of things say it, against how they end."""

from collections import Counter
from collections.abc import Iterable, Iterator

from syncd.model.action import Action
from syncd.model.names import Kind, kind_of
from syncd.model.operation import Operation
from syncd.model.page import Role
from syncd.model.plan import Plan
from syncd.model.report import Report, Result
from syncd.rendering.safe import safe
from syncd.rendering.view import Budget, Column, Figures, Symbol

_DONE = {
    Action.ADD: Column(name="add", title="Added", symbol=Symbol.ADD),
    Action.CHANGE: Column(name="change", title="Changed", symbol=Symbol.CHANGE),
    Action.REMOVE: Column(name="remove", title="Removed", symbol=Symbol.REMOVE),
}
_TO_DO = {
    Action.ADD: Column(name="add", title="To add", symbol=Symbol.ADD),
    Action.CHANGE: Column(name="change", title="To change", symbol=Symbol.CHANGE),
    Action.REMOVE: Column(name="remove", title="To remove", symbol=Symbol.REMOVE),
}
_WITHHELD = Column(name="withheld", title="Withheld", symbol=Symbol.WITHHELD)
_OUTSIDE = Column(name="outside", title="Outside the mode", symbol=Symbol.NOTE)
_UNDONE = {
    Result.FAILED: Column(name="failed", title="Failed", symbol=Symbol.WITHHELD),
    Result.UNKNOWN: Column(name="unknown", title="Outcome unknown", symbol=Symbol.WITHHELD),
    Result.SKIPPED: Column(name="skipped", title="Skipped", symbol=Symbol.PENDING),
}

_Ended = tuple[Operation, Column]


def plan_figures(plan: Plan) -> Figures:
    """Return what *plan* would do, withholds, and leaves outside the mode."""
    ended: list[_Ended] = [
        (one, _WITHHELD if one.id in plan.withheld else _TO_DO[one.action]) for one in plan.operations
    ]
    return _figures([*ended, *((one, _OUTSIDE) for one in plan.outside)], _TO_DO.values())


def report_figures(report: Report) -> Figures:
    """Return what became of the operations of a cycle; of one that sent nothing, what it planned."""
    if report.plan is not None and not report.outcomes:
        return plan_figures(report.plan)
    ended: list[_Ended] = [
        (one.operation, _UNDONE.get(one.result) or _DONE[one.operation.action]) for one in report.outcomes
    ]
    if report.plan is not None:
        ended += [(one, _WITHHELD) for one in report.plan.operations if one.id in report.plan.withheld]
        ended += [(one, _OUTSIDE) for one in report.plan.outside]
    return _figures(ended, _DONE.values())


def budgets(plan: Plan) -> Iterator[Budget]:
    """Yield what each guard measured, the tripped ones first."""
    for finding in sorted(plan.findings, key=lambda one: not one.tripped):
        yield Budget(guard=safe(finding.guard), used=safe(finding.used), tripped=finding.tripped)


def _title(operation: Operation) -> str:
    return operation.verb.titles[kind_of(operation.subject)]


def _place(operation: Operation) -> tuple[int, int]:
    """Return where people look for it: whole entities by their kind, then what they own, are, and belong to."""
    place = max(tuple(Role).index(operation.verb.role) - tuple(Role).index(Role.ENDS), 0)
    return place, 0 if place else tuple(Kind).index(kind_of(operation.subject))


def _figures(ended: Iterable[_Ended], always: Iterable[Column]) -> Figures:
    """Return the table; what nothing ended as has no column, but for those that everybody looks for."""
    counts: Counter[tuple[str, str]] = Counter()
    places: dict[str, tuple[int, int]] = {}
    for operation, column in ended:
        title = _title(operation)
        counts[title, column.name] += 1
        places[title] = min(places.get(title, _place(operation)), _place(operation))
    if not counts:
        return Figures()
    present = {name for _, name in counts}
    optional = (*_UNDONE.values(), _WITHHELD, _OUTSIDE)
    columns = (*always, *(column for column in optional if column.name in present))
    return Figures(
        columns=columns,
        rows=tuple(
            (title, tuple(counts[title, column.name] for column in columns))
            for title in sorted(places, key=lambda title: (places[title], title))
        ),
    )
