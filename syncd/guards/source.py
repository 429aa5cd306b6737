"""Refuses removals when the source itself looks wrong: empty, shrunk, or full of records that can't be used.

A trip here withholds every removal, whatever else destroys, and changes of names and profiles; and the read leaves
no marks.
"""

from collections.abc import Iterator

from syncd.guards.threshold import SMALL_POPULATION_LIMIT
from syncd.model.names import Kind, kind_of
from syncd.model.operation import Bundle, BundleKind
from syncd.model.page import Count
from syncd.model.plan import Finding, Limit, Plan
from syncd.model.situation import Situation


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


class EmptySource:
    """An empty directory is the dangerous answer (`pitfalls.md` A)."""

    name = "empty_source"
    means = "The directory shows nobody at all."
    counts: frozenset[Count] = frozenset()

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
                text=f"{text}. If this is right, approve the plan; if not, mend the source" if tripped else "",
                bundles=_disbelieved(plan) if tripped else frozenset(),
                people=_gone(situation, kind) if tripped else frozenset(),
            )


class SourceShrink:
    """Compares with the last read that tripped no source guard, or was approved."""

    name = "source_shrink"
    means = "The directory has lost more than the limit allows since the last good read."
    counts: frozenset[Count] = frozenset()

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield a finding for each kind that was counted before."""
        threshold = situation.policy.guards.source_shrink
        for kind in _read(situation):
            before = situation.memory.counts.get(kind, 0)
            if not before:  # nothing to compare with yet
                continue
            now = situation.desired.counts.get(kind, 0)
            lost = max(before - now, 0)
            share = lost * 100 / before
            few = before < threshold.minimum_population
            tripped = lost > SMALL_POPULATION_LIMIT if few else share > threshold.percent
            limit = f"{SMALL_POPULATION_LIMIT} while there are so few" if few else f"{threshold.percent:g} %"
            text = (
                f"the source has lost {lost} of {before} {kind.value}s ({share:.1f} %) since the last good read; "
                f"the limit is {limit} (guards.source_shrink). "
                "If this is right, approve the plan; if not, mend the source"
            )
            yield Finding(
                guard=self.name,
                counted=lost,
                population=before,
                tripped=tripped,
                label=f"{kind.value}s lost by the source",
                budget=f"{lost} of {before}, {share:.1f} % of {threshold.percent:g} %",
                limit=Limit(count=SMALL_POPULATION_LIMIT) if few else Limit(percent=threshold.percent),
                text=text if tripped else "",
                bundles=_disbelieved(plan) if tripped else frozenset(),
                people=_gone(situation, kind) if tripped else frozenset(),
            )


class Rejections:
    """Many records that can't be used are one mistake in the mapping, not many mistakes in the directory."""

    name = "rejections"
    means = "More records than the limit allows can't be used; that is usually one mistake in the mapping."
    counts: frozenset[Count] = frozenset()

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield the one finding."""
        threshold = situation.policy.guards.rejections
        counted = len({(r.key, r.origin) for r in plan.rejections})
        population = sum(situation.desired.counts.values())
        share = counted * 100 / population if population else 0.0
        tripped = (counted > threshold.count and share > threshold.percent) or _all_of_a_kind(plan, situation)
        text = (
            f"{counted} of {population} records can't be used ({share:.1f} %); the limit is {threshold.count} and "
            f"{threshold.percent:g} % (guards.rejections). The first: {plan.rejections[0] if plan.rejections else ''}. "
            "If this is right, approve the plan; if not, mend the mapping or the source"
        )
        yield Finding(
            guard=self.name,
            counted=counted,
            population=population,
            tripped=tripped,
            label="rejections",
            budget=f"{counted} of {threshold.count}, {share:.1f} % of {threshold.percent:g} %",
            limit=Limit(count=threshold.count, percent=threshold.percent, both=True),
            text=text if tripped else "",
            bundles=_disbelieved(plan) if tripped else frozenset(),
            people=frozenset(r.key or r.origin for r in plan.rejections) if tripped else frozenset(),
        )


def _all_of_a_kind(plan: Plan, situation: Situation) -> bool:
    """Return whether not one person, or not one group, can be used: few as they may be, that is the mapping."""
    counts = situation.desired.counts
    unusable = {kind: {r.key for r in plan.rejections if r.key and kind_of(r.key) is kind} for kind in counts}
    everything = len(plan.rejections) >= sum(counts.values()) > 0
    return everything or any(len(unusable[kind]) >= counts[kind] > SMALL_POPULATION_LIMIT for kind in counts)
