"""Sorts a plan into the sections that a person reads."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from syncd.model.durations import format_duration
from syncd.model.names import Key, kind_of
from syncd.model.operation import Operation
from syncd.model.plan import UNDER_WAY, Cause, Limit, Plan, Withheld
from syncd.model.standing import Pending
from syncd.rendering.cards import Cards, Heading, fuse_of
from syncd.rendering.figures import budgets, plan_figures
from syncd.rendering.safe import safe
from syncd.rendering.view import Card, Line, Order, Part, Symbol, View, ViewSection, counted, in_kinds

#: As many digits of the digest as `approve` and `apply` ask for.
SHORT_DIGEST = 8


def view_plan(plan: Plan, *, mode: str = "", asked: str = "") -> View:
    """Return *plan* sorted into sections; *mode*, and who *asked* for it, are named where they are known."""
    cards = Cards.of(plan)
    return View(
        title=f"Plan for {safe(plan.organization)}",
        header=tuple(_header(plan, mode)),
        sections=tuple(section for section in _sections(plan, cards, mode) if section is not None),
        verdict=verdict(plan),
        state="waiting" if is_waiting(plan) else "changes" if plan.operations or plan.deferred else "clean",
        figures=plan_figures(plan),
        aside=tuple(numbers_aside(plan)),
        record=((("Asked by", safe(asked)),) if asked else ()) + (("Digest", plan.digest),),
        budgets=tuple(budgets(plan)),
        orders=tuple(_orders(plan)),
    )


def is_waiting(plan: Plan) -> bool:
    """Return whether something of *plan* needs a person's yes."""
    return plan.waits


def numbers_aside(plan: Plan) -> Iterator[tuple[int, str]]:
    """Yield what is no operation of *plan*, in numbers."""
    counts = plan.counts
    if counts["deferred"]:
        yield counts["deferred"], "deferred"
    if counts["pending"]:
        yield counts["pending"], "removal pending" if counts["pending"] == 1 else "removals pending"
    if counts["rejected"]:
        yield counts["rejected"], "rejected"


def approval(plan: Plan) -> Order:
    """Return the command that frees what *plan* withholds."""
    effect = "lets the next cycle send these, and nothing new" if plan.withheld else "lets the next cycle believe it"
    return Order(command=f"syncd approve {plan.digest[:SHORT_DIGEST]}", effect=effect)


def _orders(plan: Plan) -> Iterator[Order]:
    if plan.paused:
        yield Order(command="syncd resume", effect="ends the pause; the next cycle sends what nothing withholds")
    if plan.withheld or any(finding.tripped for finding in plan.findings):
        yield Order(command=approval(plan).command, effect="frees what is withheld, as far as it is needed then")
    if plan.sendable:
        effect = "sends what nothing withholds of this plan, as far as it is needed then, and nothing else"
        yield Order(command=f"syncd apply {plan.digest[:SHORT_DIGEST]}", effect=effect)


def verdict(plan: Plan) -> str:
    """Return the last line: the plan in numbers."""
    counts = plan.counts
    aside = [f"{counts[name]:,} {words}" for name, words in _ASIDE.items() if counts[name]]
    directory = _directory(plan)
    if not plan.operations:
        known = f" ({directory})" if directory else ""
        if not aside and plan.populations.frozen:
            aside = [f"{plan.populations.frozen:,} frozen"]
        if not aside:
            return f"No changes: the organization equals the directory{known}."
        return f"No changes to make{known}; {', '.join(aside)}. Digest {plan.digest[:SHORT_DIGEST]}"
    done = f"{counts['add']:,} to add, {counts['change']:,} to change, {counts['remove']:,} to remove"
    numbers = f"{done}; {', '.join(aside)}" if aside else done
    paused = " Paused: nothing is sent." if plan.paused else ""
    return f"Plan: {numbers}.{paused} Digest {plan.digest[:SHORT_DIGEST]}"


_ASIDE = {
    "withheld": "withheld",
    "deferred": "deferred",
    "outside": "outside the mode",
    "pending": "pending",
    "rejected": "rejected",
}


#: The title of each heading, and what is said below it.
_HEADINGS: Mapping[Heading, tuple[str, str]] = {
    Heading.GIVEN_BACK: (
        "Given back",
        (
            "These removals, or exchanges of addresses, had begun in an earlier cycle and may not go on: "
            "this is a rollback, what they took is put back."
        ),
    ),
    Heading.GOING_ON: (
        "Removals that had begun",
        "These removals had begun in an earlier cycle and were interrupted: they are finished now.",
    ),
    Heading.LEAVING: ("Leaving", ""),
    Heading.NEW: ("New", ""),
    Heading.CHANGES: ("Changes", ""),
    Heading.MEMBERSHIPS: ("Memberships", ""),
}


def moment(when: datetime) -> str:
    """Return *when* as people write it."""
    return f"{when:%Y-%m-%d %H:%M} {when.tzname() or ''}".rstrip()


def _header(plan: Plan, mode: str) -> Iterator[tuple[str, str]]:
    yield "Organization", f"{safe(plan.organization)} ({safe(plan.organization_id)})"
    yield "Planned", moment(plan.created_at) + (f", mode {safe(mode)}" if mode else "")
    if plan.paused:
        yield "Paused", f"{safe(plan.paused)}; nothing is sent before: syncd resume"
    if plan.only:
        yield "Only", f"{safe(', '.join(plan.only))}; everybody else is left out"
    if directory := _directory(plan):
        yield "Directory", directory
    sizes = plan.populations
    owned = in_kinds(sizes.owned)
    ours = [f"{owned} ours"] if owned else []
    counts = {"foreign": sizes.foreign, "frozen": sizes.frozen}
    others = [f"{count:,} {name}" for name, count in counts.items() if count is not None]
    if ours or others:
        yield "Held", ", ".join([*ours, *others])


def _directory(plan: Plan) -> str:
    return in_kinds(plan.populations.wanted)


def _sections(plan: Plan, cards: Cards, mode: str) -> Iterator[ViewSection | None]:
    under: dict[Heading, list[Operation]] = {heading: [] for heading in Heading}
    for operation in plan.free:
        under[cards.heading(operation)].append(operation)
    for heading, operations in under.items():
        yield _of_operations(heading, operations, cards)
    yield from set_aside(plan, cards)
    yield _outside(plan, cards, mode)
    yield _deferred(plan)
    yield _guards(plan)


def set_aside(plan: Plan, cards: Cards) -> Iterator[ViewSection]:
    """Yield what *plan* doesn't send and somebody should know about: after a cycle it is as true as before."""
    sections = (_withheld(plan, cards), _pending(plan.pending), _rejected(plan), _notes(plan, cards))
    yield from (section for section in sections if section is not None)


def _of_operations(heading: Heading, operations: Sequence[Operation], cards: Cards) -> ViewSection | None:
    if not operations:
        return None
    title, intro = _HEADINGS[heading]
    return ViewSection(
        name=heading.value,
        title=title,
        size=_size(operations, cards),
        intro=" ".join(filter(None, (intro, _fuse(operations)))),
        parts=(Part(cards=cards.make(operations)),),
    )


def _fuse(operations: Iterable[Operation]) -> str:
    """Return until when what *operations* take can be put back; "" where they destroy nothing."""
    fuses = [fuse for operation in operations if (fuse := fuse_of(operation)) is not None]
    if not fuses:
        return ""
    span = counted(min(fuses).days, "day")
    return f"A mailbox that is taken away can be put back for {span}; then it is destroyed."


def _size(operations: Sequence[Operation], cards: Cards) -> str:
    """Return how many people and groups *operations* are about, and how many there are."""
    owners = {key for o in operations for key in cards.joint.get(cards.owner(o), (Key(cards.owner(o)),))}
    kinds = Counter(map(kind_of, owners))
    return f"{in_kinds(kinds)}: {counted(len(operations), 'operation')}"


def _withheld(plan: Plan, cards: Cards) -> ViewSection | None:
    """Return what a guard refused, under the guard's own words, then what needs a person's yes."""
    operations = [o for o in plan.operations if o.id in plan.withheld]
    tripped = [finding for finding in plan.findings if finding.tripped]
    if not operations and not tripped:
        return None
    reasons = _own_reasons(plan, cards, operations)
    by_reason: dict[Withheld, list[Operation]] = {}
    for operation in operations:
        by_reason.setdefault(reasons[cards.owner(operation)], []).append(operation)
    refused = {why: its for why, its in by_reason.items() if why.cause is Cause.GUARD}
    others = {why: its for why, its in by_reason.items() if why.cause is not Cause.GUARD}
    said = {why.text for why in refused}
    silent = [text for text in (f"guard {f.guard}: {f.text}" for f in tripped) if text not in said]
    parts = [Part(lead=safe(text)) for text in silent]
    parts += [_refused(why.text, its, cards) for why, its in (*refused.items(), *others.items())]
    return ViewSection(
        name="withheld",
        title="Waiting for approval",
        size=_size(operations, cards) if operations else "nothing of this plan",
        intro=_fuse(operations),
        parts=tuple(parts),
        command=approval(plan).command,
        effect=approval(plan).effect,
    )


def _refused(why: str, operations: Sequence[Operation], cards: Cards) -> Part:
    """Return *operations* under *why*, which their cards needn't say again."""
    made = cards.make(operations, symbol=Symbol.WITHHELD)
    return Part(
        lead=safe(why), cards=tuple(replace(c, reason="") if c.reason and c.reason in safe(why) else c for c in made)
    )


_CAUSES = tuple(Cause)


def _own_reasons(plan: Plan, cards: Cards, operations: Iterable[Operation]) -> dict[str, Withheld]:
    """Return why each owner's operations are withheld: the reason of the root, not of what needs it."""
    reasons: dict[str, Withheld] = {}
    withheld = list(operations)
    roots = [o for o in withheld if o.proposal or not o.needs & plan.withheld.keys()]
    # What a guard counts says more than what rests on the same row as it.
    for operation in (*sorted(roots, key=lambda o: _CAUSES.index(plan.withheld[o.id].cause)), *withheld):
        reasons.setdefault(cards.owner(operation), plan.withheld[operation.id])
    return reasons


def _pending(pending: Sequence[Pending]) -> ViewSection | None:
    if not pending:
        return None
    made = tuple(
        Card(symbol=Symbol.PENDING, title=safe(one.name), key=safe(one.key), text=_evidence(one)) for one in pending
    )
    return ViewSection(
        name="pending",
        title="Removal pending",
        size=f"{len(pending):,}",
        intro="Nothing is done to them until the evidence is complete.",
        parts=(Part(cards=made),),
    )


def _evidence(pending: Pending) -> str:
    if pending.because:  # nothing counts, so that no numbers would say when
        return safe(pending.why)
    seen = f", seen in {pending.cycles} of {counted(pending.cycles_needed, 'read')}" if pending.cycles_needed else ""
    if pending.needed > timedelta(0):
        seen += f", {format_duration(pending.counted)} of {format_duration(pending.needed)} counted"
    missing = max(pending.cycles_needed - pending.cycles, 0)
    due = []
    if missing:
        due.append(f"after {counted(missing, 'more read')}")
    if pending.due_at is not None:
        due.append(f"not before {moment(pending.due_at)}" if missing else f"at {moment(pending.due_at)}")
    when = f"; due {', '.join(due)}" if due else ""
    return f"{safe(pending.why)}{seen}{when}"


def _rejected(plan: Plan) -> ViewSection | None:
    if not plan.rejections:
        return None
    made = tuple(
        Card(
            symbol=Symbol.WITHHELD,
            title=safe(one.origin),
            key=safe(one.key or ""),
            text=safe(one.reason),
            remedy=safe(one.remedy),
        )
        for one in plan.rejections
    )
    return ViewSection(
        name="rejected",
        title="Rejected",
        size=counted(len(made), "entry", "entries"),
        intro="These entries can't be used. Whoever they are about stays exactly as they are.",
        parts=(Part(cards=made),),
    )


def _notes(plan: Plan, cards: Cards) -> ViewSection | None:
    drawn = {cards.owner(o) for o in plan.free if cards.heading(o) in (Heading.GIVEN_BACK, Heading.GOING_ON)}
    notes = [note for note in plan.notes if not (note.subject in drawn and note.code in UNDER_WAY)]
    if not notes:
        return None
    made = tuple(
        Card(
            symbol=Symbol.NOTE,
            title=cards.title(note.subject) if note.subject else safe(note.code),
            key=safe(note.subject),
            text=safe(note.text),
        )
        for note in notes
    )
    return ViewSection(name="notes", title="Notes", size=f"{len(made):,}", parts=(Part(cards=made),))


def _outside(plan: Plan, cards: Cards, mode: str) -> ViewSection | None:
    if not plan.outside:
        return None
    named = f"The mode {safe(mode)}" if mode else "The mode"
    return ViewSection(
        name="outside",
        title="Outside the mode",
        size=_size(plan.outside, cards),
        intro=f"{named} leaves these out: they are shown, not sent.",
        parts=(Part(cards=cards.make(plan.outside)),),
    )


def _deferred(plan: Plan) -> ViewSection | None:
    if not any(plan.deferred.values()):
        return None
    lines = tuple(
        Line(symbol=Symbol.PENDING, label=safe(verb.name), after=f"{number:,}")
        for verb, number in plan.deferred.items()
        if number
    )
    return ViewSection(
        name="deferred",
        title="Deferred",
        size=counted(sum(plan.deferred.values()), "operation"),
        intro="They don't fit into this plan; the next cycle follows at once.",
        parts=(Part(cards=(Card(symbol=Symbol.PENDING, title="", lines=lines),)),),
    )


def _guards(plan: Plan) -> ViewSection | None:
    """Return the budgets that this plan uses (so much *of* so much), and those it would exceed."""
    used = [
        f
        for f in plan.findings
        if f.tripped or (f.counted and f.limit != Limit()) or any(use.before for use in f.windows)
    ]
    if not used:
        return None
    lines = tuple(
        Line(
            symbol=Symbol.WITHHELD if finding.tripped else Symbol.NOTE,
            text=safe(finding.used) + (": refused" if finding.tripped else ""),
        )
        for finding in used
    )
    return ViewSection(
        name="guards",
        title="Guards",
        intro="What this plan uses of the limits, and what was used within a day and a week."
        if any(use.before for f in used for use in f.windows)
        else "What this plan uses of the limits.",
        parts=(Part(cards=(Card(symbol=Symbol.NOTE, title="", lines=lines),)),),
    )
