"""How far apart cycles are, which gap is a hole, and under which schedule nobody could ever be found missing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncd.daemon.rhythm import schedule_hole, why_never_complete
from syncd.daemon.settings import Schedule
from syncd.model.policy import Removal

MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def schedule(**said: Any) -> Schedule:  # noqa: ANN401 - Schedule's own
    return Schedule.model_validate({"jitter": "0s", **said})


@pytest.mark.parametrize(
    ("said", "hole"),
    [
        ({}, timedelta(minutes=45)),
        ({"every": "15m", "jitter": "30s"}, timedelta(minutes=46, seconds=30)),
        ({"every": "1h", "blackout": ["22:00-02:00"]}, timedelta(hours=15)),
        ({"every": "1h", "allow": ["mon-fri"]}, timedelta(hours=3 * 49)),
        ({"cron": "0 6 * * *"}, timedelta(days=3)),
        ({"cron": "0 6 * * mon-fri"}, timedelta(days=9)),
    ],
)
def test_a_hole_is_three_times_the_longest_gap_of_the_schedule(said: dict[str, Any], hole: timedelta) -> None:
    """Interval and jitter, windows of the week, cron: whatever recurs."""
    assert schedule_hole(schedule(**said), MONDAY) == hole


@pytest.mark.parametrize(
    ("now", "extra"),
    [
        (datetime(2026, 2, 20, tzinfo=UTC), timedelta(0)),  # it is yet to come
        (datetime(2026, 2, 25, 12, tzinfo=UTC), timedelta(days=2, hours=12)),
        (datetime(2026, 3, 1, 0, 15, tzinfo=UTC), timedelta(days=6)),
        (datetime(2026, 3, 1, 0, 46, tzinfo=UTC), timedelta(0)),  # the first cycle after it has come and gone
    ],
)
def test_a_dated_blackout_lengthens_its_own_gap_only(now: datetime, extra: timedelta) -> None:
    """A week off doesn't make every gap of the month as long: what failed in another week is a hole."""
    dated = schedule(every="15m", blackout=["2026-02-23 - 2026-02-28"])
    assert schedule_hole(dated, now) == timedelta(minutes=45) + extra


@pytest.mark.parametrize(
    ("said", "removal", "why"),
    [
        ({}, {}, ""),
        ({"every": "15m"}, {"hole": "15m"}, ""),
        ({"every": "15m"}, {"hole": "14m"}, "its cycles are further apart than 14m"),
        ({"every": "15m", "jitter": "1m"}, {"hole": "15m"}, "its cycles are further apart than 15m"),
        ({"every": "15m", "allow": ["08:00-18:00"]}, {"hole": "15h"}, ""),
        ({"every": "15m", "allow": ["08:00-18:00"]}, {"hole": "14h"}, "at most 40 reads over 9h45m are in a row"),
        ({"every": "15m", "allow": ["08:00-18:00"]}, {"hole": "14h", "after": "9h"}, ""),
        ({"every": "15m", "blackout": ["sat,sun"]}, {"hole": "1h"}, ""),
        ({"every": "15m", "blackout": ["sat,sun"]}, {"hole": "1h", "after": "6d"}, "over 4d23h are in a row"),
        ({"every": "12h"}, {"hole": "13h", "after_cycles": 60}, ""),
        ({"every": "12h", "allow": ["mon-fri"]}, {"hole": "13h", "after_cycles": 30}, "and 30 over 1d are needed"),
        ({"cron": "* * * * *"}, {"hole": "2m"}, ""),
        ({"cron": "* * * * *"}, {"hole": "2m", "after": "90d"}, ""),
        ({"cron": "0 6 * * *"}, {"hole": "2h"}, "its cycles are further apart than 2h"),
        ({"cron": "0 6 * * *"}, {"hole": "25h", "after": "90d"}, ""),
        ({"cron": "0 6 * * mon-fri"}, {"hole": "25h"}, ""),
        ({"cron": "0 6 * * mon-fri"}, {"hole": "25h", "after": "7d"}, "at most 5 reads over 4d are in a row"),
        ({"cron": "0 6 1 * *"}, {}, ""),
    ],
)
def test_evidence_must_be_able_to_complete(said: dict[str, Any], removal: dict[str, Any], why: str) -> None:
    """Where each night or weekend is a hole, what a day gives must be enough."""
    found = why_never_complete(schedule(**said), Removal.model_validate(removal))
    assert why in found
    assert bool(found) is bool(why)
