"""What people decide, and what a cycle makes of it."""

from dataclasses import replace
from datetime import timedelta

from syncd.guards import SOURCE_GUARDS
from syncd.model.memory import Approval, Hold, Pause
from syncd.model.names import Key
from syncd.model.plan import Cause
from syncd.model.policy import GuardSettings, Mode, Policy
from syncd.model.report import Refusal, Result
from syncd.model.state import State, Wanted
from syncd.planning.judge import approvable
from tests.builders import NOW, WIDE_OPEN, desired, wanted
from tests.fakes.cycles import DOMAIN, World

PEOPLE = [wanted(f"p{n:02}") for n in range(30)]
FRY = Key("user:p00")


def gone(person: Wanted) -> Wanted:
    return replace(person, enabled=False)


def world_of(*people: Wanted, guards: GuardSettings | None = None) -> World:
    world = World(policy=Policy(mode=Mode.FULL, guards=guards or WIDE_OPEN))
    world.desired = desired(*people)
    assert world.sync().exit_code == 0
    world.caller.sent.clear()
    return world


def hold(key: Key = FRY, **more: timedelta) -> Hold:
    until = NOW + more["for_"] if more else None
    return Hold(key=key, by="ada", at=NOW, why="a lawyer asks", until=until)


def state_of(world: World, key: Key) -> State:
    return State(str(world.call("DescribeUser", UserId=world.stores.bindings[key].entity)["State"]))


def test_an_approval_of_one_key_frees_that_key() -> None:
    """Of ten withheld removals the approved one is sent, and nine wait."""
    world = world_of(*PEOPLE, guards=GuardSettings())
    world.desired = desired(*map(gone, PEOPLE[:10]), *PEOPLE[10:])
    plan = world.sync().plan
    assert plan is not None
    mine = frozenset(o.id for o in plan.operations if o.row == FRY)
    later = world.clock.now() + timedelta(hours=4)
    world.stores.approve(Approval(digest=plan.digest, operations=mine, by="ada", expires_at=later))
    report = world.sync()
    assert report.exit_code == 3
    assert state_of(world, FRY) is State.DISABLED
    assert sum(name == "DeregisterFromWorkMail" for name, _ in world.caller.mutations) == 1


def test_an_approved_loss_is_that_of_those_who_were_lost() -> None:
    """Ten of thirty were lost and approved; when others are lost instead, in the same number, it trips again."""
    world = world_of(*PEOPLE, guards=GuardSettings())
    world.desired = desired(*PEOPLE[10:])
    plan = world.sync().plan
    assert plan is not None
    world.approve(plan)
    world.desired = desired(*PEOPLE[:20])
    assert any(f.tripped for f in world.plan().findings)
    world.desired = desired(*PEOPLE[9:])
    assert not any(f.tripped for f in world.plan().findings if f.guard in SOURCE_GUARDS), "fewer of the same"


def test_an_approval_covers_what_did_not_fit() -> None:
    """The plan has room for five leavers of ten: once it is approved, all ten leave, without another question."""
    world = world_of(*PEOPLE, guards=GuardSettings())
    world.policy = world.policy.model_copy(update={"max_operations": 20})
    world.desired = desired(*map(gone, PEOPLE[:10]), *PEOPLE[10:])
    plan = world.sync().plan
    assert plan is not None
    assert sum(plan.deferred.values()) == 5
    assert len(approvable(plan, SOURCE_GUARDS)) > len(plan.withheld)
    world.approve(plan)
    codes = [world.sync().exit_code for _ in range(3)]
    assert codes[-1] == 0, codes
    assert {state_of(world, p.key) for p in PEOPLE[:10]} == {State.DISABLED}
    assert world.stores.load().approvals == ()


def test_who_is_held_stays_as_they_are() -> None:
    """Neither removed nor changed, nor created; the plan says why, and it is no failure."""
    world = world_of(*PEOPLE[:3])
    world.stores.hold(hold())
    world.stores.hold(hold(Key("user:new")))
    world.desired = desired(gone(PEOPLE[0]), *PEOPLE[1:3], wanted("new"))
    report = world.sync()
    assert (report.exit_code, world.caller.mutations) == (0, [])
    assert report.plan is not None
    assert {n.subject for n in report.plan.notes if n.code == "held"} == {FRY, "user:new"}
    assert report.plan.names == {FRY: "p00", "user:new": "new"}
    world.stores.release(FRY)
    world.stores.release(Key("user:new"))
    assert world.sync().exit_code == 0
    assert state_of(world, FRY) is State.DISABLED


def test_a_hold_ends_with_its_time() -> None:
    """One of a day is over the day after."""
    world = world_of(*PEOPLE[:3])
    world.stores.hold(hold(for_=timedelta(days=100000)))
    assert FRY in world.stores.load().holds
    world.stores.hold(replace(hold(), until=world.clock.now() + timedelta(hours=1)))
    world.clock.advance(hours=2)
    assert world.stores.load().holds == {}


def test_who_is_held_gives_nobody_their_mailbox() -> None:
    """A newcomer who looks like somebody held is not proposed to take over."""
    world = world_of(*PEOPLE[:3])
    world.stores.hold(hold())
    world.desired = desired(*PEOPLE[1:3], wanted("p00", key="user:other"))
    plan = world.sync().plan
    assert plan is not None
    assert plan.operations == ()
    assert [r.key for r in plan.rejections] == ["user:other"]


def test_a_pause_sends_nothing_and_tells_what_it_would() -> None:
    """Reads and plans go on; the exit code says that something waits; after it everything is sent."""
    world = world_of(*PEOPLE[:3])
    world.stores.pause(Pause(by="ada", at=world.clock.now(), why="migration"))
    world.desired = desired(*PEOPLE[:4])
    report = world.sync()
    assert (report.exit_code, report.summary, world.caller.mutations) == (3, "withheld", [])
    assert report.plan is not None
    assert report.plan.operations
    assert "paused by ada" in report.plan.paused
    world.stores.resume()
    assert world.sync().exit_code == 0
    assert world.caller.mutations


def test_a_pause_without_anything_to_do_is_in_sync() -> None:
    """Nothing waits because of it."""
    world = world_of(*PEOPLE[:3])
    world.stores.pause(Pause(by="ada", at=world.clock.now()))
    assert world.sync().exit_code == 0


def test_a_pause_ends_a_cycle_between_two_calls() -> None:
    """What is under way is finished, and nothing more is begun."""
    world = world_of(*PEOPLE[:10])
    world.desired = desired(*PEOPLE[:14])
    settled = world.stores.settle

    def settle(*what: object, **more: object) -> None:
        settled(*what, **more)  # type: ignore[arg-type] # as it comes
        world.stores.pause(Pause(by="ada", at=world.clock.now()))

    world.stores.settle = settle  # type: ignore[method-assign] # a person decides in between
    report = world.sync()
    assert report.count(Result.APPLIED) == 1
    assert {o.code for o in report.outcomes if o.result is Result.SKIPPED} <= {"Paused", "Stopped", "NeedFailed"}
    assert "Paused" in {o.code for o in report.outcomes}


def test_a_hold_is_heard_in_the_middle_of_a_cycle() -> None:
    """Whoever is held while a cycle runs isn't touched any more; a removal that had begun is given back by the next."""
    world = world_of(*PEOPLE[:5])
    world.desired = desired(gone(PEOPLE[0]), *PEOPLE[1:5])
    intended = world.stores.intend

    def intend(*what: object, **more: object) -> Refusal | None:
        refusal = intended(*what, **more)  # type: ignore[arg-type] # as it comes
        world.stores.hold(hold())
        return refusal

    world.stores.intend = intend  # type: ignore[method-assign] # a person decides in between
    report = world.sync()
    assert [o.code for o in report.outcomes].count("Held") >= 1
    assert state_of(world, FRY) is State.ENABLED
    world.stores.intend = intended  # type: ignore[method-assign] # as it was
    world.sync()
    described = world.call("DescribeUser", UserId=world.stores.bindings[FRY].entity)
    assert described["Email"] == f"p00@{DOMAIN}"


def test_who_was_deregistered_by_hand_is_not_registered_again_unasked() -> None:
    """Somebody deregistered her in WorkMail: that is a question, at its first time; a yes registers her again."""
    world = world_of(*PEOPLE[:3])
    world.sync()
    world.call("DeregisterFromWorkMail", EntityId=world.stores.bindings[FRY].entity)
    report = world.sync()
    assert (report.exit_code, world.caller.mutations) == (3, [])
    assert report.plan is not None
    assert {why.cause for why in report.plan.withheld.values()} <= {Cause.CONTESTED, Cause.NEED}
    world.approve(report.plan)
    assert world.sync().exit_code == 0
    assert state_of(world, FRY) is State.ENABLED


def test_who_was_registered_by_hand_is_not_removed_again_unasked() -> None:
    """Somebody registered again whom syncd had removed: that is a question, at its first time."""
    world = world_of(*PEOPLE[:3])
    world.desired = desired(gone(PEOPLE[0]), *PEOPLE[1:3])
    world.sync()
    world.caller.sent.clear()
    world.call("RegisterToWorkMail", EntityId=world.stores.bindings[FRY].entity, Email=f"again@{DOMAIN}")
    report = world.sync()
    assert (report.exit_code, world.caller.mutations) == (3, [])
    assert report.plan is not None
    assert Cause.CONTESTED in {why.cause for why in report.plan.withheld.values()}
    world.approve(report.plan)
    assert world.sync().exit_code == 0
    assert state_of(world, FRY) is State.DISABLED


def test_a_return_is_no_contest() -> None:
    """Whom syncd has removed itself comes back without a question."""
    world = world_of(*PEOPLE[:3])
    world.sync()
    world.desired = desired(gone(PEOPLE[0]), *PEOPLE[1:3])
    world.sync()
    world.desired = desired(*PEOPLE[:3])
    assert world.sync().exit_code == 0
    assert state_of(world, FRY) is State.ENABLED


def test_a_value_that_somebody_sets_back_is_held_at_the_third_time() -> None:
    """Twice syncd sets it again; then it asks, and a yes sets it once more."""
    world = world_of(replace(PEOPLE[0], profile={"job_title": "clerk"}))
    entity = world.stores.bindings[FRY].entity
    codes = []
    for _ in range(4):
        world.call("UpdateUser", UserId=entity, JobTitle="boss")
        codes.append(world.sync().exit_code)
        world.clock.advance(hours=1)
    assert codes == [0, 0, 3, 3]
    world.approve(world.plan())
    assert world.sync().exit_code == 0
