"""What the board keeps of what it is told."""

import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from syncd.errors import Interrupted, Problem, SourceIncomplete, SourceUnreachable, StoreError
from syncd.model.action import Action
from syncd.model.report import Outcome, Result
from syncd.model.status import STOPPED, Light, OrganizationStatus
from syncd.status.board import KEPT_CYCLES, KEPT_EACH, Board
from tests.builders import operation, plan
from tests.fakes.boards import board_of, facts, finding, in_sync, past, pending, rejections, report_of, waiting_plan
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def board(clock: FakeClock) -> Board:
    found = Board(clock)
    found.configure([facts()])
    return found


def shown(board: Board) -> OrganizationStatus:
    (one,) = board.snapshot().organizations
    return one


def test_a_cycle_is_followed_from_its_beginning(board: Board, clock: FakeClock) -> None:
    """While a cycle runs, its stage, how far it is, and its last sign of life are known."""
    observer = board.observer("planetexpress")
    observer.began(clock.now())
    observer.stage("read_details", 10)
    observer.advanced(3)
    clock.advance(seconds=30)
    observer.called("ListAliases", "ok", 0.1)

    running = shown(board).running
    assert running is not None
    assert (running.stage, running.done, running.total) == ("read_details", 3, 10)
    assert (running.since, running.progress_at) == (clock.now() - timedelta(seconds=30), clock.now())


def test_a_finished_cycle_is_kept_in_a_few_numbers(board: Board, clock: FakeClock) -> None:
    """What was done and what was not is counted; the plan is kept as numbers."""
    made = plan(operation("alias.add"), operation("alias.add", "user:leela"))
    results = (Result.APPLIED, Result.FAILED)
    outcomes = tuple(Outcome(operation=o, result=r) for o, r in zip(made.operations, results, strict=True))
    observer = board.observer("planetexpress")
    observer.began(clock.now())
    observer.finished(replace(report_of(made, clock), outcomes=outcomes))

    one = shown(board)
    assert one.running is None
    assert one.last is not None
    assert (one.last.result, one.last.applied, one.last.failed) == ("partial", 1, 1)
    assert one.plan is not None
    assert (one.plan.digest, one.plan.counts["add"]) == (made.digest, 2)
    assert one.light is Light.FAILING


def test_failures_are_counted_until_a_cycle_ends_well(board: Board, clock: FakeClock) -> None:
    """Consecutive failures add up, with the words of the last error; success forgets them."""
    observer = board.observer("planetexpress")
    for attempt in range(3):
        observer.began(clock.now())
        observer.failed(SourceUnreachable(f"no answer ({attempt})", hint="is it up?"))
        clock.advance(seconds=60)
    failing = shown(board)
    observer.began(clock.now())
    observer.finished(report_of(plan(), clock))
    good = shown(board)

    assert (failing.failures, failing.light) == (3, Light.FAILING)
    assert failing.trouble is not None
    assert (failing.trouble.words, failing.trouble.hint) == ("no answer (2)", "is it up?")
    assert failing.failing_since == clock.now() - timedelta(minutes=3)
    assert (good.failures, good.trouble, good.light) == (0, None, Light.IN_SYNC)
    assert good.last_success == clock.now()


def test_an_error_that_was_reported_is_one_failure(board: Board, clock: FakeClock) -> None:
    """The report of a failed cycle and the error itself are the same failure; the error has the better words."""
    error = SourceIncomplete("people.csv is malformed", [Problem(where="people.csv:3", reason="too few cells")])
    observer = board.observer("planetexpress")
    observer.began(clock.now())
    observer.finished(report_of(plan(), clock, error=str(error), exit_code=65))
    observer.failed(error)

    one = shown(board)
    assert (len(one.cycles), one.failures) == (1, 1)
    assert one.trouble is not None
    assert one.trouble.words == "people.csv is malformed"
    assert (one.trouble.details, one.trouble.total) == (("people.csv:3: too few cells",), 1)
    assert one.trouble.exit_code == 65


def test_a_cycle_that_could_not_be_recorded_has_failed(board: Board, clock: FakeClock) -> None:
    """A full disk after the last operation is a failure, though everything was applied."""
    observer = board.observer("planetexpress")
    observer.began(clock.now())
    observer.finished(report_of(plan(), clock))
    observer.failed(StoreError("can't record the cycle: the disk is full"))

    one = shown(board)
    assert [cycle.result for cycle in one.cycles] == ["failed"]
    assert one.light is Light.FAILING


def test_a_defect_is_told_without_its_words(board: Board, clock: FakeClock) -> None:
    """What syncd didn't expect may hold anything: only its kind is kept, the rest is in the log."""
    observer = board.observer("planetexpress")
    observer.began(clock.now())
    observer.failed(ValueError("fry@planetexpress.example"))

    trouble = shown(board).trouble
    assert trouble is not None
    assert trouble.words == "syncd met something it did not expect: ValueError"


@pytest.mark.parametrize("reported", [True, False])
def test_being_told_to_stop_is_no_failure(reported: bool, board: Board, clock: FakeClock) -> None:
    """A restart in the middle of a cycle lights nothing red."""
    observer = board.observer("planetexpress")
    observer.began(clock.now())
    error = Interrupted("told to stop")
    if reported:
        observer.finished(report_of(plan(), clock, error=str(error), exit_code=Interrupted.exit_code))
    observer.failed(error)

    one = shown(board)
    assert [cycle.result for cycle in one.cycles] == [STOPPED]
    assert (one.failures, one.light) == (0, Light.IN_SYNC)


def test_being_told_to_stop_mends_nothing(board: Board, clock: FakeClock) -> None:
    """An organization that fails still fails after a cycle that was told to stop."""
    observer = board.observer("planetexpress")
    for error in (SourceUnreachable("no answer"), Interrupted("told to stop")):
        observer.began(clock.now())
        observer.failed(error)

    one = shown(board)
    assert (one.failures, one.light) == (1, Light.FAILING)
    assert one.trouble is not None
    assert one.trouble.words == "no answer"


def test_what_the_store_knows_is_there_from_the_start() -> None:
    """After a restart the page shows the past, failures in a row included."""
    board = board_of(in_sync(cycles=past("in_sync", "failed", "failed")))

    one = shown(board)
    assert len(one.cycles) == 3
    assert (one.failures, one.light) == (2, Light.FAILING)
    assert one.trouble is not None
    assert "no answer within 10 s" in one.trouble.words
    assert one.last_success == one.cycles[0].finished_at


def test_a_large_plan_is_not_kept(board: Board, clock: FakeClock) -> None:
    """Of twenty thousand operations only numbers and the first few of each list stay."""
    removals = [operation("deregister", f"user:{index}", action=Action.REMOVE) for index in range(20_000)]
    names = [f"name-{index}" for index in range(3_000)]
    made = plan(
        *removals,
        withheld={each.id: "guard removals: too many" for each in removals},
        pending=tuple(pending(name) for name in names),
        rejections=rejections(*names),
        findings=tuple(finding("membership_removals", index, f"members of 'g{index}'") for index in range(500)),
    )
    board.observer("planetexpress").finished(report_of(made, clock))

    kept = shown(board).plan
    assert kept is not None
    assert [len(each) for each in (kept.withheld, kept.pending, kept.rejections)] == [KEPT_EACH] * 3
    assert (kept.counts["withheld"], kept.counts["pending"], kept.counts["rejected"]) == (20_000, 3_000, 3_000)
    assert kept.withheld_kinds == {"deregister": 20_000}
    (guard,) = kept.guards
    assert (guard.counted, guard.findings) == (499, 500)
    assert sys.getsizeof(repr(kept)) < 40_000


def test_an_endless_text_is_cut(board: Board, clock: FakeClock) -> None:
    """A directory may say anything, for as long as it likes."""
    board.observer("planetexpress").finished(report_of(plan(rejections=rejections("x" * 1_000_000)), clock))

    kept = shown(board).plan
    assert kept is not None
    assert max(len(kept.rejections[0].reason), len(kept.rejections[0].remedy)) <= 600


def test_only_the_last_hundred_cycles_are_kept(board: Board, clock: FakeClock) -> None:
    """For years the board stays as small as on its first day."""
    observer = board.observer("planetexpress")
    for _ in range(KEPT_CYCLES + 50):
        observer.began(clock.now())
        observer.finished(report_of(plan(), clock))
        clock.advance(seconds=60)

    assert len(shown(board).cycles) == KEPT_CYCLES


def test_a_reload_keeps_what_is_known_of_those_that_stay(clock: FakeClock) -> None:
    """New organizations begin empty, gone ones are forgotten, a renamed target starts anew."""
    board = board_of(in_sync("corp"), in_sync("lab"), in_sync("moved"), clock=clock)
    gone = board.observer("lab")
    other = replace(facts("moved"), organization_id="m-ffffffffffffffffffffffffffffffff")
    board.configure([replace(facts("corp"), mode="observe"), facts("new"), other])
    gone.began(clock.now())
    gone.finished(report_of(plan(), clock))

    shown = {one.name: one for one in board.snapshot().organizations}
    assert list(shown) == ["corp", "new", "moved"]
    assert (len(shown["corp"].cycles), shown["corp"].facts.mode) == (100, "observe")
    assert (shown["new"].cycles, shown["moved"].cycles) == ((), ())


def test_secrets_are_taken_out_of_errors(clock: FakeClock) -> None:
    """What must never be shown is removed before it is kept, in words, details and hint."""
    board = Board(clock, clean=lambda text: text.replace("hunter2", "(hidden)"))
    board.configure([facts()])
    problem = Problem(where="hunter2", reason="hunter2")
    board.observer("planetexpress").failed(SourceIncomplete("hunter2", [problem], hint="hunter2"))

    assert "hunter2" not in repr(board.snapshot())


def test_everybody_may_talk_at_once(board: Board, clock: FakeClock) -> None:
    """Workers tell of their calls while the page is read: nothing is lost, and nothing breaks."""
    observer = board.observer("planetexpress")
    observer.began(clock.now())
    observer.stage("apply", 4000)

    def work() -> None:
        for _ in range(1000):
            observer.advanced()
            board.snapshot()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    running = shown(board).running
    assert running is not None
    assert running.done == 4000


def test_the_next_cycle_is_known(board: Board, clock: FakeClock) -> None:
    """What the daemon says of the next cycle is shown, also that there is none."""
    observer = board.observer("planetexpress")
    observer.scheduled(clock.now())
    planned = shown(board).next_at
    observer.scheduled(None)

    assert (planned, shown(board).next_at) == (clock.now(), None)


def test_a_plan_that_waits_says_what_for(board: Board, clock: FakeClock) -> None:
    """Who would go, which guard tripped and with what numbers, and when the next removal is due."""
    board.observer("planetexpress").finished(report_of(waiting_plan(), clock, exit_code=3))

    one = shown(board)
    assert one.light is Light.WAITING
    assert one.plan is not None
    assert one.plan.withheld[0].summary == "deregister amy"
    assert (one.plan.guards[0].guard, one.plan.guards[0].tripped) == ("removals", True)
    assert one.plan.due_next == clock.now() + timedelta(hours=3)
