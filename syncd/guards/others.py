"""Refuses whatever destroys and is counted by no other guard: nothing destructive is ever without a limit."""

from collections.abc import Collection

from syncd.guards.counting import CountingGuard
from syncd.model.page import Count
from syncd.ports import Guard


class OtherRemovals(CountingGuard):
    """Counts entities that lose something; of a new thing too, that has no guard of its own (yet)."""

    name = Count.OTHER_REMOVALS.value
    means = "More entities would lose something than the limit allows."

    def __init__(self, others: Collection[Guard]) -> None:
        """Count what none of *others* does; what is given back is no loss, however many get it."""
        self.counts = frozenset(Count).difference({Count.NOTHING}, *(guard.counts for guard in others))
