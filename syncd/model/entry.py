"""What the source said: entries, the snapshot that holds all of them, and what could not be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from syncd.model.names import Key, Kind


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as the source said it.

    *identity* is the value of the key attribute, *origin* a DN or `people.csv:17`, *attributes* every
    attribute that has at least one value, in the source's order.
    """

    kind: Kind
    identity: str
    origin: str
    attributes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """An entry that can't be used: where it stands, why, and what mends it.

    *key* is None when not even the identity could be read; then nobody counts as missing this cycle
    (design.md section 8, Frozen). Its key may be wrong, too: whoever has one of its *names* or *addresses*, as far as
    they can be read, doesn't count as missing either while it stands there. *entry* is the record, for the mapping to
    find those in it.
    """

    key: Key | None
    origin: str
    reason: str
    remedy: str
    names: tuple[str, ...] = field(default=(), compare=False, repr=False)
    addresses: tuple[str, ...] = field(default=(), compare=False, repr=False)
    entry: Entry | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.origin}: {self.reason}; {self.remedy}"


class Absence(StrEnum):
    """Why a known key is absent from a complete snapshot."""

    GONE = "gone"
    MOVED = "moved out of scope"
    DISABLED = "disabled"
    NOT_VISIBLE = "not visible to us"
    UNKNOWN = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All entries of one read, complete by construction: a partial read raises, it never returns.

    *absences* tells, of each known key that is absent, what is known about it; keys not in it are
    simply missing (`Absence.UNKNOWN`). *read* are the kinds that the source reads at all: of any other kind, nobody
    counts as missing.
    """

    entries: Mapping[Kind, tuple[Entry, ...]]
    read: frozenset[Kind]
    rejections: tuple[Rejection, ...] = ()
    #: The primary address of each entity that is ours and ENABLED; the cycle adds them to what the source said.
    present: Mapping[Key, str] = field(default_factory=dict)
    absences: Mapping[Key, Absence] = field(default_factory=dict)

    def of(self, kind: Kind) -> tuple[Entry, ...]:
        """Return the entries of *kind*; there are none of a kind that is not read."""
        return self.entries.get(kind, ())
