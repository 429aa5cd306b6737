"""What of a stored plan a person approves."""

from datetime import timedelta
from typing import Any

import pytest

from syncd.errors import StalePlan, UsageError
from syncd.model.names import Key
from syncd.model.operation import Bundle, Operation
from syncd.model.page import Count
from syncd.model.plan import Cause, Finding, Later, Plan, Withheld, removal_later
from syncd.planning.approving import Choice, Chosen, choose
from tests.builders import NOW, entity_id, operation, plan, verb

EXIT_A = operation("member.remove", "group:sales", entity="id-sales", effect={"member": entity_id("a")})
A, B = (operation("deregister", f"user:{who}", entity=who, bundle=f"removal:user:{who}") for who in "ab")
MINE, YOURS = (operation("primary.change", f"user:{who}", entity=who, bundle="move:1") for who in "cd")
ADOPT = operation("adopt", "user:e", proposal=True, reason="its name matches")


def refused(guard: str, *operations: Operation, people: frozenset[str] = frozenset()) -> Finding:
    bundles = frozenset(o.bundle for o in operations)
    return Finding(
        guard=guard,
        label=guard,
        counted=len(bundles) or len(people),
        population=10,
        tripped=True,
        budget="9 of 2",
        text="too many",
        bundles=bundles,
        people=people,
    )


def by(guard: str) -> Withheld:
    return Withheld(cause=Cause.GUARD, guard=guard, text=f"guard {guard}: too many")


WHOLE = plan(
    EXIT_A,
    A,
    B,
    MINE,
    YOURS,
    ADOPT,
    withheld={
        EXIT_A.id: by("membership_removals"),
        A.id: by("removals"),
        B.id: by("removals"),
        MINE.id: by("primary_changes"),
        YOURS.id: by("primary_changes"),
        ADOPT.id: Withheld(cause=Cause.APPROVAL, text="needs approval"),
    },
    findings=(refused("membership_removals", EXIT_A), refused("removals", A, B), refused("primary_changes", MINE)),
)


def chosen(made: Plan = WHOLE, latest: Plan | None = None, *, late: timedelta = timedelta(0), **choice: Any) -> Chosen:  # noqa: ANN401 - what a Choice has
    return choose(
        made,
        latest,
        Choice(**choice),
        source_guards={"source_shrink"},
        key_of={entity_id("a"): Key("user:a")},
        now=NOW + late,
    )


def test_all_of_it_without_a_choice() -> None:
    """Everything withheld, and nothing is told to be left out."""
    assert chosen() == Chosen(words=frozenset(WHOLE.withheld))


def test_only_what_is_about_a_key() -> None:
    """A membership is about the group and about the member; a key may be written without its kind."""
    assert chosen(only=("user:a",)).words == {EXIT_A.id, A.id}
    assert chosen(only=("sales",)).words == {EXIT_A.id}
    assert [why for _, why in chosen(only=("user:e",)).left_out] == ["not chosen"] * 5


def test_all_but_what_is_about_a_key() -> None:
    """Whoever is left out goes on waiting; whatever goes together with it waits too, and says so."""
    without = chosen(but=("user:a", "c"))
    assert without.words == {B.id, ADOPT.id}
    assert dict(without.left_out)[YOURS.summary] == "it goes together with what is left out"


def test_half_of_what_goes_together_is_refused() -> None:
    """Approving one side of a move of addresses would send nothing: the error names the other side."""
    with pytest.raises(UsageError, match="goes together with what is about user:d"):
        chosen(only=("user:c",))
    assert chosen(only=("user:c", "user:d")).words == {MINE.id, YOURS.id}


def test_only_what_one_guard_withholds() -> None:
    """Neither what another guard withholds too, nor proposals."""
    assert chosen(guard="removals").words == {A.id, B.id}
    twice = plan(
        A, withheld={A.id: by("source_shrink")}, findings=(refused("source_shrink", A), refused("removals", A))
    )
    assert chosen(twice, guard="source_shrink").words == {"finding:source_shrink:source_shrink:1/10"}
    assert dict(chosen(twice, guard="source_shrink").left_out)[A.summary] == "the guard removals withholds it too"


@pytest.mark.parametrize("choice", [{"only": ("user:x",)}, {"but": ("user:x",)}, {"guard": "removal"}])
def test_a_mistyped_choice_is_no_yes(choice: dict[str, Any]) -> None:
    """A key or a guard that nothing withheld is about is an error, and the hint helps."""
    with pytest.raises(UsageError) as caught:
        chosen(**choice)
    assert caught.value.hint


def test_a_finding_is_approved_with_the_people_it_counts() -> None:
    """As a whole or not at all; who is to be spared is put on hold."""
    lost = frozenset({"user:a", "user:b"})
    made = plan(findings=(refused("source_shrink", people=lost),))
    assert chosen(made).words == {f"finding:source_shrink:source_shrink:{key}" for key in lost}
    assert chosen(made, only=("user:a", "user:b")).words == chosen(made).words
    assert "hold" in chosen(made, but=("user:a",)).left_out[0][1]
    assert chosen(made, but=("user:a",)).words == frozenset()


def test_what_did_not_fit_is_approved_too() -> None:
    """The removals that the plan had no room for, by the keys of whom they are about."""
    end = verb("deregister")
    rows = {removal_later(end, key): key for key in ("user:y", "user:z")}
    made = plan(A, withheld={A.id: by("removals")}, later=(Later(verb=end, rows=rows, guard="removals"),))
    assert chosen(made).words == {A.id, *rows}
    assert chosen(made, only=("user:z",)).words == {removal_later(end, "user:z")}


def test_what_recurs_no_more_is_left_out_and_named() -> None:
    """The last plan about everybody decides; what it plans, withheld or not, is still needed."""
    latest = plan(A, B, withheld={A.id: by("removals")}, created_at=NOW + timedelta(hours=1))
    found = chosen(latest=latest)
    assert found.words == {A.id, B.id}
    assert set(found.gone) == {EXIT_A.summary, MINE.summary, YOURS.summary, ADOPT.summary}


def test_an_older_plan_says_nothing_about_a_newer_one() -> None:
    """A plan that was made after the last cycle is its own evidence."""
    assert chosen(latest=plan(created_at=NOW - timedelta(hours=1))).words == frozenset(WHOLE.withheld)


def test_a_plan_of_which_nothing_recurs_is_stale() -> None:
    """There is nothing to approve, and the hint names the last plan."""
    latest = plan(ADOPT, created_at=NOW + timedelta(hours=1))
    with pytest.raises(StalePlan) as caught:
        chosen(plan(A, withheld={A.id: by("removals")}), latest)
    assert latest.digest[:8] in caught.value.hint


def test_a_plan_of_last_week_is_stale() -> None:
    """After seven days nobody knows whether what it rests on is still so."""
    assert chosen(late=timedelta(days=7)).words
    with pytest.raises(StalePlan, match="7 days"):
        chosen(late=timedelta(days=7, seconds=1))


def test_guards_that_count_are_named_by_what_they_count() -> None:
    """`--guard` takes the names that plans show."""
    assert {Count.REMOVALS.value, Count.PRIMARY_CHANGES.value} <= {f.guard for f in WHOLE.findings}
    assert Bundle.parse("removal:user:a") == A.bundle
