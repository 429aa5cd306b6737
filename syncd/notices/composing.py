"""What is told: numbers, names of guards and commands always; what a directory says only in *personal*."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import uuid4

from syncd.errors import SyncdError
from syncd.model.action import Action
from syncd.model.half_removed import HalfRemoved
from syncd.model.plan import Plan
from syncd.model.report import Report, Result
from syncd.notices.settings import Occasion
from syncd.rendering.half_removed import in_numbers, sentence
from syncd.rendering.html import render_html
from syncd.rendering.safe import safe
from syncd.rendering.view import counted

_SHORT_DIGEST = 8
#: As many operations are named where names are allowed.
_NAMED = 20
#: What ended a cycle, by the exit code that stands for it: an error's own words may name people.
_CAUSES = {
    64: "the command was not understood",
    65: "the source was read but is incomplete or malformed; nothing was changed",
    69: "the source, the service or the store did not answer",
    77: "credentials are missing, expired or without the right",
    78: "the configuration doesn't fit: the file, or the organization",
}
_UNEXPECTED = "an error that nobody expected; the log has it"
_UNTIL_OVER = "You are told when nobody is half removed any more, and not before."
_UNTIL = "The next cycle tries again; you are told when one succeeds, and not before."
_PAST = {Action.ADD: "added", Action.CHANGE: "changed", Action.REMOVE: "removed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to tell. *id* stays the same however often it is tried; *page* makes the report it rests on."""

    occasion: Occasion
    organization: str
    at: datetime
    title: str
    lines: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    guards: tuple[Mapping[str, object], ...] = ()
    cycle_id: str = ""
    digest: str = ""
    personal: tuple[str, ...] = ()
    page: Callable[[], str] | None = None
    id: str = field(default_factory=lambda: uuid4().hex)

    def text(self, *, personal_data: bool) -> str:
        """Return the notice as plain text, without its title."""
        parts = ["\n".join(self.lines)]
        if personal_data and self.personal:
            parts.append("\n".join(self.personal))
        if self.commands:
            parts.append("\n".join(f"  {command}" for command in self.commands))
        return "\n\n".join(part for part in parts if part)


def refusal(report: Report, now: datetime, *, mode: str = "") -> Notice:
    """Return what a cycle withholds, and how it is approved."""
    plan = report.plan
    assert plan is not None  # noqa: S101 - a cycle without a plan refuses nothing
    tripped = [finding for finding in plan.findings if finding.tripped]
    waiting = counted(len(plan.withheld), "operation")
    title = f"{waiting} wait for approval" if plan.withheld else "the source isn't believed"
    lines = [f"Guard {one.guard} refused: {one.counted:,} of {one.population:,}." for one in tripped]
    if plan.withheld:
        lines.append(f"{waiting} withheld. Everything else went on: {_done(report)}.")
    digest = plan.digest[:_SHORT_DIGEST]
    return Notice(
        occasion=Occasion.REFUSAL,
        organization=report.organization,
        at=now,
        title=f"{report.organization}: {title}",
        lines=tuple(lines),
        commands=(f"syncd plan --last --organization {report.organization}", f"syncd approve {digest}"),
        numbers=_numbers(report),
        guards=tuple({"guard": f.guard, "counted": f.counted, "population": f.population} for f in tripped),
        cycle_id=report.cycle_id,
        digest=plan.digest,
        personal=tuple(_named(plan)),
        page=partial(render_html, report, mode=mode),
    )


def failure(organization: str, why: Report | Exception, now: datetime, *, mode: str = "") -> Notice:
    """Return that cycles of *organization* fail from now on."""
    report = why if isinstance(why, Report) else None
    said = report.error if report is not None else str(why)
    half = (report.half_removed or ()) if report is not None else ()
    if report is not None and not report.error:
        lost = _lost(report)
        title = "not everything could be applied" if lost else "somebody is half removed"
        line = f"Of its operations: {lost}." if lost else ""
        look = f"syncd history --organization {organization}"
    else:
        code = why.exit_code if isinstance(why, Report | SyncdError) else 1
        title, line = "the cycle failed", f"Exit code {code}: {_CAUSES.get(code, _UNEXPECTED)}."
        look = f"syncd doctor --organization {organization}"
    return Notice(
        occasion=Occasion.FAILURE,
        organization=organization,
        at=now,
        title=f"{organization}: {title}",
        lines=tuple(filter(None, (line, in_numbers(len(half)) if half else "", _UNTIL if line else _UNTIL_OVER))),
        commands=(f"syncd status --organization {organization}", look),
        numbers=_numbers(report) if report is not None else {},
        cycle_id=report.cycle_id if report is not None else "",
        digest=report.plan.digest if report is not None and report.plan is not None else "",
        personal=(*([safe(said)] if said else []), *_half_removed(half)),
        page=partial(render_html, report, mode=mode) if report is not None else None,
    )


def _half_removed(half: Sequence[HalfRemoved]) -> Iterator[str]:
    yield from (f"- {sentence(one)}" for one in half[:_NAMED])
    if len(half) > _NAMED:
        yield f"and {len(half) - _NAMED:,} more"


def _lost(report: Report) -> str:
    words = {Result.FAILED: "failed", Result.UNKNOWN: "without an answer", Result.SKIPPED: "skipped"}
    return ", ".join(f"{report.count(result):,} {said}" for result, said in words.items() if report.count(result))


def recovery(report: Report, failing_since: datetime | None, now: datetime) -> Notice:
    """Return that cycles succeed again."""
    since = f"It had failed since {failing_since:%Y-%m-%d %H:%M} UTC." if failing_since else "It had failed before."
    return Notice(
        occasion=Occasion.RECOVERY,
        organization=report.organization,
        at=now,
        title=f"{report.organization}: works again",
        lines=(since, f"This cycle: {_done(report)}."),
        numbers=_numbers(report),
        cycle_id=report.cycle_id,
        digest=report.plan.digest if report.plan is not None else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """What was done in one organization since the last summary, and what is left to do now."""

    organization: str
    counts: Mapping[str, int]
    waiting: int = 0
    rejected: int = 0
    failing: bool = False


def summary(deeds: Sequence[Deeds], since: datetime, now: datetime) -> Notice:
    """Return the day in numbers, an organization a line, the troubled ones first."""
    total: Counter[str] = Counter()
    for each in deeds:
        total.update(each.counts)
        total.update({"withheld": each.waiting, "rejected": each.rejected, "failing": int(each.failing)})
    ordered = sorted(deeds, key=lambda each: (not each.failing, not each.waiting, each.organization))
    return Notice(
        occasion=Occasion.SUMMARY,
        organization=deeds[0].organization if len(deeds) == 1 else "",
        at=now,
        title=f"{counted(len(deeds), 'organization')}, {_sentence(total)}",
        lines=(f"Since {since:%Y-%m-%d %H:%M} UTC:", *(f"{each.organization}: {_of(each)}" for each in ordered)),
        numbers=dict(total),
    )


def tallied(report: Report) -> Counter[str]:
    """Return what a summary counts of one cycle."""
    counts = Counter({_PAST[action]: 0 for action in Action} | {"failed": 0, "cycles": 1})
    for outcome in report.outcomes:
        if outcome.result is Result.APPLIED:
            counts[_PAST[outcome.operation.action]] += 1
        elif outcome.result in (Result.FAILED, Result.UNKNOWN):
            counts["failed"] += 1
    return counts


def _of(each: Deeds) -> str:
    parts = [f"{counted(each.counts.get('cycles', 0), 'cycle')}", _sentence(each.counts)]
    parts += [f"{each.waiting:,} wait for approval"] if each.waiting else []
    parts += [f"{each.rejected:,} rejected"] if each.rejected else []
    parts += ["its cycles fail now"] if each.failing else []
    return ", ".join(parts)


def _sentence(counts: Mapping[str, int]) -> str:
    done = [f"{counts.get(word, 0):,} {word}" for word in _PAST.values()]
    return ", ".join([*done, *([f"{counts['failed']:,} failed"] if counts.get("failed") else [])])


def _done(report: Report) -> str:
    return _sentence(tallied(report))


def _numbers(report: Report) -> dict[str, int]:
    counts = dict(report.plan.counts) if report.plan is not None else {}
    return (
        counts
        | {result.value: report.count(result) for result in Result}
        | {"half_removed": len(report.half_removed or ())}
    )


def _named(plan: Plan) -> Iterator[str]:
    """Yield what guards and operations say in their own words."""
    yield from (safe(finding.text) for finding in plan.findings if finding.tripped and finding.text)
    withheld = [operation for operation in plan.operations if operation.id in plan.withheld]
    yield from (f"- {safe(operation.summary)}" for operation in withheld[:_NAMED])
    if len(withheld) > _NAMED:
        yield f"and {len(withheld) - _NAMED:,} more"
