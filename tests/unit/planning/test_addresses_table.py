"""Every reassignment of three addresses among three people and groups, up to renaming."""

from collections import Counter, deque
from collections.abc import Iterator

from tests.fakes.address_world import (
    Ownership,
    Wish,
    chance,
    check_one_pass,
    first,
    in_order,
    last,
    plan,
    reassignments,
    wants_of,
    world_of,
)

_STEPS = ("register", "primary.change", "alias.add", "alias.remove", "address.park")
#: Per entity: the primary address, and the aliases.
_Holdings = tuple[tuple[int | None, frozenset[int]], ...]
_PARKED = 100


def test_every_reassignment_of_three_addresses_among_three_takes_one_pass() -> None:
    """Whoever held what, one plan gives everybody what they want, in any order of sending, whatever B13's answer."""
    count = 0
    for number, (users, before, after) in enumerate(reassignments(3, 3)):
        manage = ("exact", "additive")[number % 2]
        check_one_pass(users, before, after, manage=manage, choosers=((True, in_order), (False, chance(number))))
        count += 1
    assert count > 2_000


def test_any_order_that_the_facts_allow_is_a_good_one() -> None:
    """Among people only, with extras removed and kept, the extreme orders and several by chance all arrive."""
    for number, (users, before, after) in enumerate(reassignments(3, 3)):
        if users == 3:
            orders = [(True, first), (False, last), *((n % 2 == 0, chance(number + n)) for n in range(4))]
            for manage in ("exact", "additive"):
                check_one_pass(users, before, after, manage=manage, choosers=orders)


def test_no_plan_takes_more_steps_than_needed_and_none_parks_where_a_chain_suffices() -> None:
    """A plan is as short as any; breaking a ring costs up to two steps more, and only a ring or a leaver parks."""
    excess: Counter[int] = Counter()
    for users, before, after in reassignments(3, 3):
        if users != 3:
            continue
        wish = Wish(wants=wants_of(users, 3, after))
        operations, _ = plan(wish.situation(world_of(users, 3, before, reserves=True)))
        kinds = Counter(operation.kind for operation in operations)
        rings = _rings(before, after)
        assert kinds["address.park"] == kinds["deregister"] + rings
        longer = sum(kinds[kind] for kind in _STEPS) - _fewest(3, before, after)
        assert longer == 0 if not rings else longer <= 2 * rings
        excess[longer] += 1
    assert excess[0] > 200


def _rings(before: Ownership, after: Ownership) -> int:
    """Count the rings of primary addresses that change hands."""
    old = {cell[0]: address for address, cell in enumerate(before) if cell and cell[1]}
    new = {cell[0]: address for address, cell in enumerate(after) if cell and cell[1]}
    owner = {address: who for who, address in old.items()}
    found = set()
    for start in old:
        path = [start]
        while (step := owner.get(new.get(path[-1], -1), start)) != path[-1] and step not in path:
            path.append(step)
        if len(path) > 1 and owner.get(new.get(path[-1], -1)) == start:
            found.add(frozenset(path))
    return len(found)


def _fewest(entities: int, before: Ownership, after: Ownership) -> int:
    """Find the shortest way by trying all of them; a leaver ends parked, with nothing else."""
    start, end = _holdings(entities, before), _holdings(entities, after)
    goal = tuple(
        (_PARKED + who, frozenset[int]()) if end[who][0] is None and start[who][0] is not None else end[who]
        for who in range(entities)
    )
    seen, queue = {start}, deque([(start, 0)])
    while queue:
        state, steps = queue.popleft()
        if state == goal:
            return steps
        for following in _moves(state, len(before), end):
            if following not in seen:
                seen.add(following)
                queue.append((following, steps + 1))
    message = f"no way from {before} to {after}"
    raise AssertionError(message)


def _holdings(entities: int, state: Ownership) -> _Holdings:
    return tuple(
        (
            next((address for address, cell in enumerate(state) if cell == (who, True)), None),
            frozenset(address for address, cell in enumerate(state) if cell == (who, False)),
        )
        for who in range(entities)
    )


def _moves(state: _Holdings, addresses: int, end: _Holdings) -> Iterator[_Holdings]:
    held = {address for primary, aliases in state for address in (primary, *aliases)}
    for who, (primary, aliases) in enumerate(state):
        free = [address for address in (*range(addresses), _PARKED + who) if address not in held]
        if primary is None:
            options = [(address, aliases) for address in free if end[who][0] is not None]
        else:
            options = [(address, aliases | {primary}) for address in free]
            options += [(primary, aliases | {address}) for address in free if address < _PARKED]
            options += [(primary, aliases - {address}) for address in aliases]
            options += [(address, aliases - {address} | {primary}) for address in aliases]
        for option in options:
            yield (*state[:who], option, *state[who + 1 :])
