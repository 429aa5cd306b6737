"""Which cycle is worth telling, so that nobody is told twice.

| the cycle            | before                                  | told     |
|----------------------|-----------------------------------------|----------|
| failed               | it didn't fail                          | failure  |
| didn't fail          | it failed                               | recovery |
| refuses something    | nothing, or something else, was refused | refusal  |
| refuses the same     | told 24 hours ago or longer             | refusal  |
| refuses nothing      | –                                       | –        |
| ended without a plan | what was refused before still is        | –        |
| leaves some half     | these, or more of them, were            | –        |
|  removed             | somebody of them was not                | failure  |

While somebody is half removed, the organization counts as failing: works again is told when nobody is.
"""

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta

from syncd.errors import Interrupted, Locked
from syncd.model.names import Key
from syncd.model.plan import Plan
from syncd.model.report import Report
from syncd.notices.settings import Occasion

#: A refusal that nobody does anything about is told again.
TOLD_AGAIN = timedelta(hours=24)
#: What the results of a cycle are called in which something went wrong.
FAILURES = frozenset({"failed", "partial"})
#: After a restart: something was refused and told, but nobody remembers what.
UNKNOWN = "?"
#: Nothing went wrong: told to stop, or somebody else does the work at this moment.
NO_FAILURES = (Interrupted, Locked)


def fingerprint(plan: Plan) -> str:
    """Return what *plan* refuses, as a hash of guards and withheld operations; "" if it refuses nothing."""
    guards = sorted({finding.guard for finding in plan.findings if finding.tripped})
    if not guards and not plan.withheld:
        return ""
    return hashlib.sha256("\n".join([*guards, "", *sorted(plan.withheld)]).encode()).hexdigest()


class Told:
    """What has been told of one organization."""

    def __init__(self) -> None:
        self.failing_since: datetime | None = None
        self.refused = ""
        self.refused_at: datetime | None = None
        self.half_removed: frozenset[Key] = frozenset()

    def seed(self, last_summary: str, plan: Plan | None, at: datetime, half_removed: Collection[Key] = ()) -> None:
        """Take over how the last cycle before a restart ended, at *at*, and who was half removed: it was told then."""
        self.half_removed = frozenset(half_removed)
        if last_summary in FAILURES or self.half_removed:
            self.failing_since = at
        refused = "" if plan is None else fingerprint(plan)
        if refused or last_summary == "withheld":
            self.refused, self.refused_at = refused or UNKNOWN, at

    def hear(self, report: Report, now: datetime) -> tuple[Occasion, ...]:
        """Return what is to be told of a cycle that ended."""
        if report.exit_code == Interrupted.exit_code:
            return ()
        half = self.half_removed
        if report.half_removed is not None:
            half = frozenset(one.key for one in report.half_removed)
        more, self.half_removed = half - self.half_removed, half
        occasions = [*self._failure(now, failed=report.summary in FAILURES or bool(half))]
        if more and not occasions:
            occasions.append(Occasion.FAILURE)
        if report.plan is not None:
            occasions += self._refusal(fingerprint(report.plan), now)
        return tuple(occasions)

    def hear_failure(self, error: Exception, now: datetime) -> tuple[Occasion, ...]:
        """Return what is to be told of a cycle that ended with *error*, without a report."""
        return () if isinstance(error, NO_FAILURES) else self._failure(now, failed=True)

    def _failure(self, now: datetime, *, failed: bool) -> tuple[Occasion, ...]:
        if failed is (self.failing_since is not None):
            return ()
        self.failing_since = now if failed else None
        return (Occasion.FAILURE if failed else Occasion.RECOVERY,)

    def _refusal(self, refused: str, now: datetime) -> tuple[Occasion, ...]:
        same = refused == self.refused or (bool(refused) and self.refused == UNKNOWN)
        # A clock that was set, in either direction, must not silence it for longer.
        due = self.refused_at is None or abs(now - self.refused_at) >= TOLD_AGAIN
        if not refused:
            self.refused, self.refused_at = "", None
            return ()
        self.refused = refused
        if same and not due:
            return ()
        self.refused_at = now
        return (Occasion.REFUSAL,)
