"""Refuses removals when the source itself looks wrong: empty, shrunk, or full of records that can't be used.

A trip here withholds every removal, whatever else destroys, and changes of names and profiles; and the read leaves
no marks.
"""

from collections.abc import Iterator

from syncd.guards.counting import WAY_OUT
from syncd.guards.threshold import SMALL, budget, in_words, limit_of, may_pass
from syncd.model.names import Kind, kind_of
from syncd.model.operation import Bundle, BundleKind, Operation
from syncd.model.page import Count
from syncd.model.plan import Finding, Plan, Use
from syncd.model.situation import Situation
from syncd.model.tally import GoodRead, Tally
from syncd.model.window import Window


def _disbelieved(plan: Plan) -> frozenset[Bundle]:
    """Return what must not follow from a source that isn't believed: all but what begins, and adds to what stays."""
    return frozenset(
        o.bundle
        for o in plan.operations
        if o.bundle.kind is not BundleKind.ROLLBACK
        and (o.destructive or (o.entity is not None and not o.verb.believed))
    )


def _gone(situation: Situation, kind: Kind) -> frozenset[str]:
    """Return whom of *kind* we own and the source does not show: whom an approval says it has rightly lost."""
    desired = situation.desired
    shown = {rejection.key for rejection in desired.rejections}
    return frozenset(
        key
        for key in situation.memory.bindings
        if kind_of(key) is kind and key not in desired.entities and key not in shown
    )


def _read(situation: Situation) -> list[Kind]:
    return [kind for kind in Kind if kind in situation.desired.read]


class _OfTheSource:
    """A guard that measures the source: it counts no operations."""

    counts: frozenset[Count] = frozenset()

    def tally(self, operation: Operation, situation: Situation) -> Tally | None:
        """Return None: what it measures is the same in the next cycle, or it compares reads."""
        del operation, situation
        return None


class EmptySource(_OfTheSource):
    """An empty directory is the dangerous answer (`pitfalls.md` A)."""

    name = "empty_source"
    means = "The directory shows nobody at all."

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield a finding for each kind of which the source has none although some are owned."""
        for kind in _read(situation):
            counted, owned = situation.desired.counts.get(kind, 0), plan.populations.owned_of(kind)
            tripped = counted == 0 and owned > 0
            text = f"the source has no {kind.value}s at all, while {owned} are owned in WorkMail"
            yield Finding(
                guard=self.name,
                counted=counted,
                population=owned,
                tripped=tripped,
                label=f"{kind.value}s in the source",
                budget=f"{counted}",
                text=f"{text}. {WAY_OUT}" if tripped else "",
                bundles=_disbelieved(plan) if tripped else frozenset(),
                people=_gone(situation, kind) if tripped else frozenset(),
                scope=kind.value,
            )


class SourceShrink(_OfTheSource):
    """Compares with the last read that tripped no source guard or was approved, and with the largest of each window."""

    name = "source_shrink"
    means = "The directory has lost more than the limit allows since the last good read, or within a day or a week."

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield a finding for each kind that was counted before."""
        amount = situation.policy.guards.source_shrink.amount
        for kind in _read(situation):
            last, now = situation.memory.counts.get(kind, 0), situation.desired.counts.get(kind, 0)
            uses = tuple(_use(kind, now, last, window, situation) for window in Window)
            if not any(last_or_largest for last_or_largest in (last, *(use.population for use in uses))):
                continue  # nothing to compare with yet
            over = max(last - now, 0) > may_pass(amount, last)
            window = next((use for use in uses if use.tripped), None)
            lost, before = max(last - now, 0), last
            if window is not None and not over:
                lost, before = window.counted, window.population
            tripped = over or window is not None
            yield Finding(
                guard=self.name,
                counted=lost,
                population=before,
                tripped=tripped,
                label=f"{kind.value}s lost by the source",
                budget=budget(lost, before, amount),
                limit=limit_of(amount, before),
                text=_shrunk(kind, lost, before, None if over else window, situation) if tripped else "",
                bundles=_disbelieved(plan) if tripped else frozenset(),
                people=_gone(situation, kind) if tripped else frozenset(),
                scope=kind.value,
                windows=uses,
            )


def _largest(kind: Kind, window: Window, situation: Situation) -> GoodRead | None:
    """Return the largest good read of *kind* within *window*."""
    since = situation.service_now - window.span
    reads = [read for read in situation.memory.reads if read.kind is kind and read.at > since]
    return max(reads, key=lambda read: (read.entries, read.at), default=None)


def _use(kind: Kind, now: int, last: int, window: Window, situation: Situation) -> Use:
    largest = _largest(kind, window, situation)
    population = last if largest is None else largest.entries
    lost, amount = max(population - now, 0), situation.policy.guards.source_shrink.within(window)
    passes = may_pass(amount, population)
    return Use(
        window=window,
        counted=lost,
        before=max(population - last, 0),
        population=population,
        passes=passes,
        limit=limit_of(amount, population),
        tripped=largest is not None and lost > passes,
        free_at=None if largest is None or population <= last else largest.at + window.span,
    )


def _shrunk(kind: Kind, lost: int, before: int, window: Use | None, situation: Situation) -> str:
    limits = situation.policy.guards.source_shrink
    amount = limits.amount if window is None else limits.within(window.window)
    since = "the last good read" if window is None else f"the largest read of the last {window.window.value}"
    setting = "guards.source_shrink" + ("" if window is None else f".{window.window.value}")
    return (
        f"the source has lost {lost} of {before} {kind.value}s ({lost * 100 / before:.1f} %) since {since}; "
        f"the limit is {in_words(amount, before)} ({setting}). {WAY_OUT}"
    )


class Rejections(_OfTheSource):
    """Many records that can't be used are one mistake in the mapping, not many mistakes in the directory."""

    name = "rejections"
    means = "More records than the limit allows can't be used; that is usually one mistake in the mapping."

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield the one finding."""
        amount = situation.policy.guards.rejections.amount
        counted = len({(r.key, r.origin) for r in plan.rejections})
        population = sum(situation.desired.counts.values())
        share = counted * 100 / population if population else 0.0
        tripped = counted > may_pass(amount, population) or _all_of_a_kind(plan, situation)
        text = (
            f"{counted} of {population} records can't be used ({share:.1f} %); the limit is {amount.count} and "
            f"{amount.percent:g} % (guards.rejections). The first: {plan.rejections[0] if plan.rejections else ''}. "
            "If this is right, approve the plan; if not, mend the mapping or the source"
        )
        yield Finding(
            guard=self.name,
            counted=counted,
            population=population,
            tripped=tripped,
            label="rejections",
            budget=budget(counted, population, amount),
            limit=limit_of(amount, population),
            text=text if tripped else "",
            bundles=_disbelieved(plan) if tripped else frozenset(),
            people=frozenset(r.key or r.origin for r in plan.rejections) if tripped else frozenset(),
        )


def _all_of_a_kind(plan: Plan, situation: Situation) -> bool:
    """Return whether not one person, or not one group, can be used: few as they may be, that is the mapping."""
    counts = situation.desired.counts
    unusable = {kind: {r.key for r in plan.rejections if r.key and kind_of(r.key) is kind} for kind in counts}
    everything = len(plan.rejections) >= sum(counts.values()) > 0
    return everything or any(len(unusable[kind]) >= counts[kind] > SMALL for kind in counts)
