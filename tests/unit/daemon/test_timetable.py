"""When the next cycle begins."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from syncd.daemon.settings import Schedule
from syncd.daemon.timetable import Timetable, Trigger, backoff

#: A Thursday.
NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def timetable(seed: int = 1, **schedule: Any) -> Timetable:  # noqa: ANN401 - the keys of a schedule
    return Timetable(Schedule.model_validate({"jitter": "0s", **schedule}), Random(seed))


def test_an_interval_counts_from_the_cycle_before() -> None:
    """A quarter of an hour after it, and at once where none was."""
    quarter = timetable(every="15m")

    assert quarter.after(NOON, NOON) == NOON + 15 * MINUTE
    assert quarter.after(None, NOON) == NOON


def test_what_was_missed_is_not_made_up_for() -> None:
    """After a pause of a year the next cycle comes now, once, however many there would have been."""
    long_ago = NOON - timedelta(days=365)

    assert timetable(every="1s").after(long_ago, NOON) == NOON
    assert timetable(cron="* * * * *").after(long_ago, NOON) == NOON + MINUTE


def test_jitter_only_adds() -> None:
    """Cycles begin up to so much later, and seldom at the same time."""
    spread = timetable(every="15m", jitter="2m")
    delays = [spread.after(NOON, NOON) or NOON for _ in range(100)]

    assert all(NOON + 15 * MINUTE <= delay <= NOON + 17 * MINUTE for delay in delays)
    assert len(set(delays)) > 90


def test_a_cycle_waits_for_its_window() -> None:
    """One that would begin in the evening begins in the morning."""
    office = timetable(every="15m", allow=["mon-fri 06:00-20:00"])
    evening = NOON.replace(hour=19, minute=50)

    assert office.after(evening, evening) == datetime(2026, 11, 27, 6, 0, tzinfo=UTC)


def test_a_firing_of_cron_outside_its_window_is_left_out() -> None:
    """It isn't postponed: the next one within the window comes."""
    nightly = timetable(cron="0 */6 * * *", blackout=["11:00-19:00"])

    assert nightly.after(NOON, NOON) == NOON.replace(day=27, hour=0)


@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        ({"every": "15m", "jitter": "30s"}, timedelta(minutes=15, seconds=30)),
        ({"every": "15m", "allow": ["mon-fri 06:00-20:00"]}, timedelta(days=2, hours=10, minutes=15)),
        ({"cron": "*/15 * * * *"}, timedelta(minutes=15)),
        ({"cron": "0 6 * * mon"}, timedelta(days=7)),
        ({"cron": "0 6 1 * *"}, timedelta(days=31)),
        ({"cron": "*/15 * * * *", "blackout": ["sat,sun"]}, timedelta(days=2, minutes=15)),
    ],
)
def test_the_longest_gap_is_what_an_alert_must_wait_for(schedule: dict[str, Any], gap: timedelta) -> None:
    """Nights, weekends and months belong to the schedule: nobody is to be woken for them."""
    assert timetable(**schedule).longest_gap(NOON) == gap


@pytest.mark.parametrize(
    ("regular", "failures", "wait"),
    [
        (MINUTE, 1, MINUTE),
        (MINUTE, 2, 2 * MINUTE),
        (MINUTE, 4, 8 * MINUTE),
        (MINUTE, 5, 15 * MINUTE),
        (MINUTE, 10_000, 15 * MINUTE),
        (60 * MINUTE, 5, 60 * MINUTE),
    ],
)
def test_failures_in_a_row_back_off(regular: timedelta, failures: int, wait: timedelta) -> None:
    """Twice as long each time, up to a quarter of an hour, and never beyond a rarer schedule of its own."""
    assert backoff(regular, failures) == wait


def test_apscheduler_is_answered_in_utc() -> None:
    """Whatever zone it asks in."""
    trigger = Trigger(timetable(every="15m"))

    assert trigger.get_next_fire_time(None, NOON.astimezone()) == NOON
