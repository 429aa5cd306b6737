import csv
from pathlib import Path

DEMO = Path(__file__).resolve().parents[3] / "config" / "demo"
Rows = dict[str, dict[str, str]]


def rows(day: str, name: str, key: str) -> Rows:
    with (DEMO / day / name).open(encoding="utf-8", newline="") as file:
        return {row[key]: row for row in csv.DictReader(file)}


def people(day: str) -> Rows:
    return rows(day, "people.csv", "employee_id")


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


def test_the_third_day_loses_more_people_than_the_guard_lets_pass() -> None:
    """More than 5 % of everybody is disabled at once."""
    before, after = people("day2"), people("day3")
    lost = [key for key, row in after.items() if row["status"] != "active" and before[key]["status"] == "active"]

    assert len(lost) > len(before) * 0.05
