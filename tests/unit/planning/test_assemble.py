"""Asks the facets, applies the mode, links, cuts: what remains is closed, and what doesn't fit comes next."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from syncd.model.action import Action
from syncd.model.detail import Thing
from syncd.model.names import Key, Kind
from syncd.model.operation import Operation, enabled, exists, free
from syncd.model.plan import Note, Plan, Proposed
from syncd.model.policy import GuardSettings, Mode, Policy, Threshold
from syncd.model.report import Result
from syncd.model.situation import Situation
from syncd.model.standing import Freeze, Frozen, Standings
from syncd.model.state import State
from syncd.planning.assemble import assemble, without
from tests.builders import WIDE_OPEN, entity, entity_id, operation, plan, situation, wanted
from tests.fakes.cycles import World

FRY = Key("user:fry")


class Says:
    """A facet that proposes what it is told to."""

    name = "says"
    things: frozenset[Thing] = frozenset()
    detail: Thing | None = None

    def __init__(self, *operations: Operation, notes: Iterable[Note] = (), blocked: Iterable[Key] = ()) -> None:
        self.proposed = Proposed(operations=operations, notes=tuple(notes), blocked=dict.fromkeys(blocked, "waits"))
        self.seen: list[Situation] = []

    def propose(self, situation: Situation) -> Proposed:
        self.seen.append(situation)
        return self.proposed


def made(*operations: Operation, mode: Mode = Mode.FULL, limit: int = 20_000) -> Plan:
    return assemble(situation(policy=Policy(mode=mode, max_operations=limit)), [Says(*operations)])


ADD = operation("alias.add", after={"alias": "x"})
CHANGE = operation("profile.update", action=Action.CHANGE, after={"city": "NNY"})
REMOVE = operation("alias.remove", before={"alias": "y"}, gives=frozenset({free("y")}))
TAKES = operation("alias.add", "user:leela", after={"alias": "y"}, awaits=frozenset({free("y")}))


@pytest.mark.parametrize(
    ("mode", "kinds"),
    [
        (Mode.OBSERVE, set()),
        (Mode.CREATE, {"alias.add"}),
        (Mode.UPSERT, {"alias.add", "profile.update"}),
        (Mode.FULL, {"alias.add", "profile.update", "alias.remove"}),
    ],
)
def test_the_mode_leaves_out_what_it_doesnt_allow(mode: Mode, kinds: set[str]) -> None:
    """Adds, changes, removes: each mode allows one more; the rest is shown as outside."""
    result = made(ADD, CHANGE, REMOVE, mode=mode)
    assert {one.kind for one in result.operations} == kinds
    assert len(result.operations) + len(result.outside) == 3


def test_what_needs_something_outside_the_mode_is_outside_too() -> None:
    """An address that nobody may take away can't be given to somebody else; that isn't waiting, it is the mode."""
    here = situation(
        entities=[entity("fry", primary="y")],
        standings=Standings(entity_of={FRY: entity_id("fry")}, key_of={entity_id("fry"): FRY}),
        policy=Policy(mode=Mode.UPSERT),
    )
    result = assemble(here, [Says(REMOVE, TAKES)])
    assert (result.operations, result.notes) == ((), ())
    assert {one.id for one in result.outside} == {REMOVE.id, TAKES.id}


def test_who_is_blocked_is_frozen_for_the_facets_that_follow() -> None:
    """A newcomer whose address waits is no newcomer for anybody else."""
    first, second = Says(blocked=[FRY]), Says()
    here = situation([wanted("fry")])
    assemble(here, [first, second])
    assert first.seen[0].standings.newcomers == {FRY}
    assert second.seen[0].standings.newcomers == frozenset()
    assert second.seen[0].standings.frozen == {FRY: Frozen(Freeze.BLOCKED, "waits")}


def test_what_waits_is_noted_in_words() -> None:
    """An operation whose fact nobody gives is no operation of the plan, but a note says what it waits for."""
    joins = operation("member.add", summary="add fry to crew", awaits=frozenset({enabled(FRY)}))
    result = made(joins)
    assert result.operations == ()
    assert [note.text for note in result.notes] == ["add fry to crew: waits, since user:fry is not registered"]


def test_a_changed_name_is_a_note() -> None:
    """Names are written once; what case alone changes isn't even noted."""
    standings = Standings(entity_of={FRY: entity_id("fry"), Key("user:amy"): entity_id("amy")})
    rows = [wanted("philip", key="user:fry"), wanted("AMY", key="user:amy")]
    result = assemble(situation(rows, [entity("fry"), entity("amy")], standings=standings), [])
    assert [(note.code, note.subject) for note in result.notes] == [("name_differs", FRY)]


def test_populations_count_who_is_ours_and_enabled_before() -> None:
    """Guards measure against bound, ENABLED entities: not newcomers, not strangers, not the deregistered."""
    world = World()
    world.desired = replace(world.desired, entities={FRY: wanted("fry"), Key("user:amy"): wanted("amy")})
    world.sync()
    world.call("CreateGroup", Name="theirs")
    world.call("DeregisterFromWorkMail", EntityId=world.stores.bindings[FRY].entity)
    numbers = world.plan().populations.numbers()
    assert numbers["users_owned_enabled"] == 1
    assert numbers["users_in_directory"] == 2
    assert numbers["foreign"] == 1  # their group; the service's own system user is nobody's


# --- the cut ---------------------------------------------------------------------------------------------------------


def person(number: int) -> tuple[Operation, ...]:
    """All that a newcomer needs; listed from the end, as a facet may."""
    key = Key(f"user:{number:02}")
    return (
        operation("alias.add", key, awaits=frozenset({enabled(key)})),
        operation("register", key, awaits=frozenset({exists(key)}), gives=frozenset({enabled(key)})),
        operation("user.create", key, gives=frozenset({exists(key)})),
    )


def assert_closed(result: Plan) -> None:
    """Nothing needs what isn't in the plan."""
    assert all(one.needs <= result.by_id.keys() for one in result.operations)


@pytest.mark.parametrize("limit", range(1, 31))
def test_a_plan_carries_the_first_operations_closed_under_needs(limit: int) -> None:
    """Never more than the limit (but for what the first one needs), nothing without its needs, the rest counted."""
    people = [person(number) for number in range(10)]
    joins = operation("member.add", "group:crew", awaits=frozenset({enabled(Key("user:09"))}))
    addresses = Says(*(one for alias, register, _ in people for one in (register, alias)))
    accounts = Says(*(create for _, _, create in people))
    here = situation(policy=Policy(mode=Mode.FULL, max_operations=limit))
    result = assemble(here, [addresses, accounts, Says(joins)])
    assert_closed(result)
    assert 0 < len(result.operations) <= limit
    assert len(result.operations) + sum(result.deferred.values()) == 31


def test_a_bundle_is_never_cut() -> None:
    """A larger bundle goes alone; removals come before everything else."""
    removal = [operation("member.remove", f"group:{n}", bundle="removal:user:x", before={"n": n}) for n in range(5)]
    result = made(*person(1), *removal, operation("deregister", "user:x", bundle="removal:user:x"), limit=3)
    assert {str(one.bundle) for one in result.operations} == {"removal:user:x"}
    assert len(result.operations) == 6
    assert {verb.name: count for verb, count in result.deferred.items()} == {
        "alias.add": 1,
        "register": 1,
        "user.create": 1,
    }


def test_what_may_only_not_have_fitted_is_no_note() -> None:
    """While something is deferred nobody is told to wait for a fact that the next plan will give."""
    result = assemble(
        situation(policy=Policy(mode=Mode.FULL, max_operations=1)),
        [Says(*(one for one in person(1) if one.kind != "user.create")), Says(person(1)[2], person(2)[2])],
    )
    assert result.notes == ()
    assert sum(result.deferred.values()) + len(result.operations) == 4


def test_the_next_cycles_finish_the_rest() -> None:
    """However small the plans: cycle by cycle everything is done, each within the limit, and then nothing is left."""
    people = [wanted(f"p{n:02}", aliases=(f"a{n}@planetexpress.example",)) for n in range(6)]
    crew = wanted("crew", kind=Kind.GROUP, members=[one.key for one in people])
    world = World(policy=Policy(mode=Mode.FULL, max_operations=4))
    world.desired = replace(
        world.desired, entities={one.key: one for one in (*people, crew)}, counts={Kind.USER: 6, Kind.GROUP: 1}
    )
    done: Counter[str] = Counter()
    while sum(done.values()) < 26:
        report = world.sync()
        assert report.plan is not None
        assert report.plan.operations, report.plan.deferred
        assert len(report.plan.operations) <= 4
        assert_closed(report.plan)
        assert {one.result for one in report.outcomes} <= {Result.APPLIED}
        done.update(one.operation.kind for one in report.outcomes)
    rest = world.plan()
    assert (rest.operations, rest.deferred) == ((), {})
    assert done == {"user.create": 6, "group.create": 1, "register": 7, "alias.add": 6, "member.add": 6}


def test_a_removal_is_never_cut() -> None:
    """With the smallest plans leavers go one by one, each with all of their exits and releases."""
    people = [wanted(f"p{n}", aliases=(f"a{n}@planetexpress.example",)) for n in range(4)]
    groups = [wanted(f"g{n}", kind=Kind.GROUP, members=[one.key for one in people]) for n in range(3)]
    rows = {one.key: one for one in (*people, *groups)}
    world = World()
    world.desired = replace(world.desired, entities=rows, counts={Kind.USER: 4, Kind.GROUP: 3})
    world.sync()
    world.policy = Policy(mode=Mode.FULL, max_operations=1, guards=WIDE_OPEN)
    gone = {one.key: replace(one, enabled=False) for one in people[:2]}
    world.desired = replace(world.desired, entities={**rows, **gone})
    for key in gone:
        report = world.sync()
        kinds = Counter(one.operation.kind for one in report.outcomes if str(one.operation.bundle) == f"removal:{key}")
        assert kinds == {"member.remove": 3, "address.park": 1, "alias.remove": 2, "deregister": 1}
        assert len(report.outcomes) == 7
    assert world.plan().operations == ()


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.CREATE])
def test_what_is_outside_the_mode_takes_no_room(mode: Mode) -> None:
    """However much the mode leaves out, what it allows has its place; guards don't count the rest as deferred."""
    removals = [operation("alias.remove", f"user:{n}", before={"alias": n}) for n in range(50)]
    here = situation(policy=Policy(mode=mode, max_operations=10))
    result = assemble(here, [Says(*removals, ADD)])
    assert result.operations == ((ADD,) if mode is Mode.CREATE else ())
    assert {verb.name: count for verb, count in result.deferred.items()} == {}
    assert len(result.outside) <= 11
    assert result.notes[0].text.endswith("more operations are outside the mode")


def test_a_cut_removal_still_trips_its_guard() -> None:
    """What is deferred counts for the guard: small plans don't let a mass removal through bit by bit."""
    people = [wanted(f"p{n:02}") for n in range(30)]
    guards = GuardSettings(removals=Threshold(percent=100, count=10))
    world = World()
    world.desired = replace(world.desired, entities={one.key: one for one in people}, counts={Kind.USER: 30})
    world.sync()
    world.policy = Policy(mode=Mode.FULL, max_operations=4, guards=guards)
    world.desired = replace(world.desired, entities={one.key: replace(one, enabled=False) for one in people})
    report = world.sync()
    assert report.exit_code == 3
    assert report.outcomes == ()


def test_leaving_out_takes_the_bundle_and_what_needs_it() -> None:
    """What rests on no fresh read is left to the next cycle, together with its bundle and its dependents; counted."""
    first = operation("address.park", bundle="move:1", after={"primary": "p"})
    second = operation("primary.change", "user:leela", bundle="move:1", after={"primary": "x"})
    third = operation("alias.add", "user:amy", needs=frozenset({second.id}), after={"alias": "z"})
    other = operation("alias.add", "user:kif", after={"alias": "k"})
    result = without(plan(first, second, third, other, deferred={"alias.add": 1}), [first.id])
    assert result.operations == (other,)
    assert {verb.name: count for verb, count in result.deferred.items()} == {
        "address.park": 1,
        "alias.add": 2,
        "primary.change": 1,
    }


def test_disabled_entities_are_no_population() -> None:
    """Who is DISABLED isn't counted among those who could be removed."""
    here = situation(
        [wanted("fry")], [entity("fry", state=State.DISABLED)], standings=Standings(entity_of={FRY: entity_id("fry")})
    )
    assert assemble(here, []).populations.numbers()["users_owned_enabled"] == 0
