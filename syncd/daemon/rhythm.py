"""How far apart are the cycles of a schedule, and can evidence for a removal ever be complete under it? Pure.

What is dated (a blackout over Christmas) is no part of the rhythm: it lengthens the gap it lies in, once.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from syncd.daemon.cron import Cron
from syncd.daemon.settings import Schedule
from syncd.daemon.windows import Span, Weekly, Windows
from syncd.model.durations import format_duration
from syncd.model.policy import Removal

#: How many of the longest gap that the schedule makes itself are no hole yet: a cycle or two may fail.
GAPS = 3
#: How far ahead firings are looked at: every window of the week, and cron expressions by the month.
HORIZON = timedelta(days=32)
MOST_FIRINGS = 3_000
#: With so many of them a schedule is judged; it is done only where `removal.hole` is set.
_JUDGED_FIRINGS = 12_000
#: Any weeks will do to see what the windows of a week leave open.
_SOME_WEEK = datetime(2024, 1, 1, tzinfo=UTC)
_NO_DAY = date.min


def schedule_hole(schedule: Schedule, now: datetime) -> timedelta:
    """Return the longest gap between two cycles at *now* that is no hole, as far as the schedule makes gaps itself."""
    hole = GAPS * _gap_of_the_day(schedule, now.date())
    for window in schedule.windows.blackout:
        if isinstance(window, Span):
            for start, end in window.stretches(_NO_DAY, schedule.zone):
                if start < now <= end + hole:
                    hole += min(end, now) - start
    return hole


@lru_cache(maxsize=1024)
def _gap_of_the_day(schedule: Schedule, day: date) -> timedelta:
    """Return the longest gap; going through a month of firings takes a moment, and the answer seldom changes."""
    return longest_gap(schedule, _weekly(schedule.windows), datetime.combine(day, time(), UTC))


def longest_gap(schedule: Schedule, windows: Windows, now: datetime) -> timedelta:
    """Return the longest regular distance between two cycles within *windows* that begins in the next days."""
    if schedule.cron is None:
        return schedule.every + schedule.jitter + windows.longest_pause(now)
    longest = timedelta(0)
    before: datetime | None = None
    for firing in firings(Cron(schedule.cron, schedule.zone), windows, now):
        longest = max(longest, firing - before) if before is not None else longest
        before = firing
    return longest + schedule.jitter


def firings(cron: Cron, windows: Windows, now: datetime, most: int = MOST_FIRINGS) -> Iterator[datetime]:
    """Yield when *cron* fires within *windows*, two times at least, within a month and *most* times at most."""
    at = now
    for number in range(most):
        found = cron.after(at)
        if found is None or (found - now > HORIZON and number > 1):
            return
        at = found
        if windows.is_open(at):
            yield at


def why_never_complete(schedule: Schedule, removal: Removal) -> str:
    """Return why nobody could ever be found missing under *schedule*, "" where somebody can."""
    if removal.hole is None:
        return ""  # three times the longest gap that the schedule makes: no gap of its own is a hole
    hole, said = removal.hole, format_duration(removal.hole)
    rows = _cron_rows if schedule.cron is not None else _interval_rows
    reads, passed = 0, timedelta(0)
    for found, over in rows(schedule, hole):
        reads, passed = max(reads, found), max(passed, over)
        if found >= removal.after_cycles and over >= removal.after:
            return ""
    if passed == timedelta(0):
        return f"its cycles are further apart than {said} (removal.hole), so each read begins anew"
    return (
        f"with a hole of {said} (removal.hole) at most {reads} reads over {format_duration(passed)} are in a row, "
        f"and {removal.after_cycles} over {format_duration(removal.after)} are needed"
    )


def _cron_rows(schedule: Schedule, hole: timedelta) -> Iterator[tuple[int, timedelta]]:
    """Yield, firing by firing, how many reads are in a row, and over what time; the last is endless if none broke."""
    reads, passed, breaks, count = 0, timedelta(0), 0, 0
    before: datetime | None = None
    cron = Cron(schedule.cron or "", schedule.zone)
    for firing in firings(cron, _weekly(schedule.windows), _SOME_WEEK, _JUDGED_FIRINGS):
        count += 1
        gap = None if before is None else firing - before
        before = firing
        if gap is not None and gap + schedule.jitter <= hole:
            reads, passed = reads + 1, passed + gap
        else:
            reads, passed, breaks = 1, timedelta(0), breaks + 1
        yield reads, passed
    if (breaks == 1 and reads > 1) or count > _JUDGED_FIRINGS / 2:  # too many to have seen a month of them
        yield _ENDLESS


def _interval_rows(schedule: Schedule, hole: timedelta) -> Iterator[tuple[int, timedelta]]:
    """Yield how many reads are in a row, and over what time, in each stretch of open time that no hole divides."""
    step = schedule.every + schedule.jitter
    if step > hole:
        yield 1, timedelta(0)
        return
    windows = _weekly(schedule.windows)
    opened = windows.next_open(_SOME_WEEK)
    begun = opened
    while opened is not None and begun is not None and opened < _SOME_WEEK + HORIZON:
        closes = windows.next_close(opened)
        if closes is None:
            yield _ENDLESS
            return
        span = max(closes - begun - step, timedelta(0))
        yield span // step + 1, span
        again = windows.next_open(closes)
        if again is None or again - closes + step > hole:
            begun = again
        opened = again
    if begun == windows.next_open(_SOME_WEEK):
        yield _ENDLESS


_ENDLESS = (10**9, timedelta(days=10**6))


def _weekly(windows: Windows) -> Windows:
    """Return what of *windows* recurs by the week."""
    dated = any(isinstance(window, Span) for window in windows.allow)
    return Windows(
        allow=() if dated else windows.allow,
        blackout=tuple(window for window in windows.blackout if isinstance(window, Weekly)),
        zone=windows.zone,
    )
