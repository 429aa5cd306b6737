"""Refuses to open the mailboxes of too many to others."""

from syncd.guards.counting import CountingGuard
from syncd.model.page import Count


class FullAccess(CountingGuard):
    """Counts mailboxes that others would get full access to."""

    name = Count.FULL_ACCESS.value
    means = "More mailboxes would be opened to other people than the limit allows."
    counts = frozenset({Count.FULL_ACCESS})
    what = "would give others full access to mailboxes:"
    is_shown = False
