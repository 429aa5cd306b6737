"""Cron expressions mean what crontab(5) says."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncd.daemon.cron import Cron

BERLIN = ZoneInfo("Europe/Berlin")


def firings(expression: str, start: str, count: int, zone: ZoneInfo = BERLIN) -> list[str]:
    """The next firings after a local time, as local times with the name of their day."""
    cron = Cron(expression, zone)
    at = datetime.fromisoformat(start).replace(tzinfo=zone)
    found = []
    for _ in range(count):
        firing = cron.after(at)
        assert firing is not None
        at = firing
        found.append(f"{at.astimezone(zone):%a %m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("weekday", "days"),
    [
        ("0", ["Sun", "Sun"]),
        ("7", ["Sun", "Sun"]),
        ("1", ["Mon", "Mon"]),
        ("1-5", ["Fri", "Mon", "Tue", "Wed", "Thu", "Fri", "Mon"]),
        ("5-7", ["Fri", "Sat", "Sun", "Fri"]),
        ("6-1", ["Sat", "Sun", "Mon", "Sat"]),
        ("fri-sun", ["Fri", "Sat", "Sun", "Fri"]),
        ("sat-wed/2", ["Sat", "Mon", "Wed", "Sat"]),
        ("mon-wed", ["Mon", "Tue", "Wed", "Mon"]),
        ("sun", ["Sun", "Sun"]),
        ("1,3", ["Mon", "Wed", "Mon"]),
        ("*/2", ["Sat", "Sun", "Tue", "Thu", "Sat"]),
        ("1-5/2", ["Fri", "Mon", "Wed", "Fri"]),
    ],
)
def test_weekdays_are_counted_from_sunday(weekday: str, days: list[str]) -> None:
    """0 and 7 are Sunday, as in every crontab, and a range may go on past it."""
    found = firings(f"0 0 * * {weekday}", "2026-11-26T12:00", len(days))

    assert [firing[:3] for firing in found] == days


def test_a_time_runs_once_when_the_clock_goes_back() -> None:
    """02:30 comes twice on 25 October; the second one is passed over."""
    assert firings("30 2 * * *", "2026-10-24T12:00", 2) == ["Sun 10-25 02:30", "Mon 10-26 02:30"]


def test_a_moment_in_the_second_of_two_equal_hours_is_not_taken_for_the_first() -> None:
    """At 02:10 for the second time, what was due at 02:30 is over, and the next firing is the next day's."""
    second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)

    assert Cron("30 2 * * *", BERLIN).after(second) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    assert Cron("30 * * * *", BERLIN).after(second) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_rhythm_goes_on_when_the_clock_goes_back() -> None:
    """Every half hour stays every half hour through the repeated hour."""
    cron = Cron("*/30 * * * *", BERLIN)
    at = datetime(2026, 10, 25, 0, 10, tzinfo=UTC)
    gaps = []
    for _ in range(4):
        following = cron.after(at)
        assert following is not None
        gaps.append(following - at)
        at = following

    assert gaps == [timedelta(minutes=20), *[timedelta(minutes=30)] * 3]


def test_a_time_that_does_not_exist_runs_once() -> None:
    """02:30 is skipped on 29 March: the cycle comes as soon as the clock is past it, once, and not a day late."""
    assert firings("30 2 * * *", "2026-03-28T12:00", 2) == ["Sun 03-29 03:00", "Mon 03-30 02:30"]


def test_two_kinds_of_days_are_alternatives() -> None:
    """`0 6 1 * mon` runs on the first and on every Monday."""
    assert firings("0 6 1 * mon", "2026-11-26T12:00", 3) == ["Mon 11-30 06:00", "Tue 12-01 06:00", "Mon 12-07 06:00"]


def test_the_usual_names_are_known() -> None:
    """`@daily` is midnight."""
    assert firings("@daily", "2026-11-26T12:00", 1) == ["Fri 11-27 00:00"]


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("* * * *", "has 4 fields"),
        ("@yearly", "has 1 fields"),
        ("60 * * * *", "'60' is no minute (0 to 59)"),
        ("0 6,24 * * *", "'24' is no hour (0 to 23)"),
        ("0 6 0 * *", "'0' is no day of the month (1 to 31)"),
        ("0 6 * foo *", "'foo' is no month (1 to 12, or jan to dec)"),
        ("* * * * 8", "'8' is no weekday (0 to 7, or sun to sat)"),
        ("* * * * mon-xyz", "'mon-xyz' is no weekday (0 to 7, or sun to sat)"),
        ("*/0 * * * *", "'*/0' is no minute (0 to 59)"),
        ("0, * * * *", "'' is no minute (0 to 59)"),
        ("30-10 * * * *", "'30-10' is no minute (0 to 59)"),
    ],
)
def test_what_is_no_expression_is_told(expression: str, why: str) -> None:
    """The message has the expression in it, the part that is wrong, and what may stand there."""
    with pytest.raises(ValueError, match=re.escape(why)) as caught:
        Cron(expression, BERLIN)

    assert expression in str(caught.value)


def test_a_day_that_never_comes_has_no_firing() -> None:
    """31 February."""
    assert Cron("0 0 31 2 *", BERLIN).after(datetime(2026, 1, 1, tzinfo=UTC)) is None
