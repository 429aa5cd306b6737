"""Paging and rows by themselves: what a strange service could answer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from syncd.errors import TargetMismatch
from syncd.model.names import Kind
from syncd.model.state import State
from syncd.workmail.observe import entity_of, pages, read_entities, read_organization

ID = "m-0123456789abcdef0123456789abcdef"


class Pages:
    """Answers one page after the other, and remembers what it was asked."""

    def __init__(self, *answers: Mapping[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(parameters)
        return self.answers.pop(0)


@pytest.mark.parametrize("end", [{}, {"NextToken": ""}, {"NextToken": None}])
def test_a_list_ends_where_no_token_comes(end: dict[str, Any]) -> None:
    """Absent, empty or null: each is the end, an empty page is not (`workmail.md` C)."""
    read = Pages(
        {"Users": [1], "NextToken": "a"}, {"Users": [], "NextToken": "b"}, {"NextToken": "c"}, {"Users": [2], **end}
    )
    found: list[object] = list(pages(read, "ListUsers", "Users", Extra="x"))
    assert found == [1, 2]
    assert [asked.get("NextToken") for asked in read.asked] == [None, "a", "b", "c"]
    assert all(asked["MaxResults"] == 100 and asked["Extra"] == "x" for asked in read.asked)


def test_a_token_that_comes_twice_would_never_end() -> None:
    """A list that goes round is an error, no endless loop, and no list that looks complete."""
    read = Pages({"Users": [1], "NextToken": "a"}, {"Users": [2], "NextToken": "a"})
    with pytest.raises(TargetMismatch, match="same page token twice"):
        list(pages(read, "ListUsers", "Users"))


def test_seen_twice_counts_once() -> None:
    """Pages aren't one snapshot: an entity on two pages is one entity."""
    row = {"Id": "a", "Name": "fry", "State": "ENABLED"}
    read = Pages({"Users": [row], "NextToken": "x"}, {"Users": [row]}, {"Groups": []}, {"Resources": []})
    assert list(read_entities(read, untouchable="")) == ["a"]


@pytest.mark.parametrize(
    ("row", "untouchable"),
    [
        ({"UserRole": "USER"}, False),
        ({}, False),
        ({"UserRole": "SYSTEM_USER"}, True),
        ({"UserRole": "RESOURCE"}, True),
        ({"UserRole": "REMOTE_USER"}, True),
    ],
)
def test_roles_that_arent_ours_to_change(row: dict[str, str], untouchable: bool) -> None:
    """Only plain users are (`workmail.md` B45, B46)."""
    assert entity_of({"Id": "a", "Name": "x", **row}, Kind.USER, untouchable="").untouchable is untouchable


@pytest.mark.parametrize("admin", ["a", "x"])
def test_the_migration_admin_is_known_by_id_or_name(admin: str) -> None:
    """DescribeOrganization doesn't say which of the two it tells."""
    assert entity_of({"Id": "a", "Name": "x"}, Kind.USER, untouchable=admin).untouchable
    assert not entity_of({"Id": "b", "Name": "y"}, Kind.USER, untouchable=admin).untouchable


@pytest.mark.parametrize("value", [1_532_459_261.0, datetime(2018, 7, 24, 19, 7, 41, tzinfo=UTC)])
def test_times_come_in_both_forms(value: object) -> None:
    """boto3 parses them, the plain emulator gives seconds."""
    one = entity_of({"Id": "a", "State": "DISABLED", "DisabledDate": value}, Kind.USER, untouchable="")
    assert one.disabled_at == datetime(2018, 7, 24, 19, 7, 41, tzinfo=UTC)
    assert one.state is State.DISABLED


def test_another_organization_than_asked_for_is_refused() -> None:
    """An answer about somebody else's organization is never used."""
    read = Pages({"OrganizationId": "m-" + "f" * 32, "State": "Active", "Alias": "other"})
    with pytest.raises(TargetMismatch):
        read_organization(read, ID)
