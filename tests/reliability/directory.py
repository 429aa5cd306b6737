"""The people and groups of a simulated organization, and the export of them that syncd reads.

A *soul* is a human being, whatever a row says of them: it never changes, and no column shows it. An *export* can be
wrong in ways of its own (`WRONG`) while the directory behind it is right.
"""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

DOMAIN = "planetexpress.example"
#: What must never leave the file: a column that no mapping names.
CANARY = "C4nary"
GIVEN = [
    "Philip",
    "Turanga",
    "Amy",
    "Bender",
    "Hermes",
    "Kif",
    "Zapp",
    "Hubert",
    "John",
    "Scruffy",
    "Nibbler",
    "Leo",
    "Inez",
    "Linda",
    "Morbo",
    "Cubert",
    "Dwight",
    "LaBarbara",
    "Elzar",
    "Roberto",
    "Calculon",
    "Michelle",
    "Horatio",
    "Sal",
    "Tinny",
    "Hattie",
    "Petunia",
    "Walt",
    "Larry",
    "Igner",
    "Carol",
    "Flexo",
    "Ndnd",
    "Lrrr",
    "Robert",
]
FAMILY = [
    "Fry",
    "Leela",
    "Wong",
    "Rodriguez",
    "Conrad",
    "Kroker",
    "Brannigan",
    "Farnsworth",
    "Zoidberg",
    "Janitor",
    "Nibbler",
    "Mendoza",
    "Turner",
]
TEAMS = ("crew", "office", "board")
PEOPLE, GROUPS = 12, 3
GROUP_NAMES = ("crew", "office", "staff")
_PEOPLE_COLUMNS = [
    "employee_id",
    "badge",
    "login",
    "given",
    "family",
    "full_name",
    "mail",
    "other_mail",
    "status",
    "team",
    "phone",
    "quota",
    "pin",
]
_GROUP_COLUMNS = ["group_id", "group", "mail", "members", "unlisted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One row of people, and whose it is."""

    soul: int
    employee_id: str
    badge: str
    login: str
    given: str
    family: str
    mail: str
    aliases: tuple[str, ...] = ()
    status: str = "active"
    team: str = "crew"
    phone: str = ""
    quota: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.given} {self.family}"

    def cells(self) -> dict[str, str]:
        return {
            "employee_id": self.employee_id,
            "badge": self.badge,
            "login": self.login,
            "given": self.given,
            "family": self.family,
            "full_name": self.full_name,
            "mail": self.mail,
            "other_mail": ";".join(self.aliases),
            "status": self.status,
            "team": self.team,
            "phone": self.phone,
            "quota": self.quota,
            "pin": f"{CANARY}-{self.soul}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """One row of groups; members are employee ids, or `group:` and a group's id."""

    group_id: str
    name: str
    members: tuple[str, ...] = ()
    unlisted: bool = False

    def cells(self) -> dict[str, str]:
        return {
            "group_id": self.group_id,
            "group": self.name,
            "mail": f"{self.name}@{DOMAIN}",
            "members": ";".join(self.members),
            "unlisted": "yes" if self.unlisted else "no",
        }


@dataclass
class Directory:
    """Who is in which slot: at most 12 people and 3 groups; *absent* are slots whose rows are out of the file."""

    people: dict[int, Person] = field(default_factory=dict)
    teams: dict[int, Team] = field(default_factory=dict)
    absent: set[int] = field(default_factory=set)
    absent_teams: set[int] = field(default_factory=set)
    #: A row without a key stands in the file.
    nameless: bool = False
    #: How the export is wrong, "" while it is right.
    wrong: str = ""
    souls: int = 0
    #: The files of the last right export.
    last: tuple[str, str] = ("", "")

    def someone(self, slot: int) -> Person | None:
        """Return who is in *slot* of the file."""
        return None if slot in self.absent else self.people.get(slot)

    def change(self, slot: int, **fields: object) -> None:
        self.people[slot] = replace(self.people[slot], **fields)  # type: ignore[arg-type] # the names are those of Person

    def hire(self, slot: int, *, employee_id: str = "") -> Person:
        """Put a new soul into *slot*."""
        soul = self.souls
        self.souls += 1
        given = GIVEN[soul % len(GIVEN)] + ("" if soul < len(GIVEN) else str(soul // len(GIVEN)))
        family = FAMILY[soul * 5 % len(FAMILY)]
        login = f"{given.lower()}{'' if soul < len(FAMILY) else soul}"
        self.people[slot] = Person(
            soul=soul,
            employee_id=employee_id or str(1000 + soul),
            # Of another column whose values overlap: everybody has the id of the next one.
            badge=str(1001 + soul),
            login=login,
            given=given,
            family=family,
            mail=f"{login}@{DOMAIN}",
            team=TEAMS[soul % len(TEAMS)],
            phone=f"+1 555 {soul:04}",
        )
        self.absent.discard(slot)
        return self.people[slot]

    def rows(self) -> list[Person]:
        """Return the rows of people as the right export has them."""
        return [self.people[slot] for slot in sorted(self.people) if slot not in self.absent]

    def files(self) -> tuple[str | None, str | None]:
        """Return what stands in the two files now; None for one that isn't there."""
        rows = [person.cells() for person in self.rows()]
        teams = [self.teams[slot].cells() for slot in sorted(self.teams) if slot not in self.absent_teams]
        if self.nameless:
            rows.append({**dict.fromkeys(_PEOPLE_COLUMNS, ""), "full_name": "Nobody"})
        if not self.wrong:
            self.last = (_written(_PEOPLE_COLUMNS, rows), _written(_GROUP_COLUMNS, teams))
            return self.last
        return WRONG[self.wrong](self, rows, teams)


Rows = list[dict[str, str]]
Files = tuple[str | None, str | None]


def _written(columns: list[str], rows: Rows) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _as_is(rows: Rows, teams: Rows) -> tuple[str, str]:
    return _written(_PEOPLE_COLUMNS, rows), _written(_GROUP_COLUMNS, teams)


def _cut(directory: Directory, rows: Rows, teams: Rows) -> Files:
    people, groups = _as_is(rows, teams)
    return people[: len(people) * 2 // 3].rstrip("\n"), groups


def _half(directory: Directory, rows: Rows, teams: Rows) -> Files:
    return _as_is(rows[: len(rows) // 2], teams)


def _empty(directory: Directory, rows: Rows, teams: Rows) -> Files:
    return _as_is([], teams)


def _gone(directory: Directory, rows: Rows, teams: Rows) -> Files:
    return None, _as_is(rows, teams)[1]


def _without(column: str) -> "Way":
    def files(directory: Directory, rows: Rows, teams: Rows) -> Files:
        return _written([c for c in _PEOPLE_COLUMNS if c != column], rows), _written(_GROUP_COLUMNS, teams)

    return files


def _blank(column: str) -> "Way":
    def files(directory: Directory, rows: Rows, teams: Rows) -> Files:
        return _as_is([{**row, column: ""} for row in rows], teams)

    return files


def _sorted(directory: Directory, rows: Rows, teams: Rows) -> Files:
    """One column of the sheet was sorted by itself: everybody has the id of the row below."""
    ids = [row["employee_id"] for row in rows]
    shifted = ids[1:] + ids[:1]
    return _as_is([{**row, "employee_id": other} for row, other in zip(rows, shifted, strict=True)], teams)


def _old(directory: Directory, rows: Rows, teams: Rows) -> Files:
    return directory.last


def _no_members(directory: Directory, rows: Rows, teams: Rows) -> Files:
    return _as_is(rows, [{**team, "members": ""} for team in teams])


def _garbled(directory: Directory, rows: Rows, teams: Rows) -> Files:
    return _as_is([{**row, "full_name": "#REF!"} for row in rows], teams)


Way = Callable[[Directory, Rows, Rows], Files]

#: How an export can be wrong.
WRONG: Mapping[str, Way] = {
    "cut off": _cut,
    "cut at a row": _half,
    "empty": _empty,
    "not there": _gone,
    "without the status column": _without("status"),
    "with a blank status column": _blank("status"),
    "with a blank team column": _blank("team"),
    "with ids sorted by themselves": _sorted,
    "yesterday's": _old,
    "without members": _no_members,
    "full of #REF!": _garbled,
}
