"""How many may pass a guard, counted apart from syncd."""

from syncd.model.policy import Amount


def may_pass(population: int, amount: Amount) -> int:
    """Return how many of *population* may pass unasked: none at 0, never fewer in a larger population."""
    if not amount.percent or amount.count == 0:
        return 0
    few = min(2, max(population - 1, 0) // 2)
    share = max(few, int(amount.percent * population // 100))
    return share if amount.count is None else min(amount.count, share)
