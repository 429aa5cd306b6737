"""Refuses to deregister too many people or groups at once."""

from collections.abc import Iterator

from syncd.guards.threshold import budget, exceeds, limit_of, refusal
from syncd.model.names import Key, Kind, kind_of
from syncd.model.page import Count
from syncd.model.plan import Finding, Plan
from syncd.model.situation import Situation


class Removals:
    """Counts removals per kind against the owned and ENABLED entities of that kind."""

    name = Count.REMOVALS.value
    means = "More people or groups would lose their mailbox than the limit allows."
    counts = frozenset({Count.REMOVALS})

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield one finding per kind that has a population or a removal; deferred removals count with the people.

        A removal that has begun was counted then.
        """
        threshold = situation.policy.guards.removals
        begun = situation.memory.begun.keys()
        counted_ones = [
            o for o in plan.operations if o.destructive and o.counts_as in self.counts and o.row not in begun
        ]
        for kind in Kind:
            removals = [o for o in counted_ones if kind_of(Key(o.row)) is kind]
            later = plan.deferred_as(Count.REMOVALS) if kind is Kind.USER else 0
            counted = len({o.row for o in removals}) + later
            population = plan.populations.owned_of(kind)
            if not counted and not population:
                continue
            tripped = exceeds(counted, population, threshold)
            what = f"would deregister {kind.value}s:"
            yield Finding(
                guard=self.name,
                counted=counted,
                population=population,
                tripped=tripped,
                label=f"{kind.value} removals",
                budget=budget(counted, population, threshold),
                limit=limit_of(population, threshold),
                text=refusal(what, counted, population, threshold, "guards.removals") if tripped else "",
                bundles=frozenset(o.bundle for o in removals) if tripped else frozenset(),
            )
