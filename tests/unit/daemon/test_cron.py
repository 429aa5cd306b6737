"""Cron expressions mean what crontab(5) says."""

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
        ("mon-wed", ["Mon", "Tue", "Wed", "Mon"]),
        ("sun", ["Sun", "Sun"]),
        ("1,3", ["Mon", "Wed", "Mon"]),
        ("*/2", ["Sat", "Sun", "Tue", "Thu", "Sat"]),
        ("1-5/2", ["Fri", "Mon", "Wed", "Fri"]),
    ],
)
def test_weekdays_are_counted_from_sunday(weekday: str, days: list[str]) -> None:
    """0 and 7 are Sunday, as in every crontab; APScheduler alone would take 0 for Monday."""
    found = firings(f"0 0 * * {weekday}", "2026-11-26T12:00", len(days))

    assert [firing[:3] for firing in found] == days


def test_a_time_runs_once_when_the_clock_goes_back() -> None:
    """02:30 comes twice on 25 October; the second one is passed over."""
    assert firings("30 2 * * *", "2026-10-24T12:00", 2) == ["Sun 10-25 02:30", "Mon 10-26 02:30"]


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
    """02:30 is skipped on 29 March: the cycle comes at 03:30, once, and not a day late."""
    assert firings("30 2 * * *", "2026-03-28T12:00", 2) == ["Sun 03-29 03:30", "Mon 03-30 02:30"]


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
        ("60 * * * *", "is no cron expression"),
        ("* * * * 8", "is no cron expression"),
        ("* * * * mon-xyz", "is no cron expression"),
    ],
)
def test_what_is_no_expression_is_told(expression: str, why: str) -> None:
    """The message has the expression in it."""
    with pytest.raises(ValueError, match=why) as caught:
        Cron(expression, BERLIN)

    assert expression in str(caught.value)


def test_a_day_that_never_comes_has_no_firing() -> None:
    """31 February."""
    assert Cron("0 0 31 2 *", BERLIN).after(datetime(2026, 1, 1, tzinfo=UTC)) is None
