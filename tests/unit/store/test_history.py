from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from syncd.errors import UsageError
from syncd.model.memory import Approval
from syncd.model.names import Key
from syncd.model.operation import Call
from syncd.model.plan import Plan
from syncd.model.report import Outcome, Report, Result
from syncd.store import schema
from syncd.store.history import KEPT_CYCLES, KEPT_JOURNAL, KEPT_PLANS
from syncd.store.store import OrganizationStore
from tests.builders import operation, plan
from tests.fakes.clock import FakeClock

FRY = Key("user:fry")


def report(clock: FakeClock, cycle_id: str = "c1", made: Plan | None = None, *outcomes: Outcome) -> Report:
    return Report(
        cycle_id=cycle_id,
        organization="planetexpress",
        command="sync",
        started_at=clock.now() - timedelta(seconds=2),
        finished_at=clock.now(),
        plan=made,
        outcomes=outcomes,
        exit_code=4,
        calls={"ListUsers": 3},
        took={"plan": 0.25},
        oldest_detail_s=60.5,
    )


def several(count: int) -> list[Plan]:
    return [plan(operation("alias.add", f"user:{number}")) for number in range(count)]


def test_a_cycle_is_told_in_numbers(ours: OrganizationStore, clock: FakeClock) -> None:
    """`history` shows what a cycle did: counts of the plan, of the outcomes and of the calls, and the times."""
    first, second = operation("alias.add"), operation("alias.remove")
    made = plan(first, second, withheld={second.id: "a guard"})
    told = report(clock, "c1", made, Outcome(operation=first, result=Result.FAILED, code="E"))
    ours.history.record(told)

    (cycle,) = ours.history.cycles()

    assert cycle == ours.history.cycle("c1")
    assert (cycle.command, cycle.summary, cycle.exit_code, cycle.error) == ("sync", "partial", 4, "")
    assert (cycle.started_at, cycle.finished_at) == (told.started_at, told.finished_at)
    assert (cycle.digest, cycle.counts, cycle.results) == (made.digest, made.counts, {"failed": 1})
    assert (cycle.calls, cycle.took, cycle.oldest_detail_s) == ({"ListUsers": 3}, {"plan": 0.25}, 60.5)


def test_a_cycle_without_a_plan_is_told_too(ours: OrganizationStore, clock: FakeClock) -> None:
    """A cycle that ended with an error is in the history with that error."""
    ours.history.record(replace(report(clock), error="people.csv:3: ragged", exit_code=65))

    (cycle,) = ours.history.cycles()

    assert (cycle.summary, cycle.error, cycle.digest) == ("failed", "people.csv:3: ragged", None)
    assert ours.history.last_plan() is None


def test_recording_again_replaces(ours: OrganizationStore, clock: FakeClock) -> None:
    """A cycle is in the history once."""
    ours.history.record(report(clock))
    ours.history.record(replace(report(clock), exit_code=0))

    assert [cycle.exit_code for cycle in ours.history.cycles()] == [0]


def test_the_last_come_first(ours: OrganizationStore, clock: FakeClock) -> None:
    """Cycles and plans are listed the last first, as many as are asked for."""
    for number, made in enumerate(several(4)):
        clock.advance(hours=1)
        ours.history.record(report(clock, f"c{number}", made))

    assert [cycle.cycle_id for cycle in ours.history.cycles(2)] == ["c3", "c2"]
    assert [each.digest for each in ours.history.plans(2)] == [made.digest for made in several(4)[:1:-1]]
    assert ours.history.last_plan() == several(4)[3]
    assert ours.history.cycle("c9") is None


def test_a_plan_saved_again_is_the_last(ours: OrganizationStore) -> None:
    """The same digest is stored once, and counts as stored last."""
    first, second = several(2)
    for made in (first, second, first):
        ours.history.save_plan(made)

    assert ours.history.last_plan() == first
    assert [each.digest for each in ours.history.plans()] == [first.digest, second.digest]


def test_what_was_never_begun_is_in_the_journal(ours: OrganizationStore, clock: FakeClock) -> None:
    """A skipped operation, which has no intent, is shown with its reason; one that has its own is there once."""
    sent, skipped = operation("alias.add"), operation("alias.remove")
    journal = ours.journal("c1")
    journal.intend(sent, sent.call)
    journal.settle(Outcome(operation=sent, result=Result.APPLIED, attempts=2))
    outcomes = (
        Outcome(operation=sent, result=Result.APPLIED, attempts=2),
        Outcome(operation=skipped, result=Result.SKIPPED, code="NeedFailed", message="it needs"),
    )

    ours.history.record(report(clock, "c1", plan(sent, skipped), *outcomes))

    first, second = ours.history.operations_in("c1")
    assert (first.operation, first.result, first.attempts) == (sent.id, "applied", 2)
    assert (second.operation, second.result, second.code) == (skipped.id, "skipped", "NeedFailed")


def test_the_operations_of_a_key(ours: OrganizationStore, clock: FakeClock) -> None:
    """`explain` shows the last operations of a key, with call, change, reason and outcome."""
    call = Call("CreateAlias", {"EntityId": "id-fry", "Alias": "phil@planetexpress.example"})
    change = operation(call=call, after={"aliases": frozenset({"phil"})}, entity="id-fry")
    for cycle in ("c1", "c2", "c3"):
        ours.journal(cycle).intend(change, call)
        clock.advance(seconds=1)
        ours.journal(cycle).settle(Outcome(operation=change, result=Result.FAILED, code="LimitExceeded"))
    ours.journal("c3").intend(operation(subject="user:leela"), None)

    last, before = ours.history.operations_of(FRY, 2)

    assert (last.cycle_id, before.cycle_id) == ("c3", "c2")
    assert (last.subject, last.kind, last.action, last.reason) == (FRY, "alias.add", "add", "people.csv:2")
    assert last.call == {"operation": "CreateAlias", "parameters": dict(call.parameters)}
    assert (last.before, last.after) == ({}, {"aliases": ["phil"]})
    assert (last.result, last.code, last.settled_at) == ("failed", "LimitExceeded", clock.now())
    assert last.at == clock.now() - timedelta(seconds=1)


def test_an_operation_without_outcome_says_so(ours: OrganizationStore) -> None:
    """Between intent and outcome there is no result."""
    change = operation()
    ours.journal("c1").intend(change, change.call)

    (only,) = ours.history.operations_of(FRY)

    assert (only.result, only.settled_at) == (None, None)


@pytest.mark.parametrize("prefix", ["", "0123456", "0123456g", "xyzxyzxyz", "%%%%%%%%"])
def test_a_prefix_must_be_long_and_hexadecimal(prefix: str, ours: OrganizationStore) -> None:
    """Fewer than eight digits, or something else than digits, names no plan, whatever is stored."""
    ours.history.save_plan(several(1)[0])

    with pytest.raises(UsageError, match="8 or more digits"):
        ours.history.find_plan(prefix)


def test_a_prefix_may_be_in_capitals(ours: OrganizationStore) -> None:
    """Digits are compared without case, and blanks around them don't count."""
    (made,) = several(1)
    ours.history.save_plan(made)

    assert ours.history.find_plan(f" {made.digest.upper()[:20]} ") == made
    assert ours.history.find_plan(made.digest) == made


def test_an_unknown_plan_lists_the_last(ours: OrganizationStore) -> None:
    """Where no plan matches, the last ones are offered."""
    made = several(7)
    for each in made:
        ours.history.save_plan(each)

    with pytest.raises(UsageError, match="no stored plan has a digest that starts with 00000000") as caught:
        ours.history.find_plan("00000000")

    assert [each.digest[:12] in caught.value.hint for each in made] == [False] * 2 + [True] * 5


def test_where_no_plan_is_stored_that_is_said(ours: OrganizationStore) -> None:
    """In a new store the hint says how to make a plan."""
    with pytest.raises(UsageError) as caught:
        ours.history.find_plan("0123456789")

    assert "`syncd plan` makes one" in caught.value.hint


def test_several_plans_are_listed(ours: OrganizationStore) -> None:
    """A prefix that several plans share lists them; more digits are asked for."""
    digests = ["deadbeef" + digit * 56 for digit in "12"]
    for digest in digests:
        twin = replace(several(1)[0], notes=())
        twin.__dict__["digest"] = digest  # where cached_property keeps it: no two real plans are that much alike
        ours.history.save_plan(twin)

    with pytest.raises(UsageError, match="several stored plans") as caught:
        ours.history.find_plan("deadbeef")

    assert [digest in caught.value.message for digest in digests] == [True, True]


def test_old_history_is_forgotten(ours: OrganizationStore, clock: FakeClock) -> None:
    """Journal rows and approvals end after some 400 days; yesterday's stay."""
    change = operation()
    approval = Approval(digest="d", operations=frozenset({"a"}), by="amy", expires_at=clock.now())
    ours.journal("c1").intend(change, change.call)
    ours.decisions.approve(approval)
    clock.advance(days=KEPT_JOURNAL.days, seconds=1)
    ours.journal("c2").intend(change, change.call)

    ours.history.record(report(clock, "c3"))

    assert [each.cycle_id for each in ours.history.operations_of(FRY)] == ["c2"]
    with ours.scope.reading("look") as connection:
        left = [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()  # noqa: S608 - two known names
            for table in ("approvals", "approved_operations")
        ]
    assert left == [0, 0]


def test_the_number_of_cycles_is_bounded(ours: OrganizationStore, clock: FakeClock) -> None:
    """Of more cycles than are kept, the oldest go."""
    with ours.scope.writing("fill") as connection:
        row = ours.history._cycle_row(report(clock))
        rows = [row | {"cycle_id": f"old{number}"} for number in range(KEPT_CYCLES + 5)]
        connection.execute(insert(schema.cycles), rows)
    clock.advance(hours=1)

    ours.history.record(report(clock, "new"))

    cycles = ours.history.cycles(KEPT_CYCLES * 2)
    assert (len(cycles), cycles[0].cycle_id) == (KEPT_CYCLES, "new")


def test_the_number_of_plans_is_bounded_but_not_below_approvals(ours: OrganizationStore, clock: FakeClock) -> None:
    """Of more plans than are kept the oldest go, unless somebody approved them."""
    made = several(KEPT_PLANS + 3)
    for each in made:
        ours.history.save_plan(each)
    approval = Approval(
        digest=made[0].digest, operations=frozenset({"a"}), by="amy", expires_at=clock.now() + timedelta(hours=1)
    )
    ours.decisions.approve(approval)

    ours.history.record(report(clock))

    left = {each.digest for each in ours.history.plans(KEPT_PLANS * 2)}
    assert left == {made[0].digest} | {each.digest for each in made[3:]}


def test_a_revocation_names_what_another_approval_frees_as_well(ours: OrganizationStore, clock: FakeClock) -> None:
    """What only this one freed must be approved again; for the rest, the other one is named."""
    for digest, operations in (("d1", {"a", "b"}), ("d2", {"b", "c"}), ("d3", {"c"})):
        expires_at = clock.now() + timedelta(hours=1)
        ours.decisions.approve(
            Approval(digest=digest, operations=frozenset(operations), by="amy", expires_at=expires_at)
        )
    taken = ours.decisions.revoke("d1", by="amy")
    assert taken.operations == {"a"}
    assert (taken.in_force, taken.also_by) == (1, ("d2",))
