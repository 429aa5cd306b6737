"""What the store knows of the cycles before this process: metrics and status page and notices go on from there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING

from syncd.errors import Interrupted

if TYPE_CHECKING:
    from syncd.model.half_removed import HalfRemoved
    from syncd.model.names import Key
    from syncd.model.plan import Plan
    from syncd.model.policy import Policy
    from syncd.model.status import PastCycle
    from syncd.notices.sending import Notices
    from syncd.status.board import Board
    from syncd.store.records import CycleRecord
    from syncd.store.store import OrganizationStore
    from syncd.telemetry.metrics import Metrics

#: So many cycles a chart shows.
_CHARTED = 100
#: As many cycles are kept; the last success is looked for among them.
_FAR_BACK = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was before.

    *failures* counts the last cycles in a row that ended with an error; *waiting_since* is when the first of the last
    in a row began in which something awaited approval.
    """

    last_success: datetime | None
    failures: int
    waiting_since: datetime | None


def past_of(stored: "OrganizationStore") -> Past:
    """Return what the last cycles of an organization say together."""
    return _past_of(stored.history.cycles(_FAR_BACK))


def _past_of(cycles: "Sequence[CycleRecord]") -> Past:
    from syncd.model.report import SUCCESSES

    with_plan = [cycle for cycle in cycles if cycle.summary != "failed"]
    waiting = list(takewhile(lambda cycle: cycle.counts.get("withheld") or cycle.summary == "withheld", with_plan))
    return Past(
        last_success=next((cycle.finished_at for cycle in cycles if cycle.summary in SUCCESSES), None),
        failures=len(list(takewhile(lambda cycle: cycle.summary == "failed", cycles))),
        waiting_since=waiting[-1].started_at if waiting else None,
    )


def under_way(
    stored: "OrganizationStore", policy: "Policy", plan: "Plan | None", now: datetime
) -> "tuple[HalfRemoved, ...]":
    """Return whose removal has begun and is not over, as the store has it; *plan* is the last one."""
    from syncd.model.half_removed import half_removed

    return half_removed(stored.memory.begun(), policy, plan, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tellers:
    """Who tells people where an organization stands."""

    metrics: "Metrics"
    board: "Board"
    notices: "Notices"


def take_up(tellers: Tellers, name: str, stored: "OrganizationStore", policy: "Policy", now: datetime) -> None:
    """Let metrics, status page and notices go on where the cycles of the organization *name* ended."""
    cycles = stored.history.cycles(_FAR_BACK)
    past = _past_of(cycles)
    plan = stored.history.last_plan()
    half = under_way(stored, policy, plan, now)
    _remember(tellers.metrics, name, past, half=len(half))
    charted = [_past_cycle(record) for record in reversed(cycles[:_CHARTED])]
    tellers.board.seed(name, charted, plan, past.last_success, half)
    _seed(tellers.notices, name, cycles, plan, [each.key for each in half])


def seed(notices: "Notices", name: str, stored: "OrganizationStore") -> None:
    """Let *notices* know what was told of the organization *name*."""
    _seed(notices, name, stored.history.cycles(1), stored.history.last_plan(), _half_removed_keys(stored))


def _seed(
    notices: "Notices", name: str, cycles: "Sequence[CycleRecord]", plan: "Plan | None", half: "Sequence[Key]"
) -> None:
    if cycles:
        notices.seed(name, cycles[0].summary, plan, cycles[0].finished_at, half)


def remember(metrics: "Metrics", name: str, stored: "OrganizationStore") -> None:
    """Let the metrics of one run go on where the cycles of the organization *name* ended."""
    _remember(metrics, name, past_of(stored), half=len(_half_removed_keys(stored)))


def _half_removed_keys(stored: "OrganizationStore") -> "Sequence[Key]":
    return list(stored.memory.begun())


def _remember(metrics: "Metrics", name: str, past: Past, *, half: int) -> None:
    metrics.remember(
        name,
        last_success=past.last_success,
        failures=past.failures,
        waiting_since=past.waiting_since,
        half_removed=half,
    )


def _past_cycle(record: "CycleRecord") -> "PastCycle":
    from syncd.model.status import STOPPED, PastCycle

    applied = record.results.get("applied", 0)
    return PastCycle(
        cycle_id=record.cycle_id,
        started_at=record.started_at,
        finished_at=record.finished_at,
        result=STOPPED if record.exit_code == Interrupted.exit_code else record.summary,
        error=record.error,
        exit_code=record.exit_code,
        applied=applied,
        failed=sum(record.results.values()) - applied,
        withheld=record.counts.get("withheld", 0),
    )
