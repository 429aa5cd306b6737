"""Mapping the directory, against building as many frozen dataclasses with the same contents."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from syncd.mapping.rules import Rules
from syncd.mapping.settings import MappingSettings
from syncd.mapping.snapshot import map_snapshot
from syncd.model.entry import Snapshot
from syncd.model.names import Key
from syncd.model.state import Desired, Wanted
from syncd.workmail.limits import workmail_limits
from tests.bench.csv_reading import csv_source
from tests.bench.directory import Size, write_groups, write_users
from tests.bench.timing import Race

LIMIT = 4.0
USERS = {
    "name": "login",
    "display_name": "full_name",
    "primary_email": "mail",
    "enabled": "{{ status == 'active' }}",
    "profile": {"first_name": "given", "last_name": "family", "department": "department"},
}
GROUPS = {
    "key": "group_id",
    "name": "group",
    "primary_email": "mail",
    "members": {"from": "members", "by": "employee_id"},
}


def run() -> list[tuple[str, float, float]]:
    """Return (name, ratio, limit): attributes only, and with the address made by a template."""
    size = Size()
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_users(folder / "people.csv", size)
        write_groups(folder / "groups.csv", size)
        snapshot = csv_source(folder, "one-per-group").read(())
    joined = USERS | {"primary_email": "{{ login }}@" + size.domain}
    return [
        ("mapping attributes / building frozen dataclasses", _ratio(snapshot, USERS, size), LIMIT),
        ("mapping with a template / building frozen dataclasses", _ratio(snapshot, joined, size), LIMIT),
    ]


def _ratio(snapshot: Snapshot, users: dict[str, Any], size: Size) -> float:
    rules = Rules(MappingSettings.model_validate({"key": "employee_id", "users": users, "groups": GROUPS}))
    limits = workmail_limits()
    desired = map_snapshot(snapshot, rules, limits)
    members = sum(len(wanted.members) for wanted in desired.entities.values())
    if (len(desired.entities), members) != (size.users + size.groups, size.memberships):
        message = f"mapped {len(desired.entities)} entities with {members} members of {size}"
        raise AssertionError(message)
    parts = _parts(desired)
    return Race(ours=lambda: map_snapshot(snapshot, rules, limits), bare=lambda: _build(parts)).ratio()


Part = tuple[Wanted, dict[str, str], list[Key]]


def _parts(desired: Desired) -> list[Part]:
    return [(wanted, dict(wanted.profile), list(wanted.members)) for wanted in desired.entities.values()]


def _build(parts: list[Part]) -> list[Wanted]:
    """Build every entity anew, its profile and its set of members too."""
    return [
        Wanted(
            old.key,
            old.kind,
            old.origin,
            old.name,
            old.display_name,
            old.enabled,
            old.primary,
            old.aliases,
            dict(profile),
            frozenset(members),
        )
        for old, profile, members in parts
    ]
