"""The simulator in short: stories by seed, faults at calls, deaths at points. `python -m tests.reliability` is all."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from syncd.model.policy import Threshold
from tests.conftest import ROOT
from tests.reliability.books import Look
from tests.reliability.directory import CANARY
from tests.reliability.events import EVENTS, Event
from tests.reliability.failpoints import GONE, Point, at, at_random, dies, mended
from tests.reliability.figures import play_all
from tests.reliability.limits import may_pass
from tests.reliability.playing import Player
from tests.reliability.ports import Line
from tests.reliability.scenarios import SCENARIOS, Eve, matrix
from tests.reliability.shrinking import shrunk
from tests.reliability.stories import CHURN, Story, story
from tests.reliability.strikes import CELLS, Answer, Params, Strike
from tests.reliability.world import Shelf, shelf

CYCLES, SEEDS, FEW = 25, 200, 10


@pytest.fixture
def place() -> Iterator[Shelf]:
    with shelf() as found:
        yield found


@pytest.mark.parametrize("first", range(0, SEEDS, FEW))
def test_whatever_happens_the_invariants_hold(first: int) -> None:
    """No story of churn, admins, faults, deaths and approvals breaks an invariant that is expected to hold."""
    figures = play_all(range(first, first + FEW), CYCLES)

    assert figures.unexpected == []
    assert figures.cycles >= FEW * CYCLES
    assert figures.faults > FEW


def test_one_seed_is_one_trace() -> None:
    """Two processes, whose hashes differ, tell the same story byte for byte."""
    command = [sys.executable, "-m", "tests.reliability", "--seed", "7", "--cycles", "15"]
    traces = [
        subprocess.run(command, cwd=ROOT, env={"PYTHONHASHSEED": seed}, capture_output=True, check=False).stdout
        for seed in ("1", "2")
    ]

    assert traces[0].count(b"\n") > 50
    assert traces[0] == traces[1]


def test_a_story_is_decided_before_it_begins() -> None:
    """The same seed draws the same story, and every event that may be drawn is one that can happen."""
    assert story(3, 10) == story(3, 10)
    assert CHURN.keys() | {"cycle"} >= {one.name for one in story(3, 10).events}
    assert CHURN.keys() == EVENTS.keys()


def test_a_failing_story_shrinks_to_what_it_needs() -> None:
    """Of a long story only the two events remain without which it doesn't fail, and the one strike."""

    def fails(told: Story) -> bool:
        names = [one.name for one in told.events]
        struck = any("dies after" in str(strike) for one in told.events for strike in one.strikes)
        return "swap_addresses" in names and struck

    long = story(0, 60)
    extra = (Event("swap_addresses", (0, 1)), Event("cycle", (), (Strike(operation="write", kind="dies after"),)))
    small = shrunk(replace(long, events=(*long.events[:40], *extra, *long.events[40:])), fails)

    assert sorted(one.name for one in small.events) == ["cycle", "swap_addresses"]
    assert [len(one.strikes) for one in small.events if one.strikes] == [1]


class _Rogue(Line):
    """A program gone wrong: with each creation it renames somebody else's user, and tells its password."""

    def call(self, operation: str, params: Params) -> Answer:
        answer = super().call(operation, params)
        if operation == "CreateUser":
            super().call("UpdateUser", {**_RENAMED, "OrganizationId": params["OrganizationId"]})
        return answer


_RENAMED = {"UserId": "guest99", "DisplayName": f"{CANARY}-Pass-1"}


def test_a_broken_invariant_is_seen(place: Shelf) -> None:
    """A program that changes what isn't its own, without an intent and by a name, breaks three invariants at once."""
    player = Player(story(0, 1), place)
    for one in (Event("admin_makes_a_user", (99,)), Event("joins", (0,))):
        player.happen(one)
    player.world.line.__class__ = _Rogue
    player.happen(Event("cycle"))
    player.world.close()
    broken = {one.invariant for one in player.played.violations}

    assert broken == {
        "foreign entities are untouched",
        "every mutation has an earlier intent",
        "calls name opaque ids only",
    }
    assert player.played.trace.count("VIOLATED") == len(player.played.violations)


def test_every_fault_at_a_call_converges(place: Shelf) -> None:
    """A sample over all scenarios: two clean cycles after a fault all is as if there had been none."""
    runs = list(matrix(place, every=149))

    assert {one.scenario for one in runs} == {one.name for one in SCENARIOS}
    assert [str(one) for one in runs if one.problems] == []


@pytest.mark.parametrize("where", ["after journal.intend", "after the call", "after journal.settle"])
def test_a_process_that_is_gone_leaves_what_the_next_mends(where: str, place: Shelf) -> None:
    """os._exit in the middle of an exchange of addresses: the next process does the rest."""
    eve = Eve(next(one for one in SCENARIOS if one.name == "swap"), place)
    player = eve.again()
    code, calls = dies(player, at(Point(where=where, operation="UpdatePrimaryEmailAddress", nth=2)), lambda *_: None)
    problems = mended(player, eve.goal)
    player.world.close()

    assert (code, problems) == (GONE, [])
    assert calls > 0


def test_a_killed_process_leaves_what_the_next_mends(place: Shelf) -> None:
    """SIGKILL at three moments that nobody chose with care: the next process does the rest."""
    eve = Eve(next(one for one in SCENARIOS if one.name == "offboard"), place)
    ends = [at_random(eve, seed) for seed in range(3)]

    assert [problems for _, problems in ends] == [[], [], []]
    assert any(dead for dead, _ in ends)


@pytest.mark.parametrize(
    ("population", "threshold", "limit"),
    [
        (15, Threshold(percent=0, count=50), 0),
        (15, Threshold(percent=5, count=0), 0),
        (1, Threshold(), 0),
        (3, Threshold(), 1),
        (19, Threshold(), 2),
        (21, Threshold(), 2),
        (200, Threshold(), 10),
        (2000, Threshold(), 50),
    ],
)
def test_how_many_may_pass(population: int, threshold: Threshold, limit: int) -> None:
    """None at 0, never all of a few, and never fewer in a larger population."""
    assert may_pass(population, threshold.amount) == limit


def test_a_look_fits_while_one_of_its_features_stays() -> None:
    """A marriage with a new login and mail doubts nobody; somebody of another name does, as does a first name alone."""
    amy = Look(soul=1, login="amy", words=frozenset({"amy", "wong"}), local="amy", given="amy")
    married = Look(soul=1, login="a.k", words=frozenset({"amy", "kroker"}), local="a.k", given="amy")
    other = Look(soul=2, login="fry", words=frozenset({"philip", "fry"}), local="fry", given="philip")

    assert amy.fits(married, frozenset(), by_given=True)
    assert not amy.fits(married, frozenset(), by_given=False)
    assert amy.fits(married, frozenset({"amy"}), by_given=False)
    assert not amy.fits(other, frozenset(), by_given=True)


def test_every_cell_is_one() -> None:
    """No pair of operation and fault occurs twice, so that the coverage counts each once."""
    assert len(CELLS) == len(set(CELLS))
