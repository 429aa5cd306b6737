"""One moment as several clocks tell it, how much surely passed between two, and which dates are not believed.

A wall clock may be set, CLOCK_BOOTTIME is known within one boot only, and the service tells its own date. Time that
counts is the smallest that any of them tells; a gap is the longest that any of them tells.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

#: Two clocks that are both right differ by less; so does one before and after it was set right.
TOLERANCE = timedelta(minutes=5)


def in_future(at: datetime, now: datetime) -> bool:
    """Return whether *at* lies after *now*, by more than clocks differ: whatever bears such a date is not believed."""
    return at - now > TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """Which boot of the machine this is, and how many *seconds* it has been up, sleep included."""

    id: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """A moment: by the *wall* clock (UTC), within a *boot*, and as the *service* dates it; None where it isn't told."""

    wall: datetime
    boot: Boot | None = None
    service: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Elapsed:
    """What lies between two instants: *surely* that much, and *maybe* that much."""

    surely: timedelta
    maybe: timedelta


def elapsed(earlier: Instant, later: Instant) -> Elapsed | None:
    """Return what passed from *earlier* to *later*; None if a clock says that *earlier* is yet to come."""
    spans = [later.wall - earlier.wall]
    if earlier.boot is not None and later.boot is not None and earlier.boot.id == later.boot.id:
        spans.append(timedelta(seconds=later.boot.seconds - earlier.boot.seconds))
    if earlier.service is not None and later.service is not None:
        spans.append(later.service - earlier.service)
    if min(spans) < -TOLERANCE:
        return None
    return Elapsed(surely=max(min(spans), timedelta(0)), maybe=max(*spans, timedelta(0)))
