"""What of a plan may be sent: guards, proposals and approvals decide, and say why."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from syncd.model.memory import Approval, Memory
from syncd.model.names import Key
from syncd.model.operation import Bundle, BundleKind, Operation, removal_of
from syncd.model.page import Role
from syncd.model.plan import Cause, Finding, Later, Plan, Withheld, words_of
from syncd.model.situation import Situation
from syncd.planning.contested import Sent, contested
from syncd.planning.dependencies import dependents
from syncd.ports import Guard


def judge(plan: Plan, situation: Situation, guards: Sequence[Guard], sent: Sent | None = None) -> Plan:
    """Return *plan* with its findings and with what is withheld, each with the reason.

    A tripped guard withholds the bundles it counts, and with them whatever else changes an entity because of the same
    row of the source: a sheet that was sorted in one column only must not rename people whose addresses are withheld.
    A proposal withholds itself; whatever needs a withheld operation is withheld too, and a removal or a connected
    address move as a whole. Approved operations are freed by their id, wherever they recur, a removal by what it comes
    to; an approved finding about the source doesn't trip again while it counts nobody else. *sent* are the operations
    that were applied lately, by the place that they change: what somebody changes back again and again is contested.
    """
    words = approved(situation.memory.approvals)
    freed = freed_of(plan, words)
    found = (finding for guard in guards for finding in guard.examine(plan, situation))
    findings = tuple(_in_the_light_of(freed | words, finding, plan) for finding in found)
    withheld = dict(_by_guards(plan, findings))
    for operation in plan.operations:
        if operation.proposal:
            why = Withheld(cause=Cause.APPROVAL, text=f"needs approval: {operation.reason}")
            withheld.setdefault(operation.id, why)
    for identity, text in contested(plan, situation, sent or {}).items():
        withheld.setdefault(identity, Withheld(cause=Cause.CONTESTED, text=text))
    withheld |= _revoked(plan, situation)
    withheld |= _stuck(plan, situation)
    for identity in freed:
        withheld.pop(identity, None)
    withheld |= {i: why for i, why in _of_the_same_rows(plan, withheld) if i not in freed}
    for identity in dependents(plan.operations, list(withheld), whole=_is_whole):
        needs = Withheld(cause=Cause.NEED, text="needs an operation that is withheld")
        withheld.setdefault(identity, needs)
    order = [operation.id for operation in plan.operations if operation.id in withheld]
    pause = situation.memory.pause
    return replace(
        plan,
        findings=findings,
        withheld={identity: withheld[identity] for identity in order},
        later=tuple(_later(plan, findings, guards, words)),
        paused="" if pause is None else str(pause),
    )


def _is_whole(bundle: Bundle) -> bool:
    return bundle.is_whole


def freed_of(plan: Plan, ids: frozenset[str]) -> frozenset[str]:
    """Return the operations of *plan* that *ids* free: a removal as a whole, by what it comes to."""
    removals = {o.bundle for o in plan.operations if o.ends_entity and not ids.isdisjoint(words_of(o))}
    return ids.union(operation.id for operation in plan.operations if operation.bundle in removals)


def _revoked(plan: Plan, situation: Situation) -> dict[str, Withheld]:
    """Return what a person said no to, though no guard may count as much any more: some of it has been sent."""
    why = Withheld(cause=Cause.APPROVAL, text="its approval was revoked: approve the plan if it is to be sent")
    return {operation.id: why for operation in plan.operations if operation.id in situation.memory.revoked}


def _stuck(plan: Plan, situation: Situation) -> dict[str, Withheld]:
    """Return what must not be begun again: it was given up for good, and neither configuration nor a person says yes.

    Rights are the service's secret: whoever has mended them says so by an approval.
    """
    here = situation.configuration
    reasons = {key: b.why_stuck for key, b in situation.memory.given_up.items() if b.stuck_under in ("", here)}
    return {
        o.id: Withheld(
            cause=Cause.APPROVAL,
            text=f"this removal was given up, since {reasons[Key(o.row)]}: approve the plan if they are to go",
        )
        for o in plan.operations
        if o.bundle.kind is BundleKind.REMOVAL and o.row in reasons
    }


def disbelieved(plan: Plan, situation: Situation, guards: Sequence[Guard], source_guards: Collection[str]) -> bool:
    """Return whether a guard about the source trips, and nobody approved that."""
    freed = approved(situation.memory.approvals)
    found = (f for guard in guards if guard.name in source_guards for f in guard.examine(plan, situation))
    return any(finding.tripped and not finding.words <= freed for finding in found)


def _later(plan: Plan, findings: Sequence[Finding], guards: Sequence[Guard], words: frozenset[str]) -> Iterator[Later]:
    """Yield what of the deferred part of *plan* would be withheld, were it part of it; what is approved would not."""
    tripped = {finding.guard for finding in findings if finding.tripped}
    counting = {count: guard.name for guard in guards if guard.name in tripped for count in guard.counts}
    for later in plan.later:
        guard = "" if later.proposal else counting.get(later.verb.counts_as, "")
        rows = {word: row for word, row in later.rows.items() if word not in words}
        if rows and (guard or later.proposal):
            yield replace(later, guard=guard, rows=rows)


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


def _in_the_light_of(freed: frozenset[str], finding: Finding, plan: Plan) -> Finding:
    """Return *finding* as not tripped when it was approved itself, or everything that it would withhold was."""
    if not finding.tripped:
        return finding
    counted = [operation.id for operation in plan.operations if operation.bundle in finding.bundles]
    if finding.words <= freed or (counted and all(identity in freed for identity in counted)):
        return replace(finding, tripped=False, approved=True)
    return finding


def approved(approvals: Sequence[Approval]) -> frozenset[str]:
    """Return the ids of all operations that unexpired approvals free."""
    return frozenset(identity for approval in approvals for identity in approval.operations)


def approvable(plan: Plan, source_guards: Collection[str]) -> frozenset[str]:
    """Return what approving *plan* frees: what it withholds, now and later, and its findings about the source.

    A source that has rightly shrunk withholds nothing at first, only the evidence: so the finding itself
    must be approvable.
    """
    findings = (f.words for f in plan.findings if f.tripped and f.guard in source_guards)
    return frozenset(plan.withheld).union(*findings, *(later.rows for later in plan.later))


def freed_removals(plan: Plan, approvals: Sequence[Approval]) -> dict[Bundle, int]:
    """Return the removals of *plan* that approvals free, and the number of the one that does."""
    ends = [(o.bundle, words_of(o)) for o in plan.operations if o.ends_entity]
    return {
        bundle: approval.number
        for approval in approvals
        for bundle, words in ends
        if not approval.operations.isdisjoint(words)
    }


def chosen_of(plan: Plan, chosen: Plan, memory: Memory) -> tuple[tuple[Operation, ...], tuple[Operation, ...]]:
    """Return what `apply` of the stored plan *chosen* sends of *plan*, and what of it is not what is needed any more.

    It may send what it would have sent then, what an approval frees now, and what is left of a removal that has begun:
    an approval is spent by its first call. A removal is chosen by what it comes to. Of anything else that happens whole
    or not at all, everything must have been in *chosen*: half of an address move leaves somebody without an address.
    """
    freed = freed_of(chosen, approved(memory.approvals))
    begun = {removal_of(key) for key in memory.begun}
    due = [o for o in chosen.operations if o.id not in chosen.withheld or o.id in freed]
    allowed = {o.id for o in due}.union(o.id for o in chosen.operations if o.bundle in begun)
    ends = {o.bundle for o in plan.sendable if o.ends_entity and o.id in allowed}
    torn = {o.bundle for o in plan.operations if o.bundle.is_whole and o.id not in allowed} - ends
    sent = tuple(o for o in plan.sendable if o.bundle in ends or (o.id in allowed and o.bundle not in torn))
    recurs = {o.id for o in plan.operations if o.bundle not in torn}
    return sent, tuple(o for o in due if o.id not in recurs and o.bundle not in begun | ends)
