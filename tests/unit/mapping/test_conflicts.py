"""Entries that want the same name or the same address."""

import pytest

from syncd.model.names import Key, Kind
from tests.unit.mapping.mapping_builders import desired, group, person, reasons, rules, unread


def test_two_who_want_one_address_are_both_rejected() -> None:
    """Nothing says who is right: nobody is changed, and each is told of the other."""
    result = desired(person("1", mail="x@corp.example"), person("2", mail="X@corp.example"), person("3"))

    assert list(result.entities) == ["user:3"]
    assert reasons(result) == {
        "user:1": "the address 'x@corp.example' is wanted by user:2 (people.csv:2) too",
        "user:2": "the address 'x@corp.example' is wanted by user:1 (people.csv:1) too",
    }


def test_an_alias_is_an_address_too() -> None:
    """Primary addresses and aliases share one namespace."""
    result = desired(person("1", "ada"), person("2", other="ada@corp.example"))

    assert set(reasons(result)) == {"user:1", "user:2"}


def test_users_and_groups_share_addresses_and_names() -> None:
    """A group can have neither the address nor the name of a person."""
    by_address = desired(person("1", "ada"), group("g1", mail="ada@corp.example"))
    by_name = desired(person("1", "ada"), group("g1", name="ADA"))

    assert set(reasons(by_address)) == set(reasons(by_name)) == {"user:1", "group:g1"}
    assert reasons(by_name)["group:g1"] == "the name 'ada' is wanted by user:1 (people.csv:1) too"


def test_a_rejection_frees_nothing_for_others() -> None:
    """In a chain of conflicts everyone is rejected: one rejection doesn't decide another in somebody's favour."""
    chain = [
        person("1", mail="x@corp.example"),
        person("2", mail="x@corp.example", other="y@corp.example"),
        person("3", mail="y@corp.example"),
    ]

    assert set(reasons(desired(*chain))) == {"user:1", "user:2", "user:3"}


def test_what_a_faulty_entry_wants_stays_taken() -> None:
    """Somebody with another fault still wants their address: nobody else gets it meanwhile."""
    result = desired(person("1", "ada", full="\u202e"), person("2", other="ada@corp.example"))

    assert set(reasons(result)) == {"user:1", "user:2"}
    assert "RIGHT-TO-LEFT" in reasons(result)["user:1"]


def test_the_address_of_a_disabled_entry_may_go_to_a_newcomer() -> None:
    """Who is disabled wants no address."""
    result = desired(
        person("1", "ada", on="no"), person("2", mail="ada@corp.example", on="yes"), by=rules({"enabled": "on"})
    )

    assert result.rejections == ()
    assert [wanted.enabled for wanted in result.entities.values()] == [False, True]


def test_the_name_of_a_disabled_entry_is_still_held() -> None:
    """Nobody can be renamed, so the name is not free."""
    result = desired(
        person("1", "ada", on="no"),
        person("2", "ada", mail="a@corp.example", on="yes"),
        by=rules({"enabled": "on"}),
    )

    assert set(reasons(result)) == {"user:1", "user:2"}


def test_many_who_want_the_same_are_told_briefly() -> None:
    """A mapping typo that gives everyone the same address doesn't fill a screen per person."""
    result = desired(*(person(str(number), mail="x@corp.example") for number in range(9)))

    assert reasons(result)["user:0"].endswith("user:3 (people.csv:3) and 5 more too")


def test_every_conflict_of_an_entry_is_told() -> None:
    """Name and address are told together."""
    result = desired(person("1", "ada"), person("2", "ada"))

    assert reasons(result)["user:1"].count("is wanted by user:2") == 2


def test_one_entry_does_not_conflict_with_itself() -> None:
    """An alias that repeats the primary address is no conflict."""
    assert desired(person("1", "ada", other=("ADA@corp.example", "ada@corp.example"))).rejections == ()


def test_rejections_of_the_source_are_kept() -> None:
    """What the source couldn't use is told with what the mapping couldn't."""
    result = desired(person("1", mail="x"), rejections=(unread(Kind.USER, "9"),))

    assert list(reasons(result)) == ["user:9", "user:1"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_entries_decides_nothing(order: tuple[int, ...]) -> None:
    """The same people in another order give the same entities and the same rejections."""
    people = [person("1", "ada"), person("2", other="ada@corp.example"), person("3")]

    result = desired(*(people[place] for place in order))

    assert set(result.entities) == {Key("user:3")}
    assert reasons(result)["user:1"] == ("the address 'ada@corp.example' is wanted by user:2 (people.csv:2) too")


def test_everyone_read_is_counted() -> None:
    """Guards compare what was read, mapped or not, with the last read."""
    result = desired(person("1"), person("2", mail="x"), group("g1", mail=""), rejections=(unread(Kind.USER, "9"),))

    assert result.counts == {Kind.USER: 3, Kind.GROUP: 1}
