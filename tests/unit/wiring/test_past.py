"""What the store says of the cycles before this process."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from syncd.model.plan import Plan
from syncd.model.policy import Mode, Policy
from syncd.model.report import Report
from syncd.model.status import Light
from syncd.notices.sending import Notices
from syncd.planning.document import dumps, loads
from syncd.status.board import Board
from syncd.store.store import OrganizationStore, Store
from syncd.telemetry.metrics import Metrics
from syncd.wiring.past import Past, Tellers, past_of, remember, take_up
from syncd.workmail.pages import PAGES
from tests.builders import ORGANIZATION_ID, binding, operation, plan
from tests.fakes.boards import facts
from tests.fakes.clock import FakeClock

START = FakeClock().now()


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[OrganizationStore]:
    with Store(
        tmp_path / "syncd.db",
        clock=FakeClock(),
        encode=dumps,
        decode=partial(loads, pages=PAGES),
        details=PAGES.details,
    ) as store:
        yield store.organization(ORGANIZATION_ID)


IN_SYNC = plan()
WITHHELD = plan(operation(), withheld={operation().id: "guard removals"})


def record(ours: OrganizationStore, *plans: Plan | None) -> None:
    """An hour passes between cycles, which take a minute; None is a cycle that failed."""
    for number, made in enumerate(plans):
        begun = START + timedelta(hours=number)
        ours.history.record(
            Report(
                cycle_id=f"c{number}",
                organization="pe",
                command="run",
                started_at=begun,
                finished_at=begun + timedelta(minutes=1),
                plan=made,
                error="" if made else "no answer",
            )
        )


def test_nothing_is_known_of_a_new_organization(ours: OrganizationStore) -> None:
    """No success, no failure, nothing that waits."""
    assert past_of(ours) == Past(last_success=None, failures=0, waiting_since=None)


def test_failures_in_a_row_are_the_last_ones(ours: OrganizationStore) -> None:
    """Those before a cycle with a plan are over; the success stays known."""
    record(ours, None, IN_SYNC, None, None)

    success = START + timedelta(hours=1, minutes=1)
    assert past_of(ours) == Past(last_success=success, failures=2, waiting_since=None)


def test_what_awaits_approval_waits_since_the_first_of_the_last_in_a_row(ours: OrganizationStore) -> None:
    """A cycle with nothing withheld begins anew; a cycle that failed says nothing of it."""
    record(ours, WITHHELD, IN_SYNC, WITHHELD, None, WITHHELD)

    assert past_of(ours).waiting_since == START + timedelta(hours=2)


def test_a_run_goes_on_with_who_is_half_removed(ours: OrganizationStore) -> None:
    """The metrics of one run begin with what the store knows of removals that are not over."""
    ours.memory.bind(binding("user:fry", began_at=START))
    ours.memory.bind(binding("user:leela", removed_at=START))
    registry = CollectorRegistry()
    remember(Metrics(registry, organizations=["pe"]), "pe", ours)

    assert registry.get_sample_value("syncd_half_removed_entities", {"organization": "pe"}) == 1


def test_a_restart_goes_on_with_who_is_half_removed(ours: OrganizationStore) -> None:
    """Metrics, status page and notices of a daemon know it before its first cycle; it is not told again."""
    record(ours, IN_SYNC)
    ours.memory.bind(binding("user:fry", began_at=START))
    registry, clock = CollectorRegistry(), FakeClock()
    board = Board(clock)
    board.configure([facts("pe")])
    notices = Notices((), on_outcome=lambda _name, _outcome: None, event=lambda _name, **_fields: None, clock=clock)
    tellers = Tellers(metrics=Metrics(registry, organizations=["pe"]), board=board, notices=notices)
    take_up(tellers, "pe", ours, Policy(mode=Mode.FULL), START)

    (one,) = board.snapshot().organizations
    assert registry.get_sample_value("syncd_half_removed_entities", {"organization": "pe"}) == 1
    assert [each.key for each in one.half_removed] == ["user:fry"]
    assert one.light is Light.HALF_REMOVED
