"""Runs a plan's dependency graph: sends what is ready, retries what may pass, journals everything.

One bad entity never blocks the others: an operation whose need failed is skipped and says why.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event

from syncd.errors import CallError, OutcomeUnknown, Throttled, TransientCallError
from syncd.model.memory import Binding
from syncd.model.names import EntityId, Key
from syncd.model.operation import Bundle, BundleKind, Call, Operation, Ref
from syncd.model.page import Role
from syncd.model.plan import words_of
from syncd.model.report import Outcome, Refusal, Result
from syncd.model.tally import Tallied
from syncd.model.terms import Terms
from syncd.ports import Clock, Journal, Observer

#: No destructive operation is sent later than this after the read it rests on.
STALE_AFTER_S = 30 * 60.0
#: Identical permanent errors in a row that stop an operation's name for the cycle.
IDENTICAL_ERRORS = 20

_TRIES = 6
_THROTTLED_TRIES = 30
_FIRST_RETRY_S = 0.2

#: What an operation does to our bindings: before it is sent, and after success (binding, replaced key).
Before = Callable[[Operation], Binding | None]
After = Callable[[Operation, EntityId | None], tuple[Binding | None, Key | None]]
#: The bindings to write after success in the place of those of the keys, where an operation is about several.
Rebound = Callable[[Operation], tuple[Sequence[Binding], Collection[Key]]]
#: The binding to write after a failure that no later try would change.
Failure = Callable[[Operation, str], Binding | None]


@dataclass(slots=True, kw_only=True)
class Executor:
    """Executes operations with a few workers; with one worker its trace is deterministic."""

    send: Callable[[Call], EntityId | None]
    terms: Terms
    journal: Journal
    observer: Observer
    clock: Clock
    before: Before
    after: After
    failure: Failure
    rebound: Rebound = lambda _: ((), ())
    #: Bundles of which something was sent before this run, or in it: half of them would be worse than none.
    begun: set[Bundle] = field(default_factory=set)
    #: By operation id, as what guards counted it.
    tallies: Mapping[str, Collection[Tallied]] = field(default_factory=dict)
    workers: int = 1
    stop: Event = field(default_factory=Event)
    #: Set besides *stop* when what is allowed has changed: then a removal isn't finished either, which the next cycle
    #: does or gives back. Half a move of addresses would leave somebody parked, so that it ends.
    halt: Event = field(default_factory=Event)
    _created: dict[Key, EntityId] = field(default_factory=dict)
    _stopped: dict[str, str] = field(default_factory=dict)
    _failures: dict[tuple[str, str], int] = field(default_factory=dict)
    _fatal: str = ""
    _broken: set[Bundle] = field(default_factory=set)

    def run(self, operations: Sequence[Operation], *, read_at: float) -> tuple[Outcome, ...]:
        """Send *operations* (in sending order); *read_at* is the monotonic time of the read they rest on.

        Returns the outcomes in the order of *operations*.

        Raises:
            StoreError: the journal can't be written; nothing more is sent.
        """
        graph = _Graph(operations)
        if self.workers == 1:
            while (operation := graph.next()) is not None:
                self._settle(self._one(operation, graph, read_at), graph)
        else:
            self._run_parallel(graph, read_at)
        return graph.outcomes_in_order()

    def _run_parallel(self, graph: "_Graph", read_at: float) -> None:
        running: set[Future[Outcome]] = set()
        with ThreadPoolExecutor(self.workers, thread_name_prefix="apply") as pool:
            while True:
                while len(running) < self.workers and (operation := graph.next()) is not None:
                    running.add(pool.submit(self._one, operation, graph, read_at))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    self._settle(future.result(), graph)

    def _one(self, operation: Operation, graph: "_Graph", read_at: float) -> Outcome:
        reason = self._why_not(operation, graph, read_at)
        if reason:
            outcome = Outcome(operation=operation, result=Result.SKIPPED, code=reason[0], message=reason[1])
        else:
            outcome = self._carry_out(operation, graph)
        self.observer.settled(outcome)
        return outcome

    def _settle(self, outcome: Outcome, graph: "_Graph") -> None:
        """Draw the conclusions from an outcome; in the scheduling thread only."""
        if outcome.result is not Result.SKIPPED or outcome.code == Refusal.PAUSED:
            self._learn(outcome)
        graph.settle(outcome)

    def _why_not(self, operation: Operation, graph: "_Graph", read_at: float) -> tuple[str, str] | None:
        if failed := graph.failed_need(operation):
            return "NeedFailed", f"it needs {failed!r}, which did not succeed"
        if operation.bundle in self._broken:
            return "NeedFailed", "a step of the same removal was refused for good; what it took is put back"
        if self.halt.is_set() and not (operation.bundle.kind is BundleKind.MOVE and operation.bundle in self.begun):
            return "Stopped", "the configuration has changed; the next cycle follows the new one"
        if self.stop.is_set() and operation.bundle not in self.begun:
            return "Stopped", "syncd was told to stop; the next cycle goes on"
        if self._fatal:
            return "Stopped", self._fatal
        if why := self._is_stopped(operation, graph):
            return "OperationStopped", why
        if operation.destructive and self.clock.monotonic() - read_at > STALE_AFTER_S:
            return "StaleRead", "the read it rests on is more than 30 minutes old; the next cycle reads again"
        return None

    def _is_stopped(self, operation: Operation, graph: "_Graph") -> str:
        """Return why its call would be refused like others of its name, "" when it is worth sending.

        A whole bundle isn't begun when any of its calls would be. Of one that has begun, all is sent that can be; of a
        removal even the refused call, since only its own refusal says that it has to be given back.
        """
        has_begun = operation.bundle in self.begun
        if has_begun and operation.bundle.kind is BundleKind.REMOVAL:
            return ""
        calls = graph.calls_of(operation) if operation.bundle.is_whole and not has_begun else _call_of(operation)
        return next((self._stopped[call] for call in sorted(calls) if call in self._stopped), "")

    def _carry_out(self, operation: Operation, graph: "_Graph") -> Outcome:
        call = None if operation.call is None else self._filled(operation.call)
        begins = operation.bundle.kind is BundleKind.REMOVAL and operation.bundle not in self.begun
        if operation.bundle.is_whole:  # a stop waits for its end
            self.begun.add(operation.bundle)
        spends = graph.approved_as(operation) if begins else ()
        binding = self.before(operation)
        tallies = self.tallies.get(operation.id, ())
        refusal = self.journal.intend(operation, operation.call, binding=binding, spends=spends, tallies=tallies)
        if refusal is not None:
            return Outcome(operation=operation, result=Result.SKIPPED, code=refusal, message=refusal.text)
        outcome, created = (
            (Outcome(operation=operation, result=Result.APPLIED), None)
            if call is None
            else self._attempt(operation, call, binding)
        )
        binding, replaces = self.after(operation, created) if outcome.result is Result.APPLIED else (None, None)
        if self._is_refused(outcome):
            binding = self.failure(operation, outcome.code)
        rebound = self.rebound(operation) if call is None and outcome.result is Result.APPLIED else ((), ())
        self.journal.settle(outcome, binding=binding, replaces=replaces, rebound=rebound)
        if created is not None:
            self._created[operation.subject] = created
        return outcome

    def _is_refused(self, outcome: Outcome) -> bool:
        """Return whether the service would refuse it again; credentials that are no good say nothing about that."""
        return outcome.permanent and outcome.code not in self.terms.fatal

    def _filled(self, call: Call) -> Call:
        """Replace each `Ref` by the id that its creation returned."""
        if not any(isinstance(value, Ref) for value in call.parameters.values()):
            return call
        return Call(
            call.operation,
            {
                name: self._created.get(value.key, value) if isinstance(value, Ref) else value
                for name, value in call.parameters.items()
            },
        )

    def _attempt(self, operation: Operation, call: Call, binding: Binding | None) -> tuple[Outcome, EntityId | None]:
        """Send until it succeeded, or until trying again is pointless, or a person has decided otherwise."""
        tries = _Tries(
            creation=operation.verb.role is Role.BEGINS,
            done_before=self.terms.done_before.get(call.operation, ""),
            without_effect=self.terms.without_effect,
        )
        while True:
            try:
                created = self.send(call)
            except CallError as error:
                result = tries.verdict(error, stopping=self.stop.is_set())
                if result is Result.APPLIED:
                    return Outcome(operation=operation, result=result, attempts=tries.made), None
                if result is not None:
                    return _failed(operation, error, tries.made, result), None
                self.observer.event("api_call_retried", call=call.operation, code=error.code)
            else:
                made = tries.made + 1
                return Outcome(operation=operation, result=Result.APPLIED, attempts=made, entity=created or ""), created
            self.clock.sleep(tries.pause_s)
            if (refusal := self.journal.refusal(operation, binding)) is not None:
                result = Result.UNKNOWN if tries.maybe_done else Result.SKIPPED
                code, text = refusal.value, refusal.text
                return Outcome(operation=operation, result=result, code=code, message=text, attempts=tries.made), None

    def _learn(self, outcome: Outcome) -> None:
        """Stop an operation's name where going on is pointless."""
        name = outcome.operation.call.operation if outcome.operation.call is not None else ""
        in_a_row = self._failures.get((name, outcome.code), 0)
        for key in [key for key in self._failures if key[0] == name]:
            del self._failures[key]
        if outcome.result is Result.APPLIED:
            return
        if self._is_refused(outcome) and outcome.operation.bundle.kind is BundleKind.REMOVAL:
            self._broken.add(outcome.operation.bundle)
        if outcome.code == Refusal.PAUSED:
            self._fatal = outcome.message
        elif outcome.code in self.terms.fatal:
            self._fatal = f"the credentials are no good any more ({outcome.code})"
        elif why := self.terms.stops(name, outcome.code):
            self._stopped[name] = why
        elif outcome.result is Result.FAILED:
            self._failures[name, outcome.code] = in_a_row + 1
            if in_a_row + 1 >= IDENTICAL_ERRORS:
                self._stopped[name] = f"{name} failed {IDENTICAL_ERRORS} times in a row with {outcome.code}"


@dataclass(slots=True, kw_only=True)
class _Tries:
    """Whether one call is tried again: counts, and remembers whether it may already have had its effect.

    *creation*: whether an entity is made, which must not happen twice. *done_before* is the code that a second try gets
    after a first one that had its effect.
    """

    creation: bool
    done_before: str
    without_effect: frozenset[str]
    made: int = 0
    throttles: int = 0
    maybe_done: bool = False

    def verdict(self, error: CallError, *, stopping: bool) -> Result | None:
        """Return how the operation ended with *error*, None when it is worth another try."""
        self.made += 1
        if self.maybe_done and error.code == self.done_before:
            return Result.APPLIED
        # Of a creation that may have had its effect the intent stays open: the next match finds it in the list.
        unsuccessful = Result.UNKNOWN if self.creation and self.maybe_done else Result.FAILED
        if isinstance(error, OutcomeUnknown):
            self.maybe_done = True
            return Result.UNKNOWN if self.creation or stopping or self.made >= _TRIES else None
        if isinstance(error, Throttled):
            self.throttles += 1
            return unsuccessful if stopping or self.throttles >= _THROTTLED_TRIES else None
        if isinstance(error, TransientCallError):
            self.maybe_done = self.maybe_done or error.code not in self.without_effect
            last = stopping or self.made - self.throttles >= _TRIES
            return (Result.UNKNOWN if self.creation and self.maybe_done else Result.FAILED) if last else None
        return unsuccessful

    @property
    def pause_s(self) -> float:
        """Seconds to wait before the next try; throttles wait in the shared back-off instead."""
        return min(_FIRST_RETRY_S * 2.0 ** max(self.made - self.throttles, 0), 10.0)


def _call_of(operation: Operation) -> set[str]:
    return {operation.call.operation} if operation.call is not None else set()


def _failed(operation: Operation, error: CallError, attempts: int, result: Result) -> Outcome:
    return Outcome(
        operation=operation,
        result=result,
        code=error.code,
        message=error.service_message,
        attempts=attempts,
        permanent=result is Result.FAILED and not isinstance(error, TransientCallError),
    )


class _Graph:
    """What is ready, what waits for what, and how each operation ended.

    Used by the scheduling thread only, but for `failed_need`, which reads outcomes that are settled by then.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations
        self._position = {operation.id: position for position, operation in enumerate(operations)}
        self._open: dict[str, int] = {}
        self._opens: dict[str, list[str]] = defaultdict(list)
        self._calls: dict[Bundle, set[str]] = defaultdict(set)
        self._words: dict[Bundle, list[str]] = defaultdict(list)
        self._outcomes: dict[str, Outcome] = {}
        for operation in operations:
            self._calls[operation.bundle] |= _call_of(operation)
            self._words[operation.bundle] += words_of(operation)
            waits = {need for need in operation.needs | operation.follows if need in self._position}
            self._open[operation.id] = len(waits)
            for need in waits:
                self._opens[need].append(operation.id)
        self._heap = [self._position[identity] for identity, count in self._open.items() if not count]
        heapq.heapify(self._heap)

    def next(self) -> Operation | None:
        """Return the first ready operation, None while there is none."""
        return self._operations[heapq.heappop(self._heap)] if self._heap else None

    def settle(self, outcome: Outcome) -> None:
        """Note how an operation ended, and free what waited for it."""
        identity = outcome.operation.id
        self._outcomes[identity] = outcome
        for waiting in self._opens[identity]:
            self._open[waiting] -= 1
            if not self._open[waiting]:
                heapq.heappush(self._heap, self._position[waiting])

    def calls_of(self, operation: Operation) -> Collection[str]:
        """Return the names of the calls of its whole bundle."""
        return self._calls[operation.bundle]

    def approved_as(self, operation: Operation) -> Collection[str]:
        """Return what approvals of its whole bundle consist of."""
        return self._words[operation.bundle]

    def failed_need(self, operation: Operation) -> str:
        """Return the summary of a need that didn't succeed (or isn't part of this run), "" when all did."""
        for need in sorted(operation.needs):
            outcome = self._outcomes.get(need)
            if outcome is None:
                return "an operation that is not part of this run"
            if outcome.result is not Result.APPLIED:
                return outcome.operation.summary
        return ""

    def outcomes_in_order(self) -> tuple[Outcome, ...]:
        return tuple(self._outcomes[operation.id] for operation in self._operations)
