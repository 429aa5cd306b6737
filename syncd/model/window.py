"""Over how long guards count, besides one cycle: everything that passes in small steps adds up."""

from datetime import timedelta
from enum import StrEnum


class Window(StrEnum):
    """A span that ends now; the name of its limits in the configuration."""

    DAY = "day"
    WEEK = "week"

    @property
    def span(self) -> timedelta:
        """How far back it reaches."""
        return _SPANS[self]


_SPANS = {Window.DAY: timedelta(days=1), Window.WEEK: timedelta(days=7)}
#: Nothing older is counted by any guard.
LONGEST = max(_SPANS.values())
