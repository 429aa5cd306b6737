"""What the status page reads: the last cycles of each organization, told by an observer, in a few kilobytes each.

It is kept in memory and asks nobody, so that a page is there while the source, the service and the store hang.
A plan may have twenty thousand operations: of the last one only numbers and the first few of each list stay.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from syncd.errors import Interrupted, SyncdError
from syncd.model.half_removed import HalfRemoved
from syncd.model.names import Key, identity_of
from syncd.model.plan import Finding, Plan
from syncd.model.report import Outcome, Report, Result
from syncd.model.standing import Pending
from syncd.model.status import (
    STOPPED,
    BoardOrganization,
    CycleUnderWay,
    GuardStatus,
    OrganizationStatus,
    Overview,
    PastCycle,
    PendingRemoval,
    PlanStatus,
    RejectedEntry,
    Trouble,
    WithheldOperation,
)
from syncd.ports import Clock, Observer

#: Cycles that are kept for the chart.
KEPT_CYCLES = 100
#: Of each list of a plan, and of an error's problems, as many are kept.
KEPT_EACH = 20
#: Longer texts are cut: a directory may say anything.
_LONGEST = 600

Clean = Callable[[str], str]


@dataclass(slots=True)
class _Place:
    """What is known of one organization; changed under the board's lock only."""

    facts: BoardOrganization
    known_since: datetime
    cycles: "deque[PastCycle]" = field(default_factory=lambda: deque(maxlen=KEPT_CYCLES))
    running: CycleUnderWay | None = None
    next_at: datetime | None = None
    last_success: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    trouble: Trouble | None = None
    plan: PlanStatus | None = None
    half_removed: tuple[HalfRemoved, ...] = ()


class Board:
    """Keeps what happened, for whoever looks; safe to use from several threads.

    *clean* removes from an error's words what must never be shown (secrets).
    """

    def __init__(self, clock: Clock, *, clean: Clean = str) -> None:
        self._clock = clock
        self._clean = clean
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}

    def configure(self, organizations: Iterable[BoardOrganization]) -> None:
        """Show *organizations* from now on; what is known of those that stay is kept."""
        now = self._clock.now()
        with self._lock:
            before = self._places
            self._places = {}
            for facts in organizations:
                place = before.get(facts.name)
                if place is None or place.facts.organization_id != facts.organization_id:
                    place = _Place(facts, now)
                place.facts = facts
                self._places[facts.name] = place

    def seed(
        self,
        name: str,
        cycles: Sequence[PastCycle],
        plan: Plan | None = None,
        last_success: datetime | None = None,
        half_removed: tuple[HalfRemoved, ...] = (),
    ) -> None:
        """Take over what the store knows of *name*: *cycles* (the oldest first), the last plan, who is half removed."""
        kept = None if plan is None else _digested(plan)
        with self._lock:
            place = self._places[name]
            for cycle in cycles:
                self._enter(place, replace(cycle, error=self._shown(cycle.error)))
            place.last_success = last_success or place.last_success
            place.plan = kept
            place.half_removed = half_removed

    def observer(self, name: str) -> Observer:
        """Return what is to be told of the cycles of *name*."""
        return _BoardObserver(self, name)

    def snapshot(self) -> Overview:
        """Return everything as it is now."""
        now = self._clock.now()
        with self._lock:
            return Overview(as_of=now, organizations=tuple(_status(place, now) for place in self._places.values()))

    def _began(self, name: str, at: datetime) -> None:
        with self._lock:
            if place := self._places.get(name):
                place.running = CycleUnderWay(since=at, progress_at=at)

    def _progressed(self, name: str, *, stage: str = "", total: int | None = None, count: int = 0) -> None:
        now = self._clock.now()
        with self._lock:
            place = self._places.get(name)
            if place is None or place.running is None:
                return
            if stage:
                place.running = replace(place.running, stage=stage, done=0, total=total, progress_at=now)
            else:
                place.running = replace(place.running, done=place.running.done + count, progress_at=now)

    def _finished(self, name: str, report: Report) -> None:
        kept = None if report.plan is None else _digested(report.plan)
        cycle = _past(report, self._shown(report.error))
        with self._lock:
            if place := self._places.get(name):
                place.running = None
                place.plan = kept or place.plan
                if report.half_removed is not None:
                    place.half_removed = report.half_removed
                self._enter(place, cycle)

    def _failed(self, name: str, error: Exception, *, told: bool) -> None:
        now = self._clock.now()
        trouble = self._trouble(error)
        with self._lock:
            place = self._places.get(name)
            if place is None:
                return
            began = place.running.since if place.running else now
            place.running = None
            last = place.cycles[-1] if place.cycles else None
            if not told or last is None:
                result = STOPPED if isinstance(error, Interrupted) else "failed"
                cycle = PastCycle(cycle_id="", started_at=began, finished_at=now, result=result)
                self._enter(place, replace(cycle, error=trouble.words, exit_code=trouble.exit_code))
            elif not last.is_failure and last.result != STOPPED:
                # It came to its end, but what came of it could not be recorded.
                place.cycles.pop()
                self._enter(place, replace(last, result="failed", error=trouble.words, exit_code=trouble.exit_code))
            if place.failures and not isinstance(error, Interrupted):
                place.trouble = trouble

    def _scheduled(self, name: str, at: datetime | None) -> None:
        with self._lock:
            if place := self._places.get(name):
                place.next_at = at

    def _enter(self, place: _Place, cycle: PastCycle) -> None:
        place.cycles.append(cycle)
        if cycle.is_failure:
            place.failures += 1
            place.failing_since = place.failing_since or cycle.finished_at
            words, *more = cycle.error.splitlines() or [""]
            details = tuple(line.strip() for line in more)
            place.trouble = Trouble(
                words=words, details=details[:KEPT_EACH], total=len(details), exit_code=cycle.exit_code
            )
        elif cycle.result != STOPPED:
            place.failures, place.failing_since, place.trouble = 0, None, None
        if cycle.is_success:
            place.last_success = cycle.finished_at

    def _trouble(self, error: Exception) -> Trouble:
        kind = type(error).__name__
        if not isinstance(error, SyncdError):
            return Trouble(words=f"syncd met something it did not expect: {kind}", kind=kind)
        problems = getattr(error, "problems", ())
        return Trouble(
            words=self._shown(error.message),
            details=tuple(self._shown(str(problem)) for problem in problems[:KEPT_EACH]),
            total=len(problems),
            hint=self._shown(error.hint),
            exit_code=error.exit_code,
            kind=kind,
        )

    def _shown(self, text: str) -> str:
        return _cut(self._clean(text), 10 * _LONGEST)


class _BoardObserver(Observer):
    """Writes what one organization's cycles say on the board."""

    def __init__(self, board: Board, name: str) -> None:
        self._board = board
        self._name = name
        self._told = False

    def began(self, at: datetime) -> None:
        self._told = False
        self._board._began(self._name, at)  # noqa: SLF001 - the two are one thing in two shapes

    def stage(self, name: str, total: int | None = None) -> None:
        self._board._progressed(self._name, stage=name, total=total)  # noqa: SLF001 - the two are one thing

    def advanced(self, count: int = 1) -> None:
        self._board._progressed(self._name, count=count)  # noqa: SLF001 - the two are one thing

    def called(self, operation: str, code: str, seconds: float) -> None:  # noqa: ARG002 - that there was one is enough
        self._board._progressed(self._name)  # noqa: SLF001 - the two are one thing

    def settled(self, outcome: Outcome) -> None:  # noqa: ARG002 - that there was one is enough
        self._board._progressed(self._name, count=1)  # noqa: SLF001 - the two are one thing

    def event(self, name: str, **fields: object) -> None:
        """Anything else is for the log."""

    def finished(self, report: Report) -> None:
        self._told = True
        self._board._finished(self._name, report)  # noqa: SLF001 - the two are one thing

    def failed(self, error: Exception) -> None:
        self._board._failed(self._name, error, told=self._told)  # noqa: SLF001 - the two are one thing

    def scheduled(self, at: datetime | None) -> None:
        self._board._scheduled(self._name, at)  # noqa: SLF001 - the two are one thing


def _status(place: _Place, now: datetime) -> OrganizationStatus:
    return OrganizationStatus(
        facts=place.facts,
        as_of=now,
        known_since=place.known_since,
        running=place.running,
        next_at=place.next_at,
        last_success=place.last_success,
        cycles=tuple(place.cycles),
        failures=place.failures,
        failing_since=place.failing_since,
        trouble=place.trouble,
        plan=place.plan,
        half_removed=tuple(replace(each, name=_cut(each.name)) for each in place.half_removed[:KEPT_EACH]),
        half_removed_count=len(place.half_removed),
    )


def _past(report: Report, error: str) -> PastCycle:
    results = Counter(outcome.result for outcome in report.outcomes)
    return PastCycle(
        cycle_id=report.cycle_id,
        started_at=report.started_at,
        finished_at=report.finished_at,
        result=STOPPED if report.exit_code == Interrupted.exit_code else report.summary,
        error=error,
        exit_code=report.exit_code,
        applied=results[Result.APPLIED],
        failed=sum(results.values()) - results[Result.APPLIED],
        withheld=0 if report.plan is None else len(report.plan.withheld),
    )


def _digested(plan: Plan) -> PlanStatus:
    withheld = [operation for operation in plan.operations if operation.id in plan.withheld]
    due = [pending.due_at for pending in plan.pending if pending.due_at is not None]
    return PlanStatus(
        digest=plan.digest,
        created_at=plan.created_at,
        counts=dict(plan.counts),
        populations=plan.populations.numbers(),
        withheld=tuple(
            WithheldOperation(
                summary=_cut(operation.summary),
                subject=_cut(plan.names.get(operation.subject) or identity_of(Key(operation.subject))),
                why=_cut(plan.withheld[operation.id].text),
                guard=plan.withheld[operation.id].guard,
            )
            for operation in withheld[:KEPT_EACH]
        ),
        paused=_cut(plan.paused),
        withheld_kinds=dict(Counter(operation.kind for operation in withheld).most_common()),
        guards=tuple(_guards(plan.findings)),
        pending=tuple(
            PendingRemoval(
                name=_cut(pending.name or identity_of(pending.key)),
                why=pending.why,
                cycles=pending.cycles,
                cycles_needed=pending.cycles_needed,
                due_at=pending.due_at,
            )
            for pending in _soonest(plan)[:KEPT_EACH]
        ),
        due_next=min(due, default=None),
        rejections=tuple(
            RejectedEntry(origin=_cut(each.origin), reason=_cut(each.reason), remedy=_cut(each.remedy))
            for each in plan.rejections[:KEPT_EACH]
        ),
        notes=len(plan.notes),
    )


def _soonest(plan: Plan) -> list[Pending]:
    return sorted(plan.pending, key=lambda pending: (pending.due_at is None, pending.due_at or pending.since))


def _guards(findings: Sequence[Finding]) -> Iterable[GuardStatus]:
    """Yield a line for each guard; one that measures each group says its worst, any other all that it found."""
    by_guard: dict[str, list[Finding]] = {}
    for finding in findings:
        by_guard.setdefault(finding.guard, []).append(finding)
    for guard, found in by_guard.items():
        ordered = sorted(found, key=lambda one: (not one.tripped, -_share(one)))
        kept = found if len(found) <= 2 else ordered[:1]  # noqa: PLR2004 - people and groups, as most guards count
        for finding in kept:
            yield GuardStatus(
                guard=guard,
                counted=finding.counted,
                population=finding.population,
                tripped=finding.tripped,
                label=_cut(finding.label),
                budget=finding.budget,
                approved=finding.approved,
                limit=finding.limit,
                windows=finding.windows,
                about=finding.about,
                text=_cut(finding.text),
                findings=len(found) if len(kept) == 1 else 1,
                trips=sum(one.tripped for one in found) if len(kept) == 1 else int(finding.tripped),
            )


def _share(finding: Finding) -> float:
    return finding.counted / finding.population if finding.population else 0.0


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
