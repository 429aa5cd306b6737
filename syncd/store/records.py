"""What the store tells about the past: one cycle, one operation of the journal, the store itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from syncd.model.names import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRecord:
    """One cycle that ended. *counts* are the plan's (`add`, `withheld`, ...), *results* count outcomes."""

    cycle_id: str
    command: str
    started_at: datetime
    finished_at: datetime
    summary: str
    exit_code: int
    error: str
    digest: str | None
    counts: Mapping[str, int]
    results: Mapping[str, int]
    calls: Mapping[str, int]
    took: Mapping[str, float]
    oldest_detail_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """What was taken back: how many *approvals*, of which so many were *in_force*, and whose removals are under way.

    *operations* is what nothing frees any more, *also_by* the digests of plans whose approvals free the rest.
    """

    approvals: int
    in_force: int
    operations: frozenset[str]
    also_by: tuple[str, ...]
    under_way: tuple[Key, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRecord:
    """One approval that was given: how much was *approved*, and how much is *left* of it, unspent."""

    digest: str
    by: str
    at: datetime
    expires_at: datetime
    why: str
    approved: int
    left: int
    revoked_at: datetime | None
    revoked_by: str

    def state(self, now: datetime) -> str:
        """Return what became of it: in force, done, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        if not self.left:
            return "done"
        return "in force" if self.expires_at > now else "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRecord:
    """One operation of one cycle.

    *result* is None when its outcome was never recorded: the program ended between call and answer, or
    is still at it. *call* is the API call in JSON form, secrets left as placeholders.
    """

    cycle_id: str
    operation: str
    kind: str
    action: str
    subject: Key
    summary: str
    reason: str
    call: Mapping[str, object] | None
    before: Mapping[str, object]
    after: Mapping[str, object]
    at: datetime
    settled_at: datetime | None
    result: str | None
    code: str
    message: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A plan that can be named by its digest."""

    digest: str
    created_at: datetime
    operations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFacts:
    """The store in numbers; *size* in bytes, what SQLite keeps beside the file included.

    *free* are the bytes that this user may still write to its file system.
    """

    path: Path
    size: int
    free: int
    schema_version: int
    organizations: tuple[str, ...]
