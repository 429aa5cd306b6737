"""Who is told what, and that nobody is told twice."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from syncd.errors import Interrupted, Locked, SourceUnreachable
from syncd.model.report import Report
from syncd.notices.occasions import TOLD_AGAIN, Told, fingerprint
from syncd.notices.settings import Occasion
from tests.builders import NOW, half, plan
from tests.unit.notices.cycles import refused, report


def test_the_summaries_are_what_they_are_called() -> None:
    """The builder of these tests makes cycles that end as they are named."""
    for kind in ("in_sync", "applied", "withheld", "partial", "failed"):
        assert report(kind).summary == kind


def test_being_told_to_stop_is_no_failure() -> None:
    """A cycle that a signal ended, and one that another instance was ahead of, worry nobody."""
    told = Told()

    assert told.hear(report("failed", exit_code=Interrupted.exit_code), NOW) == ()
    assert told.hear_failure(Interrupted("stopped"), NOW) == ()
    assert told.hear_failure(Locked("held"), NOW) == ()
    assert told.hear_failure(SourceUnreachable("down"), NOW) == (Occasion.FAILURE,)


def test_a_failed_cycle_forgets_no_refusal() -> None:
    """A cycle without a plan says nothing of what is refused: the same refusal after it isn't told again."""
    told = Told()
    heard = [told.hear(report(kind), NOW) for kind in ("withheld", "failed", "withheld")]

    assert heard == [(Occasion.REFUSAL,), (Occasion.FAILURE,), (Occasion.RECOVERY,)]


@pytest.mark.parametrize(
    ("hours", "heard"), [(23.9, ()), (24, (Occasion.REFUSAL,)), (-23.9, ()), (-24, (Occasion.REFUSAL,))]
)
def test_what_nobody_does_anything_about_is_told_again(hours: float, heard: tuple[Occasion, ...]) -> None:
    """After a day, on a clock that may have been set back too; and then not again for a day."""
    told = Told()
    told.hear(report("withheld"), NOW)
    later = NOW + timedelta(hours=hours)

    assert told.hear(report("withheld"), later) == heard
    assert told.hear(report("withheld"), later) == ()


def test_a_fingerprint_is_of_guards_and_operations() -> None:
    """Other numbers of the same guard and another population are the same refusal; other operations aren't."""
    assert fingerprint(plan()) == ""
    assert fingerprint(refused(3)) == fingerprint(refused(3))
    assert fingerprint(refused(3)) != fingerprint(refused(4))


@pytest.mark.parametrize(
    ("last", "next_one", "heard"),
    [
        ("failed", "failed", ()),
        ("partial", "failed", ()),
        ("failed", "in_sync", (Occasion.RECOVERY,)),
        ("in_sync", "failed", (Occasion.FAILURE,)),
        ("withheld", "withheld", ()),
        ("applied", "withheld", (Occasion.REFUSAL,)),
        ("", "in_sync", ()),
    ],
)
@pytest.mark.parametrize("with_plan", [True, False])
def test_a_restart_repeats_nothing(last: str, next_one: str, heard: tuple[Occasion, ...], with_plan: bool) -> None:
    """What the last cycle before it came to was told then; its plan makes that exact."""
    told = Told()
    told.seed(last, report(last).plan if with_plan and last else None, NOW)

    assert told.hear(report(next_one), NOW + timedelta(minutes=15)) == heard


def test_a_restart_knows_what_was_refused() -> None:
    """With the stored plan, something else that is refused afterwards is told."""
    told = Told()
    told.seed("withheld", refused(3), NOW)

    assert told.hear(report("withheld", withheld=4), NOW) == (Occasion.REFUSAL,)


def half_done(*names: str, kind: str = "in_sync") -> Report:
    return replace(report(kind), half_removed=tuple(half(f"user:{name}", name) for name in names))


def test_somebody_half_removed_is_a_failure_until_nobody_is() -> None:
    """Told once for each who becomes so, whatever else the cycle came to; works again when nobody is any more."""
    told = Told()
    heard = [
        told.hear(cycle, NOW)
        for cycle in (
            half_done("amy"),
            half_done("amy"),
            half_done("amy", "fry", kind="partial"),
            half_done("fry", kind="partial"),
            replace(report("failed"), half_removed=None),
            half_done("fry"),
            half_done(),
        )
    ]

    failure, recovery = (Occasion.FAILURE,), (Occasion.RECOVERY,)
    assert heard == [failure, (), failure, (), (), (), recovery]


def test_a_restart_repeats_nothing_of_the_half_removed() -> None:
    """Who was half removed before it was told then; who becomes so afterwards is told."""
    told = Told()
    told.seed("applied", report("applied").plan, NOW, [half("user:amy").key])

    assert told.hear(half_done("amy"), NOW) == ()
    assert told.hear(half_done("amy", "fry"), NOW) == (Occasion.FAILURE,)
    assert told.hear(half_done(), NOW) == (Occasion.RECOVERY,)


class Telling(RuleBasedStateMachine):
    """Any history of cycles, pauses, clocks that are set and restarts, against the rules in one sentence each."""

    def __init__(self) -> None:
        super().__init__()
        self.told = Told()
        self.now: datetime = NOW
        self.failing = False
        self.last_plan = "in_sync"
        self.last = "in_sync"
        self.withheld = 0
        self.refused_at: datetime | None = None

    @rule(kind=st.sampled_from(["in_sync", "applied", "withheld", "partial", "failed"]), withheld=st.integers(1, 3))
    def some_cycle_ends(self, kind: str, withheld: int) -> None:
        self.a_cycle_ends(kind, withheld)

    def a_cycle_ends(self, kind: str, withheld: int) -> None:
        heard = self.told.hear(report(kind, withheld=withheld), self.now)

        fails = kind in ("failed", "partial")
        assert (Occasion.FAILURE in heard) is (fails and not self.failing)
        assert (Occasion.RECOVERY in heard) is (self.failing and not fails)
        self.failing = fails
        if kind == "withheld":
            old = self.refused_at is not None and abs(self.now - self.refused_at) >= TOLD_AGAIN
            assert (Occasion.REFUSAL in heard) is (withheld != self.withheld or old)
            if Occasion.REFUSAL in heard:
                self.refused_at = self.now
            self.withheld = withheld
        else:
            assert Occasion.REFUSAL not in heard
            if kind != "failed":
                self.withheld, self.refused_at = 0, None
        self.last = kind

    @precondition(lambda self: self.withheld)
    @rule()
    def the_same_is_refused_again(self) -> None:
        self.a_cycle_ends("withheld", self.withheld)

    @rule(minutes=st.integers(1, 1440))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(hours=st.integers(-100, 100))
    def the_clock_is_set(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.last != "failed" or not self.withheld)
    @rule()
    def the_process_restarts(self) -> None:
        """What the store knows is enough, but for a refusal that a failure came after: told once more at worst."""
        self.told = Told()
        last = report(self.last, withheld=self.withheld or 1)
        self.told.seed(self.last, last.plan, self.now)
        if self.withheld:
            self.refused_at = self.now

    @invariant()
    def a_failure_has_a_beginning(self) -> None:
        assert (self.told.failing_since is not None) is self.failing


TestTelling = Telling.TestCase
