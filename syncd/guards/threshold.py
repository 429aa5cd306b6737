"""How many may pass: the one arithmetic of all guards (design.md section 8).

| limit                  | may pass                                                                |
|------------------------|-------------------------------------------------------------------------|
| percent or count is 0  | none                                                                    |
| otherwise              | percent of the population or, of few, a small number; at most the count |
| both must be exceeded  | the larger of percent of the population and the count                   |

Of few, percentages say nothing; a small number is then what may pass (`Few`). All of them never fall as the population
grows.
"""

from enum import Enum
from math import floor

from syncd.model.plan import Limit
from syncd.model.policy import Amount

#: As many may pass among few, where that isn't nearly all of them.
SMALL = 2
#: What a share may lack of a whole number because of how fractions are kept.
_ROUNDING = 1e-9


class Few(Enum):
    """What a small number is small against."""

    LOST = "lost"  # less than half of them
    OUT_OF_A_GROUP = "out of a group"  # all but one: only emptying a group asks
    KEPT = "kept"  # nothing is lost by it, however few they are

    def of(self, population: int) -> int:
        """Return the small number that may pass among *population*."""
        match self:
            case Few.LOST:
                return max(min(SMALL, (population - 1) // 2), 0)
            case Few.OUT_OF_A_GROUP:
                return max(min(SMALL, population - 1), 0)
            case Few.KEPT:
                return SMALL


def may_pass(amount: Amount, population: int, few: Few = Few.LOST) -> int:
    """Return how many of *population* may pass; it never falls as *population* grows."""
    if amount.percent == 0 or amount.count == 0:
        return 0
    share = floor(amount.percent * population / 100 + _ROUNDING)
    if amount.both:
        return max(share, amount.count or 0)
    passes = max(few.of(population), share)
    return passes if amount.count is None else min(amount.count, passes)


def limit_of(amount: Amount, population: int, few: Few = Few.LOST) -> Limit:
    """Return the limit that decides for *population*, in numbers."""
    passes, share = may_pass(amount, population, few), floor(amount.percent * population / 100 + _ROUNDING)
    if amount.both:
        return Limit(count=amount.count, percent=amount.percent, both=True)
    return Limit(count=passes) if share < passes else Limit(count=amount.count, percent=amount.percent)


def budget(counted: int, population: int, amount: Amount, few: Few = Few.LOST) -> str:
    """Return how much of the limits *counted* uses: `1 of 50, 0.1 % of 5 %`."""
    limit = limit_of(amount, population, few)
    if limit.percent is None:
        return f"{counted} of {limit.count} (of {population} in all)"
    share = counted * 100 / population if population else 0.0
    at_most = "" if limit.count is None else f"{counted} of {limit.count}, "
    return f"{at_most}{share:.1f} % of {limit.percent:g} %"


def in_words(amount: Amount, population: int, few: Few = Few.LOST) -> str:
    """Return what may pass as part of a sentence: `at most 50 and 5 %`."""
    limit = limit_of(amount, population, few)
    if may_pass(amount, population, few) == 0:
        return "none"
    if limit.percent is None:
        return f"at most {limit.count} of {population}"
    return f"at most {limit.percent:g} %" if limit.count is None else f"at most {limit.count} and {limit.percent:g} %"
