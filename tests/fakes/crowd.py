"""A directory with groups of every size and shape, and what must come of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from syncd.mapping.rules import Rules
from syncd.mapping.settings import MappingSettings
from syncd.mapping.snapshot import map_snapshot
from syncd.model.entry import Snapshot
from syncd.model.names import make_key
from syncd.model.state import Desired
from syncd.workmail.limits import workmail_limits

SIZES = (0, 1, 1499, 1500, 1501, 3001)
INSIDE, OUTSIDE = 60, 40
#: Three levels; a circle of three and one of two, a person in each; one group in itself.
NESTED: Mapping[str, tuple[str, ...]] = {
    "top": ("middle", "p1"),
    "middle": ("leaf", "p2"),
    "leaf": ("p3",),
    "a": ("b", "p4"),
    "b": ("c", "p5"),
    "c": ("a", "p6"),
    "x": ("y", "p7"),
    "y": ("x", "p8"),
    "self": ("self", "p9"),
}
_WITHIN = {
    "top": {"p1", "p2", "p3"},
    "middle": {"p2", "p3"},
    "leaf": {"p3"},
    **{name: {"p4", "p5", "p6"} for name in "abc"},
    **{name: {"p7", "p8"} for name in "xy"},
    "self": {"p9"},
}


def groups(sizes: Sequence[int], *, person: Callable[[str], str], group: Callable[[str], str]) -> dict[str, list[str]]:
    """Return the members of each group, all by their names in the directory, which *person* and *group* tell."""
    found = {f"g{size}": [person(f"p{number}") for number in range(size)] for size in sizes}
    inside = [person(f"p{number}") for number in range(INSIDE)]
    found["far"] = inside + [f"cn=q{number},ou=elsewhere,dc=other,dc=example" for number in range(OUTSIDE)]
    for name, members in NESTED.items():
        found[name] = [group(each) if each in NESTED else person(each) for each in members]
    return {group(name): members for name, members in found.items()}


def mapped(snapshot: Snapshot, *, key: str, login: str, nested: str) -> Desired:
    """Return *snapshot* as the mapping has it."""
    said: dict[str, Any] = {
        "key": key,
        "users": {"name": login, "display_name": "cn", "primary_email": f"{{{{ {login} }}}}@planetexpress.example"},
        "groups": {
            "key": key,
            "name": "cn",
            "primary_email": "{{ cn }}@planetexpress.example",
            "members": {"from": "member", "by": "dn"},
            "nested": nested,
        },
    }
    return map_snapshot(snapshot, Rules(MappingSettings.model_validate(said)), workmail_limits())


def members(snapshot: Snapshot, desired: Desired) -> dict[str, set[str]]:
    """Return the names of the members of each mapped group."""
    called = {
        make_key(entry.kind, entry.identity): entry.attributes["cn"][0]
        for entries in snapshot.entries.values()
        for entry in entries
    }
    return {
        called[key]: {called[member] for member in wanted.members}
        for key, wanted in desired.entities.items()
        if key.startswith("group:")
    }


def assert_right(snapshot: Snapshot, desired: Desired, nested: str, sizes: Sequence[int]) -> None:
    """Every group has the members that it should have."""
    found = members(snapshot, desired)
    assert desired.rejections == (), desired.rejections[:3]
    assert {name: len(found[name]) for name in found if name[1:].isdigit()} == {f"g{size}": size for size in sizes}
    for size in sizes:
        assert found[f"g{size}"] == {f"p{number}" for number in range(size)}
    assert found["far"] == {f"p{number}" for number in range(INSIDE)}
    (outside,) = desired.outside_members.values()
    assert outside == OUTSIDE
    direct = {name: {each for each in listed if each not in NESTED} for name, listed in NESTED.items()}
    shaped = {name: found[name] for name in NESTED}
    if nested == "direct":
        assert shaped == direct
    elif nested == "flatten":
        assert shaped == _WITHIN
    else:
        assert shaped["top"] == {"middle", "p1"}
        assert shaped["middle"] == {"leaf", "p2"}
        assert {name: _reached(name, shaped) for name in NESTED} == _WITHIN


def _reached(name: str, shaped: Mapping[str, set[str]], above: tuple[str, ...] = ()) -> set[str]:
    """Return the people below the group *name*; a circle, which WorkMail refuses, is an error."""
    assert name not in above, f"a circle: {' > '.join((*above, name))}"
    return set().union(*(_reached(each, shaped, (*above, name)) if each in shaped else {each} for each in shaped[name]))
