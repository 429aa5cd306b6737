"""What the store knows of the cycles before this process: the metrics go on from there."""

from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncd.store.store import OrganizationStore
    from syncd.telemetry.metrics import Metrics

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
    from syncd.model.report import SUCCESSES

    cycles = stored.history.cycles(_FAR_BACK)
    with_plan = [cycle for cycle in cycles if cycle.summary != "failed"]
    waiting = list(takewhile(lambda cycle: cycle.counts.get("withheld") or cycle.summary == "withheld", with_plan))
    return Past(
        last_success=next((cycle.finished_at for cycle in cycles if cycle.summary in SUCCESSES), None),
        failures=len(list(takewhile(lambda cycle: cycle.summary == "failed", cycles))),
        waiting_since=waiting[-1].started_at if waiting else None,
    )


def remember(metrics: "Metrics", name: str, stored: "OrganizationStore") -> None:
    """Let *metrics* go on where the cycles of the organization *name* ended."""
    past = past_of(stored)
    metrics.remember(name, last_success=past.last_success, failures=past.failures, waiting_since=past.waiting_since)
