"""What of a plan may be sent: guards, proposals and approvals decide, and say why."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from syncd.model.memory import Approval
from syncd.model.plan import Finding, Plan
from syncd.model.situation import Situation
from syncd.planning.dependencies import dependents
from syncd.ports import Guard


def judge(plan: Plan, situation: Situation, guards: Sequence[Guard]) -> Plan:
    """Return *plan* with its findings and with what is withheld, each with the reason.

    A tripped guard withholds the bundles it counts, a proposal withholds itself; whatever needs a
    withheld operation is withheld too, and a connected address move as a whole: half of it would leave
    somebody on a parking address. Of a removal only that part waits: nobody stays for the sake of a group.
    Approved operations are freed by their id, wherever they recur; an approved finding about the source
    doesn't trip again while its numbers are the same.
    """
    freed = approved(situation.memory.approvals)
    found = (finding for guard in guards for finding in guard.examine(plan, situation))
    findings = tuple(_in_the_light_of(freed, finding, plan) for finding in found)
    withheld: dict[str, str] = {}
    for finding in findings:
        if finding.tripped:
            for operation in plan.operations:
                if operation.bundle in finding.bundles:
                    withheld.setdefault(operation.id, f"guard {finding.guard}: {finding.text}")
    for operation in plan.operations:
        if operation.proposal:
            withheld.setdefault(operation.id, f"needs approval: {operation.reason}")
    for identity in freed:
        withheld.pop(identity, None)
    for identity in dependents(plan.operations, list(withheld), whole=lambda bundle: bundle.startswith("move:")):
        if identity not in withheld:
            withheld[identity] = "needs an operation that is withheld"
    order = [operation.id for operation in plan.operations if operation.id in withheld]
    return replace(plan, findings=findings, withheld={identity: withheld[identity] for identity in order})


def _in_the_light_of(freed: Collection[str], finding: Finding, plan: Plan) -> Finding:
    """Return *finding* as not tripped when it was approved itself, or everything that it would withhold was."""
    if not finding.tripped:
        return finding
    counted = [operation.id for operation in plan.operations if operation.bundle in finding.bundles]
    if finding.signature in freed or (counted and all(identity in freed for identity in counted)):
        return replace(finding, tripped=False, used=f"{finding.used} (approved)")
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
