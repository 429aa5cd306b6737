"""What knowing the present primary address of our entities changes."""

from collections.abc import Mapping
from typing import Any

import pytest

from syncd.mapping.rules import Rules
from syncd.mapping.snapshot import map_snapshot
from syncd.model.entry import Entry, Snapshot
from syncd.model.names import STATED, Key
from syncd.model.state import Desired
from tests.unit.mapping.mapping_builders import LIMITS, group, members, person, reasons, rules

ADA = Key("user:1")


def desired(*entries: Entry, present: Mapping[Any, str], by: Rules | None = None) -> Desired:
    snapshot = Snapshot(
        entries={kind: tuple(entry for entry in entries if entry.kind is kind) for kind in STATED},
        read=frozenset(STATED),
        present={Key(key): address for key, address in present.items()},
    )
    return map_snapshot(snapshot, by or rules(), LIMITS)


@pytest.mark.parametrize("order", [1, -1])
def test_the_present_primary_stays_while_it_is_among_the_values(order: int) -> None:
    """Which value comes first depends on the replica that answers; the service's own spelling isn't needed."""
    mail = ("a@corp.example", "b@corp.example", "c@corp.example")[::order]

    result = desired(person("1", "ada", mail=mail), present={ADA: "B@corp.example"})

    assert reasons(result) == {}
    assert result.entities[ADA].primary == "b@corp.example"


def test_without_a_present_primary_among_them_several_are_rejected() -> None:
    """A newcomer with several, and somebody whose own is none of them, as ever."""
    row = person("1", "ada", mail=("a@corp.example", "b@corp.example"))

    for present in ({}, {ADA: "z@corp.example"}):
        assert set(reasons(desired(row, present=present))) == {ADA}


def test_only_a_bare_attribute_keeps_it() -> None:
    """A template says itself which one it means; and only primary addresses are kept so."""
    row = person("1", "ada", mail=("a@corp.example", "b@corp.example"))
    template = rules({"primary_email": "{{ mail }}"})
    names = person("1", "ada", full=("Ada", "Augusta Ada"))

    assert set(reasons(desired(row, present={ADA: "b@corp.example"}, by=template))) == {ADA}
    assert set(reasons(desired(names, present={ADA: "ada@corp.example"}))) == {ADA}


def test_what_is_kept_is_claimed() -> None:
    """Another row that wants that address is told, as if it were her only one."""
    rows = (person("1", "ada", mail=("a@corp.example", "b@corp.example")), person("2", mail="b@corp.example"))

    result = desired(*rows, present={ADA: "b@corp.example"})

    assert set(reasons(result)) == {"user:1", "user:2"}
    assert set(result.contested) == {"user:1", "user:2"}


def test_an_owned_group_with_a_blank_address_is_rejected() -> None:
    """It isn't gone: it keeps everything, and its people don't flow into the groups around it."""
    rows = (person("1"), group("in", "1", mail=""), group("out", "group:in"))

    ours = desired(*rows, present={"group:in": "in@corp.example"})
    foreign = desired(*rows, present={})

    assert set(reasons(ours)) == {"group:in"}
    assert "address is blank" in reasons(ours)["group:in"]
    (rejection,) = ours.rejections
    assert rejection.origin == "groups.csv:in"
    assert members(ours, "out") == ["group:in"]
    assert reasons(foreign) == {}
    assert members(foreign, "out") == ["user:1"]
