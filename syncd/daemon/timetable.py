"""When the next cycle begins: the schedule as APScheduler asks for it."""

from datetime import UTC, datetime, timedelta
from random import Random

from apscheduler.triggers.base import BaseTrigger

from syncd.daemon.cron import Cron
from syncd.daemon.rhythm import longest_gap
from syncd.daemon.settings import Schedule

#: A failing organization is asked at most so rarely, unless its own schedule is rarer still.
LONGEST_BACKOFF = timedelta(minutes=15)
#: Going through a month of firings takes a moment, and the answer seldom changes.
_LOOK_AGAIN = timedelta(days=1)
#: Firings of cron that a blackout may swallow before the next one counts.
_MOST_SWALLOWED = 100_000


class Timetable:
    """The firings of one schedule. *random* spreads them by the jitter, so that many don't begin together."""

    def __init__(self, schedule: Schedule, random: Random) -> None:
        self._schedule = schedule
        self._random = random
        self._windows = schedule.windows
        self._cron = Cron(schedule.cron, schedule.zone) if schedule.cron is not None else None
        self._gap, self._looked_at = timedelta(0), datetime.min.replace(tzinfo=UTC)

    def next_open(self, moment: datetime) -> datetime | None:
        """Return *moment* where a cycle may begin then, else when it may; None: never again."""
        return self._windows.next_open(moment)

    def after(self, previous: datetime | None, now: datetime) -> datetime | None:
        """Return when the cycle after the one of *previous* begins: missed ones are not made up for."""
        if self._cron is None:
            regular = now if previous is None else max(previous + self._schedule.every, now)
            return self._windows.next_open(regular + self._jitter())
        at: datetime | None = now if previous is None else max(previous, now)
        for _ in range(_MOST_SWALLOWED):
            at = None if at is None else self._cron.after(at)
            if at is None or self._windows.is_open(at):
                break
        return None if at is None else at + self._jitter()

    def longest_gap(self, now: datetime) -> timedelta:
        """Return the longest regular distance between two cycles that begins in the next days; a day old at most."""
        if not self._looked_at <= now < self._looked_at + _LOOK_AGAIN:
            self._gap, self._looked_at = self._find_gap(now), now
        return self._gap

    def _find_gap(self, now: datetime) -> timedelta:
        return longest_gap(self._schedule, self._windows, now)

    def _jitter(self) -> timedelta:
        return self._schedule.jitter * self._random.random()


def backoff(regular: timedelta, failures: int) -> timedelta:
    """Return the distance to the next cycle after so many failures in a row, where *regular* would be the usual one."""
    doubled: int = 2 ** min(failures - 1, 30)
    return min(regular * doubled, max(regular, LONGEST_BACKOFF))


class Trigger(BaseTrigger):  # type: ignore[misc]  # APScheduler carries no types
    """A timetable, as APScheduler wants it."""

    def __init__(self, timetable: Timetable) -> None:
        self._timetable = timetable

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the next firing, in UTC."""
        previous = None if previous_fire_time is None else previous_fire_time.astimezone(UTC)
        return self._timetable.after(previous, now.astimezone(UTC))
