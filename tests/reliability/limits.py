"""How many may pass a guard, counted apart from syncd (issue 9, rules that decide)."""

from syncd.model.policy import Threshold


def may_pass(population: int, threshold: Threshold) -> int:
    """Return how many of *population* may pass unasked: none at 0, never fewer in a larger population."""
    if not threshold.percent or not threshold.count:
        return 0
    few = min(2, max(population - 1, 0) // 2)
    return min(threshold.count, max(few, int(threshold.percent * population // 100)))
