"""What a cycle reads, and what of it is fresh."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from syncd.model.detail import Details, Thing
from syncd.model.memory import Memory
from syncd.model.names import STATED, EntityId, Key, kind_of
from syncd.model.observed import Observed
from syncd.model.page import Managed
from syncd.model.plan import Plan
from syncd.model.situation import Situation
from syncd.model.state import Desired, Entity
from syncd.parts import Parts
from syncd.planning.assemble import without
from syncd.planning.evidence import contradicted
from syncd.planning.freshness import Item, due, touched
from syncd.ports import (
    Clock,
    Observer,
)


class Stages:
    """The time of a cycle, and how long each of its stages took."""

    def __init__(self, clock: Clock, observer: Observer) -> None:
        self._clock = clock
        self._observer = observer
        self.now = clock.now()
        self.boot = clock.boot()
        self.began = clock.monotonic()
        self.took: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[None]:
        """Tell that the stage *name* begins, and add how long it takes."""
        self._observer.stage(name, total)
        begun = self._clock.monotonic()
        try:
            yield
        finally:
            self.took[name] = self.took.get(name, 0.0) + self._clock.monotonic() - begun


class Reading:
    """Reads both sides, and looks closer at what a draft touches; knows what was read in this cycle."""

    def __init__(self, parts: Parts, stages: Stages, *, refresh: bool, keeps: bool) -> None:
        """*refresh* reads every detail; *keeps* forgets the details of whom no list shows."""
        self._parts = parts
        self._stages = stages
        self._refresh = refresh
        self._keeps = keeps
        self._fresh: set[Item] = set()
        self._read_at: Mapping[Thing, Mapping[EntityId, datetime]] = {}

    @property
    def oldest_detail_s(self) -> float:
        """How old the oldest detail is that this cycle rests on, in seconds."""
        ages = [at for kinds in self._read_at.values() for at in kinds.values()]
        return (self._stages.now - min(ages)).total_seconds() if ages else 0.0

    def both(self, memory: Memory) -> tuple[Observed, Desired]:
        """Observe lists and due details; read the source, told the known keys, and map it."""
        parts = self._parts
        bound = {binding.entity: kind_of(key) for key, binding in memory.bindings.items()}
        with self._stages.stage("read_lists"):
            observed = parts.target.lists(bound=bound)
        with self._stages.stage("read_source"):
            snapshot = parts.source.read(memory.bindings.keys())
            desired = parts.map_snapshot(replace(snapshot, present=_present(memory, observed)))
        if self._keeps and (seen := contradicted(memory, desired)):
            # Before anything that can fail, and whatever the guards say.
            parts.memory.clear_marks(seen)
            parts.observer.event("marks_cleared", count=len(seen))
        parts.observer.event(
            "source_read",
            **{f"{kind.value}s": desired.counts.get(kind, 0) for kind in STATED},
            rejected=len(desired.rejections),
        )
        managed = parts.pages.managed(Managed(manage=parts.policy.manage, given=parts.given, read=desired.read))
        details, self._read_at = parts.details.load(valid=managed)
        wanted = due(
            observed.entities,
            managed,
            bound.keys(),
            self._read_at,
            now=self._stages.now,
            verify_within=parts.verify_within,
            refresh=self._refresh,
        )
        observed = replace(observed, details=self._with_read(details, wanted))
        if self._keeps:
            parts.details.prune(observed.entities.keys())
        return observed, desired

    def _with_read(self, details: Details, wanted: Mapping[Thing, list[Entity]]) -> Details:
        """Return *details* with what *wanted* says read now; kept in the store as soon as it is read."""
        total = sum(map(len, wanted.values()))
        if not total:
            return details
        merged = {thing: dict(details.by_thing.get(thing, {})) for thing in wanted}
        for detail, entities in wanted.items():
            for entity in entities:
                merged[detail].pop(entity.id, None)
        with self._stages.stage("read_details", total):
            rows = self._tee(self._parts.target.details(wanted), merged)
            self._parts.details.keep(rows, read_at=self._stages.now)
        return details.replacing(merged)

    def _tee(
        self, rows: Iterator[tuple[Thing, EntityId, object]], merged: Mapping[Thing, dict[EntityId, object]]
    ) -> Iterator[tuple[Thing, EntityId, object]]:
        for detail, entity, value in rows:
            merged[detail][entity] = value
            self._fresh.add((detail, entity))
            self._parts.observer.advanced()
            yield detail, entity, value

    def look_closer(self, situation: Situation, draft: Plan) -> Observed:
        """Re-read every detail that *draft* rests on and that wasn't read in this cycle."""
        observed = situation.observed
        wanted: dict[Thing, list[Entity]] = {}
        for (detail, identity), entity in sorted(
            touched(draft.operations, observed.entities, self._parts.pages).items(), key=lambda i: i[0]
        ):
            if (detail, identity) not in self._fresh:
                wanted.setdefault(detail, []).append(entity)
        return replace(observed, details=self._with_read(observed.details, wanted)) if wanted else observed

    def resting_on_fresh_reads(self, situation: Situation, plan: Plan) -> Plan:
        """Leave to the next cycle what only the second plan touches."""
        entities = situation.observed.entities
        stale = [
            operation.id
            for operation in plan.operations
            if any(item not in self._fresh for item in touched((operation,), entities, self._parts.pages))
        ]
        return without(plan, stale) if stale else plan


def _present(memory: Memory, observed: Observed) -> dict[Key, str]:
    """Return the primary address that each of our entities has now, "" of one that isn't ENABLED left out."""
    entities = observed.entities
    found = ((key, entities.get(binding.entity)) for key, binding in memory.bindings.items())
    return {key: entity.primary for key, entity in found if entity is not None and entity.primary}
