"""Profile: one update for all fields that differ, and nothing where nothing does."""

from collections.abc import Mapping

import pytest

from syncd.model.action import Action
from syncd.model.names import Key, Kind
from syncd.model.operation import Merged, Operation, Ref, enabled
from syncd.model.policy import Manage, Mode, Policy
from syncd.model.standing import Freeze, Frozen, Standings
from syncd.model.state import Wanted
from syncd.workmail.attributes import MEMBERS
from syncd.workmail.facets.profile import ProfileFacet
from tests.builders import entity, entity_id, known, situation, wanted

FRY, CREW = Key("user:fry"), Key("group:crew")


def proposed(
    want: Wanted,
    held: Mapping[str, str] | None,
    *,
    display_name: str | None = None,
    manage: Manage | None = None,
    frozen: bool = False,
) -> list[Operation]:
    identity = entity_id(want.name)
    now = situation(
        [want],
        [entity(want.name, kind=want.kind, display_name=display_name)],
        standings=Standings(
            entity_of={want.key: identity},
            key_of={identity: want.key},
            frozen={want.key: Frozen(Freeze.PENDING, "x")} if frozen else {},
        ),
        details=known(profile={} if held is None else {identity: held}),
        policy=Policy(mode=Mode.FULL, manage=manage or Manage()),
    )
    return list(ProfileFacet().propose(now).operations)


@pytest.mark.parametrize(
    ("want", "held", "after"),
    [
        ({"city": "Mars"}, {"city": "Earth"}, {"city": "Mars"}),
        ({"city": "Mars"}, {}, {"city": "Mars"}),
        ({"city": ""}, {"city": "Earth"}, {"city": ""}),
        ({"city": ""}, {}, None),
        ({}, {"city": "Earth"}, None),  # not managed
        ({"city": "Earth"}, {"city": "Earth", "office": "4"}, None),
        ({"hidden": "true"}, {}, {"hidden": "true"}),
        ({"hidden": "false"}, {}, None),
        ({"hidden": "false"}, {"hidden": "true"}, {"hidden": "false"}),
        ({"hidden": ""}, {"hidden": "true"}, {"hidden": ""}),
        ({"city": "Mars", "office": "4"}, {"city": "Earth", "office": "4"}, {"city": "Mars"}),
    ],
)
def test_only_what_differs_is_changed(want: dict[str, str], held: dict[str, str], after: dict[str, str] | None) -> None:
    """A wanted value replaces, an empty one clears, an absent one leaves alone; empty and absent are equal."""
    found = proposed(wanted("fry", profile=want), held)
    assert [dict(one.after) for one in found] == ([] if after is None else [after])


def test_one_update_carries_everything() -> None:
    """All fields in one call, in the order in which people read them, with what was before."""
    want = wanted("fry", display_name="Philip J. Fry", profile={"office": "4", "first_name": "Philip"})
    (one,) = proposed(want, {"first_name": "Phil"})
    assert (one.kind, one.action, one.summary) == (
        "profile.update",
        Action.CHANGE,
        "set display name, first name, office of fry",
    )
    assert one.before == {"display_name": "Fry", "first_name": "Phil", "office": ""}
    assert one.call is not None
    assert one.call.parameters == {
        "UserId": "id-fry",
        "DisplayName": "Philip J. Fry",
        "FirstName": "Philip",
        "Office": "4",
        "*": Merged("DescribeUser"),
    }
    assert one.awaits == {enabled(FRY)}


def test_a_group_has_only_its_flag() -> None:
    """UpdateGroup knows nothing else, and needs nothing merged."""
    (one,) = proposed(wanted("crew", kind=Kind.GROUP, profile={"hidden": "true"}), {})
    assert one.call is not None
    assert (one.call.operation, one.call.parameters) == (
        "UpdateGroup",
        {"GroupId": "id-crew", "HiddenFromGlobalAddressList": True},
    )


def test_what_was_not_read_is_not_compared() -> None:
    """Without details only the display name, which lists tell, can be compared."""
    assert proposed(wanted("fry", profile={"city": "Mars"}), None) == []
    (one,) = proposed(wanted("fry", display_name="Philip", profile={"city": "Mars"}), None)
    assert "display_name" in one.after


def test_a_newcomer_gets_its_profile_after_its_registration() -> None:
    """What the creation didn't set is added; empty fields and "not hidden" are so by themselves."""
    want = wanted("fry", profile={"city": "Mars", "office": "", "hidden": "false"})
    now = situation([want], standings=Standings(newcomers=frozenset({FRY})))
    (one,) = ProfileFacet().propose(now).operations
    assert (one.action, one.after) == (Action.ADD, {"city": "Mars"})
    assert one.awaits == {enabled(FRY)}
    assert one.call is not None
    assert one.call.parameters["UserId"] == Ref(FRY)


@pytest.mark.parametrize("how", ["unmanaged", "frozen", "disabled"])
def test_nothing_is_changed_of_who_may_not_be_touched(how: str) -> None:
    """Not managed, frozen, or disabled in the directory."""
    want = wanted("fry", enabled=how != "disabled", profile={"city": "Mars"})
    manage = Manage(profile=how != "unmanaged")
    assert proposed(want, {}, manage=manage, frozen=how == "frozen") == []


def test_every_field_has_a_member() -> None:
    """Each field of the model is a member of UpdateUser."""
    assert len(set(MEMBERS.values())) == len(MEMBERS)
