"""Refuses to take aliases away from too many, and to change the primary address of too many."""

from collections.abc import Iterator

from syncd.guards.threshold import of_entities
from syncd.model.page import Count
from syncd.model.plan import Finding, Plan
from syncd.model.situation import Situation


class AliasRemovals:
    """Counts entities that lose an alias."""

    name = Count.ALIAS_REMOVALS.value
    means = "More entities would lose an alias than the limit allows."
    counts = frozenset({Count.ALIAS_REMOVALS})

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield the one finding."""
        threshold = situation.policy.guards.alias_removals
        yield of_entities(plan, self.counts, "would take aliases from entities:", threshold, self.name)


class PrimaryChanges:
    """Counts entities whose primary address changes."""

    name = Count.PRIMARY_CHANGES.value
    means = "More primary addresses would change than the limit allows."
    counts = frozenset({Count.PRIMARY_CHANGES})

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield the one finding."""
        threshold = situation.policy.guards.primary_changes
        yield of_entities(plan, self.counts, "would change the primary address of entities:", threshold, self.name)
