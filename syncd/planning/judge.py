"""What of a plan may be sent: guards, proposals and approvals decide, and say why."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from syncd.model.memory import Approval
from syncd.model.names import Key
from syncd.model.operation import Bundle, BundleKind, Operation
from syncd.model.page import Role
from syncd.model.plan import Cause, Finding, Plan, Withheld
from syncd.model.situation import Situation
from syncd.planning.dependencies import dependents
from syncd.ports import Guard


def judge(plan: Plan, situation: Situation, guards: Sequence[Guard]) -> Plan:
    """Return *plan* with its findings and with what is withheld, each with the reason.

    A tripped guard withholds the bundles it counts, and with them whatever else changes an entity because of the same
    row of the source: a sheet that was sorted in one column only must not rename people whose addresses are withheld.
    A proposal withholds itself; whatever needs a withheld operation is withheld too, and a removal or a connected
    address move as a whole. Approved operations are freed by their id, wherever they recur, a removal by what it comes
    to; an approved finding about the source doesn't trip again while its numbers are the same.
    """
    freed = _freed(plan, approved(situation.memory.approvals))
    found = (finding for guard in guards for finding in guard.examine(plan, situation))
    findings = tuple(_in_the_light_of(freed, finding, plan) for finding in found)
    withheld = dict(_by_guards(plan, findings))
    for operation in plan.operations:
        if operation.proposal:
            why = Withheld(cause=Cause.APPROVAL, text=f"needs approval: {operation.reason}")
            withheld.setdefault(operation.id, why)
    withheld |= _stuck(plan, situation)
    for identity in freed:
        withheld.pop(identity, None)
    withheld |= {i: why for i, why in _of_the_same_rows(plan, withheld) if i not in freed}
    for identity in dependents(plan.operations, list(withheld), whole=_is_whole):
        needs = Withheld(cause=Cause.NEED, text="needs an operation that is withheld")
        withheld.setdefault(identity, needs)
    order = [operation.id for operation in plan.operations if operation.id in withheld]
    return replace(plan, findings=findings, withheld={identity: withheld[identity] for identity in order})


def _is_whole(bundle: Bundle) -> bool:
    return bundle.is_whole


def _freed(plan: Plan, ids: frozenset[str]) -> frozenset[str]:
    """Return *ids*, and every operation of a removal whose end is among them: it was approved as a whole."""
    removals = {operation.bundle for operation in plan.operations if operation.ends_entity and operation.id in ids}
    return ids.union(operation.id for operation in plan.operations if operation.bundle in removals)


def _stuck(plan: Plan, situation: Situation) -> dict[str, Withheld]:
    """Return what must not be begun again without a person's word: the service refused it for good."""
    codes = {key: b.stuck for key, b in situation.memory.bindings.items() if b.stuck and b.began_at is None}
    return {
        o.id: Withheld(
            cause=Cause.APPROVAL,
            text=f"this removal was given up, since the service refused it for good ({codes[Key(o.row)]}): "
            "mend that, then approve the plan",
        )
        for o in plan.operations
        if o.bundle.kind is BundleKind.REMOVAL and o.row in codes
    }


def disbelieved(plan: Plan, situation: Situation, guards: Sequence[Guard], source_guards: Collection[str]) -> bool:
    """Return whether a guard about the source trips, and nobody approved that."""
    freed = approved(situation.memory.approvals)
    found = (f for guard in guards if guard.name in source_guards for f in guard.examine(plan, situation))
    return any(finding.tripped and finding.signature not in freed for finding in found)


def _by_guards(plan: Plan, findings: Sequence[Finding]) -> Iterator[tuple[str, Withheld]]:
    said: dict[Bundle, Withheld] = {}
    for finding in findings:
        if finding.tripped:
            text = f"guard {finding.guard}: {finding.text}"
            why = Withheld(cause=Cause.GUARD, guard=finding.guard, text=text)
            for bundle in finding.bundles:
                said.setdefault(bundle, why)
    for operation in plan.operations:
        if operation.bundle in said:
            yield operation.id, said[operation.bundle]


def _of_the_same_rows(plan: Plan, withheld: dict[str, Withheld]) -> Iterator[tuple[str, Withheld]]:
    """Yield what rests on the same row as something that a guard withholds; what begins or makes it ours doesn't."""
    rows: dict[str, str] = {}
    for operation in plan.operations:
        why = withheld.get(operation.id)
        if why is not None and why.cause is Cause.GUARD:
            rows.setdefault(operation.row, why.guard)
    for operation in plan.operations:
        if operation.row in rows and operation.id not in withheld and _changes_what_exists(operation):
            guard = rows[operation.row]
            text = f"guard {guard}: it rests on the same record as what is withheld"
            yield operation.id, Withheld(cause=Cause.ROW, guard=guard, text=text)


def _changes_what_exists(operation: Operation) -> bool:
    return operation.entity is not None and operation.verb.role is not Role.OWNS


def _in_the_light_of(freed: Collection[str], finding: Finding, plan: Plan) -> Finding:
    """Return *finding* as not tripped when it was approved itself, or everything that it would withhold was."""
    if not finding.tripped:
        return finding
    counted = [operation.id for operation in plan.operations if operation.bundle in finding.bundles]
    if finding.signature in freed or (counted and all(identity in freed for identity in counted)):
        return replace(finding, tripped=False, approved=True)
    return finding


def approved(approvals: Sequence[Approval]) -> frozenset[str]:
    """Return the ids of all operations that unexpired approvals free."""
    return frozenset(identity for approval in approvals for identity in approval.operations)


def approvable(plan: Plan, source_guards: Collection[str]) -> frozenset[str]:
    """Return what approving *plan* frees: its withheld operations, and its findings about the source.

    A source that has rightly shrunk withholds nothing at first, only the evidence: so the finding itself
    must be approvable.
    """
    findings = {f.signature for f in plan.findings if f.tripped and f.guard in source_guards}
    return frozenset(plan.withheld) | findings


def chosen_ids(chosen: Plan, approvals: Sequence[Approval]) -> frozenset[str]:
    """Return what `apply` of the stored plan *chosen* may send: what it would have sent, or an approval frees now."""
    freed = _freed(chosen, approved(approvals))
    return frozenset(o.id for o in chosen.operations if o.id not in chosen.withheld or o.id in freed)
