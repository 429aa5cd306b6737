"""Whatever the directory does: no more goes than a guard allows, what is withheld is never sent, and a yes frees it."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from syncd.guards import SOURCE_GUARDS
from syncd.model.names import Key, Kind
from syncd.model.operation import BundleKind, Operation
from syncd.model.plan import Plan
from syncd.model.policy import GuardSettings, Manage, Mode, Policy, Removal, SourceThreshold, Threshold
from syncd.model.state import Desired, Wanted
from tests.builders import WIDE_OPEN, wanted
from tests.fakes.cycles import DOMAIN
from tests.property.worlds import LivingWorld, Sent, assert_lawful, watch

SIZE = 8
KEYS = [Key(f"user:p{number}") for number in range(SIZE)]
limits = st.builds(Threshold, percent=st.just(100), count=st.integers(0, SIZE))
guards = st.builds(
    GuardSettings,
    removals=limits,
    membership_removals=limits,
    alias_removals=limits,
    primary_changes=limits,
    source_shrink=st.builds(SourceThreshold, percent=st.sampled_from([20, 100])),
)
#: What happens to each of them.
fates = st.lists(
    st.sampled_from(["stays", "stays", "disabled", "absent", "no alias", "new address", "no group", "next address"]),
    min_size=SIZE,
    max_size=SIZE,
)


def people() -> dict[Key, Wanted]:
    rows = {key: wanted(key[5:], aliases=(f"a{key[5:]}@{DOMAIN}",)) for key in KEYS}
    crew = wanted("crew", kind=Kind.GROUP, members=KEYS)
    return {**rows, crew.key: crew}


def after(fates: list[str]) -> dict[Key, Wanted]:
    """The directory after everybody has met their fate."""
    rows = people()
    moving = [key for key, fate in zip(KEYS, fates, strict=True) if fate == "next address"]
    for key, fate in zip(KEYS, fates, strict=True):
        row = rows[key]
        if fate == "disabled":
            rows[key] = replace(row, enabled=False)
        elif fate == "absent":
            del rows[key]
        elif fate == "no alias":
            rows[key] = replace(row, aliases=())
        elif fate == "new address":
            rows[key] = replace(row, primary=f"new-{row.primary}")
        elif fate == "next address":
            following = moving[(moving.index(key) + 1) % len(moving)]
            rows[key] = replace(row, primary=f"{following[5:]}@{DOMAIN}")
    crew = rows[Key("group:crew")]
    inside = [key for key, fate in zip(KEYS, fates, strict=True) if fate != "no group" and key in rows]
    rows[crew.key] = replace(crew, members=frozenset(inside))
    return rows


def directory(rows: dict[Key, Wanted]) -> Desired:
    counts = {kind: sum(row.kind is kind for row in rows.values()) for kind in (Kind.USER, Kind.GROUP)}
    return Desired(entities=rows, counts=counts)


def world_before() -> LivingWorld:
    """Eight people with an alias each, all in one group."""
    policy = Policy(
        mode=Mode.FULL,
        guards=WIDE_OPEN,
        manage=Manage(aliases="exact", members="exact"),
        removal=Removal(after_cycles=1, after=timedelta(0)),
    )
    world = LivingWorld(policy=policy)
    world.desired = directory(people())
    assert world.fresh().exit_code == 0
    return world


def sent(world: LivingWorld, began: int) -> list[Operation]:
    return [one for one in world.log[began:] if isinstance(one, Operation)]


def subjects(operations: list[Operation], *kinds: str, inside: bool = False) -> set[Key]:
    return {
        one.subject for one in operations if one.kind in kinds and (inside or one.bundle.kind is not BundleKind.REMOVAL)
    }


@given(guards=guards, fates=fates)
def test_no_more_goes_than_a_guard_allows(guards: GuardSettings, fates: list[str]) -> None:
    """In one cycle without approval no limit is exceeded, and nothing that is withheld is sent."""
    world = world_before()
    world.policy = world.policy.model_copy(update={"guards": guards})
    world.desired = directory(after(fates))
    seen = watch(world)
    report = world.fresh()
    assert_lawful(world, seen, report)
    went = sent(world, seen.began)
    assert len(subjects(went, "deregister", inside=True)) <= guards.removals.count
    assert len(subjects(went, "alias.remove")) <= guards.alias_removals.count
    assert len(subjects(went, "primary.change", "address.park")) <= guards.primary_changes.count
    exits = [one for one in went if one.kind == "member.remove" and one.bundle.kind is not BundleKind.REMOVAL]
    assert len(exits) <= guards.membership_removals.count
    assert len(exits) < SIZE, "the group was emptied"
    assert report.plan is not None
    tripped = [finding for finding in report.plan.findings if finding.tripped]
    assert report.exit_code == (3 if tripped or report.plan.withheld else 0)
    assert all(finding.text and finding.used for finding in tripped)
    assert_moves_are_whole(went, report.plan)


def assert_moves_are_whole(went: list[Operation], plan: Plan) -> None:
    """Of an address move all is sent or nothing."""
    gone = {one.id for one in went}
    moves = {one.bundle for one in plan.operations if (one.bundle.kind is BundleKind.MOVE)}
    for move in moves:
        parts = [one.id in gone for one in plan.operations if one.bundle == move]
        assert all(parts) or not any(parts), f"half of {move} was sent"


@given(guards=guards, fates=fates)
def test_an_approval_frees_just_what_was_withheld(guards: GuardSettings, fates: list[str]) -> None:
    """After the yes the same cycle sends all of it, and what is left is nothing."""
    world = world_before()
    world.policy = world.policy.model_copy(update={"guards": guards})
    world.desired = directory(after(fates))
    for _ in range(3):  # a source that has rightly shrunk withholds only the evidence at first
        report = world.fresh()
        assert report.plan is not None
        world.approve(report.plan)
    last = world.fresh()
    assert last.plan is not None
    assert last.plan.operations == ()
    assert {world.stores.bindings[key].removed_at is not None for key in _leavers(fates)} <= {True}


def _leavers(fates: list[str]) -> list[Key]:
    return [key for key, fate in zip(KEYS, fates, strict=True) if fate in ("disabled", "absent")]


@given(guards=guards, fates=fates)
def test_a_source_guard_leaves_no_evidence(guards: GuardSettings, fates: list[str]) -> None:
    """A read that trips one takes nobody away, and counts for nothing afterwards."""
    world = world_before()
    world.policy = world.policy.model_copy(update={"guards": guards})
    rows = after(fates)
    for key in KEYS[:5]:
        rows.pop(key, None)
    world.desired = directory(rows)
    before = dict(world.stores.marks), dict(world.stores.counts)
    began = len(world.log)
    report = world.fresh()
    assert report.plan is not None
    if any(finding.tripped and finding.guard in SOURCE_GUARDS for finding in report.plan.findings):
        assert (world.stores.marks, world.stores.counts) == before
        calls = {one.operation for one in world.log[began:] if isinstance(one, Sent)}
        assert not calls & {"DeregisterFromWorkMail", "DisassociateMemberFromGroup"}
