"""The arithmetic that all guards share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.guards.threshold import Few, budget, in_words, limit_of, may_pass
from syncd.model.plan import Limit
from syncd.model.policy import Amount

LIMIT = Amount(percent=5, count=50)
amounts = st.builds(
    Amount,
    percent=st.one_of(st.integers(0, 100), st.floats(0, 100, allow_nan=False)),
    count=st.one_of(st.none(), st.integers(0, 300)),
)
populations = st.integers(0, 3000)


@pytest.mark.parametrize(
    ("population", "passes"),
    [
        (0, 0),
        (1, 0),
        (2, 0),
        (3, 1),
        (4, 1),
        (5, 2),
        (19, 2),
        (21, 2),
        (40, 2),
        (60, 3),
        (999, 49),
        (1000, 50),
        (100_000, 50),
    ],
)
def test_how_many_may_be_lost(population: int, passes: int) -> None:
    """Less than half of few, two of some, a share of many, and never more than the count."""
    assert may_pass(LIMIT, population) == passes


@given(amount=amounts, few=st.sampled_from(Few), population=populations, more=st.integers(0, 100))
def test_what_may_pass_never_falls_as_the_population_grows(
    amount: Amount, few: Few, population: int, more: int
) -> None:
    """Whatever the limit: among more people at least as many may pass."""
    assert may_pass(amount, population, few) <= may_pass(amount, population + more, few)


@given(amount=amounts, population=populations)
def test_what_may_pass_is_the_small_number_or_the_share_within_the_count(amount: Amount, population: int) -> None:
    """0 means none; otherwise min(count, max(min(2, (population - 1) // 2), floor(percent of it)))."""
    passes = may_pass(amount, population)
    if amount.percent == 0 or amount.count == 0:
        assert passes == 0
        return
    share = amount.percent * population / 100
    assert passes <= max(share + 1e-6, min(2, (population - 1) // 2))
    most = population if amount.count is None else amount.count
    assert passes >= min(most, max(min(2, (population - 1) // 2), int(share)))
    assert amount.count is None or passes <= amount.count


@given(population=populations, few=st.sampled_from(Few), other=st.integers(1, 100))
def test_zero_means_none(population: int, few: Few, other: int) -> None:
    """A percentage of 0 or a count of 0 lets nobody pass, at any size, also where both must be exceeded."""
    for both in (False, True):
        assert may_pass(Amount(percent=0, count=other, both=both), population, few) == 0
        assert may_pass(Amount(percent=other, count=0, both=both), population, few) == 0


@pytest.mark.parametrize(("few", "passes"), [(Few.LOST, [0, 0, 1, 1, 2]), (Few.OUT_OF_A_GROUP, [0, 1, 2, 2, 2])])
def test_small_numbers(few: Few, passes: list[int]) -> None:
    """Of one to five: less than half may be lost; of a group all but one may go, two at most."""
    assert [may_pass(LIMIT, population, few) for population in range(1, 6)] == passes


def test_nothing_is_lost_by_two_changes() -> None:
    """Where nothing is lost, two may pass even of one."""
    assert [may_pass(LIMIT, population, Few.KEPT) for population in (0, 1, 2, 100)] == [2, 2, 2, 5]


def test_the_share_of_a_hundred_is_whole() -> None:
    """29 % of 100 are 29, though fractions are kept as they are."""
    assert may_pass(Amount(percent=0.29, count=1000), 10_000) == 29
    assert may_pass(Amount(percent=29, count=1000), 100) == 29


def test_where_both_must_be_exceeded_the_larger_passes() -> None:
    """5 % and 10: of 20 ten, of 1,000 fifty."""
    both = Amount(percent=5, count=10, both=True)
    assert [may_pass(both, population) for population in (20, 200, 1000)] == [10, 10, 50]


def test_the_budget_tells_how_much_is_used() -> None:
    """The budget names both limits where both count, and the small number where people are few."""
    assert budget(1, 1000, LIMIT) == "1 of 50, 0.1 % of 5 %"
    assert budget(1, 19, LIMIT) == "1 of 2 (of 19 in all)"
    assert budget(3, 100, Amount(percent=20)) == "3.0 % of 20 %"


def test_the_limit_that_decides_is_told() -> None:
    """In numbers for scripts, in words for people."""
    assert limit_of(LIMIT, 1000) == Limit(count=50, percent=5)
    assert limit_of(LIMIT, 19) == Limit(count=2)
    assert in_words(LIMIT, 1000) == "at most 50 and 5 %"
    assert in_words(LIMIT, 19) == "at most 2 of 19"
    assert in_words(LIMIT, 2) == "none"
    assert in_words(Amount(percent=20), 100) == "at most 20 %"
