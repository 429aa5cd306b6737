"""Refuses to change the names and profiles of too many, and, sooner, to blank them.

A column that went blank, or a template that misspells an attribute, takes a value from everybody at once.
"""

from datetime import timedelta

from syncd.guards.counting import CountingGuard
from syncd.guards.threshold import Few
from syncd.model.detail import PROFILE
from syncd.model.names import Key
from syncd.model.operation import BundleKind, Operation
from syncd.model.page import Count
from syncd.model.situation import Situation
from syncd.model.state import State
from syncd.model.tally import Tally

#: Whoever was made by us so recently may get first values in a later cycle than the one that made them.
_RECENT = timedelta(days=1)


class ProfileChanges(CountingGuard):
    """Counts entities of which a name, or any other value, becomes another; not the first values of a newcomer."""

    name = Count.PROFILE_CHANGES.value
    means = "More names or profiles would change than the limit allows."
    counts = frozenset({Count.PROFILE_CHANGES})
    what = "would change names or profiles of entities:"
    few = Few.KEPT

    def tally(self, operation: Operation, situation: Situation) -> Tally | None:
        """Return whose values *operation* changes."""
        if operation.counts_as not in self.counts or _is_first(operation, situation):
            return None
        return Tally(count=Count.PROFILE_CHANGES, row=operation.row)


class Clearings(CountingGuard):
    """Counts entities of which a value becomes blank; that is a change as well."""

    name = Count.CLEARINGS.value
    means = "More entities would lose a name or a value of their profile than the limit allows."
    counts = frozenset({Count.CLEARINGS})
    what = "would blank names or values of entities:"

    def tally(self, operation: Operation, situation: Situation) -> Tally | None:
        """Return whose values *operation* blanks."""
        del situation
        if not operation.blanks or operation.bundle.kind is BundleKind.ROLLBACK:
            return None
        return Tally(count=Count.CLEARINGS, row=operation.row)


def _is_first(operation: Operation, situation: Situation) -> bool:
    """Return whether *operation* gives first values to somebody who is being made, perhaps by a cycle that ended."""
    entity = None if operation.entity is None else situation.observed.entities.get(operation.entity)
    if operation.entity is None or (entity is not None and entity.state is not State.ENABLED):
        return True
    if PROFILE in operation.verb.rests_on and operation.overwrites:
        return False
    binding = situation.memory.bindings.get(Key(operation.row))
    return binding is not None and not binding.adopted and situation.now - binding.since < _RECENT
