"""Which details are read: never-read ones, this cycle's share of the rotation, and what a draft touches."""

from datetime import datetime, timedelta

import pytest

from syncd.model.action import Action
from syncd.model.detail import Thing
from syncd.model.names import STATED, Kind
from syncd.model.page import Managed
from syncd.model.policy import Manage
from syncd.model.state import Entity, State
from syncd.planning.freshness import due, touched
from syncd.workmail.pages import PAGES
from tests.builders import NOW, entity, operation

DAY = timedelta(hours=24)
FRY, MOM = entity("fry"), entity("mom")
CREW = entity("crew", kind=Kind.GROUP)
ALL: tuple[Thing, ...] = tuple(detail.thing for detail in PAGES.details)


@pytest.mark.parametrize(
    ("manage", "profile_fields", "groups", "read"),
    [
        (Manage(), True, True, ("aliases", "profile", "members")),
        (Manage(profile=False), True, True, ("aliases", "members")),
        (Manage(), False, True, ("aliases", "members")),
        (Manage(aliases=False), True, False, ("aliases", "profile")),
    ],
)
def test_only_what_is_managed_is_read(
    manage: Manage, profile_fields: bool, groups: bool, read: tuple[Thing, ...]
) -> None:
    """Aliases always, since the solver must know who holds what; the rest where it is managed."""
    given = frozenset({"profile"} if profile_fields else ())
    managed = PAGES.managed(Managed(manage=manage, given=given, read=frozenset(STATED if groups else {Kind.USER})))
    assert tuple(detail.thing for detail in managed) == read


@pytest.mark.parametrize(
    ("one", "has"),
    [
        (FRY, {"aliases", "profile", "quota"}),
        (entity("away", state=State.DISABLED), {"profile"}),
        (entity("ghost", state=State.DELETED), set()),
        (CREW, {"aliases", "profile", "members"}),
        (entity("team", kind=Kind.GROUP, state=State.DISABLED), {"profile", "members"}),
        (entity("ship", kind=Kind.RESOURCE), {"aliases"}),
        (entity("system", untouchable=True), {"aliases"}),
        (entity("admin", untouchable=True, state=State.DISABLED), set()),
    ],
)
def test_what_each_entity_has(one: Entity, has: set[Thing]) -> None:
    """No call is made that the service would refuse for the state or the kind (`workmail.md` B22)."""
    assert {detail.thing for detail in PAGES.details if detail.concerns(one)} == has


def chosen(
    *entities: Entity,
    age: timedelta | None = None,
    owned: bool = True,
    refresh: bool = False,
    now: datetime = NOW,
) -> dict[Thing, list[Entity]]:
    known = {one.id: one for one in entities}
    read = {} if age is None else dict.fromkeys(known, NOW - age)
    return due(
        known,
        PAGES.details,
        known.keys() if owned else (),
        dict.fromkeys(ALL, read),
        now=now,
        verify_within=DAY,
        refresh=refresh,
    )


def test_what_was_never_read_is_read() -> None:
    """At first everything, by id, so that an interrupted first read goes on where it stopped."""
    assert chosen(CREW, FRY) == {"aliases": [CREW, FRY], "profile": [CREW, FRY], "members": [CREW], "quota": [FRY]}


def test_of_strangers_only_addresses_are_read() -> None:
    """Nobody else's profile or members are compared."""
    assert chosen(MOM, CREW, owned=False) == {"aliases": [CREW, MOM], "profile": [], "members": [], "quota": []}


def test_what_was_just_read_is_not_read_again() -> None:
    """Within the first half of the time nothing is due, unless everything is to be read."""
    assert not any(chosen(FRY, CREW, age=timedelta(hours=12)).values())
    assert chosen(FRY, age=timedelta(hours=1), refresh=True)["aliases"] == [FRY]


def test_nothing_gets_older_than_promised() -> None:
    """After `verify_within` everything is due, and the moments spread over its second half."""
    people = [entity(f"p{number}") for number in range(400)]
    assert len(chosen(*people, age=DAY + timedelta(seconds=1))["aliases"]) == 400
    shares = [len(chosen(*people, age=timedelta(hours=hours))["aliases"]) for hours in (13, 15, 18, 21)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 100
    assert 150 < shares[2] < 250


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("alias.add", "aliases"),
        ("alias.remove", "aliases"),
        ("primary.change", "aliases"),
        ("address.park", "aliases"),
        ("deregister", "aliases"),
        ("profile.update", "profile"),
        ("quota.update", "quota"),
    ],
)
def test_an_operation_rests_on_what_it_changes(kind: str, detail: Thing) -> None:
    """Each family of operations rests on one detail of its entity."""
    found = touched([operation(kind, entity="id-fry", action=Action.CHANGE)], {FRY.id: FRY}, PAGES)
    assert found == {(detail, FRY.id): FRY}


def test_memberships_rest_on_the_group() -> None:
    """Joins and exits rest on the members of the group."""
    found = touched([operation("member.add", "group:crew", entity="id-crew")], {CREW.id: CREW}, PAGES)
    assert found == {("members", CREW.id): CREW}


def test_an_adoption_rests_on_everything() -> None:
    """Of whoever is to become ours nothing was compared yet."""
    found = touched([operation("adopt", "group:crew", entity="id-crew")], {CREW.id: CREW}, PAGES)
    assert found.keys() == {(detail, CREW.id) for detail in ALL if detail != "quota"}


def test_what_doesnt_exist_is_not_read() -> None:
    """A newcomer has no details; nor has a registration of somebody DISABLED any aliases."""
    away = entity("away", state=State.DISABLED)
    operations = [operation("user.create"), operation("register", "user:away", entity="id-away")]
    assert touched(operations, {away.id: away}, PAGES) == {}


def test_what_was_read_in_the_future_is_read_again() -> None:
    """Kept while the clock was ahead: nobody knows how old it is."""
    for ahead, reads in ((timedelta(minutes=5), []), (timedelta(minutes=6), [FRY])):
        read_at = {Thing("aliases"): {FRY.id: NOW + ahead}}
        details = [detail for detail in PAGES.details if detail.thing == "aliases"]
        assert due({FRY.id: FRY}, details, {FRY.id}, read_at, now=NOW, verify_within=DAY) == {"aliases": reads}
