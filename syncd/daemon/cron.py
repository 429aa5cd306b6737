"""Cron expressions as Debian's cron reads them: `cronsim` steps, and this file says what is wrong with one.

A fixed time (`30 2 * * *`) runs once on the night when the clock is put back, and as soon as the clock has been put
forward over it. A rhythm (`*` in minutes or hours) goes on through both nights.
"""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

#: The fields in their order, and what may stand in them.
_FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day of the month": "1 to 31",
    "month": "1 to 12, or jan to dec",
    "weekday": "0 to 7, or sun to sat",
}
_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAY = f"[0-7]|{'|'.join(_NAMES)}"
_SPAN = re.compile(f"({_DAY})-({_DAY})(?:/([1-7]))?")
_USUAL = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * sun",
    "@monthly": "0 0 1 * *",
}
_ANY_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


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
        fields[4] = ",".join(map(_past_sunday, fields[4].split(",")))
        for place, (name, allowed) in enumerate(_FIELDS.items()):
            for part in fields[place].split(","):
                if not _is_understood(part, place):
                    message = f"{expression!r} is no cron expression: {part!r} is no {name} ({allowed})"
                    raise ValueError(message)
        self._fields = " ".join(fields)
        self._zone = zone

    def after(self, moment: datetime) -> datetime | None:
        """Return the first firing after *moment*, in UTC; None: there is none (31 February)."""
        try:
            firings = CronSim(self._fields, moment.astimezone(self._zone))
        except CronSimError:  # each field is right by itself, but no month has that day
            return None
        # In the second of two equal hours, it takes the moment for one in the first, and begins with what is over.
        following = (firing.astimezone(UTC) for firing in firings)
        return next((firing for firing in following if firing > moment), None)


def _is_understood(part: str, place: int) -> bool:
    alone = ["*"] * len(_FIELDS)
    alone[place] = part
    try:
        CronSim(" ".join(alone), _ANY_MOMENT)
    except CronSimError:
        return False
    return True


def _past_sunday(part: str) -> str:
    """Return a range of weekdays that goes on past Sunday as the list of its days: cronsim takes none."""
    span = _SPAN.fullmatch(part)
    if span is None:
        return part
    first, last = (_NAMES.index(day) if day in _NAMES else int(day) for day in span.group(1, 2))
    if first <= last:
        return part
    return ",".join(str(day % 7) for day in range(first, last + 8, int(span[3] or 1)))
