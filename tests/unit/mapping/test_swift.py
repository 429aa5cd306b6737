"""The quick way and the careful way give the same answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.mapping.record import map_entry
from syncd.mapping.swift import compile_swift
from syncd.model.entry import Entry
from syncd.model.names import Kind
from tests.unit.mapping.mapping_builders import LIMITS, group, person, rules

VALUES = st.one_of(
    st.sampled_from(
        [
            "ada",
            "a b",
            "",
            " ",
            " ada",
            "ada ",
            "a  b",
            "e\u0301",
            "\u00e9",
            "\u200b",
            "a\u200db",
            "\x07",
            "x" * 41,
            "y" * 14,
        ]
    ),
    st.sampled_from(["true", "no", "YES", "active", "administrator", "a;b", "\u00df", "\u00a0", "a\nb", "a\u2028b"]),
    st.sampled_from(["ada@corp.example", "ADA@corp.example", "b@corp.example", "b@corp", "\u00e9@corp.example"]),
    st.text(max_size=6),
)
ENTRIES = st.dictionaries(
    st.sampled_from(["login", "full", "mail", "other", "city", "status", "hide"]),
    st.lists(VALUES, min_size=1, max_size=3).map(tuple) | VALUES.map(lambda value: (value,)),
)
NAMES = st.sampled_from(
    [
        "login",
        "{{ login }}",
        "{{ login }}1",
        "x{{ login }}",
        "{{ login }} {{ full }}",
        "{{ login | lower }}",
        "{{ 'x' }}",
        " login ",
    ]
)
ADDRESSES = st.sampled_from(["mail", "{{ login }}@corp.example", "{{ mail }}", "{{ mail | lower }}", "x.{{ mail }}"])
CHOICES = st.sampled_from(
    [True, False, "status", "{{ status == 'active' }}", "{{ status != 'active' }}", "{{ not status }}"]
)
MAPPINGS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "display_name": NAMES,
        "primary_email": ADDRESSES,
        "aliases": st.sampled_from([None, "other", "{{ other }}"]),
        "enabled": CHOICES,
        "hidden": CHOICES | st.none(),
        "profile": st.dictionaries(st.sampled_from(["city", "country"]), NAMES | st.just("city")),
    }
)


@given(MAPPINGS, ENTRIES)
def test_both_ways_agree_on_people(mapping: dict[str, Any], attributes: dict[str, tuple[str, ...]]) -> None:
    """Whatever the quick way maps, the careful way maps to the same."""
    by = rules(mapping).entities[Kind.USER]
    entry = Entry(Kind.USER, "1", "people.csv:2", attributes)
    quick = compile_swift(by, LIMITS)(entry)

    assert quick is None or map_entry(entry, by, LIMITS).wanted == quick


@given(ENTRIES, st.sampled_from(["mail", "{{ login }}@corp.example"]))
def test_both_ways_agree_on_groups(attributes: dict[str, tuple[str, ...]], primary: str) -> None:
    """Groups have fewer properties; the answers agree all the same."""
    by = rules(groups={"name": "login", "primary_email": primary, "aliases": "other"}).entities[Kind.GROUP]
    entry = Entry(Kind.GROUP, "1", "groups.csv:2", attributes)
    quick = compile_swift(by, LIMITS)(entry)

    assert quick is None or map_entry(entry, by, LIMITS).wanted == quick


@pytest.mark.parametrize(
    "mapping",
    [
        {},
        {"primary_email": "{{ login }}@corp.example", "enabled": "{{ status == 'active' }}"},
        {"display_name": "{{ login }} {{ city }}", "profile": {"city": "city", "country": "{{ login }}"}},
        {"enabled": "on", "hidden": "{{ status != 'active' }}"},
    ],
)
def test_plain_people_go_the_quick_way(mapping: dict[str, Any]) -> None:
    """People with nothing special about them, aliases and letters of any script included, need no closer look."""
    swift = compile_swift(rules(mapping).entities[Kind.USER], LIMITS)
    entry = person("1", "ada", full="\u00c4da", city="K\u00f6ln", status="active", on="yes", other=("a@x.example",))

    assert swift(entry) is not None


def test_plain_groups_go_the_quick_way() -> None:
    """Groups too."""
    by = rules().entities[Kind.GROUP]
    assert compile_swift(by, LIMITS)(group("g1")) is not None
