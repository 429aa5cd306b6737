from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syncd.errors import StoreError
from syncd.model.memory import Approval, Mark
from syncd.model.names import Key
from syncd.store.store import OrganizationStore
from tests.builders import binding
from tests.fakes.clock import FakeClock

FRY = Key("user:fry")


def test_one_entity_has_one_owner(ours: OrganizationStore) -> None:
    """A second key can't be bound to the same entity: the error names the owner, and nothing changes."""
    ours.memory.bind(binding("user:fry"))

    with pytest.raises(StoreError, match=r"can't bind user:leela to entity id-fry .* user:fry is bound to it"):
        ours.memory.bind(binding("user:leela", "fry"))

    assert ours.memory.load().bindings == {FRY: binding("user:fry")}


def test_a_refused_binding_removes_nothing(ours: OrganizationStore) -> None:
    """When a rebind fails, the binding that it would have replaced is still there."""
    ours.memory.bind(binding("user:fry"))
    ours.memory.bind(binding("user:amy"))

    with pytest.raises(StoreError):
        ours.memory.bind(binding("user:leela", "fry"), replaces=Key("user:amy"))

    assert set(ours.memory.load().bindings) == {"user:fry", "user:amy"}


def test_a_binding_may_replace_itself(ours: OrganizationStore) -> None:
    """A binding that names its own key as the replaced one is simply written."""
    ours.memory.bind(binding("user:fry"), replaces=FRY)

    assert ours.memory.binding(FRY) == binding("user:fry")


def test_one_key_is_looked_up(ours: OrganizationStore) -> None:
    """`explain` finds the binding and the mark of one key; of an unknown key there are none."""
    mark = Mark(key=FRY, missing_since=datetime(2026, 1, 1, tzinfo=UTC), missing_cycles=2)
    ours.memory.bind(binding("user:fry"))
    ours.memory.record_marks({FRY: replace(mark, missing_cycles=1)}, {})
    ours.memory.record_marks({FRY: mark}, {})

    assert (ours.memory.binding(FRY), ours.memory.mark(FRY)) == (binding("user:fry"), mark)
    assert (ours.memory.binding(Key("user:amy")), ours.memory.mark(Key("user:amy"))) == (None, None)
    assert ours.memory.marks() == {FRY: mark}


def test_times_come_back_in_utc(ours: OrganizationStore) -> None:
    """A moment of another zone comes back as the same moment in UTC, to the microsecond."""
    east = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=UTC).astimezone()
    ours.memory.bind(binding("user:fry", since=east))

    since = ours.memory.load().bindings[FRY].since

    assert (since, since.tzinfo) == (east, UTC)


def test_a_time_without_zone_is_refused(ours: OrganizationStore) -> None:
    """A moment that could mean several is a defect of the caller, not a row."""
    with pytest.raises(Exception, match="a time without zone"):
        ours.memory.bind(binding("user:fry", since=datetime(2026, 3, 1)))  # noqa: DTZ001 - what is refused

    assert ours.memory.load().bindings == {}


def test_two_approvals_stand_apart(ours: OrganizationStore, clock: FakeClock) -> None:
    """Approvals of the same plan don't change each other; the longer one outlives the shorter."""
    short, long = (
        Approval(digest="d", operations=frozenset({"a"}), by="amy", expires_at=clock.now() + timedelta(hours=hours))
        for hours in (1, 48)
    )
    ours.decisions.approve(short)
    ours.decisions.approve(long)
    assert ours.memory.approvals() == (short, long)

    clock.advance(hours=2)

    assert ours.memory.approvals() == (long,)


def test_an_approval_of_the_future_frees_nothing(ours: OrganizationStore, clock: FakeClock) -> None:
    """Given while the clock was ahead: nobody knows when, so that it isn't believed."""
    clock.jump(hours=1)
    expires = clock.now() + timedelta(hours=4)
    ours.decisions.approve(Approval(digest="d1", operations=frozenset({"o1"}), by="ada", expires_at=expires))
    assert len(ours.memory.load().approvals) == 1

    clock.jump(hours=-1)

    assert (ours.memory.load().approvals, ours.memory.approvals()) == ((), ())
