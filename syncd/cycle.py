"""The straight line of a cycle: read this first.

memory --+
lists ---+--> match --> draft plan --> look closer --> plan --> judge --> apply --> report
source --+
-> mapped
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from uuid import uuid4

from syncd.errors import StalePlan, StoreError, SyncdError, UsageError
from syncd.executor import Executor
from syncd.model.half_removed import HalfRemoved, half_removed
from syncd.model.memory import Mark, Memory
from syncd.model.moments import Instant
from syncd.model.names import Key, identity_of
from syncd.model.observed import Observed
from syncd.model.operation import Operation
from syncd.model.plan import Plan
from syncd.model.report import Outcome, Report, Result
from syncd.model.situation import Situation
from syncd.model.state import Desired
from syncd.parts import DAEMON, Options, Parts
from syncd.planning.assemble import assemble
from syncd.planning.bindings import (
    after_failure,
    after_success,
    before_sending,
    begun_anew,
    begun_bundles,
    ended_elsewhere,
    given_back,
    newly_enabled,
    rolled_back,
)
from syncd.planning.contested import notes as comebacks
from syncd.planning.contested import places
from syncd.planning.contests import with_holders
from syncd.planning.evidence import Evidence, evidence_of, hole_of
from syncd.planning.exchanges import ended_exchanges, left_parked
from syncd.planning.identity import fresh_looks
from syncd.planning.judge import chosen_of, disbelieved, freed_removals, judge
from syncd.planning.match import match
from syncd.planning.pilot import refuse_nobody
from syncd.planning.rebinding import rebound
from syncd.planning.strangers import found_in_order
from syncd.planning.tallies import approved_reads, believed_counts, first_load_is_over, tallies_of
from syncd.reading import Reading, Stages


def run_cycle(parts: Parts, options: Options) -> Report:
    """Make WorkMail equal to the directory, as far as the policy allows; return what came of it.

    Raises:
        SyncdError: the cycle ended before a plan existed; it was recorded in the history all the same.
    """
    cycle = _Cycle(parts, options)
    with nullcontext() if options.dry_run else parts.lock.held(options.command), cycle.recorded():
        memory = parts.memory.load()
        chosen = parts.history.find_plan(options.approved_plan) if options.approved_plan else None
        observed, desired = cycle.reading.both(memory)
        desired = with_holders(desired, observed, memory)
        cycle.know_the_pilot(memory, desired)
        evidence = cycle.weigh(memory, desired, observed)

        situation, draft = cycle.plan(memory, desired, observed, evidence)
        looked = cycle.reading.look_closer(situation, draft)
        plan = draft
        if looked is not observed:
            situation, plan = cycle.plan(memory, desired, looked, evidence)
        if (memory.begun or memory.exchanges) and cycle.disbelieves(plan, situation):
            situation, plan = cycle.plan(memory, desired, looked, evidence, disbelieved=True)
        plan = cycle.judged(cycle.reading.resting_on_fresh_reads(situation, plan), situation)

        cycle.remember(plan, evidence, situation)
        operations, stale = chosen_of(plan, chosen, memory) if chosen is not None else (plan.sendable, ())
        outcomes = () if options.dry_run else cycle.apply(situation, plan, operations)
        if not options.dry_run:
            cycle.close(situation, plan, outcomes)
            cycle.note_looks(situation, plan, evidence.marks)
        return cycle.report(plan, outcomes, stale, parked=left_parked(situation, cycle.done(plan, outcomes)))


class _Cycle:
    """The steps of one cycle, and what they share: its id, its time, and what it read."""

    def __init__(self, parts: Parts, options: Options) -> None:
        self._parts = parts
        self._options = options
        self.id = uuid4().hex[:12]
        self.stages = Stages(parts.clock, parts.observer)
        self.now = self.stages.now
        self.reading = Reading(parts, self.stages, refresh=options.refresh, keeps=not options.dry_run)
        self._calls_before = parts.target.calls()
        only = tuple(options.only)
        self._policy = parts.policy.model_copy(update={"asked": only}) if only else parts.policy

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record a cycle that ends before it has a plan, with the error that ended it."""
        self._parts.observer.event(
            "cycle_started",
            cycle_id=self.id,
            organization=self._parts.organization,
            command=self._options.command,
        )
        try:
            yield
        except SyncdError as error:
            report = self._report(
                None, (), error=str(error), exit_code=error.exit_code, half_removed=self._half_removed(None)
            )
            self._parts.observer.finished(report)
            if not self._options.dry_run:
                with suppress(StoreError):  # the first error is the one to tell
                    self._parts.history.record(report)
            raise

    def know_the_pilot(self, memory: Memory, desired: Desired) -> None:
        """Refuse an `--only` that names nobody: a mistyped key would freeze everybody, and look like success.

        The pilot of the configuration is not looked at: who was in it may have left long ago.

        Raises:
            UsageError: a key that neither the directory nor the memory knows, or none that is in the configured pilot.
        """
        if not self._options.only:
            return
        known = {*desired.entities, *memory.bindings, *(r.key for r in desired.rejections if r.key is not None)}
        identities = {identity_of(key) for key in known}
        for key in self._options.only:
            if key not in known and key not in identities:
                near = get_close_matches(key, [*known, *identities], 1)
                hint = f"did you mean {near[0]}?" if near else "keys look like user:4711 or group:sales"
                raise UsageError(f"--only names {key!r}, which nobody has as key", hint=hint)
        refuse_nobody(self._policy, desired, known)

    def weigh(self, memory: Memory, desired: Desired, observed: Observed) -> Evidence:
        """Return the evidence after this read: its moment is the beginning of the cycle."""
        parts = self._parts
        by_schedule = parts.hole if self._options.command == DAEMON else None
        hole = hole_of(parts.policy.removal, None if by_schedule is None else by_schedule(self.now))
        at = Instant(wall=self.now, boot=self.stages.boot, service=observed.answered_at)
        return evidence_of(memory, desired, observed, source=parts.source_name, at=at, hole=hole)

    def plan(
        self,
        memory: Memory,
        desired: Desired,
        observed: Observed,
        evidence: Evidence,
        *,
        disbelieved: bool = False,
    ) -> tuple[Situation, Plan]:
        """Match, then plan: pure, and the same for the draft and the plan itself."""
        with self.stages.stage("plan"):
            standings, rejections = match(
                desired,
                observed,
                memory,
                evidence=evidence,
                policy=self._policy,
                source=self._parts.source_name,
                now=self.now,
                disbelieved=disbelieved,
            )
            situation = Situation(
                organization=self._parts.organization,
                source=self._parts.source_name,
                configuration=self._parts.configuration,
                policy=self._policy,
                limits=self._parts.limits,
                desired=desired,
                observed=observed,
                memory=memory,
                standings=standings,
                now=self.now,
                pages=self._parts.pages,
            )
            return situation, assemble(situation, self._parts.facets, rejections)

    def disbelieves(self, plan: Plan, situation: Situation) -> bool:
        """Return whether a guard doesn't believe the source: then no removal that has begun may go on."""
        return disbelieved(plan, situation, self._parts.guards, self._parts.source_guards)

    def judged(self, plan: Plan, situation: Situation) -> Plan:
        """Return *plan* with what may not be sent; what was sent lately tells what somebody else changes back."""
        asked = places(plan)
        sent = self._parts.history.sent(asked) if asked else {}
        restricted = replace(plan, only=self._options.only, notes=(*plan.notes, *comebacks(plan, situation, sent)))
        return judge(restricted, situation, self._parts.guards, sent)

    def remember(self, plan: Plan, evidence: Evidence, situation: Situation) -> None:
        """Store the plan; record the evidence of this read unless it is a dry run or a source guard tripped."""
        self._parts.observer.event("plan_made", plan=plan.digest[:12], **plan.counts)
        if plan.doubted or situation.standings.rebindings:
            asked = len(situation.standings.rebindings)
            self._parts.observer.event("identity_doubted", doubted=len(plan.doubted), rebindings=asked)
        self._parts.history.save_plan(plan)
        tripped = any(f.tripped and f.guard in self._parts.source_guards for f in plan.findings)
        if not self._options.dry_run and not tripped:
            counts, anew = believed_counts(plan, situation), approved_reads(plan, self._parts.source_guards)
            self._parts.memory.record_marks(evidence.marks, counts)
            self._parts.memory.record_reads(counts, at=situation.service_now, anew=anew)
            if again := evidence.began_anew(situation.memory):
                self._parts.observer.event("evidence_began_anew", count=len(again), reason=next(iter(again.values())))
        if not self._options.dry_run:
            # The last to say something of one binding is right: what is said of removals counts for more.
            ended = (*ended_exchanges(situation), *begun_anew(situation), *ended_elsewhere(situation))
            said = {binding.key: binding for binding in (*ended, *given_back(situation, plan))}
            said |= {binding.key: binding for binding in found_in_order(situation, said)}
            for binding in said.values():
                self._parts.memory.bind(binding)
            self._parts.memory.note_enabled(list(newly_enabled(situation)))

    def apply(self, situation: Situation, plan: Plan, operations: tuple[Operation, ...]) -> tuple[Outcome, ...]:
        """Send *operations* of *plan*."""
        if not operations:
            return ()
        terms = self._parts.target.terms
        executor = Executor(
            send=self._parts.target.send,
            journal=self._parts.journal(self.id),
            observer=self._parts.observer,
            clock=self._parts.clock,
            before=partial(before_sending, situation, freed_removals(plan, situation.memory.approvals)),
            after=partial(after_success, situation),
            failure=partial(after_failure, situation),
            rebound=partial(rebound, situation),
            terms=terms,
            begun=set(begun_bundles(situation)),
            tallies=tallies_of(plan, situation, self._parts.guards),
            workers=self._parts.workers,
            stop=self._parts.stop,
            halt=self._parts.halt,
        )
        with self.stages.stage("apply", len(operations)):
            outcomes = executor.run(operations, read_at=self.stages.began)
        return tuple(
            replace(outcome, advice=terms.advise(outcome, situation)) if outcome.result is Result.FAILED else outcome
            for outcome in outcomes
        )

    def close(self, situation: Situation, plan: Plan, outcomes: tuple[Outcome, ...]) -> None:
        """Forget the removals that were given up and of which nothing is left to be put back; end the first load."""
        applied = {outcome.operation.id for outcome in outcomes if outcome.result is Result.APPLIED}
        if first_load_is_over(situation, plan, applied):
            self._parts.memory.end_first_load()
        for binding in rolled_back(situation, plan, outcomes):
            self._parts.memory.bind(binding)

    def note_looks(self, situation: Situation, plan: Plan, marks: Mapping[Key, Mark]) -> None:
        """Note how people appear who are no doubt themselves; what a disbelieved source says isn't noted."""
        if not any(f.tripped and f.guard in self._parts.source_guards for f in plan.findings):
            self._parts.memory.record_looks(fresh_looks(situation, plan, marks))

    def done(self, plan: Plan, outcomes: tuple[Outcome, ...]) -> Iterator[Operation]:
        """Yield what was done of *plan*; of a dry run, what would be."""
        if self._options.dry_run:
            yield from plan.sendable
        yield from (outcome.operation for outcome in outcomes if outcome.result is Result.APPLIED)

    def report(
        self, plan: Plan, outcomes: tuple[Outcome, ...], stale: tuple[Operation, ...], *, parked: bool
    ) -> Report:
        """Record and return what came of it; *stale* is what was asked for and is not what is needed any more."""
        half = self._half_removed(plan)
        code = self._exit_code(plan, outcomes, stale=bool(stale), half_done=bool(half) or parked)
        summaries = tuple(operation.summary for operation in stale)
        report = self._report(plan, outcomes, exit_code=code, stale=summaries, half_removed=half)
        # First recorded, then told: if that can't be recorded, the cycle failed, and is told of once.
        if not self._options.dry_run:
            self._parts.history.record(report)
        self._parts.observer.finished(report)
        return report

    def _half_removed(self, plan: Plan | None) -> tuple[HalfRemoved, ...] | None:
        """Return whose removal has begun and is not over, as the store has it now; None when it can't be asked."""
        try:
            bindings = self._parts.memory.begun()
        except StoreError:
            if plan is not None:
                raise
            return None  # another error has ended the cycle: that is the one to tell
        return half_removed(bindings, self._policy, plan, self._parts.clock.now())

    def _exit_code(self, plan: Plan, outcomes: tuple[Outcome, ...], *, stale: bool, half_done: bool) -> int:
        if stale:
            return StalePlan.exit_code
        if any(outcome.result is not Result.APPLIED for outcome in outcomes):
            return 4
        if self._options.strict and (plan.rejections or plan.notes or plan.pending):
            return 4
        if half_done:
            return 3
        return (
            3
            if plan.withheld or (plan.paused and plan.operations) or any(finding.tripped for finding in plan.findings)
            else 0
        )

    def _report(
        self,
        plan: Plan | None,
        outcomes: tuple[Outcome, ...],
        *,
        exit_code: int,
        error: str = "",
        stale: tuple[str, ...] = (),
        half_removed: tuple[HalfRemoved, ...] | None = None,
    ) -> Report:
        parts = self._parts
        return Report(
            cycle_id=self.id,
            organization=parts.organization,
            command=self._options.command,
            started_at=self.now,
            finished_at=parts.clock.now(),
            plan=plan,
            outcomes=outcomes,
            stale=stale,
            error=error,
            exit_code=exit_code,
            half_removed=half_removed,
            calls=dict(Counter(parts.target.calls()) - Counter(self._calls_before)),
            took=dict(self.stages.took),
            oldest_detail_s=self.reading.oldest_detail_s,
        )
