"""Who is in a group that its entry doesn't list: the whole line, from the directory to WorkMail."""

from dataclasses import replace

import pytest

from syncd.model.entry import Rejection
from syncd.model.names import Key, Kind
from syncd.model.plan import Plan
from syncd.model.policy import Adopt, Manage, Mode, Policy
from syncd.model.state import Desired, Wanted
from tests.builders import wanted
from tests.fakes.cycles import DOMAIN, World

FRY, LEELA = wanted("fry"), wanted("leela")
CREW = wanted("crew", kind=Kind.GROUP, members=("user:fry",), origin="groups.csv:2")


def directory(*entities: Wanted, **more: object) -> Desired:
    counts = {kind: sum(one.kind is kind for one in entities) for kind in (Kind.USER, Kind.GROUP)}
    return Desired(entities={one.key: one for one in entities}, counts=counts, **more)  # type: ignore[arg-type] # Desired's own


def by_hand(world: World, name: str, *, group: bool = False) -> str:
    """An enabled user or group that somebody made in WorkMail."""
    if group:
        made = world.call("CreateGroup", Name=name)["GroupId"]
    else:
        made = world.call("CreateUser", Name=name, DisplayName=name.title(), Password="Tr0ub4dor&3xyz")["UserId"]
    world.call("RegisterToWorkMail", EntityId=made, Email=f"{name}@{DOMAIN}")
    return str(made)


def join(world: World, group: str, member: str) -> None:
    world.call("AssociateMemberToGroup", GroupId=group, MemberId=member)


def members(world: World, group: str) -> set[str]:
    found = world.call("ListGroupMembers", GroupId=group)["Members"]
    return {member["Name"] for member in found}  # type: ignore[attr-defined] # JSON is untyped


def exits(plan: Plan | None) -> list[str]:
    assert plan is not None
    return sorted(operation.summary for operation in plan.operations if operation.kind == "member.remove")


def adopting(adopt: Adopt = Adopt.EXACT) -> tuple[World, str]:
    """An organization in which a crew of zoidberg and amy was made by hand, and whose directory lists fry alone."""
    world = World(policy=Policy(mode=Mode.FULL, adopt=adopt))
    crew = by_hand(world, "crew", group=True)
    for name in ("zoidberg", "amy"):
        join(world, crew, by_hand(world, name))
    world.desired = directory(FRY, CREW)
    return world, crew


@pytest.mark.parametrize("adopt", [Adopt.ASK, Adopt.EXACT])
def test_strangers_of_an_adopted_group_leave_only_when_they_were_approved(adopt: Adopt) -> None:
    """They are listed with the adoption; one who comes after the approval was not in it, and is asked for herself."""
    world, crew = adopting(adopt)
    first = world.sync()
    assert first.plan is not None
    assert members(world, crew) >= {"zoidberg", "amy"}
    assert exits(first.plan) == ["remove amy from crew", "remove zoidberg from crew"]
    assert {operation.id for operation in first.plan.operations if operation.kind == "member.remove"} <= set(
        first.plan.withheld
    )
    (adoption,) = [operation for operation in first.plan.operations if operation.kind == "adopt"]
    assert "who isn't listed there leaves it then: amy, zoidberg" in adoption.reason
    assert first.exit_code == 3

    world.approve(world.plan())
    join(world, crew, by_hand(world, "kif"))
    second = world.sync(refresh=True)

    assert members(world, crew) == {"fry", "kif"}
    assert second.plan is not None
    assert len(second.plan.withheld) == 1
    assert [note.code for note in second.plan.notes] == ["strangers_found"]


def test_one_added_by_hand_later_leaves_within_the_guards() -> None:
    """Once the group was found in order, `exact` means what it says."""
    world, crew = adopting()
    world.sync()
    world.approve(world.plan())
    world.sync()
    world.sync()
    join(world, crew, by_hand(world, "kif"))
    report = world.sync(refresh=True)

    assert exits(report.plan) == ["remove kif from crew"]
    assert report.plan is not None
    assert not report.plan.withheld
    assert members(world, crew) == {"fry"}


def test_a_group_of_our_own_making_asks_nothing() -> None:
    """Nobody can have been in it before."""
    world = World()
    world.desired = directory(FRY, CREW)
    world.sync()
    crew = world.stores.bindings[CREW.key].entity
    join(world, crew, by_hand(world, "kif"))
    world.sync(refresh=True)

    assert members(world, crew) == {"fry"}


def test_members_that_become_exact_are_asked_for_once() -> None:
    """From `additive` to `exact`: what was added by hand in between is listed, and stays until approved."""
    world = World(policy=Policy(mode=Mode.FULL, manage=Manage(members="additive")))
    world.desired = directory(FRY, CREW)
    world.sync()
    crew = world.stores.bindings[CREW.key].entity
    join(world, crew, by_hand(world, "kif"))
    world.sync(refresh=True)
    world.policy = Policy(mode=Mode.FULL)
    asked = world.sync(refresh=True)
    assert members(world, crew) == {"fry", "kif"}
    assert asked.exit_code == 3
    world.policy = Policy(mode=Mode.FULL, manage=Manage(members=False))
    world.sync()
    world.policy = Policy(mode=Mode.FULL)
    world.approve(world.plan())
    world.sync()

    assert members(world, crew) == {"fry"}
    world.sync()
    assert world.stores.bindings[CREW.key].members_managed


def test_without_a_mapping_of_members_nobody_is_taken_out() -> None:
    """That the mapping says nothing of members doesn't mean that nobody belongs to a group."""
    world = World()
    world.desired = directory(FRY, CREW)
    world.sync()
    crew = world.stores.bindings[CREW.key].entity
    world.desired = directory(FRY, replace(CREW, members=frozenset()), lists_members=False)
    report = world.sync(refresh=True)
    assert exits(report.plan) == []
    assert not world.stores.bindings[CREW.key].members_managed
    join(world, crew, by_hand(world, "kif"))
    world.desired = directory(FRY, CREW)
    world.sync(refresh=True)

    assert members(world, crew) == {"fry", "kif"}


BAD_TITLE = Rejection(key=Key("user:leela"), origin="people.csv:3", reason="title is too long", remedy="shorten it")


def test_a_rejected_member_keeps_the_strangers_in() -> None:
    """`adopt: exact` with one bad title: Leela is in the group by hand, listed, and can't be placed. She stays."""
    world = World(policy=Policy(mode=Mode.FULL, adopt=Adopt.EXACT))
    crew = by_hand(world, "crew", group=True)
    join(world, crew, by_hand(world, "leela"))
    group = replace(CREW, members=frozenset({FRY.key, LEELA.key}))
    world.desired = directory(FRY, group, rejections=(BAD_TITLE,))
    first = world.sync()
    world.approve(world.plan())
    again = world.sync()

    assert members(world, crew) == {"fry", "leela"}
    for report in (first, again):
        assert exits(report.plan) == []
    assert again.plan is not None
    (note,) = [note for note in again.plan.notes if note.code == "strangers_stay"]
    assert note.text == (
        "keeps leela, whom groups.csv:2 doesn't list, since it lists user:leela (rejected: title is too long)"
    )


def test_a_value_that_names_nobody_keeps_the_strangers_in() -> None:
    """It may mean one of them; of a group that was found in order too."""
    world = World()
    world.desired = directory(FRY, CREW)
    world.sync()
    crew = world.stores.bindings[CREW.key].entity
    join(world, crew, by_hand(world, "kif"))
    world.desired = directory(FRY, CREW, unplaced=frozenset({CREW.key}), outsiders={CREW.key: ("kif@elsewhere",)})
    world.sync(refresh=True)
    assert members(world, crew) == {"fry", "kif"}
    world.desired = directory(FRY, CREW)
    world.sync(refresh=True)

    assert members(world, crew) == {"fry"}
