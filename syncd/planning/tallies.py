"""As what guards counted the operations of a plan: what windows add up, once they are sent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from syncd.model.names import Kind
from syncd.model.operation import BundleKind, Operation
from syncd.model.page import Count
from syncd.model.plan import Plan
from syncd.model.situation import Situation
from syncd.model.tally import Tallied
from syncd.model.window import LONGEST
from syncd.planning.judge import approved, freed_of
from syncd.ports import Guard


def tallies_of(plan: Plan, situation: Situation, guards: Sequence[Guard]) -> Mapping[str, Collection[Tallied]]:
    """Return, by operation id, as what guards count each operation of *plan*; what a person approved is marked so.

    Its time is that of the read which it rests on, by the service's clock.
    """
    freed = freed_of(plan, approved(situation.memory.approvals))
    found: dict[str, Collection[Tallied]] = {}
    at = situation.service_now
    for operation in plan.operations:
        said = {guard.tally(operation, situation) for guard in guards} - {None}
        if said:
            found[operation.id] = [
                Tallied(tally=replace(one, freed=operation.id in freed), at=at) for one in said if one is not None
            ]
    return found


def believed_counts(plan: Plan, situation: Situation) -> Mapping[Kind, int]:
    """Return how many entries later reads are compared with: none of a read of whose newcomers too many are new.

    Rubbish that is taken out of the directory again must not look like a loss.
    """
    grew = any(one.tripped and one.guard == Count.REGISTRATIONS.value for one in plan.findings)
    return {} if grew else situation.desired.counts


def approved_reads(plan: Plan, source_guards: Collection[str]) -> frozenset[Kind]:
    """Return the kinds of which a person said that the source has rightly shrunk: there this read begins anew."""
    approved_ones = [one for one in plan.findings if one.approved and one.guard in source_guards]
    return frozenset(Kind(one.scope) for one in approved_ones if one.scope)


def first_load_is_over(situation: Situation, plan: Plan, applied: Collection[str]) -> bool:
    """Return whether everybody who was to be registered is, *applied* being the ids of what was done of *plan*.

    Whoever can't be registered for a week doesn't keep the guard from counting.
    """
    memory = situation.memory
    if memory.settled and memory.bindings:
        return False  # as it was before
    owed = [o for o in plan.sendable if _registers(o) and o.id not in applied]
    begun = bool(memory.bindings) or any(_registers(o) for o in plan.operations if o.id in applied)
    long_ago = any(situation.now - one.since > LONGEST for one in memory.bindings.values())
    return begun and (long_ago or not (owed or plan.deferred))


def _registers(operation: Operation) -> bool:
    return operation.verb.counts_as is Count.REGISTRATIONS and operation.bundle.kind is not BundleKind.ROLLBACK
