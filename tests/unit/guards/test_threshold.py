"""The arithmetic that all guards share."""

import pytest

from syncd.guards.threshold import budget, exceeds, refusal
from syncd.model.policy import Threshold

LIMIT = Threshold(percent=5, count=50, minimum_population=20)


@pytest.mark.parametrize(
    ("counted", "population", "trips"),
    [
        (0, 0, False),
        (2, 19, False),  # below the minimum population percentages say nothing
        (3, 19, True),
        (1, 20, False),  # exactly 5 %
        (2, 20, True),
        (2, 40, False),
        (3, 40, True),
        (50, 1000, False),  # exactly the count, exactly 5 %
        (51, 1000, True),
        (50, 100_000, False),
        (51, 100_000, True),  # far below 5 %, but more than the count
    ],
)
def test_a_limit_is_allowed_and_one_more_is_not(counted: int, population: int, trips: bool) -> None:
    """Up to the limit nothing trips; count, percent and the minimum population each trip at one more."""
    assert exceeds(counted, population, LIMIT) is trips


@pytest.mark.parametrize("percent", [0, 100])
def test_the_ends_of_the_scale(percent: int) -> None:
    """Zero percent allows nobody, a hundred everybody."""
    limit = Threshold(percent=percent, count=1000, minimum_population=0)
    assert exceeds(1, 10, limit) is (percent == 0)
    assert exceeds(10, 10, limit) is (percent == 0)


def test_the_budget_tells_how_much_is_used() -> None:
    """The budget names both limits where both count, and the small one where people are few."""
    assert budget(1, 1000, LIMIT) == "1 of 50, 0.1 % of 5 %"
    assert budget(1, 19, LIMIT) == "1 of 2 (fewer than 20 in all)"


def test_a_refusal_names_numbers_limit_and_way_out() -> None:
    """What, how many of how many, the limit with its setting, and what to do in either case."""
    text = refusal("would deregister users:", 60, 1000, LIMIT, "guards.removals")
    assert "would deregister users: 60 of 1000 (6.0 %)" in text
    assert "at most 50 and 5 % (guards.removals)" in text
    assert "approve the plan" in text
    assert "mend the source" in text


def test_a_refusal_among_few_names_the_small_limit() -> None:
    """Where percentages say nothing, none is named as the limit."""
    text = refusal("would deregister users:", 3, 10, LIMIT, "guards.removals")
    assert "at most 2 while there are fewer than 20" in text
