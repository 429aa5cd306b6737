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
from syncd.model.window import Window

SCHEMA_VERSION = 1
#: The code of a note about a removal that has begun and doesn't simply go on.
HALF_REMOVED = "half_removed"
#: The code of a note about a removal that has begun, and about which nothing is done before a person says yes.
HALF_REMOVED_WAITS = "half_removed_waits"
#: The code of a note about a removal that had begun in an earlier cycle, and goes on in this plan.
REMOVAL_GOES_ON = "removal_goes_on"
#: The code of a note about somebody whose exchange of addresses was interrupted.
PARKED = "parked"
#: The code of a note about somebody whom a person holds.
HELD = "held"
#: The code of a note about somebody of whom it is in doubt who they are.
DOUBTED = "identity_doubted"
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
class Use:
    """What is used of a guard's *window* together with this plan: *counted*, of which *before* were counted earlier.

    *passes* is how many may, of *population*; *limit* is what that follows from. *free_at* is when nothing of it is
    used any more, as long as nothing is added; None while nothing was used before.
    """

    window: Window
    counted: int
    before: int
    population: int
    passes: int
    limit: Limit
    tripped: bool
    free_at: datetime | None = None

    def __str__(self) -> str:
        free = f", free again {self.free_at:%Y-%m-%d %H:%M} UTC" if self.free_at is not None else ""
        return f"in a {self.window.value} {self.counted} of {self.passes}{free}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one guard measured: *counted* of *population*, against its *limit*.

    A tripped guard withholds *bundles* (and what needs them, or rests on the same row). *text* says what, how many,
    the limit and the way out; *label* is what was measured and *budget* how much of the limit it takes ("1 of 50,
    0.1 % of 5 %"), shown even when nothing tripped. *about* names the one entity that was measured, "" for all.
    *scope* is what it is about as data: a kind, the key of a group, "" for all. *windows* tell what is used of them.
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
    #: The keys that a guard about the source counts: an approval is about them, and about nobody else.
    people: frozenset[str] = frozenset()
    scope: str = ""
    windows: tuple[Use, ...] = ()

    @property
    def used(self) -> str:
        """The budget line."""
        return used_line(self.label, self.budget, self.windows, approved=self.approved)

    @property
    def words(self) -> frozenset[str]:
        """What an approval of this finding consists of: whom it counts one by one, its numbers where it counts nobody.

        So a finding of others, or of more, is another one; of fewer it is covered.
        """
        about = f"finding:{self.guard}:{self.label}"
        if not self.people:
            return frozenset({f"{about}:{self.counted}/{self.population}"})
        return frozenset(f"{about}:{key}" for key in self.people)


def used_line(label: str, budget: str, windows: Iterable[Use], *, approved: bool) -> str:
    """Return how much of its limits a guard has used; of the windows, where more is used than by this plan."""
    line = " ".join(filter(None, (label, budget, "(approved)" if approved else "")))
    return "; ".join([line, *(str(use) for use in windows if use.before)])


class Cause(StrEnum):
    """Why an operation is withheld."""

    GUARD = "guard"  # a guard counts it
    ROW = "row"  # it rests on the same row as something that a guard withholds
    APPROVAL = "approval"  # it is a proposal
    NEED = "need"  # it needs something that is withheld
    CONTESTED = "contested"  # somebody changes it back in the target, again and again
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
class Later:
    """Operations of one *verb* that didn't fit into a plan and would be withheld: an approval of it covers them too.

    *rows* maps by what each is approved (see `words_of`) to the key of the entry that it rests on. *guard* withholds
    them; or each is a *proposal*.
    """

    verb: Verb
    rows: Mapping[str, str]
    guard: str = ""
    proposal: bool = False


def removal_later(verb: Verb, key: str) -> str:
    """Return by what the removal of *key* is approved that isn't even planned yet: *verb* is what it comes to."""
    return f"later:{verb.name}:{key}"


def words_of(operation: Operation) -> tuple[str, ...]:
    """Return by what *operation* may have been approved: its id; what a removal comes to, before it was planned too."""
    if not operation.ends_entity:
        return (operation.id,)
    return operation.id, removal_later(operation.verb, operation.row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Populations:
    """Sizes for the header and for guards: entries *wanted*, entities *owned* and ENABLED, by kind; and the others.

    *reached* are those of the owned whom a plan could change at all: no outsiders of a pilot, nothing protected, and
    nobody who was made a few hours ago without anybody's yes.
    """

    wanted: Mapping[Kind, int] = field(default_factory=dict)
    owned: Mapping[Kind, int] = field(default_factory=dict)
    foreign: int | None = None
    frozen: int | None = None
    reached: Mapping[Kind, int] = field(default_factory=dict)

    def reached_of(self, kind: Kind) -> int:
        """Return how many entities of *kind* guards measure against."""
        return self.reached.get(kind, self.owned_of(kind))

    @property
    def reached_in_all(self) -> int:
        """Entities of every kind that guards measure against."""
        return sum(map(self.reached_of, {*self.owned, *self.reached}))

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
        found |= {f"{kind.value}s_within_reach": count for kind, count in self.reached.items()}
        others = {"foreign": self.foreign, "frozen": self.frozen}
        return found | {name: count for name, count in others.items() if count is not None}

    @classmethod
    def of_numbers(cls, numbers: Mapping[str, int]) -> Self:
        """Return the populations whose `numbers` are *numbers*."""
        wanted = {kind: numbers.get(f"{kind.value}s_in_directory") for kind in Kind}
        owned = {kind: numbers.get(f"{kind.value}s_owned_enabled") for kind in Kind}
        reached = {kind: numbers.get(f"{kind.value}s_within_reach") for kind in Kind}
        return cls(
            wanted={kind: count for kind, count in wanted.items() if count is not None},
            owned={kind: count for kind, count in owned.items() if count is not None},
            reached={kind: count for kind, count in reached.items() if count is not None},
            foreign=numbers.get("foreign"),
            frozen=numbers.get("frozen"),
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What `plan` prints and `apply` does: same value, same digest.

    *operations* is everything planned within the mode, withheld ones included, in the order in which
    it would be sent by one worker. *withheld* maps operation id -> why. *outside* are operations that
    the mode leaves out: shown and counted, neither withheld nor a failure. *deferred* counts by verb
    what didn't fit into this plan, and *later* is the part of it that would be withheld. *only* are the keys to
    which a command restricted it, *paused* says why nothing at all is sent, "" where that isn't so.
    """

    organization: str
    organization_id: str
    created_at: datetime
    operations: tuple[Operation, ...]
    outside: tuple[Operation, ...] = ()
    deferred: Mapping[Verb, int] = field(default_factory=dict)
    later: tuple[Later, ...] = ()
    only: tuple[str, ...] = ()
    paused: str = ""
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

    @cached_property
    def doubted(self) -> tuple[Key, ...]:
        """The keys of whom it is in doubt who they are: nothing is done about them before a person says it."""
        return tuple(Key(note.subject) for note in self.notes if note.code == DOUBTED)

    @property
    def sendable(self) -> tuple[Operation, ...]:
        """The operations that are sent: what nothing withholds; none while the organization is paused."""
        return () if self.paused else self.free

    @property
    def free(self) -> tuple[Operation, ...]:
        """The operations that nothing withholds, whether they are sent now or after a pause."""
        return tuple(operation for operation in self.operations if operation.id not in self.withheld)

    @property
    def waits(self) -> bool:
        """Whether something of it needs a person's word: a yes to what is withheld or found, or the end of a pause."""
        found = any(finding.tripped for finding in self.findings)
        return bool(self.withheld) or found or bool(self.paused and self.operations)


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
