"""A removal that is interrupted ends wholly, or it never was: whatever interrupts it, at whichever of its calls.

`pytest -s` prints the figures. The calls that are struck are drawn by a seed; SYNCD_EXAMPLES=1000 takes them all.
"""

import os
import random

import pytest

from tests.fakes.cycles import DOMAIN
from tests.property.leaving import SCENARIOS, Scenario, opened, writing_calls
from tests.property.troubles import (
    AFTERWARDS,
    AS_BEFORE,
    REMOVED,
    TROUBLES,
    TROUBLES_BY_NAME,
    came_back,
    died_after,
    died_before,
    half_is_missing,
    harm,
    run,
    table,
    verdict,
)

#: Calls of each removal that are struck by each trouble, unless SYNCD_EXAMPLES says how many.
FEW = 3
#: Wrong ends that a failing test lists.
SHOWN = 12
by_name = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


def struck_calls(scenario: Scenario, trouble: str, calls: int) -> list[int]:
    """The last of the *calls* of a removal and some of the others, the same every time."""
    wanted = min(calls, int(os.environ.get("SYNCD_EXAMPLES", FEW)))
    return [*sorted(random.Random(f"{scenario.name} {trouble}").sample(range(1, calls), wanted - 1)), calls]


@by_name
def test_a_removal_ends_wholly_or_not_at_all(scenario: Scenario) -> None:
    """Once the trouble is over, each leaver is removed as approved or as before; nobody else is harmed, ever."""
    calls = writing_calls(scenario)
    troubles = [trouble for trouble in TROUBLES if scenario.approved or not trouble.approval]
    runs = [run(scenario, trouble, at) for trouble in troubles for at in struck_calls(scenario, trouble.name, calls)]
    print(f"\n{table(runs)}")
    wrong = [one for one in runs if one.problems]

    if wrong:
        pytest.fail(f"{len(wrong)} of {len(runs)}:\n" + "\n".join(map(str, wrong[:SHOWN])), pytrace=False)


@by_name
def test_a_return_that_is_interrupted_gives_everything_back(scenario: Scenario) -> None:
    """Wherever the process dies between two calls of a return: in the end somebody is as before the removal."""
    for strike in (died_before, died_after):
        for at in range(1, 30):
            play = opened(scenario)
            play.leave()
            play.cycles(2, later=())
            came_back(play, scenario.leavers[0])
            play.world.breaker.arm(at, strike)
            play.cycle()
            play.cycles(AFTERWARDS)
            assert verdict(play, scenario.leavers[0]) == AS_BEFORE, f"at call {at}"
            assert not play.world.stores.bindings[scenario.leavers[0]].owed
            if play.world.breaker.struck is None:
                break
        assert at > 1


@pytest.mark.parametrize("at", range(1, 4))
def test_a_revoked_removal_is_given_back_and_waits(at: int) -> None:
    """Who was half removed is as before, and stays so, as do those who had not begun, until somebody approves again."""
    scenario = next(scenario for scenario in SCENARIOS if scenario.approved)
    play = opened(scenario)
    play.leave()
    play.world.breaker.arm(at, died_after)
    play.cycle()
    play.world.stores.revoke(play.approved)
    play.cycles(AFTERWARDS)
    given_back = {key: verdict(play, key) for key in play.leavers}
    code = play.exit_codes[-1]
    play.world.approve(play.world.fresh_plan())
    play.cycles(2, later=())

    assert (set(given_back.values()), code) == ({AS_BEFORE}, 3)
    assert {verdict(play, key) for key in play.leavers} == {REMOVED}


@by_name
def test_a_refused_removal_begins_again_under_another_configuration(scenario: Scenario) -> None:
    """Refused for good it is given back and waits; a changed configuration, like an approval, lets it begin again."""
    play = opened(scenario)
    play.leave()
    play.world.breaker.arm(1, TROUBLES_BY_NAME["access denied"].strike)
    play.cycles(2)
    play.world.fail()
    play.cycles(2)
    waiting = {verdict(play, key) for key in play.leavers}
    play.world.configuration = "another role"
    if scenario.approved:
        play.world.approve(play.world.fresh_plan())
    play.cycles(2, later=())

    assert AS_BEFORE in waiting
    assert {verdict(play, key) for key in play.leavers} == {REMOVED}


@by_name
def test_a_removal_that_nothing_disturbs_is_whole(scenario: Scenario) -> None:
    """Within two cycles everybody who leaves is removed, and what they had is free; so the figures can be trusted."""
    play = opened(scenario)
    play.leave()
    play.cycle()
    play.cycle()
    states = {key: verdict(play, key) for key in play.leavers}

    assert set(states.values()) == {REMOVED}
    assert harm(play, states) == []
    assert play.world.breaker.too_early == []


@by_name
def test_whoever_stays_is_as_before(scenario: Scenario) -> None:
    """Where nobody leaves, cycles leave everybody as they are."""
    play = opened(scenario)
    play.cycles(2)

    assert {verdict(play, key) for key in play.leavers} == {AS_BEFORE}


@by_name
def test_half_a_removal_is_neither(scenario: Scenario) -> None:
    """Somebody on another address is not as before, nor is somebody DISABLED who keeps theirs removed."""
    play = opened(scenario)
    first = next(iter(play.leavers.values()))
    play.world.call("UpdatePrimaryEmailAddress", EntityId=first, Email=f"elsewhere@{DOMAIN}")
    moved = verdict(play, scenario.leavers[0])
    play.world.call("DeregisterFromWorkMail", EntityId=first)
    gone = verdict(play, scenario.leavers[0])

    assert moved.startswith(f"ENABLED, but its primary is elsewhere@{DOMAIN}")
    assert gone.startswith("DISABLED, and nobody can have")


@by_name
def test_a_source_that_has_lost_half_is_disbelieved(scenario: Scenario) -> None:
    """A trouble that doesn't trip the guard would prove nothing: it does, and everybody stays as they are."""
    play = opened(scenario)
    half_is_missing(play)
    play.cycle()
    states = {key: verdict(play, key) for key in play.leavers}

    assert play.exit_codes == [3]
    assert set(states.values()) == {AS_BEFORE}
    assert harm(play, states) == []
