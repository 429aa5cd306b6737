"""Nobody becomes somebody else without being asked: whole cycles against the emulator."""

from dataclasses import replace

import pytest

from syncd.model.look import Look
from syncd.model.names import Key, Kind
from syncd.model.operation import Operation
from syncd.model.plan import DOUBTED, Plan
from syncd.model.policy import Adopt, Mode, Policy
from syncd.model.report import Report
from syncd.model.state import Desired, Wanted
from tests.builders import wanted
from tests.fakes.cycles import DOMAIN, World

GIVEN = ("Ada", "Bob", "Cleo", "Dora", "Emil", "Finn")


def person(number: int, key: object, **others: object) -> Wanted:
    """Number *number* of the company, whose id is *key*: nobody shares a name, a login or an address."""
    first = f"{GIVEN[number % len(GIVEN)]}{number}"
    facts: dict[str, object] = {
        "display_name": f"{first} Ahrens{number}",
        "profile": {"first_name": first},
        "origin": f"people.csv:{number + 2}",
    }
    return wanted(f"p{number}", key=f"user:{key}", **(facts | others))  # type: ignore[arg-type] # the builder's own


def directory(*entities: Wanted) -> Desired:
    counts = {kind: sum(e.kind is kind for e in entities) for kind in (Kind.USER, Kind.GROUP)}
    return Desired(entities={e.key: e for e in entities}, counts=counts)


def salaries(*keys: object) -> Wanted:
    return wanted("salaries", kind=Kind.GROUP, members=[f"user:{key}" for key in keys])


def synced(*entities: Wanted, **options: object) -> World:
    world = World(**options)  # type: ignore[arg-type] # World's own
    world.desired = directory(*entities)
    assert world.sync().exit_code == 0
    world.caller.sent.clear()
    return world


def everything(world: World) -> object:
    """What the service shows of everybody, memberships too."""
    users = world.call("ListUsers")["Users"]
    shown = [(user["Id"], user["Name"], user["DisplayName"], user.get("Email"), user["State"]) for user in users]  # type: ignore[attr-defined] # JSON is untyped
    groups = world.call("ListGroups")["Groups"]
    inside = {
        group["Name"]: sorted(m["Name"] for m in world.call("ListGroupMembers", GroupId=group["Id"])["Members"])  # type: ignore[attr-defined] # JSON is untyped
        for group in groups  # type: ignore[attr-defined] # JSON is untyped
    }
    return sorted(shown), inside


def doubted(report: Report) -> set[str]:
    assert report.plan is not None
    return {note.subject for note in report.plan.notes if note.code == DOUBTED}


def rebinds(plan: Plan | None) -> list[Operation]:
    assert plan is not None
    return [operation for operation in plan.operations if operation.kind == "rebind"]


def owner_of(world: World, key: str) -> str:
    """The name in the service of whatever *key* is bound to."""
    entity = world.stores.bindings[Key(key)].entity
    (name,) = [user["Name"] for user in world.call("ListUsers")["Users"] if user["Id"] == entity]  # type: ignore[attr-defined] # JSON is untyped
    return str(name)


def approved(world: World, report: Report) -> Report:
    assert report.plan is not None
    world.approve(report.plan)
    return world.sync()


def test_a_key_column_that_moved_makes_nobody_somebody_else() -> None:
    """41 people whose new ids are others' old ones: nothing is sent, neither names nor memberships, until approved."""
    people = [person(n, n) for n in range(41)]
    world = synced(*people, salaries(1, 2, 3))
    before = everything(world)
    world.source_name = "csv:badge"
    world.desired = directory(*(person(n, (n + 1) % 41) for n in range(41)), salaries(2, 3, 4))
    report = world.sync()
    assert (world.caller.mutations, report.exit_code) == ([], 3)
    assert everything(world) == before
    assert doubted(report) >= {f"user:{n}" for n in range(41)}
    (question,) = [o for o in rebinds(report.plan) if "41 keys" in o.summary]
    assert question.proposal
    report = approved(world, report)
    assert world.caller.mutations == []  # every mailbox stays with its person
    assert owner_of(world, "user:5") == "p4"
    assert world.sync().exit_code == 0
    assert everything(world) == before


def test_the_same_move_under_the_same_column_name_is_noticed_too() -> None:
    """A column that was refilled is no better than another one."""
    people = [person(n, n) for n in range(12)]
    world = synced(*people, salaries(1, 2))
    before = everything(world)
    world.desired = directory(*(person(n, (n + 1) % 12) for n in range(12)), salaries(2, 3))
    report = world.sync()
    assert (world.caller.mutations, report.exit_code) == ([], 3)
    report = approved(world, report)
    assert everything(world) == before
    assert world.sync().exit_code == 0
    assert everything(world) == before


def test_five_of_sixty_colliding_ids_open_no_group_to_strangers() -> None:
    """The other 55 keys are unknown: whoever has a colliding one waits, and so does whose key it was."""
    world = synced(*(person(n, n) for n in range(60)), salaries(0, 1, 2))
    before = everything(world)
    world.source_name = "csv:badge"

    def badge(n: int) -> object:
        return n - 10 if 10 <= n < 15 else f"b{n}"

    world.desired = directory(*(person(n, badge(n)) for n in range(60)), salaries("b0", "b1", "b2"))
    report = world.sync()
    assert (world.caller.mutations, report.exit_code) == ([], 3)
    assert everything(world) == before
    for _ in range(3):
        report = approved(world, report)
    assert everything(world) == before
    assert (report.exit_code, len(world.stores.bindings)) == (0, 61)
    assert {owner_of(world, f"user:{badge(n)}") for n in range(10, 15)} == {f"p{n}" for n in range(10, 15)}


@pytest.mark.parametrize("source", ["csv:employee_id", "csv:badge"])
def test_a_leavers_row_removes_nobody_else(source: str) -> None:
    """A disabled row whose key is another person's: that person stays, and is asked about."""
    world = synced(person(1, 1), person(2, 2), salaries(1, 2))
    world.source_name = source
    gone = replace(person(9, 1), enabled=False)
    world.desired = directory(gone, person(2, 2), salaries(2))
    report = world.sync()
    for _ in range(3):
        world.clock.advance(hours=13)
        report = world.sync()
    assert world.caller.mutations == []
    assert Key("user:1") in doubted(report)
    assert report.exit_code == 3


def test_a_leavers_mailbox_is_not_opened_to_who_gets_the_id() -> None:
    """Within 30 days the id of somebody who left is given to a new hire: the mailbox stays shut until approved."""
    world = synced(person(1, 1), person(2, 2))
    world.desired = directory(replace(person(1, 1), enabled=False), person(2, 2))
    world.sync()
    world.caller.sent.clear()
    world.clock.advance(days=5)
    hired = person(7, 1, profile={"first_name": "Bob1"})  # the same first name: that tells nothing of who was away
    world.desired = directory(hired, person(2, 2))
    for _ in range(2):
        world.sync()
    report = world.sync()
    assert (world.caller.mutations, report.exit_code) == ([], 3)
    assert report.plan is not None
    assert {o.kind for o in report.plan.operations} >= {"rebind", "register"}  # what follows is shown
    (question,) = rebinds(report.plan)
    assert "Bob1 Ahrens1" in question.reason
    assert "Bob7 Ahrens7" in question.reason
    report = approved(world, report)
    assert ("RegisterToWorkMail" in {name for name, _ in world.caller.mutations}, report.exit_code) == (True, 0)


def test_a_first_name_vouches_for_nobody_who_was_missing() -> None:
    """However many reads ago they came back: it is forgotten as soon as somebody is missing."""
    world = synced(person(1, 1), person(2, 2))
    world.desired = directory(person(2, 2))
    world.sync()
    hired = person(7, 1, profile={"first_name": "Bob1"})
    world.desired = directory(hired, person(2, 2))
    for _ in range(3):
        report = world.sync()
        assert (world.caller.mutations, doubted(report)) == ([], {"user:1"})


def test_a_return_as_the_same_person_asks_nobody() -> None:
    """Whoever looks as when they left gets the mailbox back at once."""
    world = synced(person(1, 1), person(2, 2))
    world.desired = directory(replace(person(1, 1), enabled=False), person(2, 2))
    world.sync()
    world.desired = directory(person(1, 1), person(2, 2))
    report = world.sync()
    assert (report.exit_code, doubted(report)) == (0, set())
    assert world.stores.bindings[Key("user:1")].look == Look("p1", "Bob1 Ahrens1", f"p1@{DOMAIN}", "Bob1")


def test_two_swapped_ids_swap_no_mailboxes() -> None:
    """Both are frozen; approved, each mailbox stays with its person, and only the keys change hands."""
    world = synced(person(1, 1), person(2, 2), person(3, 3), salaries(1))
    before = everything(world)
    world.desired = directory(person(1, 2), person(2, 1), person(3, 3), salaries(2))
    report = world.sync()
    assert (world.caller.mutations, report.exit_code) == ([], 3)
    assert doubted(report) == {"user:1", "user:2"}
    (question,) = rebinds(report.plan)
    assert "user:1 was user:2, user:2 was user:1" in question.summary
    report = approved(world, report)
    assert (everything(world), owner_of(world, "user:1")) == (before, "p2")
    assert world.sync().exit_code == 0
    assert everything(world) == before


def test_a_swap_that_is_taken_back_leaves_no_trace() -> None:
    """Nothing was noted meanwhile: the mended directory is equal to the organization."""
    world = synced(person(1, 1), person(2, 2))
    world.sync()
    bindings = dict(world.stores.bindings)
    world.desired = directory(person(1, 2), person(2, 1))
    world.sync()
    world.desired = directory(person(1, 1), person(2, 2))
    assert world.sync().exit_code == 0
    assert (world.caller.mutations, world.stores.bindings) == ([], bindings)


@pytest.mark.parametrize(
    ("login", "name", "primary"), [(True, True, False), (True, False, True), (False, True, True)], ids=str
)
def test_two_of_three_exchanged_are_asked_about(login: bool, name: bool, primary: bool) -> None:
    """Whichever two: nobody's mailbox is renamed or readdressed to somebody else."""
    one, two = person(1, 1), person(2, 2)
    world = synced(one, two)

    def mixed(base: Wanted, other: Wanted) -> Wanted:
        return replace(
            base,
            name=other.name if login else base.name,
            display_name=other.display_name if name else base.display_name,
            primary=other.primary if primary else base.primary,
        )

    world.desired = directory(mixed(one, two), mixed(two, one))
    report = world.sync()
    assert (world.caller.mutations, doubted(report)) == ([], {"user:1", "user:2"})


def test_a_swap_of_addresses_alone_is_ordinary() -> None:
    """Names and logins vouch: nobody is asked."""
    one, two = person(1, 1), person(2, 2)
    world = synced(one, two)
    world.desired = directory(replace(one, primary=two.primary), replace(two, primary=one.primary))
    report = world.sync()
    assert (report.exit_code, doubted(report)) == (0, set())


def test_a_marriage_doubts_nobody() -> None:
    """New login, new family name, new address: the first name vouches, or the old address as an alias."""
    one, two = person(1, 1), person(2, 2, profile={})
    world = synced(one, two)
    married = replace(one, name="b.brandt", display_name="Bob1 Brandt", primary=f"b.brandt@{DOMAIN}")
    other = replace(
        two, name="c.brandt", display_name="Cleo Brandt", primary=f"c.brandt@{DOMAIN}", aliases=(two.primary,)
    )
    world.desired = directory(married, other)
    report = world.sync()
    assert (report.exit_code, doubted(report)) == (0, set())
    assert world.stores.bindings[Key("user:1")].look == Look("b.brandt", "Bob1 Brandt", f"b.brandt@{DOMAIN}", "Bob1")


def test_a_new_domain_doubts_nobody() -> None:
    """The company is called otherwise: the local parts stay, whatever else becomes of names and logins."""
    world = synced(person(1, 1, profile={}), person(2, 2, profile={}))
    world.call("RegisterMailDomain", DomainName="mom.example")
    moved = [
        replace(person(n, n, profile={}), name=f"x{n}", display_name=f"{n} MomCorp", primary=f"p{n}@mom.example")
        for n in (1, 2)
    ]
    world.desired = directory(*moved)
    report = world.sync()
    assert (report.exit_code, doubted(report)) == (0, set())


def test_a_column_that_was_renamed_is_one_question() -> None:
    """Bindings, however many, are rebound in one go; nothing else happens to anybody before."""
    people = [person(n, n) for n in range(30)]
    world = synced(*people, salaries(1, 2))
    world.source_name = "csv:emp_no"
    leaver = replace(people[7], enabled=False)
    world.desired = directory(*people[:7], leaver, *people[8:], salaries(1, 2))
    report = world.sync()
    assert (world.caller.mutations, report.exit_code) == ([], 3)
    (question,) = rebinds(report.plan)
    assert "30 users and 1 group from csv:employee_id to csv:emp_no" in question.summary
    report = approved(world, report)
    assert {binding.source for binding in world.stores.bindings.values()} == {"csv:emp_no"}
    assert world.sync().exit_code == 0
    assert [name for name, _ in world.caller.mutations].count("DeregisterFromWorkMail") == 1


def test_a_renamed_column_is_followed_unasked_under_exact() -> None:
    """`adopt: exact` says that equal names and addresses are enough."""
    people = [person(n, n) for n in range(5)]
    world = synced(*people, policy=Policy(mode=Mode.FULL, adopt=Adopt.EXACT))
    world.source_name = "csv:emp_no"
    assert world.sync().exit_code == 0
    assert {binding.source for binding in world.stores.bindings.values()} == {"csv:emp_no"}


def test_who_left_while_the_column_was_renamed_is_removed_in_the_end() -> None:
    """Missing under both names: asked once, in one line of its own, then the evidence begins."""
    people = [person(n, n) for n in range(30)]
    world = synced(*people)
    world.source_name = "csv:emp_no"
    world.desired = directory(*people[1:])
    report = world.sync()
    assert [one.summary for one in rebinds(report.plan)] == [
        "count p0 as missing, under csv:emp_no",
        "rebind 29 users from csv:employee_id to csv:emp_no",
    ]
    approved(world, report)
    for _ in range(4):
        world.clock.advance(hours=13)
        report = world.sync()
    assert [name for name, _ in world.caller.mutations].count("DeregisterFromWorkMail") == 1
    assert report.exit_code == 0


def test_a_renamed_column_doubts_whoever_differs() -> None:
    """Everybody else is one line; whose name differs is a question of their own."""
    people = [person(n, n) for n in range(10)]
    world = synced(*people)
    world.source_name = "csv:emp_no"
    world.desired = directory(replace(people[0], display_name="Bob0 Brandt"), *people[1:])
    report = world.sync()
    assert (world.caller.mutations, doubted(report)) == ([], {"user:0"})
    assert len(rebinds(report.plan)) == 2


@pytest.mark.parametrize("days", [0, 5])
def test_a_newcomer_with_the_address_and_name_of_a_leaver_is_asked_about(days: int) -> None:
    """Somebody disabled, or deregistered within the fuse, has a new key: one mailbox, not two, and not unasked."""
    world = synced(person(1, 1), person(2, 2))
    gone = replace(person(1, 1), enabled=False)
    if days:
        world.desired = directory(gone, person(2, 2))
        world.sync()
        world.clock.advance(days=days)
        world.caller.sent.clear()
    world.desired = directory(gone, person(2, 2), replace(person(1, "new"), name="p1.new"))
    report = world.sync()
    assert (world.caller.mutations, report.exit_code) == ([], 3)
    (question,) = rebinds(report.plan)
    assert (question.subject, question.before) == ("user:new", {"key": "user:1"})
    assert "is disabled in people.csv:3" in question.reason
    report = approved(world, report)
    assert (report.exit_code, owner_of(world, "user:new")) == (0, "p1")
    assert Key("user:1") not in world.stores.bindings


def test_a_newcomer_with_only_the_address_of_a_leaver_is_somebody_else() -> None:
    """The name differs: an ordinary new hire, who gets the address once it is given up."""
    world = synced(person(1, 1), person(2, 2))
    other = person(7, "new", primary=f"p1@{DOMAIN}")
    world.desired = directory(replace(person(1, 1), enabled=False), person(2, 2), other)
    world.sync()
    report = world.sync()
    assert (report.exit_code, doubted(report), rebinds(report.plan)) == (0, set(), [])
    assert owner_of(world, "user:new") == "p7"


def test_a_group_is_another_when_its_name_and_most_members_are() -> None:
    """A group whose key was given to another one keeps its members and addresses until approved."""
    people = [person(n, n) for n in range(6)]
    world = synced(*people, salaries(1, 2, 3))
    before = everything(world)
    other = wanted("hikers", key="group:salaries", kind=Kind.GROUP, members=["user:3", "user:4", "user:5"])
    world.desired = directory(*people, other)
    report = world.sync()
    assert (world.caller.mutations, doubted(report)) == ([], {"group:salaries"})
    assert everything(world) == before


def test_a_group_that_keeps_half_of_its_members_is_the_same() -> None:
    """Renamed and readdressed, but the same people: nobody is asked."""
    people = [person(n, n) for n in range(6)]
    world = synced(*people, salaries(1, 2, 3, 4))
    renamed = wanted("wages", key="group:salaries", kind=Kind.GROUP, members=["user:1", "user:2", "user:5"])
    world.desired = directory(*people, renamed)
    report = world.sync()
    assert (doubted(report), report.exit_code) == (set(), 0)


def test_a_store_without_looks_takes_those_of_the_service() -> None:
    """After an upgrade nobody is asked, everybody's look is noted, and a moved key is noticed at once."""
    people = [person(n, n) for n in range(6)]
    world = synced(*people)
    forget_looks(world)
    assert world.sync().exit_code == 0
    assert all(binding.look for binding in world.stores.bindings.values())
    forget_looks(world)
    world.desired = directory(*(person(n, (n + 1) % 6) for n in range(6)))
    report = world.sync()
    assert (world.caller.mutations, len(doubted(report))) == ([], 6)
    assert not any(binding.look for binding in world.stores.bindings.values())


def forget_looks(world: World) -> None:
    world.stores.bindings = {key: replace(one, look=None) for key, one in world.stores.bindings.items()}


def test_an_approval_is_of_these_people() -> None:
    """Were they others meanwhile, it would be asked again."""
    world = synced(person(1, 1), person(2, 2))
    world.desired = directory(person(7, 1), person(2, 2))
    report = world.sync()
    world.desired = directory(person(8, 1), person(2, 2))
    report = approved(world, report)
    assert (world.caller.mutations, report.exit_code) == ([], 3)


def test_an_approved_look_is_noted_and_followed() -> None:
    """The same person under a wholly new look: name and address follow, and the next cycle has no question."""
    world = synced(person(1, 1), person(2, 2))
    world.desired = directory(person(7, 1), person(2, 2))
    report = world.sync()
    assert report.plan is not None
    assert {o.kind for o in report.plan.operations} >= {"rebind", "profile.update", "primary.change"}
    report = approved(world, report)
    assert report.exit_code == 0
    look = world.stores.bindings[Key("user:1")].look
    assert look is not None
    assert look.login == "p7"
    assert world.sync().exit_code == 0


def test_somebody_new_under_the_key_of_somebody_who_got_another_one() -> None:
    """Bob's row has a new key, and his old one is a stranger's: his mailbox stays his, the stranger gets one."""
    world = synced(person(1, 1), person(2, 2))
    world.desired = directory(person(1, "new"), person(7, 1), person(2, 2))
    report = world.sync()
    assert (world.caller.mutations, doubted(report)) == ([], {"user:1", "user:new"})
    report = approved(world, report)
    assert (owner_of(world, "user:new"), world.sync().exit_code) == ("p1", 0)
    assert owner_of(world, "user:1") == "p7"


def test_a_chain_leaves_nobody_without_an_owner() -> None:
    """Ids moved by one and somebody left: the mailbox that nobody takes over goes to the key that nobody has."""
    world = synced(*(person(n, n) for n in range(4)))
    world.desired = directory(person(1, 0), person(2, 1), person(3, 2))
    report = world.sync()
    assert world.caller.mutations == []
    report = approved(world, report)
    assert {key: owner_of(world, key) for key in world.stores.bindings} == {
        "user:0": "p1",
        "user:1": "p2",
        "user:2": "p3",
        "user:3": "p0",
    }
    assert [pending.key for pending in world.sync().plan.pending] == ["user:3"]  # type: ignore[union-attr] # there is a plan


def test_a_dry_run_notes_no_look() -> None:
    """It shows the questions, and leaves the store as it is."""
    world = synced(person(1, 1), person(2, 2))
    bindings = dict(world.stores.bindings)
    world.desired = directory(person(1, 1, display_name="Bob1 Brandt"), person(2, 2))
    world.plan()
    world.desired = directory(person(1, 2), person(2, 1))
    assert len(rebinds(world.plan())) == 1
    assert world.stores.bindings == bindings


def test_outside_a_pilot_nobody_is_rebound() -> None:
    """A question is put only when all whom it is about are inside."""
    world = synced(person(1, 1), person(2, 2), person(3, 3))
    world.desired = directory(person(1, 2), person(2, 1), person(3, 3))
    report = world.sync(only=("user:1",))
    assert (world.caller.mutations, rebinds(report.plan)) == ([], [])
    world.desired = directory(*(person(n, n) for n in (1, 2, 3)))
    world.source_name = "csv:emp_no"
    report = world.sync(only=("user:1",))
    (question,) = rebinds(report.plan)
    assert "1 user" in question.summary


def test_protected_people_are_never_rebound() -> None:
    """Nothing is proposed about them, nor about whoever looks like them now: the pattern covers both."""
    world = synced(person(1, 1), person(2, 2), policy=Policy(mode=Mode.FULL, protected=("p1@*",)))
    world.desired = directory(person(1, 2), person(2, 1))
    report = world.sync()
    assert world.caller.mutations == []
    assert rebinds(report.plan) == []
