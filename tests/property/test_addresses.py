"""Random organizations, random directories: addresses arrive, and what must not move doesn't."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.model.names import Key, Kind, fold, identity_of
from syncd.model.operation import BundleKind, Operation
from syncd.model.state import State, Wanted
from syncd.planning.ownership import is_parking, parking_address
from tests.fakes.address_world import (
    DEFAULT_DOMAIN,
    DOMAIN,
    AddressWorld,
    Wish,
    chance,
    check_wish,
    plan,
    run,
)

_PEOPLE = 7
_ADDRESSES = [f"a{number}@{DOMAIN}" for number in range(12)]


@st.composite
def _holdings(draw: st.DrawFn) -> dict[int, list[str]]:
    """Who holds what: the first address of each is the primary."""
    owners = draw(st.lists(st.integers(-1, _PEOPLE - 1), min_size=len(_ADDRESSES), max_size=len(_ADDRESSES)))
    order = draw(st.permutations(range(len(_ADDRESSES))))
    held: dict[int, list[str]] = {}
    for number in order:
        if owners[number] >= 0:
            held.setdefault(owners[number], []).append(_ADDRESSES[number])
    return held


_some = st.frozensets(st.integers(0, _PEOPLE - 1), max_size=3)


def _kind(number: int) -> Kind:
    return Kind.GROUP if number % 3 == 0 else Kind.USER


def _world(
    held: dict[int, list[str]], disabled: frozenset[int], parked: frozenset[int], *, reserves: bool
) -> AddressWorld:
    """An organization; some of *parked* have their parking address as alias, or as primary, from an earlier cycle."""
    world = AddressWorld(reserves=reserves)
    for number in range(_PEOPLE):
        if number in held:
            parking = parking_address(f"{_kind(number)}:e{number}", DEFAULT_DOMAIN)
            primary, *aliases = [*held[number], *([parking] if number in parked else [])]
            if number in parked and len(held[number]) % 2:
                primary, aliases = parking, held[number]
            world.add(f"e{number}", primary, aliases, _kind(number))
        elif number in disabled:
            world.add(f"e{number}", kind=_kind(number))
    return world


def _wanted(number: int, addresses: list[str], shout: frozenset[int]) -> Wanted:
    written = [address.upper() if number in shout else address for address in addresses]
    key, origin = Key(f"{_kind(number).value}:e{number}"), f"people.csv:{number + 2}"
    return Wanted(key, _kind(number), origin, f"e{number}", "", True, written[0], tuple(written[1:]), {}, frozenset())


@st.composite
def _wishes(draw: st.DrawFn, *, standing_still: bool = True) -> tuple[AddressWorld, Wish]:
    before, after = draw(_holdings()), draw(_holdings())
    world = _world(before, draw(_some), draw(_some), reserves=draw(st.booleans()))
    exists = {holder.name for holder in world.holders.values()}
    fixed = draw(_some) if standing_still else frozenset[int]()
    foreign = draw(_some) if standing_still else frozenset[int]()
    names = frozenset(f"e{number}" for number in fixed if f"e{number}" in exists)
    strangers = frozenset(f"e{number}" for number in foreign if f"e{number}" in exists) - names
    shout = draw(_some)
    wants = tuple(_wanted(n, a, shout) for n, a in sorted(after.items()) if f"e{n}" not in strangers)
    manage = draw(st.sampled_from(["exact", "additive"]))
    return world, Wish(wants=wants, fixed=names, foreign=strangers, manage=manage)


def _picture(world: AddressWorld, names: frozenset[str]) -> list[object]:
    return [
        (holder.name, holder.state, holder.primary, sorted(holder.aliases))
        for holder in world.holders.values()
        if holder.name in names
    ]


@given(_wishes(standing_still=False), st.integers(0, 1000))
def test_one_pass_gives_everybody_what_they_want(case: tuple[AddressWorld, Wish], seed: int) -> None:
    """With nobody standing still, one plan reaches the directory in any order, and the next plan is empty."""
    world, wish = case
    operations, notes = plan(wish.situation(world))
    assert not notes
    assert not run(world, operations, chance(seed))
    check_wish(world, wish.wants, exact=wish.manage == "exact")
    assert plan(wish.situation(world)) == ((), ())


@given(_wishes(), st.integers(0, 1000))
def test_who_stands_still_is_never_touched_and_the_rest_settles(case: tuple[AddressWorld, Wish], seed: int) -> None:
    """Frozen and foreign entities keep everything; whoever has no note has what they want; the next plan is empty."""
    world, wish = case
    still = wish.fixed | wish.foreign
    before = _picture(world, still)
    operations, notes = plan(wish.situation(world))
    assert not run(world, operations, chance(seed))
    assert _picture(world, still) == before
    assert not {identity_of(operation.subject) for operation in operations} & still
    noted = {note.subject for note in notes}
    for one in wish.wants:
        if one.key in noted or one.name in still:
            continue
        holder = next(holder for holder in world.holders.values() if holder.name == one.name)
        assert fold(holder.primary) == fold(one.primary)
        assert set(map(fold, one.aliases)) <= set(map(fold, holder.aliases))
    held = {fold(address) for holder in world.holders.values() for address in holder.addresses}
    for operation in operations:
        if operation.kind == "alias.remove" and "wanted by" in operation.reason:
            assert fold(str(operation.before["alias"])) in held
    again, same_notes = plan(wish.situation(world))
    assert again == ()
    assert [note.subject for note in same_notes] == [note.subject for note in notes]


@given(_wishes(), st.integers(0, 1000))
def test_nothing_of_a_newcomer_whose_primary_waits_is_created(case: tuple[AddressWorld, Wish], seed: int) -> None:
    """A wanted key without entity either gets its primary address or nothing at all."""
    world, wish = case
    before = {holder.name for holder in world.holders.values()}
    operations, _ = plan(wish.situation(world))
    run(world, operations, chance(seed))
    created = [holder for holder in world.holders.values() if holder.name not in before]
    primaries = {one.name: one.primary for one in wish.wants}
    assert all(holder.primary == primaries[holder.name] for holder in created)


@given(_wishes(), st.integers(0, 1000), st.sets(st.integers(0, 40), max_size=6))
def test_after_failures_one_more_pass_settles_everything(
    case: tuple[AddressWorld, Wish], seed: int, failing: set[int]
) -> None:
    """Steps fail by chance; what they block is all that is lost, and the next pass makes good for it.

    A leaver's releases may not fail here where a deregistered entity keeps its addresses to itself: then
    they are out of everybody's reach (`workmail.md` B13), which is why they come before.
    """
    world, wish = case
    operations, _ = plan(wish.situation(world))
    numbers = {operation.id: number for number, operation in enumerate(operations)}

    def fails(operation: Operation) -> bool:
        harmless = not (world.reserves and (operation.bundle.kind is BundleKind.REMOVAL))
        return harmless and numbers[operation.id] in failing

    run(world, operations, chance(seed), fails)
    repaired, _ = plan(wish.situation(world))
    assert not run(world, repaired, chance(seed + 1))
    assert plan(wish.situation(world))[0] == ()
    assert not any(
        is_parking(alias)
        for holder in world.holders.values()
        for alias in holder.aliases
        if holder.name not in wish.fixed | wish.foreign
    )


@given(_wishes(standing_still=False), st.integers(1, 4), st.integers(0, 1000))
@settings(max_examples=200)
def test_the_alias_limit_holds_at_every_moment(case: tuple[AddressWorld, Wish], limit: int, seed: int) -> None:
    """With room for few aliases no call meets the limit, and one pass is enough all the same."""
    world, wish = case
    world.limit = limit
    for holder in world.holders.values():
        del holder.aliases[limit:]
    assert not run(world, plan(wish.situation(world))[0], chance(seed))
    operations, notes = plan(wish.situation(world))
    assert not operations
    noted = {note.subject for note in notes}
    roomy = [one for one in wish.wants if one.key not in noted]
    assert all(_has(world, one) for one in roomy)


def _has(world: AddressWorld, one: Wanted) -> bool:
    holder = next(holder for holder in world.holders.values() if holder.name == one.name)
    return fold(holder.primary) == fold(one.primary)


@given(_wishes(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_read_changes_nothing(case: tuple[AddressWorld, Wish], random: object) -> None:
    """Entities and entries shuffled give the same operations, in the same order."""
    world, wish = case
    operations, notes = plan(wish.situation(world))
    shuffled = list(world.holders.items())
    wants = list(wish.wants)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis gives a Random
    random.shuffle(wants)  # type: ignore[attr-defined]  # the same
    world.holders = dict(shuffled)
    again, same_notes = plan(replace(wish, wants=tuple(wants)).situation(world))
    assert [one.id for one in again] == [one.id for one in operations]
    assert same_notes == notes


@given(_wishes(standing_still=False), st.integers(0, 1000))
def test_unmanaged_aliases_stay_unless_they_become_somebodys_primary(
    case: tuple[AddressWorld, Wish], seed: int
) -> None:
    """Where aliases aren't managed, primaries arrive all the same, and only what these need is released."""
    world, wish = case
    wish = replace(wish, manage="false")
    situation = wish.situation(world)
    operations, notes = plan(situation)
    assert not notes
    assert not run(world, operations, chance(seed))
    primaries = {fold(one.primary) for one in wish.wants}
    for one in wish.wants:
        assert _has(world, one)
    for operation in operations:
        if operation.kind == "alias.remove" and operation.bundle.kind is not BundleKind.REMOVAL:
            alias = str(operation.before["alias"])
            assert fold(alias) in primaries or is_parking(alias)
        assert operation.kind != "alias.add"
    left = [holder for holder in world.holders.values() if holder.state is State.DISABLED]
    assert not any(holder.addresses for holder in left)
