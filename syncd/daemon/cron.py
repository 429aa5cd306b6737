"""Cron expressions as cron reads them, over APScheduler's trigger, which differs in three ways (`measurements.md` 12).

0 is Sunday (APScheduler counts Monday as 0): digits are turned into names
`30 2 * * *` runs once on the night when the clock is put back, not twice; `*/15 * * * *` goes on through it
with both days given (`0 6 1 * mon`) either one suffices, as crontab(5) says
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

_FIELDS = ("minute", "hour", "day", "month", "day_of_week")
_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_USUAL = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * sun",
    "@monthly": "0 0 1 * *",
}
_MOMENT = timedelta(microseconds=1)
#: The next firing is at most so many firings away: one that falls into a repeated hour is passed over.
_PASSED_OVER = 200


class Cron:
    """The firings of one expression of five fields, or one of `@hourly`, `@daily`, `@weekly`, `@monthly`.

    Raises:
        ValueError: it is none; the message says which field and why.
    """

    def __init__(self, expression: str, zone: ZoneInfo) -> None:
        text = " ".join(expression.lower().split())
        fields = _USUAL.get(text, text).split()
        if len(fields) != len(_FIELDS):
            message = f"{expression!r} has {len(fields)} fields; cron has five: minute hour day month weekday"
            raise ValueError(message)
        self._zone = zone
        self._repeats = fields[1].startswith("*")
        self._triggers = [_trigger(expression, given, zone) for given in _alternatives(fields)]

    def after(self, moment: datetime) -> datetime | None:
        """Return the first firing after *moment*, in UTC; None: there is none (31 February)."""
        at = moment
        for _ in range(_PASSED_OVER):
            start = (at + _MOMENT).astimezone(self._zone)  # added in the zone, it would forget which of two hours it is
            firings: list[datetime | None] = [each.get_next_fire_time(None, start) for each in self._triggers]
            found = [firing.astimezone(UTC) for firing in firings if firing is not None]
            if not found:
                return None
            at = min(found)
            if self._repeats or not at.astimezone(self._zone).fold:
                return at
        return None


def _alternatives(fields: list[str]) -> Iterator[dict[str, str]]:
    """Yield what APScheduler is given: where both days are restricted, one alternative for each."""
    given = dict(zip(_FIELDS, [*fields[:4], _with_names(fields[4])], strict=True))
    if fields[2].startswith("*") or fields[4].startswith("*"):
        yield given
        return
    yield {**given, "day_of_week": "*"}
    yield {**given, "day": "*"}


def _trigger(expression: str, given: dict[str, str], zone: ZoneInfo) -> CronTrigger:
    try:
        return CronTrigger(**given, timezone=zone)
    except ValueError as error:
        reason = str(error).replace("day_of_week", "weekday")
        raise ValueError(f"{expression!r} is no cron expression: {reason}") from error


def _with_names(field: str) -> str:
    """Return a weekday field with names for digits, as a list of days: ranges that pass Sunday would not be taken."""
    if field.startswith("*"):
        if field == "*":
            return field
        return _spread("0-6", field.partition("/")[2])
    days: list[str] = []
    for part in field.split(","):
        span, _, step = part.partition("/")
        days += _spread(span, step).split(",")
    return ",".join(dict.fromkeys(days))


def _spread(span: str, step: str) -> str:
    first, dash, last = span.partition("-")
    begin, end = _number(first), _number(last) if dash else _number(first)
    if begin is None or end is None or not re.fullmatch(r"[1-7]?", step):
        return f"{span}/{step}" if step else span  # APScheduler says what is wrong with it
    days = range(begin, end + 1 if end >= begin else end + 8, int(step or 1))
    return ",".join(_NAMES[day % 7] for day in days)


def _number(day: str) -> int | None:
    if day in _NAMES:
        return _NAMES.index(day)
    return int(day) if re.fullmatch("[0-7]", day) else None
