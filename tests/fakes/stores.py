"""What a cycle remembers, in memory: the reference for the store's promises."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from syncd.errors import UsageError
from syncd.model.detail import Detail, Details, Thing
from syncd.model.entry import Snapshot
from syncd.model.look import Look
from syncd.model.memory import REVOKED, Approval, Binding, Hold, Mark, Memory, OpenIntent, Pause
from syncd.model.names import EntityId, Key, Kind, kind_of
from syncd.model.operation import BundleKind, Call, Operation, plain
from syncd.model.plan import Plan, words_of
from syncd.model.report import Outcome, Refusal, Report, Result
from syncd.model.tally import GoodRead, Tallied
from syncd.ports import Clock


class FakeStores:
    """MemoryStore, DetailsStore, Journal, History and Lock in one."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.bindings: dict[Key, Binding] = {}
        self.marks: dict[Key, Mark] = {}
        self.counts: dict[Kind, int] = {}
        self.approvals: list[Approval] = []
        self.revoked: dict[int, datetime] = {}
        self.holds: dict[Key, Hold] = {}
        self.pauses: Pause | None = None
        self.applied: list[tuple[datetime, Operation]] = []
        self.kept: dict[tuple[Thing, EntityId], tuple[Any, datetime]] = {}
        self.open: dict[str, OpenIntent] = {}
        self.intents: list[Operation] = []
        self.reports: list[Report] = []
        self.plans: list[Plan] = []
        self.tallies: dict[str, list[Tallied]] = {}
        self.reads: list[GoodRead] = []
        self.settled = False

    def load_memory(self) -> Memory:
        now = self.clock.now()
        return Memory(
            bindings={key: self._as_revoked(binding) for key, binding in self.bindings.items()},
            marks=dict(self.marks),
            approvals=tuple(
                a for a in self.approvals if a.expires_at > now and a.operations and a.number not in self.revoked
            ),
            revoked=frozenset(
                identity
                for a in self.approvals
                if a.number in self.revoked and self.revoked[a.number] < a.expires_at
                for identity in a.operations
            ),
            holds={key: hold for key, hold in self.holds.items() if hold.until is None or hold.until > now},
            pause=self._paused(),
            counts=dict(self.counts),
            open_intents=tuple(self.open.values()),
            tallies=tuple(one for these in self.tallies.values() for one in these),
            reads=tuple(self.reads),
            settled=self.settled,
        )

    # MemoryStore
    def load(self) -> Memory:
        return self.load_memory()

    def record_marks(self, marks: Mapping[Key, Mark], counts: Mapping[Kind, int]) -> None:
        self.marks = {key: mark for key, mark in marks.items() if key in self.marks or mark.is_first}
        self.counts = dict(counts) or self.counts

    def note_enabled(self, keys: Collection[Key]) -> None:
        for key in keys:
            self.bindings[key] = replace(self.bindings[key], seen_enabled=True)

    def clear_marks(self, keys: Collection[Key]) -> None:
        self.marks = {key: mark for key, mark in self.marks.items() if key not in keys}

    def record_reads(self, counts: Mapping[Kind, int], *, at: datetime, anew: Collection[Kind] = ()) -> None:
        self.reads = [one for one in self.reads if one.kind not in anew]
        self.reads += [GoodRead(kind=kind, at=at, entries=count) for kind, count in counts.items()]

    def end_first_load(self) -> None:
        self.settled = True

    def begun(self) -> Mapping[Key, Binding]:
        return {key: self._as_revoked(one) for key, one in self.bindings.items() if one.began_at is not None}

    def _as_revoked(self, binding: Binding) -> Binding:
        if binding.began_at is None or binding.approval not in self.revoked:
            return binding
        return replace(binding, stuck=REVOKED, stuck_under="")

    def bind(self, binding: Binding, *, replaces: Key | None = None) -> None:
        if replaces is not None:
            self.bindings.pop(replaces, None)
        self.open = {name: intent for name, intent in self.open.items() if intent.key != binding.key}
        before = self.bindings.get(binding.key)
        seen = binding.seen_enabled if before is None else before.seen_enabled
        self.bindings[binding.key] = replace(binding, seen_enabled=seen)

    def record_looks(self, looks: Mapping[Key, Look]) -> None:
        for key in looks.keys() & self.bindings.keys():
            self.bindings[key] = replace(self.bindings[key], look=looks[key])

    def unbind(self, key: Key) -> None:
        self.bindings.pop(key, None)

    # Journal
    def intend(
        self,
        operation: Operation,
        call: Call | None,
        *,
        binding: Binding | None = None,
        spends: Collection[str] = (),
        tallies: Collection[Tallied] = (),
    ) -> Refusal | None:
        if (refusal := self.refusal(operation, binding)) is not None:
            return refusal
        self.intents.append(operation)
        for item in [item for item in self.kept if item[1] == operation.entity]:
            del self.kept[item]
        if binding is not None:
            self.bind(binding)
        if call is not None and call.operation in ("CreateUser", "CreateGroup"):
            key = operation.subject
            self.open[operation.id] = OpenIntent(
                operation=operation.id,
                key=key,
                kind=kind_of(key),
                name=str(operation.after["name"]),
                at=self.clock.now(),
                display_name=str(operation.after.get("display_name", "")),
            )
        self._spend(spends)
        name = f"{len(self.reports)}:{operation.id}"
        self.tallies[name] = list(tallies)
        return None

    def refusal(self, operation: Operation, binding: Binding | None) -> Refusal | None:
        if self._paused() is not None:
            return Refusal.PAUSED
        if binding is not None and binding.approval in self.revoked:
            return Refusal.REVOKED
        about = {operation.row, operation.subject, operation.effect.get("member")}
        held = not about.isdisjoint(self.load_memory().holds) and operation.bundle.kind is not BundleKind.ROLLBACK
        return Refusal.HELD if held else None

    def _paused(self) -> Pause | None:
        pause = self.pauses
        return None if pause is None or (pause.until is not None and pause.until <= self.clock.now()) else pause

    def _spend(self, ids: Collection[str]) -> None:
        self.approvals = [replace(each, operations=each.operations.difference(ids)) for each in self.approvals]

    def settle(
        self,
        outcome: Outcome,
        *,
        binding: Binding | None = None,
        replaces: Key | None = None,
        rebound: tuple[Sequence[Binding], Collection[Key]] = ((), ()),
    ) -> None:
        if outcome.result is not Result.UNKNOWN:
            self.open.pop(outcome.operation.id, None)
        if outcome.result is Result.APPLIED:
            self._spend(words_of(outcome.operation))
            self.applied.append((self.clock.now(), outcome.operation))
        elif outcome.result is not Result.UNKNOWN:
            self.tallies.pop(f"{len(self.reports)}:{outcome.operation.id}", None)
        if binding is not None:
            self.bind(binding, replaces=replaces)
        for key in rebound[1]:
            self.unbind(key)
        for one in rebound[0]:
            self.bind(one)

    # History
    def record(self, report: Report) -> None:
        self.reports.append(report)

    def save_plan(self, plan: Plan) -> None:
        self.plans.append(plan)

    def sent(self, places: Collection[str]) -> Mapping[str, tuple[tuple[Any, datetime], ...]]:
        done = [(at, o) for at, o in self.applied if o.call is not None and o.place in places]
        return {
            place: tuple((plain(o.after), at) for at, o in done if o.place == place)
            for place in {o.place for _, o in done}
        }

    def find_plan(self, prefix: str) -> Plan:
        for plan in reversed(self.plans):
            if plan.digest.startswith(prefix):
                return plan
        message = f"no stored plan begins with {prefix}"
        raise UsageError(message)

    def approve(self, approval: Approval) -> None:
        self.approvals.append(replace(approval, number=len(self.approvals) + 1))

    def revoke(self, digest: str, *, by: str = "ada") -> None:
        now = self.clock.now()
        self.revoked |= {approval.number: now for approval in self.approvals if approval.digest == digest}

    def hold(self, hold: Hold) -> None:
        self.holds[hold.key] = hold

    def release(self, key: Key) -> bool:
        return self.holds.pop(key, None) is not None

    def pause(self, pause: Pause) -> None:
        self.pauses = pause

    def resume(self) -> Pause | None:
        before, self.pauses = self._paused(), None
        return before

    # Lock
    @contextmanager
    def held(self, command: str) -> Iterator[None]:
        yield


class FakeDetails:
    """DetailsStore over the same rows."""

    def __init__(self, stores: FakeStores) -> None:
        self._kept = stores.kept

    def load(self, *, valid: Iterable[Detail[Any]]) -> tuple[Details, Mapping[Thing, Mapping[EntityId, datetime]]]:
        valid = tuple(valid)
        values: dict[Thing, dict[EntityId, Any]] = {detail.thing: {} for detail in valid}
        ages: dict[Thing, dict[EntityId, datetime]] = {detail.thing: {} for detail in valid}
        for (detail, entity), (value, at) in self._kept.items():
            if detail in values:
                values[detail][entity] = value
                ages[detail][entity] = at
        return Details(values), ages

    def keep(self, rows: Iterable[tuple[Thing, EntityId, Any]], *, read_at: datetime) -> None:
        for detail, entity, value in rows:
            self._kept[detail, entity] = (value, read_at)

    def prune(self, present: Collection[EntityId]) -> None:
        for item in [item for item in self._kept if item[1] not in present]:
            del self._kept[item]


class ListSource:
    """Returns the snapshot it holds."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def read(self, known: Collection[Key]) -> Snapshot:
        return self.snapshot
