"""Refuses to deregister too many people or groups, at once or bit by bit, and ever the last of a kind."""

from collections.abc import Iterator
from datetime import timedelta

from syncd.guards.counting import CountingGuard, Measure, tallied
from syncd.model.names import STATED, Key, Kind, kind_of
from syncd.model.operation import Operation
from syncd.model.page import Count
from syncd.model.plan import Plan
from syncd.model.situation import Situation
from syncd.model.state import State
from syncd.model.tally import Tallied, Tally
from syncd.model.window import LONGEST

#: A date further ahead than clocks differ is not believed.
_AHEAD = timedelta(days=1)


class Removals(CountingGuard):
    """Counts removals per kind against the owned and ENABLED entities of that kind.

    Within a window count also those of ours that WorkMail says were taken out of use since, by whomever.
    """

    name = Count.REMOVALS.value
    means = "More people or groups would lose their mailbox than the limit allows."
    counts = frozenset({Count.REMOVALS})

    def tally(self, operation: Operation, situation: Situation) -> Tally | None:
        """Return whom *operation* removes; a removal that has begun was counted then."""
        if not operation.destructive or operation.counts_as not in self.counts:
            return None
        if operation.row in situation.memory.begun:
            return None
        return Tally(count=Count.REMOVALS, row=operation.row, scope=kind_of(Key(operation.row)).value)

    def measures(self, plan: Plan, situation: Situation) -> Iterator[Measure]:
        """Yield one measure per kind that has a population or a removal; deferred removals count with the people."""
        counted, out_of_use = list(tallied(self, plan, situation)), _out_of_use(situation)
        for kind in Kind:
            of_kind = [(operation, tally) for operation, tally in counted if tally.scope == kind.value]
            rows = {(tally.scope, tally.row): tally.weight for _, tally in of_kind}
            deferred = sum(map(plan.deferred_as, self.counts)) if kind is Kind.USER else 0
            population, removed = plan.populations.reached_of(kind), len(rows) + deferred
            earlier = [*situation.memory.tallied.get((Count.REMOVALS, kind.value), ())]
            earlier += [one for one in out_of_use if one.tally.scope == kind.value]
            if not (removed or population or earlier):
                continue
            yield Measure(
                label=f"{kind.value} removals",
                what=f"would deregister {kind.value}s:",
                rows=rows,
                bundles=frozenset(operation.bundle for operation, _ in of_kind),
                population=population,
                earlier=earlier,
                deferred=deferred,
                gone=True,
                always=f"would deregister all {kind.value}s:" if removed and removed >= population else "",
                scope=kind.value,
            )


class Deletions(CountingGuard):
    """Counts entities that would be destroyed, not only taken out of use."""

    name = Count.DELETIONS.value
    means = "More people or groups would be destroyed for ever than the limit allows."
    counts = frozenset({Count.DELETIONS})
    what = "would destroy entities for ever:"
    is_shown = False


def _out_of_use(situation: Situation) -> list[Tallied]:
    """Return who of ours is out of use since at most a week, and of whom we know of no removal then."""
    now, entities, tallied = situation.service_now, situation.observed.entities, situation.memory.tallied
    found = []
    for key, binding in situation.memory.bindings.items():  # runs over everybody, in every cycle
        entity = entities.get(binding.entity)
        if entity is None or entity.state is not State.DISABLED or entity.disabled_at is None:
            continue
        if now - LONGEST < entity.disabled_at <= now + _AHEAD:
            tally = Tally(count=Count.REMOVALS, row=key, scope=entity.kind.value)
            found.append(Tallied(tally=tally, at=min(entity.disabled_at, now)))
    known = {one.tally.row for kind in STATED for one in tallied.get((Count.REMOVALS, kind.value), ())}
    return [one for one in found if one.tally.row not in known]
