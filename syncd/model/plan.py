"""The operations of a cycle, with everything a person needs to judge them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Self

from syncd.model.entry import Rejection
from syncd.model.names import Key, Kind
from syncd.model.operation import Bundle, Operation
from syncd.model.page import Count, Verb
from syncd.model.standing import Pending

SCHEMA_VERSION = 1
#: The code of a note about a removal that has begun and doesn't simply go on.
HALF_REMOVED = "half_removed"
#: The code of a note about a removal that has begun, and about which nothing is done before a person says yes.
HALF_REMOVED_WAITS = "half_removed_waits"
#: The code of a note about a removal that had begun in an earlier cycle, and goes on in this plan.
REMOVAL_GOES_ON = "removal_goes_on"
#: The code of a note about somebody whose exchange of addresses was interrupted.
PARKED = "parked"
#: What had begun in an earlier cycle: shown with the operations that end it.
UNDER_WAY = frozenset({HALF_REMOVED, HALF_REMOVED_WAITS, REMOVAL_GOES_ON, PARKED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that is not an operation but that a reader should know (a claim that waits, a held name).

    *code* is stable (`address_waits`, `name_differs`, `member_disabled`, ...); *subject* a key or "".
    """

    code: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much a guard lets pass: *count* entities, or *percent* of the population; None where there is no such limit.

    With *both* it trips when both are exceeded, else with the first.
    """

    count: int | None = None
    percent: float | None = None
    both: bool = False


NO_LIMIT = Limit()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one guard measured: *counted* of *population*, against its *limit*.

    A tripped guard withholds *bundles* (and what needs them, or rests on the same row). *text* says what, how many,
    the limit and the way out; *label* is what was measured and *budget* how much of the limit it takes ("1 of 50,
    0.1 % of 5 %"), shown even when nothing tripped. *about* names the one entity that was measured, "" for all.
    """

    guard: str
    counted: int
    population: int
    tripped: bool
    label: str
    budget: str
    limit: Limit = NO_LIMIT
    about: str = ""
    text: str = ""
    approved: bool = False
    bundles: frozenset[Bundle] = frozenset()

    @property
    def used(self) -> str:
        """The budget line."""
        return " ".join(filter(None, (self.label, self.budget, "(approved)" if self.approved else "")))

    @property
    def signature(self) -> str:
        """What an approval of this finding names: what was measured, with its numbers: others trip again."""
        return f"finding:{self.guard}:{self.label}:{self.counted}/{self.population}"


class Cause(StrEnum):
    """Why an operation is withheld."""

    GUARD = "guard"  # a guard counts it
    ROW = "row"  # it rests on the same row as something that a guard withholds
    APPROVAL = "approval"  # it is a proposal
    NEED = "need"  # it needs something that is withheld
    SAID = "said"  # an earlier version withheld it, and told only the sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """Why one operation is withheld: *guard* is whose, *text* what people read."""

    cause: Cause
    text: str
    guard: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Populations:
    """Sizes for the header and for guards: entries *wanted*, entities *owned* and ENABLED, by kind; and the others."""

    wanted: Mapping[Kind, int] = field(default_factory=dict)
    owned: Mapping[Kind, int] = field(default_factory=dict)
    foreign: int | None = None
    frozen: int | None = None

    def owned_of(self, kind: Kind) -> int:
        """Return how many entities of *kind* are ours and ENABLED: none of a kind that isn't named."""
        return self.owned.get(kind, 0)

    @property
    def owned_in_all(self) -> int:
        """Entities of every kind that are ours and ENABLED."""
        return sum(self.owned.values())

    def numbers(self) -> dict[str, int]:
        """Return the numbers under the names that scripts know: `users_in_directory`, `users_owned_enabled`, ..."""
        found = {f"{kind.value}s_in_directory": count for kind, count in self.wanted.items()}
        found |= {f"{kind.value}s_owned_enabled": count for kind, count in self.owned.items()}
        others = {"foreign": self.foreign, "frozen": self.frozen}
        return found | {name: count for name, count in others.items() if count is not None}

    @classmethod
    def of_numbers(cls, numbers: Mapping[str, int]) -> Self:
        """Return the populations whose `numbers` are *numbers*."""
        wanted = {kind: numbers.get(f"{kind.value}s_in_directory") for kind in Kind}
        owned = {kind: numbers.get(f"{kind.value}s_owned_enabled") for kind in Kind}
        return cls(
            wanted={kind: count for kind, count in wanted.items() if count is not None},
            owned={kind: count for kind, count in owned.items() if count is not None},
            foreign=numbers.get("foreign"),
            frozen=numbers.get("frozen"),
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What `plan` prints and `apply` does: same value, same digest.

    *operations* is everything planned within the mode, withheld ones included, in the order in which
    it would be sent by one worker. *withheld* maps operation id -> why. *outside* are operations that
    the mode leaves out: shown and counted, neither withheld nor a failure. *deferred* counts by verb
    what didn't fit into this plan.
    """

    organization: str
    organization_id: str
    created_at: datetime
    operations: tuple[Operation, ...]
    outside: tuple[Operation, ...] = ()
    deferred: Mapping[Verb, int] = field(default_factory=dict)
    withheld: Mapping[str, Withheld] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    pending: tuple[Pending, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    notes: tuple[Note, ...] = ()
    populations: Populations = field(default_factory=Populations)
    #: What people call the keys and entity ids that occur in the operations; without it they are shown bare.
    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """sha256 over the organization id and the sorted operation ids; no time, reason or order enters."""
        text = "\n".join([self.organization_id, *sorted(operation.id for operation in self.operations)])
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def by_id(self) -> Mapping[str, Operation]:
        """Return the operations by id."""
        return {operation.id: operation for operation in self.operations}

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Count by action (`add`, `change`, `remove`), plus withheld, outside, deferred, pending, rejected."""
        actions = Counter(str(o.action) for o in self.operations if o.id not in self.withheld)
        return {
            "add": actions["add"],
            "change": actions["change"],
            "remove": actions["remove"],
            "withheld": len(self.withheld),
            "outside": len(self.outside),
            "deferred": sum(self.deferred.values()),
            "pending": len(self.pending),
            "rejected": len(self.rejections),
        }

    def deferred_as(self, count: Count) -> int:
        """Return how many deferred operations guards count as *count*; which entities they are about isn't known."""
        return sum(number for verb, number in self.deferred.items() if verb.counts_as is count)

    @property
    def is_of_earlier_version(self) -> bool:
        """Whether it was stored when operations had other ids: none of them recurs."""
        return any(operation.stored_id for operation in self.operations)

    @property
    def sendable(self) -> tuple[Operation, ...]:
        """The operations that nothing withholds."""
        return tuple(operation for operation in self.operations if operation.id not in self.withheld)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What one facet answers: operations (possibly a generator), notes, and who must get nothing in this cycle.

    *blocked* maps a key to the reason why no other facet may touch it either (a newcomer whose primary
    address waits for somebody else's).
    """

    operations: Iterable[Operation]
    notes: Sequence[Note] = ()
    blocked: Mapping[Key, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gist:
    """What is shown of a stored plan where nobody looks at its operations; *withheld* are the ids of what waits."""

    digest: str
    withheld: frozenset[str]
    notes: tuple[Note, ...]
    names: Mapping[str, str]
