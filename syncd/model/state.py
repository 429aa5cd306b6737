"""The two states that are compared: what is wanted, and what the service holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from syncd.model.entry import Absence, Rejection
from syncd.model.names import EntityId, Key, Kind

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


@dataclass(frozen=True, slots=True)
class Wanted:
    """An entity as the directory wants it, within the target's limits. Positional order is the field order.

    *members* of a group holds keys of users and groups; *display_name* is "" for groups; *primary* is
    "" for disabled entries only (others without one are rejected, or, being groups, not mapped at all).
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
    #: Entries read per kind, mapped or not: what the source guards compare with the last good read.
    counts: Mapping[Kind, int] = field(default_factory=dict)
    #: False when the source has no groups at all: then no group is missing, none is compared.
    has_groups: bool = True


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


#: What only a call per entity tells: one word per facet that needs details.
Detail = Literal["aliases", "profile", "members"]
DETAILS: tuple[Detail, ...] = ("aliases", "profile", "members")


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What was read per entity. An id that is absent from a mapping was not read.

    *aliases* exclude the primary address (`workmail.md` 0.2), written as the service returns them.
    *members* are ids of direct members, ENABLED and DISABLED alike.
    """

    aliases: Mapping[EntityId, frozenset[str]] = field(default_factory=dict)
    profile: Mapping[EntityId, Profile] = field(default_factory=dict)
    members: Mapping[EntityId, frozenset[EntityId]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """The organization itself. *domains* maps each folded mail domain to "is usable" (verified)."""

    id: str
    alias: str
    default_domain: str
    domains: Mapping[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the service holds. Ghosts (DELETED) are among *entities*: they are facts about bound entities.

    *gone* holds ids that were bound but of which the service said, asked by id, that they don't exist.
    """

    organization: Organization
    entities: Mapping[EntityId, Entity]
    details: Details
    gone: frozenset[EntityId] = frozenset()
