"""A made-up directory of any size: the same people and groups every time, streamed to CSV files."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _csv import Writer

GIVEN = ("Ada", "Björn", "Chloé", "Dimitri", "Eun-ji", "Fatima", "Grace", "Hiro", "Ingrid", "João", "Kofi", "Lena")
FAMILY = ("Almeida", "Brandt", "Cho", "Dubois", "Eriksen", "Farah", "García", "Hansen", "Ito", "Jansen", "Kaya")
DEPARTMENTS = ("Accounting", "Delivery", "Engineering", "Kitchen", "Legal", "Research", "Sales", "Support")
USER_COLUMNS = (
    "employee_id",
    "login",
    "full_name",
    "mail",
    "status",
    "given",
    "family",
    "department",
)
GROUP_COLUMNS = ("group_id", "group", "mail", "members")
#: Primes without a common factor with the usual sizes: they spread members evenly and differently per group.
_STEP, _STRIDE = 7_919, 104_729


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How big the directory is."""

    users: int = 100_000
    groups: int = 10_000
    memberships: int = 1_000_000
    domain: str = "corp.example"


def users(size: Size) -> Iterator[tuple[str, ...]]:
    """Yield one row per person, in the order of `USER_COLUMNS`: 8 fields, none of them empty."""
    for number in range(size.users):
        given, family = GIVEN[number % len(GIVEN)], FAMILY[number // len(GIVEN) % len(FAMILY)]
        login = f"u{number:06d}"
        department = DEPARTMENTS[number * _STEP % len(DEPARTMENTS)]
        mail = f"{login}@{size.domain}"
        yield f"{100_000 + number}", login, f"{given} {family}", mail, "active", given, family, department


def members_of(size: Size, group: int) -> list[str]:
    """Return the ids of the members of the *group*-th group; no id twice."""
    share, rest = divmod(size.memberships, size.groups)
    count = min(share + (group < rest), size.users)
    start = group * _STRIDE % size.users
    return [f"{100_000 + (start + place) % size.users}" for place in range(count)]


def groups(size: Size) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield id, name, address and members of each group."""
    for number in range(size.groups):
        name = f"group {number:05d}"
        yield f"g{number}", name, f"group{number}@{size.domain}", members_of(size, number)


def write_users(path: Path, size: Size) -> Path:
    """Write the users file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        _writer(file, USER_COLUMNS).writerows(users(size))
    return path


def write_groups(path: Path, size: Size, *, one_per_membership: bool = False) -> Path:
    """Write the groups file: a members column, or one row for each membership."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = _writer(file, GROUP_COLUMNS)
        for identity, name, mail, members in groups(size):
            if one_per_membership:
                writer.writerows((identity, name, mail, member) for member in members)
            else:
                writer.writerow((identity, name, mail, ";".join(members)))
    return path


def _writer(file: TextIO, columns: tuple[str, ...]) -> "Writer":
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    return writer
