"""Refuses to make too many mailboxes: rubbish in the directory must not become paid accounts.

| who would be registered                            | counts                                                |
|----------------------------------------------------|-------------------------------------------------------|
| a newcomer, made now or in a cycle that was ended  | yes                                                   |
| one who was registered before                      | no: a return is what takes nobody's mailbox           |
| anybody, while nobody is bound                     | no: that is the first load                            |
| anybody, until the first load is over              | only more than the first read had and isn't registered |
"""

from collections.abc import Iterator
from dataclasses import replace

from syncd.guards.counting import CountingGuard, Measure
from syncd.guards.threshold import Few
from syncd.model.names import Key
from syncd.model.operation import Operation
from syncd.model.page import Count
from syncd.model.plan import Plan
from syncd.model.situation import Situation
from syncd.model.tally import Tally


class Registrations(CountingGuard):
    """Counts people and groups that would get a mailbox or an address for the first time."""

    name = Count.REGISTRATIONS.value
    means = "More people or groups would be made and registered than the limit allows."
    counts = frozenset({Count.REGISTRATIONS})
    what = "would make and register people or groups:"
    few = Few.KEPT

    def tally(self, operation: Operation, situation: Situation) -> Tally | None:
        """Return whom *operation* makes or registers for the first time, after the first load."""
        if not situation.memory.bindings or not situation.memory.settled:
            return None
        return self._newcomer(operation, situation)

    def _newcomer(self, operation: Operation, situation: Situation) -> Tally | None:
        if operation.counts_as not in self.counts or _was_there(operation, situation):
            return None
        return Tally(count=Count.REGISTRATIONS, row=operation.row)

    def measures(self, plan: Plan, situation: Situation) -> Iterator[Measure]:
        """Yield the one measure; what is deferred counts once each."""
        newcomers = [(o, tally) for o in plan.operations if (tally := self._newcomer(o, situation)) is not None]
        rows = {(tally.scope, tally.row): tally.weight for _, tally in newcomers}
        deferred = max((n for verb, n in plan.deferred.items() if verb.counts_as in self.counts), default=0)
        measure = Measure(
            label="registrations",
            what=self.what,
            rows=rows,
            bundles=frozenset(operation.bundle for operation, _ in newcomers),
            population=plan.populations.reached_in_all,
            earlier=situation.memory.tallied.get((Count.REGISTRATIONS, ""), ()),
            deferred=deferred,
            few=self.few,
        )
        expected = _expected(situation)
        yield measure if expected is None or expected < measure.counted else replace(measure, rows={}, deferred=0)


def _was_there(operation: Operation, situation: Situation) -> bool:
    """Return whether it is registered again, and not for the first time."""
    binding = situation.memory.bindings.get(Key(operation.row))
    entity = None if binding is None else situation.observed.entities.get(binding.entity)
    return binding is not None and (binding.removed_at is not None or (entity is not None and entity.ever_enabled))


def _expected(situation: Situation) -> float | None:
    """Return how many registrations the first load still owes; None where it is over."""
    memory = situation.memory
    if not memory.bindings:
        return float("inf")
    if memory.settled:
        return None
    entities = situation.observed.entities  # whoever was made and not registered yet is still owed
    held = (entities.get(binding.entity) for binding in memory.bindings.values())
    registered = sum(entity is not None and entity.ever_enabled for entity in held)
    return max(sum(memory.counts.values()) - registered, 0)
