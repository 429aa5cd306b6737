"""What came of a cycle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from syncd.model.half_removed import HalfRemoved
from syncd.model.operation import BundleKind, Operation
from syncd.model.plan import Plan


class Result(StrEnum):
    """How one operation ended."""

    APPLIED = "applied"
    FAILED = "failed"
    UNKNOWN = "unknown"  # sent, but no answer came back
    SKIPPED = "skipped"  # what it needs failed, its name was stopped, or the cycle was told to stop


class Refusal(StrEnum):
    """Why an operation of a plan isn't sent though the plan says so: what a person has decided since."""

    REVOKED = "Revoked"
    PAUSED = "Paused"
    HELD = "Held"

    @property
    def text(self) -> str:
        """What people read."""
        return _REFUSALS[self]


_REFUSALS = {
    Refusal.REVOKED: "its approval was revoked; what was taken is put back by the next cycle",
    Refusal.PAUSED: "the organization was paused: nothing is sent until it is resumed",
    Refusal.HELD: "whom it is about was put on hold; what was taken is put back by the next cycle",
}


#: What `Report.summary` can say.
RESULTS = ("in_sync", "applied", "planned", "withheld", "partial", "failed")
#: Those of a cycle whose read was complete and in which nothing failed or was withheld.
SUCCESSES = frozenset({"in_sync", "applied", "planned"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How *operation* ended: *code* and *message* tell why it didn't succeed."""

    operation: Operation
    result: Result
    code: str = ""
    message: str = ""
    attempts: int = 0
    #: Whether no later try would end otherwise.
    permanent: bool = False
    #: Id that a creation returned.
    entity: str = ""
    #: What the target says that a person can do about it.
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One cycle, whole. *error* is set when the cycle ended before a plan existed."""

    cycle_id: str
    organization: str
    command: str
    started_at: datetime
    finished_at: datetime
    plan: Plan | None = None
    outcomes: tuple[Outcome, ...] = ()
    #: Summaries of the stored plan's operations that are not needed any more (only after `apply`).
    stale: tuple[str, ...] = ()
    error: str = ""
    exit_code: int = 0
    #: Those whose removal has begun and is not over; None where the store could not tell.
    half_removed: tuple[HalfRemoved, ...] | None = None
    calls: Mapping[str, int] = field(default_factory=dict)
    took: Mapping[str, float] = field(default_factory=dict)
    #: Age in seconds of the oldest detail the plan rests on.
    oldest_detail_s: float = 0.0

    def count(self, result: Result) -> int:
        """Return how many operations ended with *result*."""
        return sum(outcome.result is result for outcome in self.outcomes)

    @property
    def has_given_up(self) -> bool:
        """Whether a removal was refused for good in it, so that what it took is to be put back."""
        refused = (outcome.operation for outcome in self.outcomes if outcome.permanent)
        return any(operation.bundle.kind is BundleKind.REMOVAL for operation in refused)

    @property
    def summary(self) -> str:
        """One of `in_sync`, `applied`, `planned`, `withheld`, `partial`, `failed`."""
        if self.error or self.plan is None:
            return "failed"
        if self.count(Result.FAILED) + self.count(Result.UNKNOWN) + self.count(Result.SKIPPED):
            return "partial"
        # A source that isn't believed withholds the evidence, even where the plan has nothing to withhold yet.
        if self.plan.waits:
            return "withheld"
        if not self.plan.operations:
            return "in_sync"
        return "applied" if self.outcomes else "planned"
