"""The operations of a cycle, with everything a person needs to judge them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from syncd.model.entry import Rejection
from syncd.model.names import Key
from syncd.model.operation import Operation
from syncd.model.standing import Pending

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that is not an operation but that a reader should know (a claim that waits, a held name).

    *code* is stable (`address_waits`, `name_differs`, `member_disabled`, ...); *subject* a key or "".
    """

    code: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one guard measured: *counted* of *population*, against its limits.

    A tripped guard withholds *bundles* (and what needs them). *text* says what, how many, the limit and
    the way out; *used* is the budget line that is shown even when nothing tripped ("1 of 50, 0.1 % of 5 %").
    """

    guard: str
    counted: int
    population: int
    tripped: bool
    used: str
    text: str = ""
    bundles: frozenset[str] = frozenset()

    @property
    def signature(self) -> str:
        """What an approval of this finding names: the guard with its numbers, so that other numbers trip again."""
        return f"finding:{self.guard}:{self.counted}/{self.population}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What `plan` prints and `apply` does: same value, same digest.

    *operations* is everything planned within the mode, withheld ones included, in the order in which
    it would be sent by one worker. *withheld* maps operation id -> why. *outside* are operations that
    the mode leaves out: shown and counted, neither withheld nor a failure. *deferred* counts by kind
    what didn't fit into this plan.
    """

    organization: str
    organization_id: str
    created_at: datetime
    operations: tuple[Operation, ...]
    outside: tuple[Operation, ...] = ()
    deferred: Mapping[str, int] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    pending: tuple[Pending, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    notes: tuple[Note, ...] = ()
    #: Sizes for the header: people and groups wanted, owned, foreign...
    populations: Mapping[str, int] = field(default_factory=dict)
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
