"""Who is in which group."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.mapping.references import Resolver
from syncd.model.entry import Entry
from syncd.model.names import Key, Kind
from syncd.model.needs import Reference
from tests.unit.mapping.mapping_builders import GROUPS, desired, group, members, person, reasons, rules, unread


def by(**groups: Any) -> Any:  # noqa: ANN401 - anything a mapping may say
    return rules(groups=groups)


def named(attribute: str, groups_by: str | None = None) -> dict[str, Any]:
    found = {"from": "member", "by": attribute}
    return found | {"groups_by": groups_by} if groups_by else found


def test_members_are_found_by_any_attribute() -> None:
    """A member value names whoever has it in the configured attribute."""
    result = desired(person("1", "ada"), person("2", "bob"), group("g1", "ada", " bob "), by=by(members=named("login")))

    assert members(result, "g1") == ["user:1", "user:2"]


def test_addresses_are_compared_folded() -> None:
    """Where members are addresses, case is no difference; every value of an attribute counts."""
    result = desired(
        person("1", mail="Ada@corp.example"),
        person("2", mail="x@corp.example", other=("BOB@corp.example", "b@corp.example")),
        group("g1", "ADA@CORP.example"),
        group("g2", "bob@corp.example"),
        by=by(members=named("mail")),
    )
    others = desired(
        person("2", other=("BOB@corp.example", "b@corp.example")),
        group("g2", "bob@corp.example"),
        by=by(members=named("other")),
    )

    assert members(result, "g1") == ["user:1"]
    assert members(others, "g2") == ["user:2"]


def test_who_is_unknown_is_counted() -> None:
    """A member value that names nobody is no rejection: it is counted, the others are members."""
    result = desired(person("1"), group("g1", "1", "7", "8"), group("g2", "1"))

    assert members(result, "g1") == ["user:1"]
    assert result.outside_members == {Key("group:g1"): 2}
    assert len(result.outsiders[Key("group:g1")]) == 2
    assert result.rejections == ()


def test_who_is_rejected_stays_a_member() -> None:
    """A rejected person stays in every group, whether the mapping or the source rejected them."""
    result = desired(person("1", mail="x"), group("g1", "1", "9"), rejections=(unread(Kind.USER, "9"),))

    assert members(result, "g1") == ["user:1", "user:9"]
    assert result.outside_members == {}


def test_who_is_disabled_is_no_member() -> None:
    """Disabled people are neither added nor counted as unknown."""
    result = desired(person("1", on="no"), person("2", on="yes"), group("g1", "1", "2"), by=rules({"enabled": "on"}))

    assert members(result, "g1") == ["user:2"]
    assert result.outside_members == {}


def test_a_number_is_never_guessed_to_be_a_group() -> None:
    """Ids of users and groups may be the same numbers: when person 7 is gone, 7 is not group 7."""
    result = desired(person("1"), group("7", "1"), group("g1", "7"))

    assert members(result, "g1") == []
    assert result.outside_members == {Key("group:g1"): 1}


def test_groups_are_found_by_an_attribute_of_their_own() -> None:
    """Where `groups_by` says what names a group, values are looked for there, after the people."""
    result = desired(
        person("1"), person("7"), group("7"), group("8", "1"), group("g1", "7", "8"), by=by(members=named("id", "gid"))
    )

    assert members(result, "g1") == ["group:8", "user:7"]


def test_keys_are_always_understood() -> None:
    """`user:7` and `group:7` say who is meant whatever the attribute is."""
    result = desired(person("7"), group("7"), group("g1", "user:7", "group:7"), by=by(members=named("mail")))

    assert members(result, "g1") == ["group:7", "user:7"]


def test_groups_are_found_by_the_same_attribute_as_people() -> None:
    """As in LDAP, where a member is a name that both have."""
    result = desired(
        person("1", mail="ada@corp.example"),
        group("g2", "ada@corp.example"),
        group("g1", "g2@corp.example"),
        by=by(members=named("mail")),
    )

    assert members(result, "g1") == ["group:g2"]


def test_a_value_that_names_two_rejects_the_group() -> None:
    """Guessing would let the wrong one in."""
    result = desired(person("1", nick="al"), person("2", nick="al"), group("g1", "al"), by=by(members=named("nick")))

    assert reasons(result) == {"group:g1": "the member 'al' names more than one entry"}


def test_a_group_is_no_member_of_itself() -> None:
    """Self membership is dropped, in every mode."""
    for mode in ("keep", "flatten", "direct"):
        result = desired(person("1"), group("g1", "1", "group:g1"), by=by(nested=mode))
        assert members(result, "g1") == ["user:1"]


NEST = [person("1"), person("2"), person("3"), group("top", "1", "group:mid"), group("mid", "2", "group:low")]


@pytest.mark.parametrize(
    ("mode", "low_mail", "expected"),
    [
        ("keep", "low@corp.example", {"top": ["group:mid", "user:1"], "mid": ["group:low", "user:2"]}),
        ("keep", "", {"top": ["group:mid", "user:1"], "mid": ["user:2", "user:3"]}),
        ("flatten", "low@corp.example", {"top": ["user:1", "user:2", "user:3"], "mid": ["user:2", "user:3"]}),
        ("flatten", "", {"top": ["user:1", "user:2", "user:3"], "mid": ["user:2", "user:3"]}),
        ("direct", "low@corp.example", {"top": ["user:1"], "mid": ["user:2"]}),
        ("direct", "", {"top": ["user:1"], "mid": ["user:2"]}),
    ],
)
def test_nesting(mode: str, low_mail: str, expected: dict[str, list[str]]) -> None:
    """Groups within groups stay, are flattened, or are left out; one without address gives its members up."""
    result = desired(*NEST, group("low", "3", mail=low_mail), by=by(nested=mode))

    assert {name: members(result, name) for name in expected} == expected
    assert result.rejections == ()


def test_members_flow_through_several_groups_without_address() -> None:
    """However many of them lie between, and in a circle."""
    result = desired(
        person("1"),
        group("top", "group:a"),
        group("a", "group:b", mail=""),
        group("b", "1", "group:a", "group:real", mail=""),
        group("real"),
    )

    assert members(result, "top") == ["group:real", "user:1"]


def test_a_circle_is_opened_where_keys_say() -> None:
    """The target takes no circle: a group is kept within another only if its key sorts after; else its people are."""
    entries = [person("1"), person("2"), group("a", "1", "group:b"), group("b", "2", "group:a")]

    for order in (entries, entries[::-1]):
        result = desired(*order)
        assert members(result, "a") == ["group:b", "user:1"]
        assert members(result, "b") == ["user:1", "user:2"]


def test_a_circle_can_be_flattened() -> None:
    """Everyone on a circle is in all of its groups."""
    entries = [person("1"), person("2"), group("a", "1", "group:b"), group("b", "2", "group:a")]

    result = desired(*entries, by=by(nested="flatten"))

    assert members(result, "a") == members(result, "b") == ["user:1", "user:2"]


def test_a_rejected_group_stays_a_member() -> None:
    """A group that can't be mapped now stays where it is."""
    result = desired(person("1"), group("g2", "1", mail="x"), group("g1", "group:g2"))

    assert members(result, "g1") == ["group:g2"]


@pytest.mark.parametrize("mode", ["keep", "flatten"])
def test_an_unreadable_group_keeps_those_around_it_as_they_are(mode: str) -> None:
    """With the row of a group within unreadable, its people are not known: who contains it is left alone."""
    result = desired(
        person("1"),
        group("top", "group:mid"),
        group("mid", "1", "group:low"),
        group("other", "1"),
        by=by(nested=mode),
        rejections=(unread(Kind.GROUP, "low"),),
    )

    expected = {"group:low", "group:mid"} | ({"group:top"} if mode == "flatten" else set())
    assert set(reasons(result)) == expected
    assert members(result, "other") == ["user:1"]


def test_unknown_members_are_doubted_while_a_group_is_unreadable() -> None:
    """A value that names nobody may name the group that can't be read: nobody leaves on that ground."""
    result = desired(
        person("1", mail="ada@corp.example"),
        group("g1", "ada@corp.example", "low@corp.example"),
        group("g2", "ada@corp.example"),
        by=by(members=named("mail")),
        rejections=(unread(Kind.GROUP, "low"),),
    )

    assert set(reasons(result)) == {"group:low", "group:g1"}
    assert members(result, "g2") == ["user:1"]


def test_a_mapping_without_members_leaves_groups_empty() -> None:
    """Groups may be synchronized without their members."""
    no_members = {name: value for name, value in GROUPS.items() if name != "members"}
    result = desired(person("1"), group("g1", "1"), by=rules(groups=no_members | {"members": None}))

    assert members(result, "g1") == []


GRAPHS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=14)


def nested_groups(edges: list[tuple[int, int]], transparent: set[int]) -> list[Entry]:
    """Five groups, each with one person of its own, and these memberships."""
    return [
        *(person(str(number)) for number in range(5)),
        *(
            group(
                f"g{number}",
                str(number),
                *(f"group:g{inner}" for outer, inner in edges if outer == number),
                mail="" if number in transparent else f"g{number}@corp.example",
            )
            for number in range(5)
        ),
    ]


def reached(edges: list[tuple[int, int]], start: int) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        outer = waiting.pop()
        for inner in {inner for one, inner in edges if one == outer} - found:
            found.add(inner)
            waiting.append(inner)
    return {f"user:{number}" for number in found}


@given(GRAPHS, st.sets(st.integers(0, 4)))
def test_nobody_is_lost_or_added_by_nesting(edges: list[tuple[int, int]], transparent: set[int]) -> None:
    """Whatever the nesting, kept or flattened, the same people are reached; and what is kept has no circle."""
    entries = nested_groups(edges, transparent)
    flat = desired(*entries, by=by(nested="flatten"))
    kept = desired(*entries, by=by(nested="keep"))

    inner_of = {
        key: {one for one in wanted.members if one.startswith("group:")}
        for key, wanted in kept.entities.items()
        if key.startswith("group:")
    }
    for number in set(range(5)) - transparent:
        assert set(members(flat, f"g{number}")) == reached(edges, number)
        people: set[str] = set()
        waiting, seen = [Key(f"group:g{number}")], set[Key]()
        while waiting:
            key = waiting.pop()
            assert key not in seen or key != f"group:g{number}"
            if key in seen:
                continue
            seen.add(key)
            people |= {one for one in kept.entities[key].members if one.startswith("user:")}
            waiting += inner_of[key]
        assert people == reached(edges, number)


def test_a_reference_may_have_any_name_and_name_any_kind() -> None:
    """What is said of a value that names two says which part they would have; a kind that can't be named is not."""
    boss = Reference(name="manager", attribute="boss", by={Kind.USER: "login"})
    people = (person("1", "ada"), person("2", "bob"), person("3", "bob"))
    resolver = Resolver(
        boss,
        rules().needs,
        {Kind.USER: people, Kind.GROUP: (group("g1", name="ada"), group("g2", login="crew"))},
        disabled=frozenset(),
        unread=(),
    )

    assert resolver.resolve(person("4", boss="ada")).people == {"user:1"}
    assert resolver.resolve(person("4", boss="crew")).outsiders == ("crew",)
    assert resolver.resolve(person("4", boss="bob")).fault == "the manager 'bob' names more than one entry"
    assert not resolver.finds_unread(Kind.GROUP)


def test_a_value_that_names_nobody_is_unplaced_wherever_it_flows() -> None:
    """Through a group without address, or flattened, it belongs to the groups around it; a kept group has its own."""
    rows = (
        person("1"),
        group("in", "1", "nobody", mail=""),
        group("own", "1", "nobody"),
        group("out", "1", "in"),
        group("kept", "1", "own"),
    )
    groups_by = {"members": {"from": "member", "by": "id", "groups_by": "gid"}}
    kept = desired(*rows, by=rules(groups=groups_by))
    flat = desired(*rows, by=rules(groups=groups_by | {"nested": "flatten"}))
    direct = desired(*rows, by=rules(groups=groups_by | {"nested": "direct"}))

    assert kept.unplaced == {"group:own", "group:out"}
    assert flat.unplaced == {"group:own", "group:out", "group:kept"}
    assert direct.unplaced >= {"group:own"}
    assert "group:out" not in direct.unplaced


def test_whether_members_are_mapped_is_known() -> None:
    """A mapping without members says of nobody that they don't belong to a group."""
    assert desired(person("1"), group("g")).lists_members
    assert not desired(person("1"), group("g"), by=rules(groups={"members": None})).lists_members
