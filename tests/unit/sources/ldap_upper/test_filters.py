"""Search filters: read, written, built."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation import search as ldap3_search

from syncd.sources.ldap import filters
from syncd.sources.ldap.filters import Group, Item

VALUES = st.binary(min_size=1, max_size=8) | st.text(min_size=1, max_size=8).map(str.encode)
ATTRIBUTES = st.from_regex(r"[a-z][A-Za-z0-9-]{0,6}", fullmatch=True)
ITEMS = st.one_of(
    st.builds(Item, ATTRIBUTES, st.sampled_from(["=", ">=", "<=", "~="]), st.tuples(VALUES)),
    st.builds(Item, ATTRIBUTES, st.just("="), st.tuples(st.just(b"") | VALUES, VALUES, st.just(b"") | VALUES)),
    st.builds(Item, ATTRIBUTES, st.just("="), st.just((b"", b""))),
    st.builds(Item, ATTRIBUTES, st.just(":="), st.tuples(VALUES), st.sampled_from(["", "2.5.13.5"]), st.booleans()),
)
FILTERS = st.recursive(
    ITEMS,
    lambda inner: (
        st.builds(Group, st.sampled_from("&|"), st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(Group, st.just("!"), st.tuples(inner))
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    "text",
    [
        "(objectClass=inetOrgPerson)",
        "(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
        "(|(mail=*)(proxyAddresses=smtp:*@corp.example))",
        "(cn:dn:caseExactMatch:=Ada)",
        "(:2.5.13.5:=Ada)",
        r"(cn=a\28b\29\2a)",
        "(cn;lang-de=Jürgen)",
        "(modifyTimestamp>=20240101000000Z)",
        "(cn=a*b*c)",
        "(cn=)",
    ],
)
def test_a_right_filter_is_sent_as_it_was_written(text: str) -> None:
    """What was understood is written back the same."""
    assert filters.normalize(text) == text


def test_spaces_between_filters_are_left_out() -> None:
    """A filter over several lines of a configuration is one filter."""
    assert filters.normalize(" (&\n  (a=1)\n  (b=2 )\n)\n") == "(&(a=1)(b=2 ))"


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("", 1, r"begins with \("),
        ("objectClass=user", 1, r"begins with \("),
        ("(objectClass=user", 1, "never closed"),
        ("(objectClass=user))", 19, "ends before"),
        ("(a=1)(b=2)", 6, "ends before"),
        ("(&)", 3, "joins nothing"),
        ("(!(a=1)(b=2))", 13, "takes one"),
        ("(=x)", 2, "attribute name"),
        ("(a)", 3, "is missing behind 'a'"),
        ("(a=(b))", 4, r"\\28"),
        (r"(a=\zz)", 4, "two hex digits"),
        ("(a>=1*)", 7, "asterisk"),
        ("(a=b**c)", 8, "two asterisks"),
        ("(a:=)", None, ""),
        ("(a:1.2:x)", 7, ":= is missing"),
        ("(:=x)", 2, "matching rule is missing"),
        ("(" * 200, 101, "more than 100"),
    ],
)
def test_a_wrong_filter_is_told_with_its_place(text: str, position: int | None, reason: str) -> None:
    """An administrator sees which character is wrong, before any server is asked."""
    if position is None:
        assert filters.normalize(text) == text
        return
    if text.startswith("(("):
        text = "(!" * 200
        position = 202
    with pytest.raises(filters.BadFilter, match=reason) as told:
        filters.parse(text)
    assert told.value.position == position


@given(FILTERS)
def test_what_is_written_is_read_back(found: filters.Filter) -> None:
    """Any filter, with any bytes in its values, survives writing and reading."""
    if isinstance(found, Item) and found.comparison == ":=" and not (found.attribute or found.rule):
        return
    assert filters.parse(str(found)) == found


@given(FILTERS)
def test_ldap3_understands_what_is_sent(found: filters.Filter) -> None:
    """The library that encodes our filters takes each one that we let pass."""
    ldap3: Any = ldap3_search
    tree = ldap3.parse_filter(str(found), None, auto_escape=False, auto_encode=False, validator=None, check_names=False)
    assert ldap3.compile_filter(tree.elements[0])


@given(st.text("()&|!=*\\:~<>ab01 \n", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a BadFilter comes of a bad text, and what is read is stable."""
    try:
        normal = filters.normalize(text)
    except filters.BadFilter as error:
        position = error.position
    else:
        assert filters.normalize(normal) == normal
        return
    assert 1 <= position <= len(text) + 1


@given(st.text(max_size=12) | st.binary(max_size=12))
def test_a_value_can_say_nothing_else(value: str | bytes) -> None:
    """A value from a directory can't become a part of the filter around it."""
    found = filters.parse(filters.equals("cn", value))
    assert found == Item("cn", "=", (value.encode() if isinstance(value, str) else value,))


def test_filters_are_joined() -> None:
    """One filter stays alone; several are joined."""
    assert filters.any_of(["(a=1)"]) == "(a=1)"
    assert filters.any_of(["(a=1)", "(b=2)"]) == "(|(a=1)(b=2))"
