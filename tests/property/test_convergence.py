"""Whatever happens to directory, organization and calls: once the faults stop, one cycle reaches the empty plan.

More than one is needed only where the service hides what it holds:

- B13: what an entity held while it was DISABLED (a parking address, aliases that were never given up) shows
  only after it was registered again; it is set right by the next cycle.
- B34: so do the groups in which it stayed.
- B13: an address that somebody DISABLED keeps to itself can be seen by no call. Whoever wants it gets an error
  until that entity is deleted (`worlds.stuck`).
"""

from datetime import timedelta
from typing import Any

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from syncd.emulator import Switches
from syncd.emulator.faults import Fault
from syncd.model.policy import Adopt, Manage, Mode, Policy, Removal
from syncd.model.report import Report
from tests.builders import WIDE_OPEN
from tests.property.happenings import Happening, Stage, admin_changes, happenings
from tests.property.worlds import (
    Evidence,
    LivingWorld,
    assert_lawful,
    assert_valid,
    cycle,
    failures,
    faults,
    lags,
    left,
    listed,
    rebound,
    registered_again,
    switches,
)


class Life(RuleBasedStateMachine):
    """A directory, an organization with admins of its own, and syncd between them."""

    @initialize(
        switches=switches,
        mode=st.sampled_from([Mode.FULL] * 5 + [Mode.UPSERT, Mode.CREATE, Mode.OBSERVE]),
        adopt=st.sampled_from(Adopt),
        aliases=st.sampled_from(["exact", "additive", False]),
        members=st.sampled_from(["exact", "exact", "additive", False]),
        removal=st.sampled_from(
            [
                Removal(after_cycles=1, after=timedelta(0)),
                Removal(after_cycles=1, after=timedelta(0)),
                Removal(after_cycles=2, after=timedelta(hours=1), disabled_after=timedelta(hours=1)),
            ]
        ),
        keeps=st.booleans(),
        before=st.lists(admin_changes, max_size=3),
    )
    def begin(
        self,
        switches: Switches,
        mode: Mode,
        adopt: Adopt,
        aliases: Any,  # noqa: ANN401 - a Literal of the policy
        members: Any,  # noqa: ANN401 - the same
        removal: Removal,
        keeps: bool,
        before: list[Happening],
    ) -> None:
        """An organization in which somebody was at work before; the first cycle has been."""
        manage = Manage(aliases=aliases, members=members)
        policy = Policy(mode=mode, adopt=adopt, manage=manage, removal=removal, guards=WIDE_OPEN)
        verify_within = timedelta(hours=24 if keeps else 0)
        self.world = LivingWorld(policy=policy, switches=switches, verify_within=verify_within)
        self.stage = Stage(world=self.world)
        self.evidence = Evidence()
        self.stage.opens(before)
        self.cycle()

    @rule(events=st.lists(happenings, min_size=1, max_size=8))
    def a_day(self, events: list[Happening]) -> None:
        """Both sides change, then comes a cycle."""
        self.stage.live(events)
        self.cycle()

    @rule(
        events=st.lists(happenings, max_size=8),
        wrong=st.lists(faults(), min_size=1, max_size=3),
        lag=st.none() | lags,
    )
    def a_bad_day(self, events: list[Happening], wrong: list[Fault], lag: Fault | None) -> None:
        """Both sides change, then comes a cycle in which calls fail."""
        self.stage.live(events)
        self.world.fail(*wrong, *([lag] if lag else []))
        self.cycle()
        self.world.fail()
        self.world.clock.advance(seconds=10)  # whatever lagged behind has settled

    def teardown(self) -> None:
        """Once the faults have stopped, one cycle is enough; and so it is after an approval."""
        if not hasattr(self, "world"):
            return
        self._settle()
        for _ in range(3):
            plan = self.world.fresh_plan()
            if not plan.withheld:
                return
            self.world.approve(plan)
            self._settle()
        assert not self.world.fresh_plan().withheld, "approved thrice, and still withheld"

    def _settle(self) -> None:
        while any(binding.began_at for binding in self.world.stores.bindings.values()):
            event("a removal that had begun is ended or given up first")
            self._clean()
        again = self._clean()
        plan = self.world.fresh_plan()
        for _ in range(2):
            if again and left(self.world, plan):
                event("B13, B34, or who is who: a second cycle after somebody was registered again, or rebound")
                again = self._clean()
                plan = self.world.fresh_plan()
        assert not left(self.world, plan), "\n".join(listed(left(self.world, plan)))

    def _clean(self) -> bool:
        report, again = self.cycle(refresh=True)
        assert report is not None
        assert not failures(self.world, report), failures(self.world, report)
        return again

    def cycle(self, *, refresh: bool = False) -> tuple[Report | None, bool]:
        """Run one cycle, which *refresh* lets read everything; tell whether somebody was registered again."""
        self.evidence.note(self.world, self.world.clock.now() + timedelta(seconds=60))
        report, seen = cycle(self.world, refresh=refresh)
        assert_lawful(self.world, seen, report)
        if report is not None and report.plan is not None:
            assert_valid(report.plan)
        self.evidence.assert_enough(self.world, seen)
        return report, report is not None and (registered_again(report, seen) or rebound(report))


def test_one_clean_cycle_reaches_the_empty_plan() -> None:
    """Over any life of directory and organization: nothing unlawful is done, and one clean cycle is enough.

    Who is who is settled first: whatever follows for those in doubt comes with the cycle after.
    """
    examples = max(250, settings.default.max_examples) if settings.default else 250
    run_state_machine_as_test(Life, settings=settings(max_examples=examples, stateful_step_count=8))
