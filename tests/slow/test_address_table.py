"""Every reassignment of four addresses among four people and groups, up to renaming."""

from collections import Counter

from tests.fakes.address_world import chance, check_one_pass, in_order, last, reassignments


def test_every_reassignment_of_four_addresses_among_four_takes_one_pass() -> None:
    """Whoever held what, one plan gives everybody what they want, in any order of sending, whatever B13's answer."""
    cases: Counter[str] = Counter()
    for number, (users, before, after) in enumerate(reassignments(4, 4)):
        for manage in ("exact", "additive"):
            orders = ((True, in_order), (False, last), (number % 2 == 0, chance(number)))
            operations = check_one_pass(users, before, after, manage=manage, choosers=orders)
            cases["operations"] += len(operations)
            cases["plans that park"] += any(one.kind == "address.park" for one in operations)
        cases["reassignments"] += 1
    print(f"\n{cases['reassignments']:,} reassignments of 4 addresses among 4 entities: {dict(cases)}")
    assert cases["reassignments"] > 30_000
