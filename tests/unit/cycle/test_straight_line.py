"""The whole line in memory: directory as values, emulator as a plain object."""

from dataclasses import replace

import pytest

from syncd.cycle import run_cycle
from syncd.errors import StoreError, UsageError
from syncd.model.entry import Rejection
from syncd.model.memory import Binding, OpenIntent
from syncd.model.names import Key, Kind
from syncd.model.policy import Adopt, Mode, Pilot, Policy
from syncd.model.report import Report, Result
from syncd.model.state import Desired, Wanted
from syncd.parts import Options
from tests.builders import wanted
from tests.fakes.cycles import DOMAIN, World
from tests.fakes.stores import FakeStores


def directory(*entities: Wanted) -> Desired:
    counts = {kind: sum(e.kind is kind for e in entities) for kind in (Kind.USER, Kind.GROUP)}
    return Desired(entities={e.key: e for e in entities}, counts=counts)


CREW = wanted("crew", kind=Kind.GROUP, members=("user:fry", "user:leela"))
FRY = wanted("fry", profile={"first_name": "Philip", "department": "Delivering Crew", "hidden": "false"})
LEELA = wanted("leela", aliases=(f"captain@{DOMAIN}",))


def test_a_directory_becomes_an_organization() -> None:
    """A first cycle makes users, groups, addresses, profiles and members; the second finds nothing to do."""
    world = World()
    world.desired = directory(FRY, LEELA, CREW)
    report = world.sync()
    assert report.exit_code == 0, [o for o in report.outcomes if o.result is not Result.APPLIED]
    assert {o.result for o in report.outcomes} == {Result.APPLIED}
    users = world.call("ListUsers", Filters={"State": "ENABLED"})["Users"]
    assert {user["Email"] for user in users} == {f"fry@{DOMAIN}", f"leela@{DOMAIN}"}  # type: ignore[attr-defined] # JSON is untyped
    second = world.sync()
    assert second.plan is not None
    assert (second.plan.operations, second.exit_code) == ((), 0)


def test_a_disabled_person_leaves_within_the_guards() -> None:
    """A disabled entry is due at once: exits, releases, deregistration, in one bundle."""
    world = World()
    world.desired = directory(FRY, LEELA, CREW)
    world.sync()
    world.desired = directory(FRY, replace(LEELA, enabled=False), replace(CREW, members=frozenset({FRY.key})))
    report = world.sync()
    assert report.exit_code == 0
    assert [o.operation.kind for o in report.outcomes][-1] == "deregister"
    assert {str(o.operation.bundle) for o in report.outcomes} == {"removal:user:leela"}
    again = world.sync()
    assert again.plan is not None
    assert again.plan.operations == ()


def test_a_missing_person_waits_for_evidence() -> None:
    """A missing person leaves only after three complete reads over a day."""
    world = World()
    world.desired = directory(FRY, LEELA)
    world.sync()
    world.desired = directory(FRY)
    for _ in range(2):
        report = world.sync()
        assert report.plan is not None
        assert (report.plan.operations, [p.key for p in report.plan.pending]) == ((), ["user:leela"])
        world.clock.advance(hours=13)
    report = world.sync()
    assert [o.operation.kind for o in report.outcomes][-1] == "deregister"


def test_a_return_within_the_fuse_gets_everything_back() -> None:
    """Who comes back within 30 days gets the same entity, primary address and aliases."""
    world = World()
    world.desired = directory(FRY, LEELA)
    world.sync()
    before = world.stores.bindings[LEELA.key].entity
    world.desired = directory(FRY, replace(LEELA, enabled=False))
    world.sync()
    world.clock.advance(days=3)
    world.desired = directory(FRY, LEELA)
    report = world.sync()
    assert report.exit_code == 0, report.outcomes
    assert world.stores.bindings[LEELA.key].entity == before
    assert f"captain@{DOMAIN}" in world.call("ListAliases", EntityId=before)["Aliases"]  # type: ignore[operator] # JSON is untyped
    world.sync()  # a kept parking address shows only now that the mailbox is back (`workmail.md` B13)
    last = world.sync()
    assert last.plan is not None
    assert last.plan.operations == ()


def test_a_foreign_mailbox_is_adopted_only_when_asked() -> None:
    """An entity that matches by name and address is proposed, and adopted once approved."""
    world = World()
    theirs = world.call("CreateUser", Name="fry", DisplayName="Fry", Password="Sl0rm-C0la!")["UserId"]
    world.call("RegisterToWorkMail", EntityId=theirs, Email=f"fry@{DOMAIN}")
    world.desired = directory(FRY)
    report = world.sync()
    assert report.exit_code == 3
    assert world.caller.mutations == []
    assert report.plan is not None
    world.approve(report.plan)
    report = world.sync()
    assert report.exit_code == 0, report.plan.withheld if report.plan else None
    assert world.stores.bindings[Key("user:fry")].entity == theirs


def test_too_many_removals_are_withheld_until_approved() -> None:
    """A guard withholds all removals it counts; an approval frees exactly these."""
    people = [wanted(f"p{n}") for n in range(30)]
    world = World(policy=Policy(mode=Mode.FULL))
    world.desired = directory(*people)
    world.sync()
    world.caller.sent.clear()
    world.desired = directory(*people[:20], *(replace(p, enabled=False) for p in people[20:]))
    report = world.sync()
    assert report.exit_code == 3
    assert world.caller.mutations == []
    assert report.plan is not None
    world.approve(report.plan)
    report = world.sync()
    assert report.exit_code == 0
    assert sum(name == "DeregisterFromWorkMail" for name, _ in world.caller.mutations) == 10


def test_a_swap_of_primary_addresses_takes_one_cycle() -> None:
    """Two people swap their primary addresses in one cycle."""
    world = World()
    world.desired = directory(FRY, LEELA)
    world.sync()
    world.desired = directory(replace(FRY, primary=LEELA.primary), replace(LEELA, primary=FRY.primary, aliases=()))
    report = world.sync()
    assert report.exit_code == 0, report.outcomes
    again = world.sync()
    assert again.plan is not None
    assert again.plan.operations == ()


def test_a_rejected_person_stays_as_they_are() -> None:
    """Someone who can't be mapped is neither changed nor removed, nor taken out of a group."""
    world = World()
    world.desired = directory(FRY, LEELA, CREW)
    world.sync()
    world.caller.sent.clear()
    rejection = Rejection(key=LEELA.key, origin="people.csv:3", reason="no name", remedy="fill it in")
    world.desired = replace(directory(FRY, CREW), rejections=(rejection,), counts={Kind.USER: 2, Kind.GROUP: 1})
    for _ in range(4):
        world.sync()
        world.clock.advance(hours=12)
    assert world.caller.mutations == []


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.CREATE, Mode.UPSERT])
def test_the_mode_leaves_removals_out(mode: Mode) -> None:
    """In no mode but full is anybody removed; what is left out is shown."""
    world = World()
    world.desired = directory(FRY, LEELA)
    world.sync()
    world.policy = Policy(mode=mode)
    world.caller.sent.clear()
    world.desired = directory(FRY, replace(LEELA, enabled=False))
    report = world.sync()
    assert world.caller.mutations == []
    assert report.plan is not None
    assert "deregister" in {operation.kind for operation in report.plan.outside}
    assert report.exit_code == 0


def test_a_creation_without_answer_is_bound_later() -> None:
    """A creation whose answer was lost is found by its name in the next cycle, and nothing is made twice."""
    world = World()
    world.desired = directory(FRY)
    lost = world.call("CreateUser", Name="fry", DisplayName="Fry", Password="Sl0rm-C0la!")["UserId"]
    operation = world.plan().withheld
    assert operation
    world.stores.open["x"] = OpenIntent(
        operation="x", key=FRY.key, kind=Kind.USER, name="fry", display_name="Fry", at=world.clock.now()
    )
    report = world.sync()
    assert report.exit_code == 0, report.plan
    assert world.stores.bindings[FRY.key].entity == lost
    assert isinstance(world.stores.bindings[FRY.key], Binding)


def test_adopt_exact_needs_no_approval_when_both_match() -> None:
    """Under `adopt: exact` an entity with the same name and primary address becomes ours by itself."""
    world = World(policy=Policy(mode=Mode.FULL, adopt=Adopt.EXACT))
    theirs = world.call("CreateUser", Name="fry", DisplayName="Fry", Password="Sl0rm-C0la!")["UserId"]
    world.call("RegisterToWorkMail", EntityId=theirs, Email=f"fry@{DOMAIN}")
    world.desired = directory(FRY)
    assert world.sync().exit_code == 0
    assert world.stores.bindings[FRY.key].adopted


def test_a_pilot_that_names_nobody_is_refused() -> None:
    """A mistyped key is an error that names the nearest one: it would freeze everybody and look like success."""
    world = World()
    world.desired = directory(FRY, LEELA)
    with pytest.raises(UsageError, match="did you mean user:leela"):
        world.sync(only=("user:lela",))
    assert world.sync(only=("leela",)).exit_code == 0
    assert set(world.stores.bindings) == {"user:leela"}


def test_the_command_line_narrows_the_pilot_of_the_configuration() -> None:
    """--only LEELA in a pilot of fry touches nobody, and says so; within the pilot it is the pilot that is smaller."""
    world = World(policy=Policy(mode=Mode.FULL, only=Pilot(keys=("user:fry", "user:kif"))))
    world.desired = directory(FRY, LEELA, wanted("kif"))

    with pytest.raises(UsageError, match=r"nobody is left: --only names user:leela.*user:fry, user:kif only"):
        world.sync(only=("user:leela",))
    assert not world.stores.bindings
    world.sync(only=("user:leela", "fry"))
    assert set(world.stores.bindings) == {"user:fry"}
    world.sync()
    assert set(world.stores.bindings) == {"user:fry", "user:kif"}


def test_members_outside_of_what_is_read_are_counted_and_listed() -> None:
    """A group notes how many of its members are nobody here, and the first of them by name."""
    world = World()
    outside = {"outside_members": {CREW.key: 30}, "outsiders": {CREW.key: ("kif", "zapp")}}
    world.desired = replace(directory(FRY, LEELA, CREW), **outside)  # type: ignore[arg-type] # the fields of Desired
    (note,) = world.plan().notes
    assert (note.code, note.subject) == ("members_outside", CREW.key)
    assert "30 members" in note.text
    assert note.text.endswith("kif, zapp and 28 more")


def test_a_report_says_what_the_cycle_cost() -> None:
    """Its calls by operation: of this cycle alone, and of all that were sent, reads and changes."""
    world = World()
    world.desired = directory(FRY, LEELA, CREW)
    parts = world.parts()
    first = run_cycle(parts, Options(command="run"))
    sent = len(world.caller.sent)
    second = run_cycle(parts, Options(command="run"))

    assert (first.calls["CreateUser"], first.calls["ListUsers"], sum(first.calls.values())) == (2, 1, sent)
    assert "CreateUser" not in second.calls
    assert sum(second.calls.values()) == len(world.caller.sent) - sent


def test_what_is_known_on_the_way_is_told() -> None:
    """How many entries the directory has, and which plan came of it, before anything is sent."""
    world = World()
    world.desired = directory(FRY, LEELA, CREW)
    report = world.sync()
    assert report.plan is not None
    told = dict(world.observer.events)

    assert told["source_read"] == {"users": 2, "groups": 1, "rejected": 0}
    assert told["plan_made"] == {"plan": report.plan.digest[:12], **report.plan.counts}


def test_a_cycle_that_can_not_be_recorded_failed_and_is_told_of_once() -> None:
    """A full disk at the very end: nobody hears of a success that the history doesn't know."""
    world = World()
    world.desired = directory(FRY)

    class Full(FakeStores):
        def record(self, report: Report) -> None:
            if not report.error:
                raise StoreError("the disk is full")
            super().record(report)

    parts = replace(world.parts(), history=Full(world.clock))
    with pytest.raises(StoreError):
        run_cycle(parts, Options(command="run"))

    assert [report.summary for report in world.observer.reports] == ["failed"]
