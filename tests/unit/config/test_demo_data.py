import csv
import json
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[3] / "config" / "demo"
Rows = dict[str, dict[str, str]]


def rows(day: str, name: str, key: str) -> Rows:
    with (DEMO / day / name).open(encoding="utf-8", newline="") as file:
        return {row[key]: row for row in csv.DictReader(file)}


def people(day: str) -> Rows:
    return rows(day, "people.csv", "employee_id")


def groups(day: str) -> Rows:
    return rows(day, "groups.csv", "group_id")


@pytest.mark.parametrize("day", ["day1", "day2", "day3"])
def test_a_day_is_a_small_company(day: str) -> None:
    """About 40 people and 12 groups."""
    assert 38 <= len(people(day)) <= 44
    assert len(groups(day)) == 12


def test_two_people_swap_their_addresses() -> None:
    """On the second day two people have each other's address."""
    before, after = people("day1"), people("day2")
    moved = {key for key in before.keys() & after.keys() if before[key]["mail"] != after[key]["mail"]}
    given = {before[key]["mail"]: key for key in moved}

    assert [key for key in moved if given.get(after[given.get(after[key]["mail"], key)]["mail"]) == key] != []


def test_the_address_of_a_leaver_goes_to_a_newcomer() -> None:
    """On the second day somebody is disabled, and somebody new has the address."""
    before, after = people("day1"), people("day2")
    left = {row["mail"] for row in after.values() if row["status"] != "active"}

    assert left & {row["mail"] for key, row in after.items() if key not in before} != set()


def test_somebody_is_missing_for_the_first_time() -> None:
    """On the second day exactly one person is gone without a word."""
    assert len(people("day1").keys() - people("day2").keys()) == 1


def test_a_row_can_not_be_used_and_is_mended() -> None:
    """The first day has an address without @, the second has none."""
    assert [["@" in row["mail"] for row in people(day).values()].count(False) for day in ("day1", "day2")] == [1, 0]


def test_names_are_not_ascii_and_addresses_are() -> None:
    """People are called what they are called, in several scripts; their addresses every mail server takes."""
    everybody = people("day1").values()

    assert sum(not row["full_name"].isascii() for row in everybody) > 10
    assert all(row["mail"].isascii() and row["login"].isascii() for row in everybody)


def test_groups_are_nested_twice_and_one_has_no_address() -> None:
    """Groups hold groups that hold groups, and one is only a list of people."""
    known = groups("day1")
    inner = {key: {m for m in row["members"].split(";") if m in known} for key, row in known.items()}

    assert [key for key, members in inner.items() if any(inner[member] for member in members)] != []
    assert [row["group"] for row in known.values() if not row["mail"]] == ["first-aid"]


def test_the_third_day_loses_more_people_than_the_guard_lets_pass() -> None:
    """More than 5 % of everybody is disabled at once."""
    before, after = people("day2"), people("day3")
    lost = [key for key, row in after.items() if row["status"] != "active" and before[key]["status"] == "active"]

    assert len(lost) > len(before) * 0.05


def test_some_mailboxes_are_there_already_and_nobody_in_the_directory_wants_them() -> None:
    """The organization holds foreign mailboxes, with addresses that the directory doesn't give to anybody."""
    [organization] = json.loads((DEMO / "workmail.json").read_text(encoding="utf-8"))["organizations"]
    wanted = {row["mail"] for day in ("day1", "day2", "day3") for row in people(day).values()}

    assert organization["users"] != []
    assert {user["Email"] for user in organization["users"]} & wanted == set()
