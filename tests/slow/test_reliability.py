"""The simulator at length; the figures are printed (`pytest -s`)."""

import os
from collections.abc import Iterator

import pytest

from tests.reliability.failpoints import at_every_point, at_random
from tests.reliability.figures import Figures, little_collected, play_in_parallel
from tests.reliability.scenarios import SCENARIOS, Eve, Scenario, matrix, table
from tests.reliability.strikes import CELLS
from tests.reliability.world import Shelf, shelf

SEEDS, CYCLES = 300, 50
#: SIGKILLs; SYNCD_EXAMPLES says how many else.
KILLS = 50
by_name = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


@pytest.fixture
def place() -> Iterator[Shelf]:
    with shelf() as found, little_collected():
        yield found


#: What one of 300 long stories breaks: a nesting that somebody made by hand, and that additive members leave, would
#: close a circle, so that WorkMail refuses what the directory wants in each cycle (exit code 4).
NOT_YET = {"the fixpoint within 2 cycles of the last fault"}


def test_long_stories_break_no_invariant() -> None:
    """Over 300 stories of 50 cycles every invariant holds that is expected to; few cells stay without a fault."""
    figures = Figures()
    for few in play_in_parallel(range(1000, 1000 + SEEDS), CYCLES):
        figures.add(few)
    print(f"\n{figures.table()}")

    assert {one.partition(":")[0] for one in figures.unexpected} <= NOT_YET
    # Some calls are made only by chance; the table lists what is missing.
    assert len(figures.missing_cells) <= len(CELLS) // 100


@by_name
def test_every_fault_at_every_call_converges(scenario: Scenario, place: Shelf) -> None:
    """One of five faults at all calls and entries of a cycle: two clean ones later all is as if there had been none."""
    runs = list(matrix(place, [scenario], every=5))
    print(f"\n{table(runs)}")

    assert sum(one.fired for one in runs) > 90
    assert [str(one) for one in runs if one.problems] == []


@by_name
def test_whatever_point_the_process_ends_at_the_next_does_the_rest(scenario: Scenario, place: Shelf) -> None:
    """os._exit before and after each kind of call and entry: nothing is lost, nothing made twice."""
    ends = list(at_every_point(Eve(scenario, place)))

    assert [f"{point}: {problems}" for point, _, problems in ends if problems] == []
    assert all(died for _, died, _ in ends)


@by_name
def test_a_process_killed_at_random_loses_nothing(scenario: Scenario, place: Shelf) -> None:
    """SIGKILL at moments drawn by a seed: the next process does the rest."""
    kills = max(int(os.environ.get("SYNCD_EXAMPLES", KILLS)) // len(SCENARIOS), 1) + 1
    eve = Eve(scenario, place)
    ends = [at_random(eve, seed) for seed in range(kills)]

    assert [problems for _, problems in ends if problems] == []
    assert sum(died for died, _ in ends) > kills // 2
