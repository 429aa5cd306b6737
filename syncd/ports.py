"""The small Protocols through which the rooms meet. Implementations are named in `wiring` only."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from syncd.model.detail import Detail, Details, Thing
from syncd.model.entry import Snapshot
from syncd.model.look import Look
from syncd.model.memory import Binding, Mark, Memory
from syncd.model.moments import Boot
from syncd.model.names import EntityId, Key, Kind
from syncd.model.observed import Observed
from syncd.model.operation import Call, Change, Operation
from syncd.model.page import Count
from syncd.model.plan import Finding, Plan, Proposed
from syncd.model.report import Outcome, Refusal, Report
from syncd.model.situation import Situation
from syncd.model.state import Entity
from syncd.model.tally import Tallied, Tally
from syncd.model.terms import Terms


class Source(Protocol):
    """Where users and groups are read from.

    An implementation *must* return every entry or raise `SourceIncomplete` / `SourceUnreachable`; it
    *must* turn an unusable record into a `Rejection`; it *must not* guess, retry forever, or drop.
    """

    def read(self, known: Collection[Key]) -> Snapshot:
        """Read everything; of each *known* key that is absent say, where it can be told, what became of it."""
        ...


class Target(Protocol):
    """The service. It compares nothing and decides nothing; what its answers mean, its terms say.

    Reading raises `TargetError`; `send` raises `CallError` (transient and permanent are types).
    """

    @property
    def terms(self) -> Terms:
        """What its codes mean."""
        ...

    def lists(self, *, bound: Mapping[EntityId, Kind]) -> Observed:
        """Read organization, mail domains and their state, users, groups, resources; details empty.

        A *bound* id that no list shows is asked for by id: absence from a list is no fact.
        """
        ...

    def details(self, wanted: Mapping[Thing, Collection[Entity]]) -> Iterator[tuple[Thing, EntityId, Any]]:
        """Yield each detail as it is read, as its `Detail` has it."""
        ...

    def send(self, call: Call) -> EntityId | None:
        """Send *call*, placeholders filled, once; return the id of the entity that it made, None for other calls."""
        ...

    def calls(self) -> Mapping[str, int]:
        """Return how many API calls were made so far, retries included, by operation."""
        ...


class Facet(Protocol):
    """One kind of thing the target stores: pure."""

    name: str
    #: The pages whose verbs it plans; each is planned by one facet.
    things: frozenset[Thing]

    def propose(self, situation: Situation) -> Proposed:
        """Return the operations that bring the target to the desired state, entity by entity, in a fixed order."""
        ...


class Guard(Protocol):
    """A pure function that may withhold bundles of a plan."""

    name: str
    #: What it means that it tripped, in a sentence.
    means: str
    #: What it counts; a guard about the source itself counts no operations.
    counts: frozenset[Count]

    def tally(self, operation: Operation, situation: Situation) -> Tally | None:
        """Return as what it counts *operation*, None when it doesn't: what is remembered of it for the windows."""
        ...

    def examine(self, plan: Plan, situation: Situation) -> Iterable[Finding]:
        """Measure *plan*; a finding is yielded even when nothing trips, so that its budget can be shown."""
        ...


class MemoryStore(Protocol):
    """What is remembered between cycles."""

    def load(self) -> Memory:
        """Return everything remembered; expired approvals left out."""
        ...

    def record_marks(self, marks: Mapping[Key, Mark], counts: Mapping[Kind, int]) -> None:
        """Replace all marks, and the last good counts (an empty mapping leaves them as they are).

        A mark that goes on from one which was cleared meanwhile is not written.
        """
        ...

    def clear_marks(self, keys: Collection[Key]) -> None:
        """Forget the marks of *keys*: a complete read has seen them, whatever becomes of its cycle."""
        ...

    def record_reads(self, counts: Mapping[Kind, int], *, at: datetime, anew: Collection[Kind] = ()) -> None:
        """Add a good read to those of the last week; of the kinds *anew* forget the ones before: a person said yes."""
        ...

    def end_first_load(self) -> None:
        """Note that the first load is over."""
        ...

    def begun(self) -> Mapping[Key, Binding]:
        """Return the bindings of those whose removal has begun and is not over."""
        ...

    def bind(self, binding: Binding) -> None:
        """Write *binding* outside of any operation: a removal that was rolled back is forgotten."""
        ...

    def note_enabled(self, keys: Collection[Key]) -> None:
        """Remember that the entities of *keys* were seen ENABLED as ours."""
        ...

    def record_looks(self, looks: Mapping[Key, Look]) -> None:
        """Note how those in *looks* appear, in one transaction; nobody else's binding changes."""
        ...


class DetailsStore(Protocol):
    """Details kept between cycles."""

    def load(self, *, valid: Iterable[Detail[Any]]) -> tuple[Details, Mapping[Thing, Mapping[EntityId, datetime]]]:
        """Return the kept details of the named kinds, and when each was read."""
        ...

    def keep(self, rows: Iterable[tuple[Thing, EntityId, Any]], *, read_at: datetime) -> None:
        """Write details just read, in batches: an interrupted first read resumes."""
        ...

    def prune(self, present: Collection[EntityId]) -> None:
        """Forget the details of entities not in *present*."""
        ...


class Journal(Protocol):
    """Intent before the call, outcome after; from day one."""

    def intend(
        self,
        operation: Operation,
        call: Call | None,
        *,
        binding: Binding | None = None,
        spends: Collection[str] = (),
        tallies: Collection[Tallied] = (),
    ) -> Refusal | None:
        """Record the intent, drop the details that *operation* touches and write *binding*, in one transaction.

        *spends* is what is spent of approvals by it; *tallies* are as what guards counted it, until it is known not to
        have been done. Returns why it may not be sent, if a person has decided so since the plan was made; then
        nothing is recorded.
        """
        ...

    def refusal(self, operation: Operation, binding: Binding | None) -> Refusal | None:
        """Return why *operation* may not be sent again: people decide between two tries too."""
        ...

    def settle(
        self,
        outcome: Outcome,
        *,
        binding: Binding | None = None,
        replaces: Key | None = None,
        rebound: tuple[Sequence[Binding], Collection[Key]] = ((), ()),
    ) -> None:
        """Record the outcome, spend its approval on success, and write *binding*, in one transaction.

        *rebound* are bindings to write in the place of those of the keys: they may have exchanged their entities.
        """
        ...


class History(Protocol):
    """Cycles and stored plans."""

    def record(self, report: Report) -> None:
        """Keep *report* (numbers, outcomes) and its plan document."""
        ...

    def save_plan(self, plan: Plan) -> None:
        """Store *plan* so that it can be approved and applied by its digest."""
        ...

    def sent(self, places: Collection[str]) -> Mapping[str, tuple[tuple[Change, datetime], ...]]:
        """Return what was made of each place and when, in the order in which it was applied."""
        ...

    def find_plan(self, prefix: str) -> Plan:
        """Return the stored plan whose digest starts with *prefix* (at least 8 characters).

        Raises:
            UsageError: none or several match, or the prefix is too short.
        """
        ...


class Lock(Protocol):
    """One instance per organization."""

    def held(self, command: str) -> AbstractContextManager[None]:
        """Hold the organization. Raises `Locked`, naming the holder."""
        ...


class Observer:
    """Told what happens, in a cycle and around it; must not fail and must not decide.

    A class and no Protocol: of what an implementation doesn't care about it inherits that nothing happens.
    """

    def began(self, at: datetime) -> None:
        """A cycle begins; the daemon tells it."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage of the cycle begins: `read_lists`, `read_details`, `read_source`, `plan`, `apply`."""

    def advanced(self, count: int = 1) -> None:
        """The stage got on by *count*."""

    def called(self, operation: str, code: str, seconds: float) -> None:
        """An API call ended with *code* ("ok" or the error code)."""

    def settled(self, outcome: Outcome) -> None:
        """An operation ended."""

    def event(self, name: str, **fields: object) -> None:
        """Anything else worth a log line; *name* is lower snake case, past tense."""

    def finished(self, report: Report) -> None:
        """A cycle ended, with a plan or with an error."""

    def failed(self, error: Exception) -> None:
        """A cycle ended with *error*; `finished` was told before if there was a report; the daemon tells it."""

    def scheduled(self, at: datetime | None) -> None:
        """The next cycle comes at *at*; None: none is planned; the daemon tells it."""


class Clock(Protocol):
    """Time, replaceable."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    def boot(self) -> Boot | None:
        """Return which boot of the machine this is, and its age, sleep included; None where the machine can't tell."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait, or return early when the process is told to stop."""
        ...


#: Returns a fresh random password that satisfies the strictest known policy (`workmail.md` F).
PasswordMaker = Callable[[], str]
