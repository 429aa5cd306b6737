"""Operations in numbers: what they are about, against how they end.

| operation                                   | counted as  |
|---------------------------------------------|-------------|
| adopt, rebind, recreate, re-register        | Ownership   |
| a group's creation, registration or removal | Groups      |
| a person's                                  | Mailboxes   |
| whatever changes who holds which address    | Addresses   |
| a profile                                   | Profiles    |
| a membership                                | Memberships |
| anything else                               | Other       |
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from syncd.model.names import Kind, kind_of
from syncd.model.operation import Action, Operation
from syncd.model.plan import Plan
from syncd.model.report import Report, Result
from syncd.rendering.safe import safe
from syncd.rendering.view import Budget, Column, Figures, Symbol

_THINGS = ("Mailboxes", "Groups", "Ownership", "Addresses", "Profiles", "Memberships", "Other")
_ENTITY = frozenset({"create", "register", "deregister"})
_FAMILIES = {"alias": "Addresses", "primary": "Addresses", "address": "Addresses", "member": "Memberships"}
_FAMILIES |= {"profile": "Profiles"}
_FAMILIES |= dict.fromkeys(("adopt", "rebind", "recreate", "re-register"), "Ownership")

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


def _thing(operation: Operation) -> str:
    family, _, verb = operation.kind.partition(".")
    if family in _ENTITY or verb in _ENTITY:
        return "Groups" if kind_of(operation.subject) is Kind.GROUP else "Mailboxes"
    return _FAMILIES.get(family, "Other")


def _figures(ended: Iterable[_Ended], always: Iterable[Column]) -> Figures:
    """Return the table; what nothing ended as has no column, but for those that everybody looks for."""
    counts: Counter[tuple[str, str]] = Counter()
    for operation, column in ended:
        counts[_thing(operation), column.name] += 1
    if not counts:
        return Figures()
    present = {name for _, name in counts}
    optional = (*_UNDONE.values(), _WITHHELD, _OUTSIDE)
    columns = (*always, *(column for column in optional if column.name in present))
    things = {thing for thing, _ in counts}
    return Figures(
        columns=columns,
        rows=tuple(
            (thing, tuple(counts[thing, column.name] for column in columns)) for thing in _THINGS if thing in things
        ),
    )
