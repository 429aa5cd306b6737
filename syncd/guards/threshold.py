"""When a number is too large: the arithmetic that all guards share (design.md section 8)."""

from collections.abc import Collection

from syncd.model.page import Count
from syncd.model.plan import Finding, Limit, Plan
from syncd.model.policy import Threshold

#: Below the minimum population percentages say nothing; more than this many trip.
SMALL_POPULATION_LIMIT = 2


def exceeds(counted: int, population: int, threshold: Threshold) -> bool:
    """Return whether *counted* of *population* is more than *threshold* allows."""
    if counted > threshold.count:
        return True
    if population < threshold.minimum_population:
        return counted > SMALL_POPULATION_LIMIT
    return counted * 100 > threshold.percent * population


def budget(counted: int, population: int, threshold: Threshold) -> str:
    """Return how much of the limits *counted* uses: `1 of 50, 0.1 % of 5 %`."""
    if population < threshold.minimum_population:
        return f"{counted} of {SMALL_POPULATION_LIMIT} (fewer than {threshold.minimum_population} in all)"
    share = counted * 100 / population if population else 0.0
    return f"{counted} of {threshold.count}, {share:.1f} % of {threshold.percent:g} %"


def refusal(what: str, counted: int, population: int, threshold: Threshold, setting: str) -> str:
    """Return the sentence that says what, how many of how many, the limit, and the way out."""
    share = counted * 100 / population if population else 100.0
    if population < threshold.minimum_population:
        limit = f"at most {SMALL_POPULATION_LIMIT} while there are fewer than {threshold.minimum_population}"
    else:
        limit = f"at most {threshold.count} and {threshold.percent:g} %"
    return (
        f"{what} {counted} of {population} ({share:.1f} %); the limit is {limit} ({setting}). "
        "If this is right, approve the plan; if not, mend the source"
    )


def limit_of(population: int, threshold: Threshold) -> Limit:
    """Return the limit that holds for *population*, in numbers."""
    if population < threshold.minimum_population:
        return Limit(count=min(SMALL_POPULATION_LIMIT, threshold.count))
    return Limit(count=threshold.count, percent=threshold.percent)


def of_entities(plan: Plan, counts: Collection[Count], what: str, threshold: Threshold, name: str) -> Finding:
    """Return what the guard *name* measures: the entities that lose by operations counted as one of *counts*.

    Deferred operations count as one each: of whom they are isn't known. Giving back what a removal took that is
    given up takes nothing from anybody, whatever its steps are.
    """
    operations = [o for o in plan.operations if o.destructive and o.counts_as in counts]
    counted = len({o.row for o in operations}) + sum(map(plan.deferred_as, counts))
    population = plan.populations.owned_in_all
    tripped = exceeds(counted, population, threshold)
    return Finding(
        guard=name,
        counted=counted,
        population=population,
        tripped=tripped,
        label=name.replace("_", " "),
        budget=budget(counted, population, threshold),
        limit=limit_of(population, threshold),
        text=refusal(what, counted, population, threshold, f"guards.{name}") if tripped else "",
        bundles=frozenset(operation.bundle for operation in operations) if tripped else frozenset(),
    )
