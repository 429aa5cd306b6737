"""Whom may a rejected row mean? Its names and addresses, as far as they can be read."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from syncd.model.entry import Entry, Rejection
from syncd.model.names import Key, Kind
from syncd.model.state import Desired
from tests.unit.mapping.mapping_builders import desired, group, person, rules, unread


def carried(result: Desired) -> Mapping[str, tuple[set[str], set[str]]]:
    """The names and addresses of each rejected row, by its origin."""
    return {r.origin: (set(filter(None, r.names)), set(filter(None, r.addresses))) for r in result.rejections}


def refused(entry: Entry, *, key: str | None = "user:1") -> Rejection:
    return replace(unread(Kind.USER, None), key=None if key is None else Key(key), origin=entry.origin, entry=entry)


@pytest.mark.parametrize("key", ["user:1", None])
def test_what_the_source_rejects_is_read_by_the_mapping(key: str | None) -> None:
    """A colliding key, a cell that can't be used: login, display name, address and aliases are told all the same."""
    row = person("1", "fry", full="Philip J. Fry", other=("captain@corp.example",))
    result = desired(rejections=(refused(row, key=key),))

    assert carried(result) == {
        row.origin: ({"fry", "Philip J. Fry"}, {"fry@corp.example", "captain@corp.example"}),
    }
    assert [rejection.entry for rejection in result.rejections] == [None]


def test_what_can_not_be_mapped_either_is_read_as_far_as_it_goes() -> None:
    """An unusable address doesn't hide the name, nor the other way round."""
    no_address = person("1", "fry", mail="nonsense")
    no_name = person("2", "", mail="leela@corp.example", full="Leela")
    result = desired(rejections=(refused(no_address), refused(no_name, key="user:2")))

    assert carried(result) == {
        no_address.origin: ({"fry", "Fry"}, set()),
        no_name.origin: ({"Leela"}, {"leela@corp.example"}),
    }


def test_what_the_source_told_of_names_stays() -> None:
    """Cells that have moved can't be mapped: they are names as they stand."""
    moved = replace(unread(Kind.USER, "1"), names=("fry", "x"))
    assert carried(desired(rejections=(moved,))) == {"users.csv:1": ({"fry", "x"}, set())}


@pytest.mark.parametrize(
    ("entries", "users"),
    [
        ([person("1", "fry", title="x" * 99)], {"profile": {"job_title": "title"}}),
        ([person("1", "fry", status="")], {"enabled": {"from": "status", "yes": ["a"], "no": ["b"]}}),
        ([person("1", "fry"), person("2", "fry", mail="other@corp.example")], {}),
        ([person("1", "fry"), person("2", "bender", mail="fry@corp.example")], {}),
    ],
)
def test_what_the_mapping_rejects_carries_its_own(entries: list[Entry], users: dict[str, Any]) -> None:
    """For whatever reason: too long, a blank word, a name or an address that another row wants too."""
    result = desired(*entries, by=rules(users))
    names, addresses = carried(result)["people.csv:1"]

    assert "fry" in names
    assert "fry@corp.example" in addresses


def test_a_group_rejected_for_its_members_carries_its_own() -> None:
    """Groups are rejected when their members are looked at, which comes last."""
    result = desired(group("crew", "nobody"), rejections=(replace(unread(Kind.GROUP, "other")),))
    assert carried(result)["groups.csv:crew"] == ({"group crew"}, {"crew@corp.example"})


def test_a_group_without_address_is_told_of() -> None:
    """It isn't mapped, and it is there: whoever has it bound must not take it for missing."""
    result = desired(group("crew", mail=""), group("staff"))
    assert result.without_address == {"group:crew": "groups.csv:crew"}
    assert set(result.entities) == {"group:staff"}
