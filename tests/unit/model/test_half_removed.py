"""Who is half removed, and what the next cycle makes of it: the table, row by row."""

from datetime import timedelta

import pytest

from syncd.model.half_removed import Next, half_removed
from syncd.model.memory import Binding
from syncd.model.plan import HALF_REMOVED, REMOVAL_GOES_ON, Note
from syncd.model.policy import Mode, Pilot, Policy, Removal
from tests.builders import NOW, binding, plan

FULL = Policy(mode=Mode.FULL, removal=Removal(finish_within=timedelta(hours=2)))
BEGUN = binding(began_at=NOW)
GIVEN_UP = plan(notes=(Note(code=HALF_REMOVED, subject=BEGUN.key, text="its removal is given up: it is back"),))


def following(one: Binding = BEGUN, *, later: timedelta = timedelta(0), **changed: object) -> tuple[Next, str]:
    policy = FULL.model_copy(update=changed)
    (found,) = half_removed({one.key: one}, policy, None, NOW + later)
    return found.next, found.why


@pytest.mark.parametrize(
    ("found", "following_is", "why"),
    [
        (following(), Next.FINISHED, ""),
        (following(later=timedelta(hours=2)), Next.FINISHED, ""),
        (following(later=timedelta(hours=2, seconds=1)), Next.GIVEN_BACK, "could not be finished in time"),
        (following(binding(began_at=NOW + timedelta(hours=1))), Next.GIVEN_BACK, "it began in the future"),
        (following(binding(began_at=NOW, stuck="AccessDenied")), Next.GIVEN_BACK, "for good (AccessDenied)"),
        (following(mode=Mode.UPSERT), Next.GIVEN_BACK, "mode upsert removes nobody"),
        (following(mode=Mode.OBSERVE), Next.NOTHING, "nothing is written in mode observe"),
        (following(binding(began_at=NOW, stuck="X"), mode=Mode.OBSERVE), Next.NOTHING, "nothing is written"),
        (following(only=Pilot(keys=("leela",))), Next.NOTHING, "outside the pilot"),
        (following(only=Pilot(keys=("fry",))), Next.FINISHED, ""),
        (following(only=Pilot(keys=("user:fry",))), Next.FINISHED, ""),
        (following(only=Pilot(keys=("leela",), group="crew")), Next.FINISHED, ""),
        (following(only=Pilot(keys=("leela",)), mode=Mode.CREATE), Next.GIVEN_BACK, "mode create removes nobody"),
    ],
)
def test_what_happens_next(found: tuple[Next, str], following_is: Next, why: str) -> None:
    """The first row that holds decides, and says why where it isn't simply finished."""
    assert found[0] is following_is
    assert why in found[1]
    assert bool(why) is bool(found[1])


def test_only_who_is_under_way_is_half_removed() -> None:
    """Neither who holds everything nor who was removed earlier; in the order of the keys, each with its time."""
    bindings = [
        binding("user:zoidberg", began_at=NOW),
        binding("user:leela"),
        binding("user:amy", removed_at=NOW),
        binding("group:crew", began_at=NOW - timedelta(hours=1)),
    ]
    found = half_removed({one.key: one for one in bindings}, FULL, None, NOW)

    assert [(one.key, one.since) for one in found] == [
        ("group:crew", NOW - timedelta(hours=1)),
        ("user:zoidberg", NOW),
    ]
    assert [one.until - one.since for one in found] == [timedelta(hours=2)] * 2


def test_the_last_plan_says_who_it_is_and_that_it_was_given_up() -> None:
    """Its names, and its note; a note that the removal goes on is no reason against it."""
    (given_up,) = half_removed({BEGUN.key: BEGUN}, FULL, GIVEN_UP, NOW)
    goes_on = plan(names={BEGUN.key: "fry"}, notes=(Note(code=REMOVAL_GOES_ON, subject=BEGUN.key, text="goes on"),))
    (named,) = half_removed({BEGUN.key: BEGUN}, FULL, goes_on, NOW)

    assert (given_up.next, given_up.why, given_up.name) == (
        Next.GIVEN_BACK,
        "its removal is given up: it is back",
        "",
    )
    assert (named.next, named.why, named.name) == (Next.FINISHED, "", "fry")
