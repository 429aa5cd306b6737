"""Members: the rows of its decision table, and circles."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from syncd.emulator import ServiceFault
from syncd.model.names import EntityId, Key, Kind
from syncd.model.operation import Operation, Ref, enabled, permitted
from syncd.model.policy import Manage, Mode, Policy
from syncd.model.report import Result
from syncd.model.standing import Proposal, ProposalKind, Standings
from syncd.model.state import Entity, State, Wanted
from syncd.workmail.facets.members import Members
from tests.builders import desired, entity, entity_id, known, situation, wanted
from tests.fakes.cycles import World

CREW, FRY, LEELA, MOM = Key("group:crew"), Key("user:fry"), Key("user:leela"), entity_id("mom")


def proposed(
    members: Iterable[str],
    held: Iterable[str],
    *,
    people: Iterable[Wanted] = (wanted("fry"), wanted("leela")),
    there: Iterable[Entity] = (entity("fry"), entity("leela"), entity("mom")),
    manage: Any = "exact",  # noqa: ANN401 - a Literal of Manage
    **standings: Any,  # noqa: ANN401 - Standings' own
) -> list[Operation]:
    """What is done about a crew that wants *members* and holds the entities called *held*."""
    crew = wanted("crew", kind=Kind.GROUP, members=members, origin="groups.csv:2")
    ours = {CREW: entity_id("crew"), FRY: entity_id("fry"), LEELA: entity_id("leela")}
    given: Mapping[str, Any] = {
        "entity_of": ours,
        "key_of": {identity: key for key, identity in ours.items()},
        **standings,
    }
    now = situation(
        [*people, crew],
        [entity("crew", kind=Kind.GROUP), *there],
        standings=Standings(**given),
        details=known(members={entity_id("crew"): frozenset(map(entity_id, held))}),
        policy=Policy(mode=Mode.FULL, manage=Manage(members=manage)),
    )
    return list(Members().propose(now).operations)


def said(operations: Iterable[Operation]) -> list[str]:
    return [one.summary for one in operations]


def test_who_is_wanted_and_absent_joins() -> None:
    """A join awaits that both are ENABLED (`workmail.md` B32)."""
    (one,) = proposed([FRY, LEELA], ["fry"])
    assert one.summary == "add leela to crew"
    assert one.awaits == {enabled(CREW), enabled(LEELA)}
    assert one.call is not None
    assert one.call.parameters == {"GroupId": "id-crew", "MemberId": "id-leela"}


def test_who_is_not_wanted_leaves() -> None:
    """Ours or not: the group is ours. What is removed says why, and is destructive."""
    ours, theirs = proposed([FRY], ["fry", "leela", "mom"])
    assert said([ours, theirs]) == ["remove leela from crew", "remove mom from crew"]
    assert "it is not ours, but the group is" in theirs.reason
    assert ours.destructive
    assert ours.awaits == {enabled(CREW)}
    assert ours.bundle != theirs.bundle


def test_nothing_differs_nothing_happens() -> None:
    """Equal sets make no operation."""
    assert proposed([FRY, LEELA], ["leela", "fry"]) == []


@pytest.mark.parametrize(("manage", "count"), [("exact", 2), ("additive", 1), (False, 0)])
def test_what_is_managed(manage: str | bool, count: int) -> None:
    """Exact adds and removes, additive only adds, unmanaged does neither."""
    assert len(proposed([FRY], ["leela"], manage=manage)) == count


def test_the_frozen_stay_in_every_group() -> None:
    """Neither in nor out."""
    frozen = {FRY: "rejected", LEELA: "rejected"}
    assert proposed([FRY], ["leela"], frozen=frozen) == []


def test_a_frozen_group_keeps_its_members() -> None:
    """Nobody in, nobody out."""
    assert proposed([FRY], ["leela"], frozen={CREW: "outside the pilot"}) == []


def test_disabled_members_are_neither_counted_nor_removed() -> None:
    """The service keeps them listed, and refuses to change them (`workmail.md` B32, B34)."""
    there = [entity("fry"), entity("leela", state=State.DISABLED), entity("mom", state=State.DELETED)]
    assert proposed([FRY], ["fry", "leela", "mom"], there=there) == []


@pytest.mark.parametrize("manage", ["exact", "additive", False])
def test_leavers_exit_in_their_removal(manage: str | bool) -> None:
    """Whatever is managed: who leaves, leaves the groups of ours, in the removal's bundle."""
    (one,) = proposed([FRY], ["fry", "leela"], people=[wanted("fry")], manage=manage, leaving={LEELA: "disabled"})
    assert (one.summary, str(one.bundle), one.reason) == ("remove leela from crew", "removal:user:leela", "disabled")


def test_nobody_exits_from_a_group_that_leaves_itself() -> None:
    """Its deregistration ends it for everybody."""
    assert proposed([], ["leela"], people=[], leaving={LEELA: "disabled", CREW: "gone"}, frozen={}, manage=False) == []


def test_newcomers_join_new_groups() -> None:
    """Neither has an id yet: both are filled in when it is sent."""
    crew = wanted("crew", kind=Kind.GROUP, members=(FRY,))
    now = situation([wanted("fry"), crew], standings=Standings(newcomers=frozenset({FRY, CREW})))
    (one,) = Members().propose(now).operations
    assert one.call is not None
    assert one.call.parameters == {"GroupId": Ref(CREW), "MemberId": Ref(FRY)}


@pytest.mark.parametrize("row", [wanted("leela", enabled=False), None])
def test_who_is_disabled_or_unknown_doesnt_join(row: Wanted | None) -> None:
    """A member that the directory disabled, or doesn't have, isn't added."""
    assert proposed([LEELA], [], people=[row] if row else []) == []


def test_a_group_without_details_is_left_alone() -> None:
    """What wasn't read isn't compared."""
    now = situation(
        [wanted("fry"), wanted("crew", kind=Kind.GROUP, members=(FRY,))],
        [entity("fry"), entity("crew", kind=Kind.GROUP)],
        standings=Standings(entity_of={CREW: entity_id("crew"), FRY: entity_id("fry")}),
    )
    assert list(Members().propose(now).operations) == []


def test_a_proposed_person_neither_joins_nor_exits_before_the_yes() -> None:
    """Joining or leaving a group awaits the proposal about the person, as about the group."""
    proposals = {LEELA: Proposal(kind=ProposalKind.REBIND, key=LEELA, entity=entity_id("leela"), reason="alike")}
    for members, held in (([FRY, LEELA], ["fry"]), ([FRY], ["fry", "leela"])):
        (one,) = proposed(members, held, proposals=proposals)
        assert permitted("rebind", LEELA) in one.awaits


def test_a_group_can_be_turned_inside_out_in_one_cycle() -> None:
    """A contained B, now B contains A: the old nesting goes first, for no circle is allowed (`workmail.md` B33)."""
    a, b = wanted("a", kind=Kind.GROUP, members=("group:b",)), wanted("b", kind=Kind.GROUP)
    keeps = [wanted("p", key="user:p")]
    world = World()
    world.desired = desired(*keeps, a, b)
    assert world.sync().exit_code == 0
    turned = wanted("a", kind=Kind.GROUP, members=("user:p",)), wanted("b", kind=Kind.GROUP, members=("group:a",))
    world.desired = desired(*keeps, *turned)
    report = world.sync()
    assert report.plan is not None
    order = said(report.plan.operations)
    assert sorted(order) == ["add a to b", "add p to a", "remove b from a"]
    assert order.index("remove b from a") < order.index("add a to b")
    assert {one.result for one in report.outcomes} == {Result.APPLIED}


def test_a_longer_circle_is_undone_first() -> None:
    """Only those exits are awaited without which the group would contain itself."""
    names = ("a", "b", "c", "d")
    chain = {"a": ("b", "d"), "b": ("c",), "c": (), "d": ()}
    turned: dict[str, tuple[str, ...]] = {"a": ("b",), "b": (), "c": ("a",), "d": ("p",)}

    def groups(nested: Mapping[str, tuple[str, ...]]) -> list[Wanted]:
        keyed = {name: [f"{'user' if m == 'p' else 'group'}:{m}" for m in nested[name]] for name in names}
        return [wanted(name, kind=Kind.GROUP, members=[*keyed[name], "user:q"]) for name in names]

    people = [wanted("p"), wanted("q")]
    world = World()
    world.desired = desired(*people, *groups(chain))
    assert world.sync().exit_code == 0
    world.desired = desired(*people, *groups(turned))
    plan = world.plan()
    by_summary = {one.summary: one for one in plan.operations}
    assert by_summary["add a to c"].needs == {by_summary["remove c from b"].id}
    report = world.sync()
    assert {one.result for one in report.outcomes} == {Result.APPLIED}


def test_the_emulator_refuses_circles() -> None:
    """What the two tests above rest on."""
    world = World()
    ids = [EntityId(str(world.call("CreateGroup", Name=name)["GroupId"])) for name in "ab"]
    for name, identity in zip("ab", ids, strict=True):
        world.call("RegisterToWorkMail", EntityId=identity, Email=f"{name}@planetexpress.example")
    world.call("AssociateMemberToGroup", GroupId=ids[0], MemberId=ids[1])
    with pytest.raises(ServiceFault):
        world.call("AssociateMemberToGroup", GroupId=ids[1], MemberId=ids[0])
