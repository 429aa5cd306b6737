"""Who is who in one cycle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from syncd.model.names import EntityId, Key


class ProposalKind(StrEnum):
    """What needs a person's yes before anything else may follow (design.md section 8)."""

    ADOPT = "adopt"
    REBIND = "rebind"
    RECREATE = "recreate"
    REREGISTER = "re-register"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """*kind* for *key*, about *entity* (None for recreate: it is lost); *previous* is the key a rebind replaces."""

    kind: ProposalKind
    key: Key
    entity: EntityId | None
    reason: str
    previous: Key | None = None
    #: False when `adopt: exact` carries it out by itself.
    needs_approval: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A bound entity whose removal is not due yet: *why* (`missing`, `disabled`, ...), how often seen, until when.

    *counted* is the time that counts so far, of *needed*; *anew* says why counting began anew, "" where it didn't;
    *because* which row keeps it from being counted as missing, "" where it is counted.
    """

    key: Key
    entity: EntityId
    name: str
    why: str
    cycles: int
    cycles_needed: int
    since: datetime
    due_at: datetime | None
    counted: timedelta = timedelta(0)
    needed: timedelta = timedelta(0)
    anew: str = ""
    because: str = ""


class Doubt(StrEnum):
    """Why a key isn't taken for whom it stood for; its text is what people read of it."""

    CHANGED = "nothing of them is as it was"
    EXCHANGED = "they look like somebody else who is known"
    OTHER_SOURCE = "the key comes from another source or column"
    RENAMED = "the source or its key column has another name, and everybody is the same"
    LEFT = "missing under the source's new name too"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebinding:
    """Bindings that are written anew together, once a person says yes: who is behind which key.

    *moves* maps each key to the one whose binding it takes over: itself where only its look or its source is new. A key
    that others take over from, and that takes over nothing, has no binding afterwards. *source* is the name under which
    they were bound, "" where that is none of the reasons. *effect* is what tells it from another one.
    """

    doubt: Doubt
    moves: Mapping[Key, Key]
    summary: str
    reason: str
    effect: Mapping[str, object]
    needs_approval: bool = True
    source: str = ""

    @property
    def key(self) -> Key:
        """The first of its keys: what it is found under."""
        return min(self.moves)

    @property
    def given_up(self) -> frozenset[Key]:
        """The keys whose binding is somebody else's afterwards, or nobody's."""
        return frozenset(old for key, old in self.moves.items() if old != key)


class Freeze(StrEnum):
    """Why a key is frozen."""

    UNTOUCHABLE = "untouchable"
    PROTECTED = "protected"
    REJECTED = "rejected"
    PENDING = "pending"
    NOT_READ = "not read"
    OTHER_SOURCE = "other source"
    DOUBTED = "doubted"
    REBIND = "rebind"
    PILOT = "pilot"
    LATER = "later"
    ROLLBACK = "rollback"
    UNDER_WAY = "under way"
    BLOCKED = "blocked"
    HELD = "held"

    @property
    def is_out_of_reach(self) -> bool:
        """Whether no plan does anything to it until a person does something: guards don't measure against it."""
        return self in _OUT_OF_REACH


_OUT_OF_REACH = frozenset(
    {
        Freeze.UNTOUCHABLE,
        Freeze.PROTECTED,
        Freeze.NOT_READ,
        Freeze.OTHER_SOURCE,
        Freeze.REBIND,
        Freeze.DOUBTED,
        Freeze.PILOT,
        Freeze.HELD,
    }
)


@dataclass(frozen=True, slots=True)
class Frozen:
    """Why nothing is done to a key in this cycle; its text is the sentence that people read."""

    cause: Freeze
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """Who is who. Everyone in none of the sets and bound is simply *ours and wanted*.

    *entity_of* and *key_of* hold ownership in this cycle, proposals included (as if approved).
    *leaving*: removal is due, with its reason. *waiting*: removal pending (frozen meanwhile).
    *frozen*: keys, bound or not, that no facet may touch, with the reason (waiting ones among them).
    *foreign* are the entities that are not ours. *lost*: bound, but the service no longer has them.
    *newcomers*: wanted keys without an entity. *dropped* are bound keys whose binding is kept though
    removed earlier (DISABLED already): nothing is left to do for them.
    """

    entity_of: Mapping[Key, EntityId] = field(default_factory=dict)
    key_of: Mapping[EntityId, Key] = field(default_factory=dict)
    leaving: Mapping[Key, str] = field(default_factory=dict)
    waiting: Mapping[Key, Pending] = field(default_factory=dict)
    frozen: Mapping[Key, Frozen] = field(default_factory=dict)
    foreign: frozenset[EntityId] = frozenset()
    lost: frozenset[Key] = frozenset()
    newcomers: frozenset[Key] = frozenset()
    dropped: frozenset[Key] = frozenset()
    proposals: Mapping[Key, Proposal] = field(default_factory=dict)
    #: What awaits a yes about who somebody is. Keys of whom nothing else is planned, which are frozen, are among them.
    rebindings: tuple[Rebinding, ...] = ()
    #: Keys that aren't taken for whom they stood for, and whoever they look like, with the sentence that people read.
    doubted: Mapping[Key, str] = field(default_factory=dict)
    #: Removals that have begun and may not go on, with the reason: what they took is put back.
    rollbacks: Mapping[Key, str] = field(default_factory=dict)
    #: Keys whose state somebody else has changed in the target, with the sentence that people read.
    contested: Mapping[Key, str] = field(default_factory=dict)
