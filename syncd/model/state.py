"""The two states that are compared: what is wanted, and what the service holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from syncd.model.entry import Absence, Rejection
from syncd.model.names import STATED, EntityId, Key, Kind

#: Personal attributes, in the order in which people read them.
PROFILE_FIELDS = (
    "first_name",
    "last_name",
    "initials",
    "job_title",
    "department",
    "company",
    "office",
    "telephone",
    "street",
    "city",
    "zip_code",
    "country",
)
#: The profile field that is a yes or no; the only one that groups have.
HIDDEN = "hidden"
#: Profile field -> value. Absent = not managed (desired) or empty (observed). `hidden` is "true" or "false".
Profile = Mapping[str, str]


class State(StrEnum):
    """`workmail.md` B: enabled = registered; disabled = deregistered or never registered; deleted = a ghost."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    DELETED = "DELETED"


#: One for everybody: a hundred thousand empty mappings would take memory.
NOTHING_GIVEN: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Wanted:
    """An entity as the directory wants it, within the target's limits. Positional order is the field order.

    *members* of a group holds keys of users and groups; *display_name* is "" for groups; *primary* is
    "" for disabled entries only (others without one are rejected, or, being groups, not mapped at all).
    *given* holds by name what pages ask of the directory (`syncd.model.given`); absent = not managed.
    """

    key: Key
    kind: Kind
    origin: str
    name: str
    display_name: str
    enabled: bool
    primary: str
    aliases: tuple[str, ...]
    profile: Profile
    members: frozenset[Key]
    given: Mapping[str, Any] = field(default_factory=lambda: NOTHING_GIVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contested:
    """An entity that is rejected for nothing but that other entries want the same.

    *over* are what they want, `name` or `address`, and its folded text.
    """

    wanted: Wanted
    over: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """The whole directory, mapped.

    *absences* and *rejections* come from the snapshot and from the mapping. *outside_members* counts,
    per group, member values that name nobody in the snapshot.
    """

    entities: Mapping[Key, Wanted]
    rejections: tuple[Rejection, ...] = ()
    absences: Mapping[Key, Absence] = field(default_factory=dict)
    outside_members: Mapping[Key, int] = field(default_factory=dict)
    #: The first of those values, per group.
    outsiders: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    #: Groups that list, themselves or through what flows into them, values that name nobody.
    unplaced: frozenset[Key] = frozenset()
    #: Whether the directory says who is in a group.
    lists_members: bool = True
    #: Who is rejected, but goes on if it holds what others want too.
    contested: Mapping[Key, Contested] = field(default_factory=dict)
    #: Entries read per kind, mapped or not: what the source guards compare with the last good read.
    counts: Mapping[Kind, int] = field(default_factory=dict)
    #: Groups that stand in the source without an address, so that they aren't mapped, and where.
    without_address: Mapping[Key, str] = field(default_factory=dict)
    #: The kinds that the source has: of any other none is missing, none is compared.
    read: frozenset[Kind] = frozenset(STATED)


@dataclass(frozen=True, slots=True)
class Entity:
    """One row of the service's lists. *primary* is "" while not registered.

    *untouchable*: SYSTEM_USER, RESOURCE-role users, remote users and the migration admin are never changed
    (`workmail.md` B46, C).
    """

    id: EntityId
    kind: Kind
    name: str
    display_name: str
    primary: str
    state: State
    ever_enabled: bool = False
    untouchable: bool = False
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """The organization itself. *domains* maps each folded mail domain to "is usable" (verified).

    *fuse*: for how long what was taken out of use can be put back, for the kinds of which that is not for ever.
    """

    id: str
    alias: str
    default_domain: str
    domains: Mapping[str, bool]
    fuse: Mapping[Kind, timedelta]
