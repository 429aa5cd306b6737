"""What a cycle says of removals that have begun and are not over."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from syncd.cycle import run_cycle
from syncd.emulator.faults import ErrorAnswer, Fault
from syncd.errors import StoreError, SyncdError
from syncd.model.half_removed import Next
from syncd.model.memory import Binding, Memory
from syncd.model.names import Key
from syncd.model.plan import HALF_REMOVED, HALF_REMOVED_WAITS, REMOVAL_GOES_ON
from syncd.model.policy import Mode
from syncd.model.report import Report
from syncd.parts import Options
from tests.builders import wanted
from tests.fakes.stores import FakeStores
from tests.property.worlds import Directory, LivingWorld

BROKEN = Fault(operation="DeregisterFromWorkMail", error=ErrorAnswer(code="InternalFailure", status=500))
DENIED = Fault(operation="DeregisterFromWorkMail", error=ErrorAnswer(code="AccessDeniedException"))
UNREACHABLE = Fault(operation="ListUsers", error=ErrorAnswer(code="InternalFailure", status=500))


@dataclass
class Leaving:
    """A world in which Amy's removal could not be finished, what came of that cycle, and what the directory says."""

    world: LivingWorld
    report: Report
    rows: Directory


def interrupted(fault: Fault = BROKEN) -> Leaving:
    world, rows = LivingWorld(), Directory()
    for name in ("fry", "leela", "amy"):
        rows.put(wanted(name))
    world.desired = rows.mapped()
    world.fresh()
    rows.set_status(wanted("amy").key, "disabled")
    world.desired = rows.mapped()
    world.fail(fault)
    return Leaving(world, world.fresh(), rows)


def half_of(report: Report) -> list[tuple[str, str, Next]]:
    assert report.half_removed is not None
    return [(one.key, one.name, one.next) for one in report.half_removed]


def codes(report: Report) -> set[str]:
    assert report.plan is not None
    return {note.code for note in report.plan.notes if note.subject == "user:amy"}


def test_who_could_not_be_removed_is_named_and_finished_by_the_next_cycle() -> None:
    """Since when, and by when at the latest; the plan that goes on with it says so; then nobody is named."""
    leaving = interrupted()
    (half,) = leaving.report.half_removed or ()
    leaving.world.fail()
    goes_on = leaving.world.fresh()

    assert half_of(leaving.report) == [("user:amy", "amy", Next.FINISHED)]
    assert half.until - half.since == leaving.world.policy.removal.finish_within
    assert codes(goes_on) == {REMOVAL_GOES_ON}
    assert (goes_on.exit_code, goes_on.half_removed) == (0, ())


def test_what_may_not_go_on_is_said_to_be_given_back() -> None:
    """The service refused for good; or the plan gave it up, with its own words."""
    refused = interrupted(DENIED)
    returned = interrupted()
    returned.rows.set_status(wanted("amy").key, "enabled")
    returned.world.desired = returned.rows.mapped()
    returned.world.fail(Fault(operation="UpdatePrimaryEmailAddress", error=ErrorAnswer(code="InternalFailure")))
    rollback = returned.world.fresh()
    (half,) = rollback.half_removed or ()

    assert half_of(refused.report) == [("user:amy", "amy", Next.GIVEN_BACK)]
    assert codes(rollback) == {HALF_REMOVED}
    assert (half.next, half.why) == (Next.GIVEN_BACK, "its removal is given up: the entry is back in the directory")


def test_who_has_everything_back_is_whole_in_the_same_cycle() -> None:
    """No cycle is needed to see it: nobody is named, nothing is kept, and the next one treats her like anybody."""
    leaving = interrupted()
    leaving.rows.set_status(wanted("amy").key, "enabled")
    leaving.world.desired = leaving.rows.mapped()
    leaving.world.fail()
    rollback = leaving.world.fresh()
    after = leaving.world.fresh()

    assert codes(rollback) == {HALF_REMOVED}
    assert (rollback.exit_code, rollback.half_removed) == (0, ())
    assert not leaving.world.stores.load().begun
    assert after.plan is not None
    assert (after.plan.operations, after.plan.populations.frozen) == ((), 0)


def test_who_waits_for_a_rebind_is_not_said_to_go_on() -> None:
    """Amy is half removed and comes back under another key: nothing is done before somebody approves that."""
    leaving = interrupted()
    rows = Directory()
    for one in (wanted("fry"), wanted("leela"), wanted("amy", key="user:wong")):
        rows.put(one)
    leaving.world.desired = rows.mapped()
    report = leaving.world.fresh()

    assert [(key, what) for key, _, what in half_of(report)] == [("user:amy", Next.NOTHING)]
    assert codes(report) == {HALF_REMOVED_WAITS}
    assert report.half_removed is not None
    assert "proposed to be the same as user:wong" in report.half_removed[0].why


def test_in_mode_observe_nobody_is_forgotten() -> None:
    """Nothing is written, and nothing fails: still exit code 3, and who it is."""
    leaving = interrupted()
    leaving.world.policy = leaving.world.policy.model_copy(update={"mode": Mode.OBSERVE})
    watched = leaving.world.fresh()

    assert half_of(watched) == [("user:amy", "amy", Next.NOTHING)]
    assert watched.exit_code == 3


def test_a_cycle_that_fails_before_a_plan_names_them_too() -> None:
    """What the store knows is told although WorkMail could not be read."""
    leaving = interrupted()
    leaving.world.fail(UNREACHABLE)
    with pytest.raises(SyncdError):
        leaving.world.fresh()
    report = leaving.world.observer.reports[-1]

    assert report.plan is None
    assert half_of(report) == [("user:amy", "", Next.FINISHED)]


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_removal_that_somebody_else_ended_is_over(is_deleted: bool) -> None:
    """An administrator takes the last step, or its answer was lost: the next cycle sees it, and nobody is named."""
    leaving = interrupted()
    (amy,) = (identity for identity, one in leaving.world.documents().items() if one["name"] == "amy")
    leaving.world.fail()
    leaving.world.call("DeregisterFromWorkMail", EntityId=amy)
    if is_deleted:
        leaving.world.call("DeleteUser", UserId=amy)
    after = leaving.world.fresh()
    binding = leaving.world.stores.bindings[wanted("amy").key]

    assert (after.exit_code, after.half_removed) == (0, ())
    assert (binding.began_at, binding.removed_at) == (None, leaving.world.clock.now())
    assert binding.addresses


class Lost(FakeStores):
    """A store that can't be read."""

    def load(self) -> Memory:
        """Fail."""
        raise StoreError("the disk is gone")

    def begun(self) -> Mapping[Key, Binding]:
        """Fail too."""
        raise StoreError("the disk is gone")


def test_a_store_that_cannot_be_asked_says_nothing() -> None:
    """Its error ends the cycle; that nobody is known to be half removed is not said to be nobody."""
    leaving = interrupted()
    parts = leaving.world.parts()
    lost = Lost(leaving.world.clock)
    with pytest.raises(StoreError, match="the disk is gone"):
        run_cycle(replace(parts, memory=lost), Options(command="sync"))

    assert leaving.world.observer.reports[-1].half_removed is None
