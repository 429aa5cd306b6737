"""Which light an organization has."""

from dataclasses import replace
from datetime import timedelta

import pytest

from syncd.model.status import CycleUnderWay, Light, OrganizationStatus, Overview, PlanStatus
from tests.builders import NOW
from tests.fakes.boards import facts, past
from tests.fakes.clock import FakeClock

CLOCK = FakeClock(NOW)
WAITS = PlanStatus(digest="0" * 64, created_at=NOW, counts={"withheld": 1})
CALM = PlanStatus(digest="0" * 64, created_at=NOW, counts={"withheld": 0, "add": 3})


def organization(**others: object) -> OrganizationStatus:
    """In sync, with the next cycle in ten minutes, unless said otherwise."""
    given: dict[str, object] = {
        "facts": facts(),
        "as_of": NOW,
        "known_since": NOW,
        "cycles": past("in_sync", clock=CLOCK),
        "next_at": NOW + timedelta(minutes=10),
    }
    return OrganizationStatus(**(given | others))  # type: ignore[arg-type]  # the names are those of its fields


def runs(*, silent_for: timedelta = timedelta(0)) -> CycleUnderWay:
    return CycleUnderWay(since=NOW - timedelta(hours=5), progress_at=NOW - silent_for)


@pytest.mark.parametrize(
    ("others", "light"),
    [
        ({"failures": 1, "plan": WAITS}, Light.FAILING),
        ({"failures": 1, "running": runs()}, Light.FAILING),
        ({"running": runs(silent_for=timedelta(minutes=11)), "plan": WAITS}, Light.STALE),
        ({"running": runs(silent_for=timedelta(minutes=9))}, Light.RUNNING),
        ({"next_at": NOW - timedelta(minutes=3)}, Light.STALE),
        ({"next_at": NOW - timedelta(minutes=1)}, Light.IN_SYNC),
        ({"next_at": NOW - timedelta(minutes=3), "running": runs()}, Light.RUNNING),
        ({"next_at": None}, Light.IN_SYNC),
        ({"next_at": None, "as_of": NOW + timedelta(minutes=18)}, Light.STALE),
        ({"next_at": NOW + timedelta(days=3), "known_since": NOW - timedelta(days=9)}, Light.IN_SYNC),
        ({"half_removed_count": 1}, Light.HALF_REMOVED),
        ({"half_removed_count": 1, "plan": WAITS, "running": runs()}, Light.HALF_REMOVED),
        ({"half_removed_count": 1, "failures": 1}, Light.FAILING),
        ({"plan": WAITS}, Light.WAITING),
        ({"plan": WAITS, "running": runs()}, Light.WAITING),
        ({"plan": CALM}, Light.IN_SYNC),
        ({"cycles": ()}, Light.NOT_YET),
        ({"cycles": (), "running": runs()}, Light.RUNNING),
    ],
)
def test_the_first_row_that_holds_decides(others: dict[str, object], light: Light) -> None:
    """Failing before stale, stale before waiting, waiting before running: the worst is what is shown."""
    assert organization(**others).light is light


def test_the_worst_comes_first() -> None:
    """Organizations are ordered by their light, then by name, whatever its case."""
    calm = organization()
    named = [
        replace(calm, facts=facts("b")),
        replace(calm, facts=facts("A")),
        replace(calm, facts=facts("z"), failures=2),
        replace(calm, facts=facts("y"), plan=WAITS),
    ]

    status = Overview(as_of=NOW, organizations=tuple(named))

    assert [one.name for one in status.worst_first] == ["z", "y", "A", "b"]


def test_a_clock_that_was_set_back_takes_no_time() -> None:
    """A cycle that seems to have ended before it began took nothing, not less."""
    (cycle,) = past("in_sync")

    assert replace(cycle, finished_at=cycle.started_at - timedelta(hours=1)).took == timedelta(0)
