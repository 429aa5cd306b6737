"""What the status page shows of a running syncd: small frozen values, whole at one moment.

Which light an organization has, worst first; the first row that holds decides:

    light         holds when
    failing       the last cycles ended with an error, or with operations that failed
    stale         no cycle ends though one should have, or one runs and shows no sign of progress
    half-removed  a removal has begun and is neither finished nor given back
    waiting       a plan withholds something: a guard tripped, or a proposal needs a yes
    not-yet       no cycle has ended and none runs
    running       a cycle runs, and nothing is wrong
    in-sync       anything else
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from syncd.model.action import Action
from syncd.model.half_removed import HalfRemoved
from syncd.model.plan import NO_LIMIT, Limit, Use, used_line
from syncd.model.report import SUCCESSES

#: What a cycle that was told to stop ends with (`errors.Interrupted`): neither a success nor a failure.
STOPPED = "stopped"
#: How late the next cycle may be before that is worth a word: jitter, a busy machine.
GRACE = timedelta(minutes=2)


class Light(StrEnum):
    """Where an organization stands, in one word; the worst is the first."""

    FAILING = "failing"
    STALE = "stale"
    HALF_REMOVED = "half-removed"
    WAITING = "waiting"
    NOT_YET = "not-yet"
    RUNNING = "running"
    IN_SYNC = "in-sync"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return tuple(Light).index(self)

    @property
    def asks_for_a_look(self) -> bool:
        """Whether somebody has to do something."""
        return self in (Light.FAILING, Light.STALE, Light.HALF_REMOVED, Light.WAITING)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardOrganization:
    """What the configuration says of an organization.

    *schedule* is how people read it ("every 15 min"), *interval* the longest regular distance between two cycles;
    a cycle that shows no progress for *stalled_after* hangs.
    """

    name: str
    organization_id: str
    mode: str
    schedule: str
    interval: timedelta
    stalled_after: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCycle:
    """One cycle that ended: *result* is one of `report.RESULTS` or `STOPPED`; *error* is the words of what ended it.

    *failed* counts the operations that did not succeed, whatever the reason.
    """

    cycle_id: str
    started_at: datetime
    finished_at: datetime
    result: str
    error: str = ""
    exit_code: int = 0
    applied: int = 0
    failed: int = 0
    withheld: int = 0

    @property
    def took(self) -> timedelta:
        """How long it ran; a clock that was set back makes it no shorter than nothing."""
        return max(self.finished_at - self.started_at, timedelta(0))

    @property
    def is_failure(self) -> bool:
        """Whether something went wrong that the next cycle may mend."""
        return self.result in ("failed", "partial")

    @property
    def is_success(self) -> bool:
        """Whether it read everything, and nothing failed or was withheld."""
        return self.result in SUCCESSES


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleUnderWay:
    """A cycle under way: its *stage*, how much is *done* of *total* (None: unknown), and its last sign of life."""

    since: datetime
    stage: str = ""
    done: int = 0
    total: int | None = None
    progress_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What ended the last cycle: the error's own words, its first *details* of *total*, and its *hint*."""

    words: str
    details: tuple[str, ...] = ()
    total: int = 0
    hint: str = ""
    exit_code: int = 1
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardStatus:
    """The worst finding of one guard (of *findings* in all, *trips* of which tripped)."""

    guard: str
    counted: int
    population: int
    tripped: bool
    label: str
    budget: str
    limit: Limit = NO_LIMIT
    about: str = ""
    approved: bool = False
    text: str = ""
    findings: int = 1
    trips: int = 0
    windows: tuple[Use, ...] = ()

    @property
    def used(self) -> str:
        """The budget line; without the name of the one entity that it is about."""
        if not self.label:  # of a plan that an earlier version stored: whether it names somebody isn't known
            return f"{self.guard.replace('_', ' ')} {self.counted:,} of {self.population:,}"
        label = self.guard.replace("_", " ") if self.about else self.label
        return used_line(label, self.budget, self.windows, approved=self.approved)

    @property
    def used_by_name(self) -> str:
        """The budget line, with names."""
        return used_line(self.label, self.budget, self.windows, approved=self.approved)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithheldOperation:
    """One operation that waits: what it would do, to whom, and why it waits."""

    summary: str
    subject: str
    why: str
    guard: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRemoval:
    """Somebody on the way out: *why*, seen in *cycles* of *cycles_needed*, due at *due_at* if that is known."""

    name: str
    why: str
    cycles: int
    cycles_needed: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedEntry:
    """An entry that can't be used: where it stands, why, and what mends it."""

    origin: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStatus:
    """What is kept of a plan: numbers, and the first few of each list; a plan itself may be very large.

    *counts* are those of `Plan.counts`; *withheld_kinds* count the withheld operations by kind, *due_next* is
    when the next pending removal is due.
    """

    digest: str
    created_at: datetime
    counts: Mapping[str, int]
    populations: Mapping[str, int] = field(default_factory=dict)
    withheld: tuple[WithheldOperation, ...] = ()
    withheld_kinds: Mapping[str, int] = field(default_factory=dict)
    guards: tuple[GuardStatus, ...] = ()
    pending: tuple[PendingRemoval, ...] = ()
    due_next: datetime | None = None
    rejections: tuple[RejectedEntry, ...] = ()
    notes: int = 0
    #: Why nothing at all is sent, "" where that isn't so.
    paused: str = ""

    @property
    def short_digest(self) -> str:
        """As many digits as `approve` asks for."""
        return self.digest[:8]

    @property
    def trips(self) -> bool:
        """Whether a guard has tripped."""
        return any(guard.tripped for guard in self.guards)

    @property
    def waits(self) -> bool:
        """Whether it needs somebody's yes, or somebody's repair."""
        asks = self.trips or self.counts.get("withheld", 0) > 0
        return asks or bool(self.paused and sum(self.counts.get(action, 0) for action in Action))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationStatus:
    """One organization at *as_of*; *cycles* are the last ones, the oldest first.

    *failures* counts the failures in a row that ended with the last cycle, *failing_since* is when the first of
    them ended. *half_removed* are the first of *half_removed_count* whose removal has begun and is not over.
    *known_since* is when this process began to look after the organization.
    """

    facts: BoardOrganization
    as_of: datetime
    known_since: datetime
    running: CycleUnderWay | None = None
    next_at: datetime | None = None
    last_success: datetime | None = None
    cycles: tuple[PastCycle, ...] = ()
    failures: int = 0
    failing_since: datetime | None = None
    trouble: Trouble | None = None
    plan: PlanStatus | None = None
    half_removed: tuple[HalfRemoved, ...] = ()
    half_removed_count: int = 0

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self.facts.name

    @property
    def last(self) -> PastCycle | None:
        """The cycle that ended last."""
        return self.cycles[-1] if self.cycles else None

    @property
    def fails_partly(self) -> bool:
        """Whether what fails are single operations, not the cycles themselves."""
        failure = next((cycle for cycle in reversed(self.cycles) if cycle.is_failure), None)
        return bool(self.failures) and failure is not None and failure.result == "partial"

    @property
    def stalled_for(self) -> timedelta | None:
        """How long the cycle under way has shown no progress, once that is longer than it may be."""
        if self.running is None:
            return None
        silent = self.as_of - self.running.progress_at
        return silent if silent > self.facts.stalled_after else None

    @property
    def overdue_by(self) -> timedelta | None:
        """How late the next cycle is, once that is more than chance."""
        if self.running is not None:
            return None
        if self.next_at is not None:  # it may be far off, where a window is closed
            late = self.as_of - self.next_at
        else:
            heard = max(self.known_since, self.last.finished_at) if self.last else self.known_since
            late = self.as_of - heard - self.facts.interval
        return late if late > GRACE else None

    @property
    def light(self) -> Light:
        """Its light: the table at the top of this file, row by row."""
        if self.failures:
            return Light.FAILING
        if self.stalled_for is not None or self.overdue_by is not None:
            return Light.STALE
        if self.half_removed_count:
            return Light.HALF_REMOVED
        if self.plan is not None and self.plan.waits:
            return Light.WAITING
        if self.running is not None:
            return Light.RUNNING
        return Light.NOT_YET if self.last is None else Light.IN_SYNC


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Every organization at *as_of*, in the order of the configuration."""

    as_of: datetime
    organizations: tuple[OrganizationStatus, ...]

    @property
    def worst_first(self) -> tuple[OrganizationStatus, ...]:
        """The organizations by their light, and by name where that is the same."""
        return tuple(sorted(self.organizations, key=lambda one: (one.light.rank, one.name.casefold(), one.name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a page may show: names and addresses, the button that asks for a cycle; *missing* is what syncd lacks."""

    personal_data: bool = False
    actions: bool = False
    missing: tuple[str, ...] = ()
