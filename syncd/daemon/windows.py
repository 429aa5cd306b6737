"""When cycles may begin: windows of the week and spans of dates, in the time zone of the schedule. Pure.

mon-fri 06:00-20:00                  on these days
sat,sun                              the whole day
22:00-02:00                          every day, over midnight: it belongs to the day on which it begins
2026-12-24 18:00 - 2026-12-27 06:00  once; without times, from the first midnight to the last one's end
2026-12-25                           once, the whole day
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FORMS = "write for instance 'mon-fri 06:00-20:00', 'sat,sun', '22:00-02:00' or '2026-12-24 18:00 - 2026-12-27'"

_WEEKLY = re.compile(r"(?:([a-z][a-z,-]*[a-z]))?\s*(?:(\d\d:\d\d)\s*-\s*(\d\d:\d\d))?")
_MOMENT = r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d))?"
_SPAN = re.compile(rf"{_MOMENT}(?:\s+-\s+{_MOMENT})?")
_MIDNIGHT = time(0)
#: How the midnight at the end of a day is written.
_LAST = "24:00"
_DAY = timedelta(days=1)
#: Within so long every window of the week has come by.
_EVERY_WINDOW = timedelta(days=9)
#: A span is the same whatever day is asked about.
_NO_DAY = date.min


@dataclass(frozen=True, slots=True)
class Weekly:
    """From *start* to *end* on *days* (0 is Monday); an *end* not after *start* lies on the next day."""

    days: frozenset[int]
    start: time
    end: time

    def stretches(self, day: date, zone: ZoneInfo) -> "Iterable[tuple[datetime, datetime]]":
        """Yield begin and end, in UTC, of this window around *day*: the one before may reach into it."""
        for offset in range(-1, 9):
            begins = day + offset * _DAY
            if begins.weekday() in self.days:
                ends = begins + _DAY if self.end <= self.start else begins
                yield _instant(begins, self.start, zone), _instant(ends, self.end, zone)


@dataclass(frozen=True, slots=True)
class Span:
    """Once, between two local times."""

    start: datetime
    end: datetime

    def stretches(self, _day: date, zone: ZoneInfo) -> "Iterable[tuple[datetime, datetime]]":
        """Yield begin and end, in UTC."""
        yield self.start.replace(tzinfo=zone).astimezone(UTC), self.end.replace(tzinfo=zone).astimezone(UTC)


Window = Weekly | Span


def parse_window(text: str) -> Window:
    """Return the window that *text* describes.

    Raises:
        ValueError: it describes none; the message says how it is written.
    """
    said = text.strip().lower()
    try:
        if found := _SPAN.fullmatch(said.upper()):
            return _span(*found.groups())
        if said and (found := _WEEKLY.fullmatch(said)):
            days, start, end = found.groups()
            return Weekly(_days(days), _time(start), _time(end))
    except ValueError as error:
        raise ValueError(f"{text!r} is no window: {error}; {FORMS}") from error
    raise ValueError(f"{text!r} is no window; {FORMS}")


def _span(first: str, first_at: str | None, last: str | None, last_at: str | None) -> Span:
    start = datetime.combine(date.fromisoformat(first), _time(first_at))
    ends = date.fromisoformat(last or first)
    if last is None and first_at:
        message = "a time needs an end"
        raise ValueError(message)
    end = datetime.combine(ends, _time(last_at)) if last_at and last_at != _LAST else _after(ends)
    if end <= start:
        message = "it ends before it begins"
        raise ValueError(message)
    return Span(start, end)


def _time(text: str | None) -> time:
    return time.fromisoformat(text) if text and text != _LAST else _MIDNIGHT


def _after(day: date) -> datetime:
    return datetime.combine(day + _DAY, _MIDNIGHT)


def _days(text: str | None) -> frozenset[int]:
    """Return the days that `mon-fri,sun` names; every day without."""
    if not text:
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"days are {', '.join(DAYS)}")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """A moment is open if it lies in one of *allow* (if there are any) and in none of *blackout*."""

    allow: tuple[Window, ...] = ()
    blackout: tuple[Window, ...] = ()
    zone: ZoneInfo

    def is_open(self, moment: datetime) -> bool:
        """Return whether a cycle may begin at *moment*."""
        allowed = not self.allow or any(self._covers(window, moment) for window in self.allow)
        return allowed and not any(self._covers(window, moment) for window in self.blackout)

    def next_open(self, moment: datetime) -> datetime | None:
        """Return *moment* if it is open, else when it next is, in UTC; None: never again."""
        at: datetime | None = moment.astimezone(UTC)
        spans = [window for window in (*self.allow, *self.blackout) if isinstance(window, Span)]
        last = max([moment, *(edge for span in spans for pair in span.stretches(_NO_DAY, self.zone) for edge in pair)])
        while at is not None and at <= last + _EVERY_WINDOW:
            if self.is_open(at):
                return at
            at = self._next_edge(at)
        return None

    def next_close(self, moment: datetime) -> datetime | None:
        """Return when it next is not open, at *moment* or after, in UTC; None: never again."""
        at: datetime | None = moment.astimezone(UTC)
        give_up = moment + _EVERY_WINDOW
        while at is not None and at <= give_up:
            if not self.is_open(at):
                return at
            at = self._next_edge(at)
        return None

    def longest_pause(self, moment: datetime, horizon: timedelta = timedelta(days=8)) -> timedelta:
        """Return the longest stretch without an open moment that begins within *horizon* of *moment*."""
        longest, at = timedelta(0), moment.astimezone(UTC)
        give_up = at + horizon
        while at < give_up:
            opens = self.next_open(at)
            if opens is None:
                return longest
            longest = max(longest, opens - at)
            edge = self._next_edge(opens)
            if edge is None:
                return longest
            at = edge
        return longest

    def _covers(self, window: Window, moment: datetime) -> bool:
        day = moment.astimezone(self.zone).date()
        return any(start <= moment < end for start, end in window.stretches(day, self.zone))

    def _next_edge(self, moment: datetime) -> datetime | None:
        day = moment.astimezone(self.zone).date()
        edges = (
            edge
            for window in (*self.allow, *self.blackout)
            for stretch in window.stretches(day, self.zone)
            for edge in stretch
            if edge > moment
        )
        return min(edges, default=None)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
