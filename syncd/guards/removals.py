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
        counted = list(tallied(self, plan, situation))
        for kind in Kind:
            of_kind = [(operation, tally) for operation, tally in counted if tally.scope == kind.value]
            rows = {(tally.scope, tally.row): tally.weight for _, tally in of_kind}
            deferred = sum(map(plan.deferred_as, self.counts)) if kind is Kind.USER else 0
            population, removed = plan.populations.reached_of(kind), len(rows) + deferred
            earlier = list(_earlier(situation, kind))
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


def _earlier(situation: Situation, kind: Kind) -> Iterator[Tallied]:
    """Yield the removals of at most a week: those that were counted, and whoever else of ours is out of use since."""
    tallied = situation.memory.tallied.get((Count.REMOVALS, kind.value), ())
    yield from tallied
    if kind not in STATED:
        return
    known = {one.tally.row for one in tallied}
    now, entities = situation.now, situation.observed.entities
    for key, binding in situation.memory.bindings.items():
        entity = entities.get(binding.entity)
        if entity is None or entity.kind is not kind or entity.state is not State.DISABLED or key in known:
            continue
        at = entity.disabled_at
        if at is not None and now - LONGEST < at <= now + _AHEAD:
            yield Tallied(tally=Tally(count=Count.REMOVALS, row=key, scope=kind.value), at=min(at, now))
