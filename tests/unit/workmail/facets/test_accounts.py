"""Accounts: the rows of its decision table."""

from typing import Any

import pytest

from syncd.model.action import Action
from syncd.model.names import EntityId, Key, Kind
from syncd.model.operation import Generated, Operation, enabled, exists, permitted
from syncd.model.situation import Situation
from syncd.model.standing import Freeze, Frozen, Proposal, ProposalKind, Standings
from syncd.model.state import State
from syncd.planning.dependencies import rank
from syncd.workmail.facets.accounts import Accounts
from syncd.workmail.facets.addresses import Addresses
from tests.builders import entity, entity_id, situation, wanted

FRY, CREW = Key("user:fry"), Key("group:crew")


def operations(now: Situation) -> list[Operation]:
    return list(Accounts().propose(now).operations)


def proposal(kind: ProposalKind, entity: EntityId | None = None, **more: Any) -> Proposal:  # noqa: ANN401 - Proposal's own
    return Proposal(kind=kind, key=FRY, entity=entity, reason="it matches", **more)


def test_newcomers_are_created() -> None:
    """Users with a password made when it is sent, groups with a name only; both DISABLED until they are registered."""
    fry, crew = operations(
        situation(
            [wanted("fry"), wanted("crew", kind=Kind.GROUP)], standings=Standings(newcomers=frozenset({FRY, CREW}))
        )
    )[::-1]
    assert fry.call is not None
    assert fry.call.operation == "CreateUser"
    assert fry.call.parameters == {"Name": "fry", "DisplayName": "Fry", "Password": Generated("password")}
    assert (fry.kind, fry.action, fry.proposal) == ("user.create", Action.ADD, False)
    assert fry.gives == {exists(FRY)}
    assert fry.after == {"name": "fry", "display_name": "Fry"}
    assert crew.call is not None
    assert (crew.kind, crew.call.operation, crew.call.parameters) == ("group.create", "CreateGroup", {"Name": "crew"})


@pytest.mark.parametrize(("state", "count"), [(State.ENABLED, 1), (State.DISABLED, 0)])
def test_leavers_are_deregistered_once(state: State, count: int) -> None:
    """Who is DISABLED already isn't deregistered again; the fuse and the reason are told."""
    found = operations(
        situation(
            entities=[entity("fry", state=state)],
            standings=Standings(
                entity_of={FRY: entity_id("fry")}, key_of={entity_id("fry"): FRY}, leaving={FRY: "disabled since May"}
            ),
        )
    )
    assert len(found) == count
    for one in found:
        assert (one.kind, one.action, one.destructive, str(one.bundle)) == (
            "deregister",
            Action.REMOVE,
            True,
            "removal:user:fry",
        )
        assert one.reason == "disabled since May"
        assert "30 days" in one.summary


@pytest.mark.parametrize(
    ("kind", "previous", "action", "summary"),
    [
        (ProposalKind.ADOPT, None, Action.ADD, "adopt user fry as user:fry"),
        (ProposalKind.REBIND, Key("user:old"), Action.CHANGE, "rebind fry from user:old to user:fry"),
    ],
)
def test_adoption_and_rebinding_change_only_what_we_remember(
    kind: ProposalKind, previous: Key | None, action: Action, summary: str
) -> None:
    """No call; what follows awaits the permission that it gives."""
    (one,) = operations(
        situation(
            [wanted("fry")],
            [entity("fry")],
            standings=Standings(
                entity_of={FRY: entity_id("fry")},
                proposals={FRY: proposal(kind, entity_id("fry"), previous=previous)},
            ),
        )
    )
    assert (one.call, one.proposal, one.action, one.summary) == (None, True, action, summary)
    assert one.gives == {permitted(kind, FRY)}
    assert rank(one) == 0


def test_an_exact_adoption_needs_no_approval() -> None:
    """It is an operation like others, shown, but not withheld."""
    (one,) = operations(
        situation(
            [wanted("fry")],
            [entity("fry")],
            standings=Standings(
                entity_of={FRY: entity_id("fry")},
                proposals={FRY: proposal(ProposalKind.ADOPT, entity_id("fry"), needs_approval=False)},
            ),
        )
    )
    assert not one.proposal


def test_the_recreation_is_the_creation() -> None:
    """One operation with its call: the approval is spent by what it allows, not before."""
    (one,) = operations(
        situation(
            [wanted("fry")],
            standings=Standings(
                newcomers=frozenset({FRY}), lost=frozenset({FRY}), proposals={FRY: proposal(ProposalKind.RECREATE)}
            ),
        )
    )
    assert one.call is not None
    assert (one.kind, one.call.operation, one.proposal) == ("user.create", "CreateUser", True)
    assert one.awaits == frozenset()
    assert one.gives == {exists(FRY), permitted("recreate", FRY)}
    assert one.summary == "recreate user fry; what the old one held is lost"
    assert one.reason == "it matches"


def test_the_registration_after_the_fuse_is_the_proposal() -> None:
    """Accounts adds nothing of its own: addresses registers, with approval."""
    away = entity("fry", state=State.DISABLED)
    now = situation(
        [wanted("fry")],
        [away],
        standings=Standings(
            entity_of={FRY: away.id},
            key_of={away.id: FRY},
            proposals={FRY: proposal(ProposalKind.REREGISTER, away.id)},
        ),
    )
    assert operations(now) == []
    (one,) = Addresses().propose(now).operations
    assert one.call is not None
    assert (one.call.operation, one.proposal, one.awaits) == ("RegisterToWorkMail", True, frozenset())
    assert {enabled(FRY), permitted("re-register", FRY)} <= one.gives


def test_a_frozen_key_is_not_put_before_a_person() -> None:
    """What may not be touched is not proposed either."""
    now = situation(
        [wanted("fry")],
        [entity("fry")],
        standings=Standings(
            entity_of={FRY: entity_id("fry")},
            frozen={FRY: Frozen(Freeze.PILOT, "outside the pilot")},
            proposals={FRY: proposal(ProposalKind.ADOPT, entity_id("fry"))},
        ),
    )
    assert operations(now) == []
