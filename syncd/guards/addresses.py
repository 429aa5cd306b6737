"""Refuses to take aliases away from too many, and to change the primary address of too many."""

from syncd.guards.counting import CountingGuard
from syncd.model.page import Count


class AliasRemovals(CountingGuard):
    """Counts entities that lose an alias."""

    name = Count.ALIAS_REMOVALS.value
    means = "More entities would lose an alias than the limit allows."
    counts = frozenset({Count.ALIAS_REMOVALS})
    what = "would take aliases from entities:"


class PrimaryChanges(CountingGuard):
    """Counts entities whose primary address changes."""

    name = Count.PRIMARY_CHANGES.value
    means = "More primary addresses would change than the limit allows."
    counts = frozenset({Count.PRIMARY_CHANGES})
    what = "would change the primary address of entities:"
