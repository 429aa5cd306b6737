"""Who is whole again in the cycle that gave everything back."""

import pytest

from syncd.model.operation import Operation
from syncd.model.report import Outcome, Result
from syncd.planning.bindings import put_back
from tests.builders import operation, plan

FIRST, SECOND = (
    operation("alias.add", "user:fry", entity="id-fry", bundle="rollback:user:fry", after={"alias": alias})
    for alias in ("fry@planetexpress.example", "philip@planetexpress.example")
)


def ended(one: Operation, result: Result = Result.APPLIED) -> Outcome:
    return Outcome(operation=one, result=result)


def test_who_got_everything_back_is_whole_again() -> None:
    """Every step of it succeeded."""
    assert put_back(plan(FIRST, SECOND), [ended(FIRST), ended(SECOND)]) == {"user:fry"}


@pytest.mark.parametrize("result", [result for result in Result if result is not Result.APPLIED])
def test_who_lacks_a_step_is_not(result: Result) -> None:
    """One that failed, whose answer was lost, or that was never sent."""
    assert put_back(plan(FIRST, SECOND), [ended(FIRST), ended(SECOND, result)]) == set()
    assert put_back(plan(FIRST, SECOND), [ended(FIRST)]) == set()


def test_a_plan_that_left_something_for_later_tells_nothing() -> None:
    """What was put off may belong to it."""
    assert put_back(plan(FIRST, deferred={"alias.add": 1}), [ended(FIRST)]) == set()
