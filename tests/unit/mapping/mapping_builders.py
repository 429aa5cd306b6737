"""Small mappings, entries and limits for the tests of the mapping."""

import re
from collections.abc import Mapping
from typing import Any

from syncd.mapping.rules import Rules
from syncd.mapping.settings import MappingSettings
from syncd.mapping.snapshot import map_snapshot
from syncd.model.entry import Entry, Rejection, Snapshot
from syncd.model.limits import Limits, TextLimit
from syncd.model.names import STATED, Key, Kind, make_key
from syncd.model.state import PROFILE_FIELDS, Desired

LIMITS = Limits(
    user_name=TextLimit(minimum=1, maximum=13, pattern=re.compile(r"[\w.-]+", re.ASCII), says="letters a-z, digits"),
    group_name=TextLimit(minimum=1, maximum=20, pattern=re.compile("[\u0020-\u00ff]+"), says="printable Latin-1"),
    address=TextLimit(
        minimum=1, maximum=40, pattern=re.compile(r"[\w.+-]+@[\w.-]+\.[a-z]{2,}", re.ASCII), says="letters a-z, one @"
    ),
    display_name=TextLimit(maximum=40),
    profile=dict.fromkeys(PROFILE_FIELDS, TextLimit(maximum=40)),
    aliases=3,
    reserved_names=frozenset({"administrator"}),
)

USERS: dict[str, Any] = {"name": "login", "display_name": "full", "primary_email": "mail", "aliases": "other"}
GROUPS: dict[str, Any] = {
    "key": "gid",
    "name": "name",
    "primary_email": "mail",
    "members": {"from": "member", "by": "id"},
}

Values = str | tuple[str, ...]


def rules(users: Mapping[str, Any] | None = None, groups: Mapping[str, Any] | None = None, **more: object) -> Rules:
    """Compile a mapping by `id` (users) and `gid` (groups) with these changes."""
    return Rules(
        MappingSettings.model_validate(
            {"key": "id", "users": USERS | dict(users or {}), "groups": GROUPS | dict(groups or {}), **more}
        )
    )


def person(identity: str = "1", login: str | None = None, **attributes: Values) -> Entry:
    """A person called *login*, with display name and address unless told otherwise; "" is no attribute."""
    login = login if login is not None else f"p{identity}"
    given: dict[str, Values] = {"id": identity, "login": login, "full": login.title(), "mail": f"{login}@corp.example"}
    return Entry(Kind.USER, identity, f"people.csv:{identity}", _tuples(given | attributes))


def group(identity: str, *members: str, **attributes: Values) -> Entry:
    """A group with these member values and an address, unless told otherwise; "" is no attribute."""
    given: dict[str, Values] = {"gid": identity, "name": f"group {identity}", "mail": f"{identity}@corp.example"}
    given["member"] = members
    return Entry(Kind.GROUP, identity, f"groups.csv:{identity}", _tuples(given | attributes))


def _tuples(attributes: Mapping[str, Values]) -> dict[str, tuple[str, ...]]:
    return {name: (value,) if isinstance(value, str) else value for name, value in attributes.items() if value}


def unread(kind: Kind, identity: str | None) -> Rejection:
    """A row that the source couldn't use."""
    key = make_key(kind, identity) if identity else None
    return Rejection(key=key, origin=f"{kind.value}s.csv:{identity}", reason="ragged", remedy="mend it")


def desired(*entries: Entry, by: Rules | None = None, rejections: tuple[Rejection, ...] = ()) -> Desired:
    """Map these entries."""
    snapshot = Snapshot(
        entries={kind: tuple(entry for entry in entries if entry.kind is kind) for kind in STATED},
        read=frozenset(STATED),
        rejections=rejections,
    )
    return map_snapshot(snapshot, by or rules(), LIMITS)


def members(result: Desired, identity: str) -> list[str]:
    """The keys of the members of a group, in order."""
    return sorted(result.entities[Key(f"group:{identity}")].members)


def reasons(result: Desired) -> dict[str | None, str]:
    """Why each rejected entry is."""
    assert all(rejection.reason and rejection.remedy and rejection.origin for rejection in result.rejections)
    return {rejection.key: rejection.reason for rejection in result.rejections}
