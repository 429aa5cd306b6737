"""Each guard trips exactly at its limit, counts what is its own, and says what, how many and the way out."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from syncd.guards import GUARDS, SOURCE_GUARDS
from syncd.guards.addresses import AliasRemovals, PrimaryChanges
from syncd.guards.memberships import MembershipRemovals
from syncd.guards.removals import Removals
from syncd.guards.source import EmptySource, Rejections, SourceShrink
from syncd.model.action import Action
from syncd.model.entry import Rejection
from syncd.model.memory import Memory
from syncd.model.names import Key, Kind
from syncd.model.operation import Operation
from syncd.model.plan import Finding, Plan
from syncd.model.policy import GuardSettings, Mode, Policy, RejectionThreshold, SourceThreshold, Threshold
from syncd.model.situation import Situation
from syncd.model.standing import Proposal, ProposalKind, Standings
from syncd.model.state import State
from syncd.planning.judge import judge
from tests.builders import entity, entity_id, known, observed, operation, plan, situation

POPULATION = {"users_owned_enabled": 100, "groups_owned_enabled": 100}
NINE = Key("user:p9")
TEN = Threshold(percent=100, count=10)


def policy(**guards: object) -> Policy:
    return Policy(mode=Mode.FULL, guards=GuardSettings.model_validate(guards))


def removal(key: str) -> Operation:
    return operation("deregister", key, entity=f"id-{key}", bundle=f"removal:{key}")


def only(findings: Iterable[Finding]) -> Finding:
    (found,) = findings
    return found


# --- removals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "trips"), [(10, False), (11, True)])
def test_removals_trip_at_one_more_than_the_limit(count: int, trips: bool) -> None:
    """Ten deregistrations pass, eleven withhold all eleven."""
    operations = [removal(f"user:{number}") for number in range(count)]
    now = situation(policy=policy(removals=TEN))
    users, groups = Removals().examine(plan(*operations, populations=POPULATION), now)
    assert (users.counted, users.population, users.tripped) == (count, 100, trips)
    assert set(map(str, users.bundles)) == ({str(one.bundle) for one in operations} if trips else set())
    assert users.used == f"user removals {count} of 10, {count}.0 % of 100 %"
    assert ("guards.removals" in users.text) is trips
    assert not groups.tripped


def test_removals_count_users_and_groups_apart() -> None:
    """Six users and six groups are twice six, not twelve: each kind has its own population."""
    operations = [removal(f"{kind}:{number}") for kind in ("user", "group") for number in range(6)]
    findings = Removals().examine(plan(*operations, populations=POPULATION), situation(policy=policy(removals=TEN)))
    assert [(one.counted, one.tripped) for one in findings] == [(6, False), (6, False)]


def test_removals_count_what_is_deferred() -> None:
    """Removals that don't fit into this plan count all the same: a cut can't hide a mass removal."""
    made = plan(removal("user:a"), populations=POPULATION, deferred={"deregister": 10})
    users, _ = Removals().examine(made, situation(policy=policy(removals=TEN)))
    assert (users.counted, users.tripped) == (11, True)


def test_giving_back_takes_nothing_away() -> None:
    """However many removals are given up: moving people back from where they were parked trips no guard."""
    steps = [
        operation(kind, f"user:{number}", entity=f"id-{number}", bundle=f"rollback:user:{number}")
        for number in range(50)
        for kind in ("primary.change", "alias.remove")
    ]
    nothing = Threshold(percent=0, count=0)
    names = ("removals", "alias_removals", "primary_changes", "membership_removals", "other_removals")
    now = situation(policy=policy(**dict.fromkeys(names, nothing)))
    made = plan(*steps, populations=POPULATION)
    counting = [guard for guard in GUARDS if guard.name not in SOURCE_GUARDS]
    assert [one for guard in counting for one in guard.examine(made, now) if one.tripped] == []


# --- memberships -----------------------------------------------------------------------------------------------------


def group_of(size: int, *, disabled: int = 0, leavers: int = 0) -> Situation:
    """A group with so many ENABLED members, and some DISABLED ones."""
    people = [entity(f"p{number}") for number in range(size)]
    gone = [entity(f"d{number}", state=State.DISABLED) for number in range(disabled)]
    members = frozenset(one.id for one in (*people, *gone))
    return situation(
        entities=[entity("crew", kind=Kind.GROUP), *people, *gone],
        details=known(members={entity_id("crew"): members}),
        policy=policy(membership_removals=TEN),
    )


def leave(number: int, *, bundle: str = "") -> Operation:
    """Somebody goes out of the group."""
    return operation(
        "member.remove",
        "group:crew",
        entity="id-crew",
        bundle=bundle or f"member:group:crew:p{number}",
        before={"member": f"p{number}"},
    )


@pytest.mark.parametrize(("count", "trips"), [(10, False), (11, True)])
def test_exits_trip_per_group(count: int, trips: bool) -> None:
    """Of a group of a hundred ten may go; eleven withhold the exits of that group."""
    made = plan(*(leave(number) for number in range(count)))
    finding = only(MembershipRemovals().examine(made, group_of(100)))
    assert (finding.counted, finding.population, finding.tripped) == (count, 100, trips)
    assert len(finding.bundles) == (count if trips else 0)
    assert ("the group 'crew'" in finding.text) is trips
    assert finding.used.startswith("members of 'crew' ")


def test_emptying_a_group_always_trips() -> None:
    """Taking out the last ENABLED member trips, however small the group; DISABLED ones don't keep it full."""
    finding = only(MembershipRemovals().examine(plan(leave(0)), group_of(1, disabled=3)))
    assert (finding.counted, finding.population, finding.tripped) == (1, 1, True)
    assert "would empty the group 'crew'" in finding.text


def test_leavers_help_to_empty_a_group() -> None:
    """Who leaves altogether counts as that removal only, but doesn't stay in the group either."""
    made = plan(leave(0), leave(1, bundle="removal:user:p1"))
    finding = only(MembershipRemovals().examine(made, group_of(2)))
    assert (finding.counted, finding.tripped) == (1, True)
    assert set(map(str, finding.bundles)) == {"member:group:crew:p0"}


def test_a_group_that_gets_others_is_not_emptied() -> None:
    """Replacing the only member is an exchange, no emptying: if whoever comes is there, and nobody is asked about."""
    joins = operation("member.add", "group:crew", entity="id-crew", after={"member": "p9"}, effect={"member": NINE})
    crew = group_of(1)
    crew = replace(
        crew, observed=observed(*crew.observed.entities.values(), entity("p9"), details=crew.observed.details)
    )
    asked = Proposal(kind=ProposalKind.REBIND, key=NINE, entity=entity_id("p9"), reason="who is it?")
    there = {NINE: entity_id("p9")}
    tripped = [
        only(MembershipRemovals().examine(plan(leave(0), joins), replace(crew, standings=standings))).tripped
        for standings in (
            Standings(entity_of=there),
            Standings(),
            Standings(entity_of=there, proposals={NINE: asked}),
        )
    ]
    assert tripped == [False, True, True]


def test_exits_in_removals_are_not_counted() -> None:
    """What lies inside a person's removal counts as the removal only."""
    made = plan(*(leave(number, bundle=f"removal:user:p{number}") for number in range(50)))
    assert list(MembershipRemovals().examine(made, group_of(100))) == []


def test_deferred_exits_count_for_each_group() -> None:
    """A cut can't spread the exits of one group over several plans, each below the limit."""
    made = plan(leave(0), deferred={"member.remove": 10})
    assert only(MembershipRemovals().examine(made, group_of(100))).tripped


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "trips"), [(10, False), (11, True)])
def test_alias_removals_count_entities(count: int, trips: bool) -> None:
    """Two aliases of one person count once; what lies inside a removal doesn't count."""
    taken = [
        operation("alias.remove", f"user:{number}", before={"alias": f"{letter}{number}"})
        for number in range(count)
        for letter in "ab"
    ]
    inside = operation("alias.remove", "user:leaver", bundle="removal:user:leaver")
    made = plan(*taken, inside, populations=POPULATION)
    finding = only(AliasRemovals().examine(made, situation(policy=policy(alias_removals=TEN))))
    assert (finding.counted, finding.population, finding.tripped) == (count, 200, trips)
    assert set(map(str, finding.bundles)) == ({str(one.bundle) for one in taken} if trips else set())
    assert ("guards.alias_removals" in finding.text) is trips


@pytest.mark.parametrize(("count", "trips"), [(10, False), (11, True)])
def test_primary_changes_count_entities(count: int, trips: bool) -> None:
    """Parking and changing of one person count once; parking a leaver doesn't count."""
    moved = [
        operation(kind, f"user:{number}", action=Action.CHANGE, bundle=f"move:{number}", after={"primary": kind})
        for number in range(count)
        for kind in ("address.park", "primary.change")
    ]
    inside = operation("address.park", "user:leaver", bundle="removal:user:leaver")
    made = plan(*moved, inside, populations=POPULATION)
    finding = only(PrimaryChanges().examine(made, situation(policy=policy(primary_changes=TEN))))
    assert (finding.counted, finding.tripped) == (count, trips)
    assert len(finding.bundles) == (count if trips else 0)
    assert ("guards.primary_changes" in finding.text) is trips


# --- the source ------------------------------------------------------------------------------------------------------

DESTRUCTIVE = (removal("user:a"), leave(1), operation("alias.remove", "user:b"))


DISBELIEVED = {"removal:user:a", "member:group:crew:p1", str(DESTRUCTIVE[2].bundle)}


def test_an_empty_source_withholds_whatever_destroys() -> None:
    """No users in the source while some are owned: removals, exits, aliases taken away are withheld, joins go on."""
    made = plan(*DESTRUCTIVE, populations=POPULATION)
    users, groups = EmptySource().examine(made, situation(counts={Kind.USER: 0, Kind.GROUP: 4}))
    assert (users.counted, users.population, users.tripped, groups.tripped) == (0, 100, True, False)
    assert set(map(str, users.bundles)) == DISBELIEVED
    assert "no users at all, while 100 are owned" in users.text


def test_an_empty_source_is_right_where_nothing_is_owned() -> None:
    """Before the first cycle an empty source takes nothing away."""
    findings = EmptySource().examine(plan(), situation(counts={Kind.USER: 0}))
    assert not any(one.tripped for one in findings)


def test_a_source_without_groups_is_not_empty_of_groups() -> None:
    """Where no groups are read at all, none are missing."""
    made = plan(populations=POPULATION)
    finding = only(EmptySource().examine(made, situation(counts={Kind.USER: 5}, read=frozenset({Kind.USER}))))
    assert not finding.tripped


@pytest.mark.parametrize(
    ("before", "now", "trips"),
    [
        (100, 80, False),
        (100, 79, True),
        (19, 16, False),
        (19, 15, True),
        (20, 15, True),
        (3, 2, False),
        (3, 1, True),
        (100, 150, False),
    ],
)
def test_a_source_may_shrink_by_a_fifth(before: int, now: int, trips: bool) -> None:
    """More than 20 % fewer than at the last good read trip; of few, less than half may be missing, at most two."""
    here = situation(
        memory=Memory(counts={Kind.USER: before}),
        counts={Kind.USER: now},
        policy=policy(source_shrink=SourceThreshold(percent=20)),
    )
    finding = only(SourceShrink().examine(plan(*DESTRUCTIVE), here))
    assert (finding.counted, finding.population, finding.tripped) == (max(before - now, 0), before, trips)
    assert set(map(str, finding.bundles)) == (DISBELIEVED if trips else set())
    assert ("guards.source_shrink" in finding.text and "approve" in finding.text) is trips


def rejected(count: int) -> tuple[Rejection, ...]:
    return tuple(
        Rejection(key=Key(f"user:{n}"), origin=f"people.csv:{n}", reason="no name", remedy="fill it in")
        for n in range(count)
    )


@pytest.mark.parametrize(
    ("count", "population", "trips"),
    [(10, 20, False), (11, 20, True), (11, 220, False), (11, 219, True), (3, 3, True), (2, 3, False)],
)
def test_rejections_trip_above_both_limits_or_when_all_are(count: int, population: int, trips: bool) -> None:
    """More than ten *and* more than 5 %, or every single record: then one mistake made them all."""
    here = situation(counts={Kind.USER: population}, policy=policy(rejections=RejectionThreshold(percent=5, count=10)))
    finding = only(Rejections().examine(plan(*DESTRUCTIVE, rejections=rejected(count)), here))
    assert (finding.counted, finding.population, finding.tripped) == (count, population, trips)
    assert ("The first: people.csv:0: no name" in finding.text) is trips
    assert bool(finding.bundles) is trips


def test_every_guard_shows_its_budget_when_nothing_trips() -> None:
    """A plan without anything destructive still tells how much of each limit is used."""
    made = plan(populations=POPULATION)
    here = situation(counts={Kind.USER: 100, Kind.GROUP: 100}, memory=Memory(counts={Kind.USER: 100}))
    shown = {finding.guard: finding.used for guard in GUARDS for finding in guard.examine(made, here)}
    silent = {"membership_removals", "all_membership_removals", "deletions", "full_access"}
    assert shown.keys() == {guard.name for guard in GUARDS} - silent
    assert all(shown.values())


def test_the_source_guards_are_known_by_name() -> None:
    """A read that trips one of these leaves no marks."""
    assert {"empty_source", "source_shrink", "rejections"} == SOURCE_GUARDS
    assert {guard.name for guard in GUARDS} > SOURCE_GUARDS


def test_a_plan_is_not_changed_by_being_examined() -> None:
    """Guards only look: the same plan gives the same findings twice."""
    made: Plan = plan(*DESTRUCTIVE, populations=POPULATION)
    here = situation(counts={Kind.USER: 0})
    first, second = ([list(guard.examine(made, here)) for guard in GUARDS[4:]] for _ in range(2))
    assert first == second


def test_what_is_given_back_counts_as_no_loss() -> None:
    """A hundred removals given up at once give everything back: no guard holds that, however many get it."""
    back = [
        operation("alias.remove", f"user:{n}", entity=f"id-{n}", bundle=f"rollback:user:{n}", before={"alias": f"{n}"})
        for n in range(100)
    ]
    here = situation(policy=Policy(mode=Mode.FULL))
    judged = judge(plan(*back, populations={"users_owned_enabled": 200}), here, GUARDS)
    assert [
        finding.guard for finding in judged.findings if finding.tripped and finding.guard not in SOURCE_GUARDS
    ] == []
