"""What guards that count operations have in common: this plan, and what a day and a week have seen already.

Whatever is counted is a *tally*; the same row counts once within a window, however often it is changed. What a person
approved isn't counted in a window.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from syncd.guards.threshold import Few, budget, in_words, limit_of, may_pass
from syncd.model.operation import Bundle, Operation
from syncd.model.page import Count
from syncd.model.plan import Finding, Plan, Use
from syncd.model.policy import Threshold
from syncd.model.situation import Situation
from syncd.model.tally import Tallied, Tally
from syncd.model.window import Window

WAY_OUT = "If this is right, approve the plan; if not, mend the source"
#: A row within a scope.
Row = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What one finding is about: the *rows* that this plan changes, with what each stands for, and what it compares.

    *what* begins the sentence of a refusal. *deferred* are more of them, of whom nobody knows who they are. With *gone*
    whoever was counted before isn't in the *population* any more. *earlier* is what was counted before, of at most a
    week. *always* is what to say instead of *what* where it trips whatever the limit is.
    """

    label: str
    what: str
    rows: Mapping[Row, int]
    bundles: frozenset[Bundle]
    population: int
    earlier: Iterable[Tallied]
    deferred: int = 0
    gone: bool = False
    few: Few = Few.LOST
    always: str = ""
    about: str = ""
    scope: str = ""

    @property
    def counted(self) -> int:
        """How many this plan counts."""
        return sum(self.rows.values()) + self.deferred


class CountingGuard:
    """A guard that counts operations: a subclass says which, and of how many."""

    name: str
    means: str
    counts: frozenset[Count]
    #: What begins the sentence of a refusal.
    what = "would take something from entities:"
    few = Few.LOST
    #: Whether it tells that nothing is counted; not while nothing that syncd does would be.
    is_shown = True

    def tally(self, operation: Operation, situation: Situation) -> Tally | None:
        """Return as what *operation* counts: by the row it rests on."""
        del situation
        return Tally(count=operation.counts_as, row=operation.row) if operation.counts_as in self.counts else None

    def threshold(self, situation: Situation) -> Threshold:
        """Return the limits of the guard's name."""
        limits: Threshold = getattr(situation.policy.guards, self.name)
        return limits

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield a finding for each measure."""
        for measure in self.measures(plan, situation):
            yield finding(self.name, measure, self.threshold(situation), situation.service_now)

    def measures(self, plan: Plan, situation: Situation) -> Iterator[Measure]:
        """Yield the one measure: of whom something is counted, among all."""
        counted = list(tallied(self, plan, situation))
        earlier = [one for count in self.counts for one in situation.memory.tallied.get((count, ""), ())]
        deferred = sum(map(plan.deferred_as, self.counts))
        if not (self.is_shown or counted or earlier or deferred):
            return
        yield Measure(
            label=self.name.replace("_", " "),
            what=self.what,
            rows={(tally.scope, tally.row): tally.weight for _, tally in counted},
            bundles=frozenset(operation.bundle for operation, _ in counted),
            population=plan.populations.reached_in_all,
            earlier=earlier,
            deferred=deferred,
            few=self.few,
        )


def tallied(guard: CountingGuard, plan: Plan, situation: Situation) -> Iterator[tuple[Operation, Tally]]:
    """Yield what *guard* counts of *plan*."""
    for operation in plan.operations:
        tally = guard.tally(operation, situation)
        if tally is not None:
            yield operation, tally


def finding(guard: str, measure: Measure, threshold: Threshold, now: datetime) -> Finding:
    """Return what *guard* says of *measure*, in this plan and within each window."""
    counted, population = measure.counted, measure.population
    uses = tuple(_use(measure, threshold, window, now) for window in Window)
    over = counted > may_pass(threshold.amount, population, measure.few)
    tripped = counted > 0 and (bool(measure.always) or over or any(use.tripped for use in uses))
    said = _Sentence(guard, measure, threshold)
    text = "" if not tripped else said.of_the_plan() if over or measure.always else said.of_windows(uses, now)
    return Finding(
        guard=guard,
        counted=counted,
        population=population,
        tripped=tripped,
        label=measure.label,
        budget=budget(counted, population, threshold.amount, measure.few),
        limit=limit_of(threshold.amount, population, measure.few),
        about=measure.about,
        text=text,
        bundles=measure.bundles if tripped else frozenset(),
        scope=measure.scope,
        windows=uses,
    )


def _earlier(measure: Measure, window: Window, now: datetime) -> dict[Row, Tallied]:
    """Return what was counted within *window* that this plan doesn't change again: the last time of each."""
    found: dict[Row, Tallied] = {}
    for one in measure.earlier:
        row = (one.tally.scope, one.tally.row)
        if one.tally.freed or one.at <= now - window.span or row in measure.rows:
            continue
        if row not in found or found[row].at < one.at:
            found[row] = one
    return found


def _among(measure: Measure, before: int) -> int:
    return measure.population + (before if measure.gone else 0)


def _use(measure: Measure, threshold: Threshold, window: Window, now: datetime) -> Use:
    earlier = _earlier(measure, window, now)
    before = sum(one.tally.weight for one in earlier.values())
    amount, population = threshold.within(window), _among(measure, before)
    passes = may_pass(amount, population, measure.few)
    return Use(
        window=window,
        counted=before + measure.counted,
        before=before,
        population=population,
        passes=passes,
        limit=limit_of(amount, population, measure.few),
        tripped=measure.counted > 0 and before + measure.counted > passes,
        free_at=max((one.at + window.span for one in earlier.values()), default=None),
    )


def _passes_at(measure: Measure, threshold: Threshold, window: Window, now: datetime) -> datetime | None:
    """Return when *measure* would pass by itself, as enough of what was counted before is so long ago."""
    earlier = sorted(_earlier(measure, window, now).values(), key=lambda one: one.at)
    before = sum(one.tally.weight for one in earlier)
    for one in earlier:
        before -= one.tally.weight
        passes = may_pass(threshold.within(window), _among(measure, before), measure.few)
        if before + measure.counted <= passes:
            return one.at + window.span
    return None


@dataclass(frozen=True, slots=True)
class _Sentence:
    """What people read of a guard that tripped: what, how many of how many, the limit, the way out."""

    guard: str
    measure: Measure
    threshold: Threshold

    @property
    def setting(self) -> str:
        return f"guards.{self.guard}"

    def of_the_plan(self) -> str:
        one = self.measure
        share = one.counted * 100 / one.population if one.population else 100.0
        words = in_words(self.threshold.amount, one.population, one.few)
        limit = f"that always asks, whatever the limit is ({self.setting})" if one.always else ""
        return (
            f"{one.always or one.what} {one.counted} of {one.population} ({share:.1f} %); "
            f"{limit or f'the limit is {words} ({self.setting})'}. {WAY_OUT}"
        )

    def of_windows(self, uses: Iterable[Use], now: datetime) -> str:
        one, tripped = self.measure, [use for use in uses if use.tripped]
        parts = [
            f"{use.before} more within a {use.window.value}, where the limit is "
            f"{in_words(self.threshold.within(use.window), use.population, one.few)} "
            f"({self.setting}.{use.window.value})"
            for use in tripped
        ]
        at = [_passes_at(one, self.threshold, use.window, now) for use in tripped]
        waits = [moment for moment in at if moment is not None]
        by_itself = f" It passes by itself from {max(waits):%Y-%m-%d %H:%M} UTC on." if len(waits) == len(at) else ""
        return f"{one.what} {one.counted} of {one.population}, and {', and '.join(parts)}. {WAY_OUT}.{by_itself}"
