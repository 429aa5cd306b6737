"""Whom a newcomer may have been: somebody who is gone or disabled, and had the newcomer's address and name."""

from collections import defaultdict
from datetime import datetime

from syncd.model.detail import ALIASES
from syncd.model.look import words
from syncd.model.memory import Binding, Memory
from syncd.model.names import Key, fold
from syncd.model.observed import Observed
from syncd.model.standing import Freeze
from syncd.model.state import Desired, Entity, State, Wanted
from syncd.planning.draft import Draft
from syncd.planning.identity import seen_as


class Predecessors:
    """Everybody of ours who leaves, is disabled or was removed, by the addresses that they have or had."""

    def __init__(self, draft: Draft, desired: Desired, observed: Observed, memory: Memory, now: datetime) -> None:
        self._draft = draft
        self._desired = desired
        self._observed = observed
        self._memory = memory
        self._now = now
        self._by_address: dict[str, list[Key]] = defaultdict(list)
        for key, binding in memory.bindings.items():
            if self._is_gone(key, binding):
                for address in self._addresses(binding):
                    self._by_address[fold(address)].append(key)

    def of(self, wanted: Wanted) -> Entity | None:
        """Return the entity of the one who had the address and the name of *wanted*; None where there is none."""
        for key in sorted(self._by_address.get(fold(wanted.primary), ())):
            entity = self._observed.entities[self._memory.bindings[key].entity]
            is_free = self._draft.key_of.get(entity.id) == key
            if is_free and entity.kind is wanted.kind and self._has_name(key, entity, wanted):
                return entity
        return None

    def why(self, entity: Entity, wanted: Wanted) -> str:
        """Return why *entity* and *wanted* are thought to be the same."""
        owner = self._draft.key_of[entity.id]
        row = self._desired.entities.get(owner)
        gone = "is missing from the directory" if row is None else f"is disabled in {row.origin}"
        return (
            f"{wanted.origin} has the address and the name of {owner} ({entity.name}), who {gone}: approve if it is "
            f"the same {wanted.kind.value} under a new key, who gets all that {entity.name} had; "
            "else give the newcomer another address"
        )

    def _is_gone(self, key: Key, binding: Binding) -> bool:
        wanted, frozen = self._desired.entities.get(key), self._draft.frozen.get(key)
        if (wanted is not None and wanted.enabled) or key not in self._draft.entity_of or binding.began_at is not None:
            return False
        waits = frozen is not None and frozen.cause in (Freeze.PENDING, Freeze.OTHER_SOURCE)
        return waits or (frozen is None and (key in self._draft.leaving or key in self._draft.dropped))

    def _addresses(self, binding: Binding) -> set[str]:
        """Return what it holds, and what it gave up less than a fuse ago."""
        entity = self._observed.entities[binding.entity]
        if entity.state is State.ENABLED:
            return {entity.primary, *self._observed.details.of(ALIASES).get(entity.id, ())}
        since, fuse = entity.disabled_at or binding.removed_at, self._observed.organization.fuse.get(entity.kind)
        if fuse is not None and since is not None and self._now - since > fuse:
            return set()
        look = seen_as(binding, entity)
        return {look.primary, *binding.addresses} - {""}

    def _has_name(self, key: Key, entity: Entity, wanted: Wanted) -> bool:
        look = seen_as(self._memory.bindings[key], entity)
        same = bool(look.display_name) and words(look.display_name) == words(wanted.display_name)
        return same or fold(wanted.name) in (fold(look.login), fold(entity.name))
