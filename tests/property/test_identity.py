"""Whatever becomes of the ids: no mailbox is opened to, renamed to or readdressed to somebody else."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from syncd.model.names import Key, Kind
from syncd.model.state import Desired, Wanted
from tests.builders import wanted
from tests.fakes.cycles import World

KEYS = [f"k{n}" for n in range(5)]
NAMES = ("Ada", "Bob", "Cleo", "Dora", "Emil")


def person(number: int, key: str, *, enabled: bool = True) -> Wanted:
    first = NAMES[number]
    row = wanted(f"p{number}", key=f"user:{key}", display_name=f"{first} Ahrens{number}", profile={"first_name": first})
    return replace(row, enabled=enabled)


def directory(keys: list[str], team: set[int], disabled: set[int]) -> Desired:
    """Number n of the company has the nth of *keys*, "" being none; *team* is a group."""
    people = [person(n, key, enabled=n not in disabled) for n, key in enumerate(keys) if key]
    members = [f"user:{keys[n]}" for n in sorted(team) if keys[n]]
    rows = [*people, wanted("salaries", kind=Kind.GROUP, members=members)]
    counts = {kind: sum(row.kind is kind for row in rows) for kind in (Kind.USER, Kind.GROUP)}
    return Desired(entities={row.key: row for row in rows}, counts=counts)


def shown(world: World) -> dict[str, tuple[object, ...]]:
    """What the service shows of each mailbox, memberships too, by name."""
    inside = {
        member["Name"]
        for group in world.call("ListGroups")["Groups"]  # type: ignore[attr-defined] # JSON is untyped
        for member in world.call("ListGroupMembers", GroupId=group["Id"])["Members"]  # type: ignore[attr-defined] # JSON is untyped
    }
    users = world.call("ListUsers")["Users"]
    return {user["Name"]: (user["DisplayName"], user.get("Email"), user["Name"] in inside) for user in users}  # type: ignore[attr-defined] # JSON is untyped


anew = st.permutations([*KEYS, "n0", "n1", "", ""]).map(lambda keys: keys[: len(KEYS)])


@given(
    keys=anew, source=st.sampled_from(["csv:employee_id", "csv:badge"]), disabled=st.sets(st.integers(0, 4), max_size=1)
)
def test_ids_that_change_hands_open_nothing_to_anybody(keys: list[str], source: str, disabled: set[int]) -> None:
    """However ids are dealt anew: nothing becomes somebody else's, and everybody has their own in the end."""
    world = World()
    team = {0, 1}
    world.desired = directory(KEYS, team, set())
    assert world.sync().exit_code == 0
    before = shown(world)

    world.source_name = source
    world.desired = directory(keys, team, disabled)
    for _ in range(4):
        report = world.sync()
        now = shown(world)
        for name, (display_name, address, inside) in before.items():
            assert now[name][0] == display_name, f"{name} is called like somebody else"
            assert now[name][1] in (address, None) or "parked" in str(now[name][1]), f"{name} has another address"
            assert inside or not now[name][2], f"{name} was let into the group"
        assert report.plan is not None
        world.approve(report.plan)
    names = {user["Id"]: user["Name"] for user in world.call("ListUsers")["Users"]}  # type: ignore[attr-defined] # JSON is untyped
    for number, key in enumerate(keys):
        if key and number not in disabled:
            bound = world.stores.bindings[Key(f"user:{key}")]
            assert names[bound.entity] == f"p{number}", f"{key} has the mailbox of somebody else"
