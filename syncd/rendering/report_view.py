"""Sorts what came of a cycle: what failed first, what was applied last, in numbers at the end."""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from syncd.model.action import Action
from syncd.model.half_removed import HalfRemoved
from syncd.model.plan import Plan
from syncd.model.report import Outcome, Report, Result
from syncd.rendering.advice import advice
from syncd.rendering.cards import Cards
from syncd.rendering.figures import budgets, report_figures
from syncd.rendering.half_removed import BY_HAND, what_next
from syncd.rendering.plan_view import (
    SHORT_DIGEST,
    approval,
    is_waiting,
    moment,
    numbers_aside,
    set_aside,
    verdict,
)
from syncd.rendering.safe import safe
from syncd.rendering.view import Card, Line, Part, Symbol, View, ViewSection, counted

_SYMBOLS = {Action.ADD: Symbol.ADD, Action.CHANGE: Symbol.CHANGE, Action.REMOVE: Symbol.REMOVE}
_PAST = {Action.ADD: "added", Action.CHANGE: "changed", Action.REMOVE: "removed"}
_TITLES = {
    Result.FAILED: ("Failed", "The service refused these; everything unrelated went on."),
    Result.UNKNOWN: ("Outcome unknown", "These were sent, but no answer came back."),
    Result.SKIPPED: ("Skipped", "These were not sent."),
}


def view_report(report: Report, *, mode: str = "") -> View:
    """Return *report* sorted into sections; *mode* is named where it is known."""
    result = _RESULTS.get(report.summary, report.summary)
    plan = report.plan
    return View(
        title=f"{safe(report.command)} {safe(report.organization)}: {result}",
        header=tuple(_header(report)),
        sections=tuple(_sections(report)),
        verdict=_verdict(report),
        state=_state(report),
        figures=report_figures(report),
        aside=() if plan is None else tuple(numbers_aside(plan)),
        record=tuple(_record(report, mode)),
        budgets=() if plan is None else tuple(budgets(plan)),
        orders=(approval(plan),) if plan is not None and is_waiting(plan) else (),
    )


_STATES = {"in_sync": "clean", "applied": "changes", "planned": "changes", "withheld": "waiting"}


def _state(report: Report) -> str:
    state = _STATES.get(report.summary, "failed")
    return "waiting" if report.half_removed and state != "failed" else state


def _record(report: Report, mode: str) -> Iterator[tuple[str, str]]:
    yield "Organization", safe(report.organization) + (f", mode {safe(mode)}" if mode else "")
    yield "Asked by", f"syncd {safe(report.command)}"
    yield "Ended", f"{moment(report.finished_at)}, exit code {report.exit_code}"
    if report.plan is not None:
        yield "Digest", report.plan.digest


_RESULTS = {
    "in_sync": "in sync",
    "applied": "everything applied",
    "planned": "planned, nothing sent",
    "withheld": "done, but for what waits for approval",
    "partial": "not everything could be applied",
    "failed": "failed",
}


def _header(report: Report) -> Iterator[tuple[str, str]]:
    seconds = (report.finished_at - report.started_at).total_seconds()
    yield "Cycle", safe(report.cycle_id)
    calls = f", {counted(sum(report.calls.values()), 'call')}" if report.calls else ""
    yield "Started", f"{moment(report.started_at)}, took {seconds:,.1f} s{calls}"
    if report.plan is not None:
        yield "Plan", report.plan.digest[:SHORT_DIGEST]


def _sections(report: Report) -> Iterator[ViewSection]:
    if report.error:
        card = Card(symbol=Symbol.WITHHELD, title="error", text=safe(report.error))
        yield ViewSection(name="error", title="The cycle ended early", parts=(Part(cards=(card,)),))
    if report.half_removed:
        yield _half_removed(report.half_removed, report.organization)
    cards = Cards.of(report.plan or _plan_of(report))
    for result, (title, intro) in _TITLES.items():
        outcomes = [outcome for outcome in report.outcomes if outcome.result is result]
        if outcomes:
            parts = (_together(outcomes),) if result is Result.SKIPPED else (_singly(outcomes),)
            yield ViewSection(
                name=result.value,
                title=title,
                size=counted(len(outcomes), "operation"),
                intro=intro,
                parts=parts,
            )
    applied = [outcome for outcome in report.outcomes if outcome.result is Result.APPLIED]
    if applied:
        yield ViewSection(
            name="applied",
            title="Applied",
            size=counted(len(applied), "operation"),
            parts=(Part(cards=cards.make(outcome.operation for outcome in applied)),),
        )
    if report.plan is not None:
        yield from set_aside(report.plan, cards)


def _half_removed(half: Sequence[HalfRemoved], organization: str) -> ViewSection:
    cards = tuple(
        Card(
            symbol=Symbol.PENDING,
            title=safe(one.name or one.key),
            key=safe(one.key),
            text=f"since {moment(one.since)}; {what_next(one)}",
        )
        for one in half
    )
    return ViewSection(
        name="half-removed",
        title="Half removed",
        size=f"{len(half):,}",
        intro="Their removal has begun, and is neither finished nor given back.",
        parts=(Part(cards=cards),),
        command=f"syncd status --organization {shlex.quote(safe(organization))}",
        effect=BY_HAND,
    )


def _plan_of(report: Report) -> Plan:
    """Return the least plan that names what *report* is about."""
    operations = tuple(outcome.operation for outcome in report.outcomes)
    return Plan(
        organization=report.organization,
        organization_id="",
        created_at=report.started_at,
        operations=operations,
    )


def _singly(outcomes: Sequence[Outcome]) -> Part:
    return Part(cards=tuple(_card(outcome) for outcome in outcomes))


def _card(outcome: Outcome) -> Card:
    operation = outcome.operation
    tries = f" (after {counted(outcome.attempts, 'attempt')})" if outcome.attempts > 1 else ""
    said = ": ".join(safe(text) for text in (outcome.code, outcome.message) if text)
    return Card(
        symbol=Symbol.WITHHELD,
        title=safe(operation.summary),
        key=safe(operation.subject),
        text=(said or "no reason was given") + tries,
        remedy=safe(advice(outcome)),
        about=_SYMBOLS[operation.action],
    )


def _together(outcomes: Sequence[Outcome]) -> Part:
    """Return one card for each reason to skip: a stopped cycle may have thousands."""
    reasons: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        reasons.setdefault(": ".join(text for text in (outcome.code, outcome.message) if text), []).append(outcome)
    return Part(
        cards=tuple(
            Card(
                symbol=Symbol.PENDING,
                title=safe(reason) or "not sent",
                remedy=safe(advice(same[0])),
                lines=tuple(
                    Line(symbol=_SYMBOLS[one.operation.action], text=safe(one.operation.summary)) for one in same
                ),
            )
            for reason, same in reasons.items()
        )
    )


def _verdict(report: Report) -> str:
    half = len(report.half_removed or ())
    if report.plan is not None and not report.outcomes:
        return f"{f'{half:,} half removed. ' if half else ''}{verdict(report.plan)}"
    if not report.outcomes:
        return f"Nothing was changed. Exit code {report.exit_code}"
    done = Counter(o.operation.action for o in report.outcomes if o.result is Result.APPLIED)
    applied = ", ".join(f"{done[action]:,} {word}" for action, word in _PAST.items())
    rest = [
        f"{number:,} {word}"
        for word, number in (
            ("failed", report.count(Result.FAILED)),
            ("with unknown outcome", report.count(Result.UNKNOWN)),
            ("skipped", report.count(Result.SKIPPED)),
            ("withheld", len(report.plan.withheld) if report.plan else 0),
            ("half removed", half),
        )
        if number
    ]
    return f"Applied: {'; '.join([applied, *([', '.join(rest)] if rest else [])])}. Exit code {report.exit_code}"
