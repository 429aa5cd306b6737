"""Where everybody stands who is wanted and has no binding."""

from dataclasses import dataclass, field
from datetime import datetime

from syncd.model.detail import PROFILE
from syncd.model.memory import Memory, OpenIntent
from syncd.model.names import Key, fold
from syncd.model.observed import Observed
from syncd.model.policy import Adopt, Policy
from syncd.model.standing import Freeze, Proposal, ProposalKind
from syncd.model.state import HIDDEN, Desired, Entity, State, Wanted
from syncd.planning.draft import Draft
from syncd.planning.predecessors import Predecessors


@dataclass(slots=True)
class Unbound:
    """Places every enabled entry that has no binding."""

    draft: Draft
    desired: Desired
    observed: Observed
    memory: Memory
    policy: Policy
    now: datetime
    by_primary: dict[str, Entity] = field(default_factory=dict)
    by_name: dict[str, Entity] = field(default_factory=dict)

    def place_all(self) -> None:
        bound = self.memory.bindings
        strangers = [
            wanted
            for key, wanted in self.desired.entities.items()
            if wanted.enabled and (key not in bound or key in self.draft.lost) and key not in self.draft.frozen
        ]
        if not strangers:
            return
        for entity in self.observed.entities.values():
            if entity.state is not State.DELETED:
                self.by_name[fold(entity.name)] = entity
                if entity.primary:
                    self.by_primary[fold(entity.primary)] = entity
        predecessors = Predecessors(self.draft, self.desired, self.observed, self.memory, self.now)
        intents = {intent.key: intent for intent in self.memory.open_intents}
        for wanted in sorted(strangers, key=lambda wanted: wanted.key):
            if wanted.key in intents and self._claim_our_creation(wanted, intents[wanted.key]):
                continue
            before = predecessors.of(wanted)
            if before is None:
                self._place(wanted)
            elif (owner := self.draft.key_of[before.id]) in self.memory.holds:
                looks = f"it looks like {self._who(before)}, who is {self.memory.holds[owner]}"
                ends = f"or end the hold: syncd release {owner}"
                self.draft.reject(wanted, looks, f"let whoever is new have a name and an address of their own, {ends}")
            else:
                reason = predecessors.why(before, wanted)
                self._propose(wanted, before, ProposalKind.REBIND, reason, previous=self.draft.key_of[before.id])

    def _claim_our_creation(self, wanted: Wanted, intent: OpenIntent) -> bool:
        """Take what our own creation must have made, whose answer was lost; ask where somebody else may have made it.

        The list read before that creation lacked the name, else there had been none. The service tells no time of
        creation: so it is ours only if it is just what was sent, never enabled, and nobody has hidden it.
        """
        entity = self.by_name.get(fold(wanted.name))
        if entity is None or entity.kind is not wanted.kind or entity.ever_enabled:
            return False
        if entity.id in self.draft.key_of or entity.untouchable or entity.primary:
            return False
        is_ours = entity.name == intent.name and entity.display_name == intent.display_name
        hidden = self.observed.details.of(PROFILE).get(entity.id, {}).get(HIDDEN) == "true"
        if is_ours and not hidden:
            reason = "created by syncd in an earlier cycle whose answer was lost"
            self._propose(wanted, entity, ProposalKind.ADOPT, reason, needs_approval=False)
            return True
        if self._candidate(entity, wanted) is None:
            return False
        differs = "is hidden" if is_ours else f"is called {entity.display_name!r} and not {intent.display_name!r}"
        reason = f"the answer to our own creation of {intent.name!r} was lost, but this one {differs}: by another hand?"
        self._propose(wanted, entity, ProposalKind.ADOPT, reason)
        return True

    def _place(self, wanted: Wanted) -> None:
        by_primary = self._candidate(self.by_primary.get(fold(wanted.primary)), wanted)
        by_name = self._candidate(self.by_name.get(fold(wanted.name)), wanted)
        if by_primary and by_name and by_primary.id != by_name.id:
            self.draft.reject(
                wanted,
                f"two entities match: {by_primary.name!r} has its address {wanted.primary}, {by_name.name!r} its name",
                "rename one of them in the directory, or bind it by hand",
            )
            return
        entity = by_primary or by_name
        holder = self.by_name.get(fold(wanted.name))
        if holder is not None and (entity is None or holder.id != entity.id):
            self.draft.reject(
                wanted,
                f"the name {wanted.name!r} is held by {self._who(holder)}",
                "WorkMail can't rename: give the entry another name, or delete the holder",
            )
        elif entity is None:
            self.draft.newcomers.add(wanted.key)
        else:
            self._offer(wanted, entity)

    def _candidate(self, entity: Entity | None, wanted: Wanted) -> Entity | None:
        """Return *entity* if it could become ours through this entry."""
        if entity is None or entity.kind is not wanted.kind or entity.untouchable:
            return None
        owner = self.draft.key_of.get(entity.id)
        if owner is not None:
            return entity if self._is_missing(owner) else None
        if self.policy.adopt is Adopt.NEVER:
            return None
        if self.policy.protects(entity.kind, entity.name, entity.primary):
            return None
        return entity

    def _is_missing(self, owner: Key) -> bool:
        """Return whether *owner* is bound but absent from the directory, neither rejected nor protected nor held."""
        if owner in self.desired.entities or owner in self.draft.proposals or owner in self.memory.holds:
            return False
        frozen = self.draft.frozen.get(owner)
        waits = frozen is not None and frozen.cause in (Freeze.PENDING, Freeze.OTHER_SOURCE)
        return owner in self.draft.leaving or owner in self.draft.dropped or waits

    def _offer(self, wanted: Wanted, entity: Entity) -> None:
        owner = self.draft.key_of.get(entity.id)
        if owner is not None:
            reason = f"{self._who(entity)} looks like the same person; {owner} is missing from the directory"
            self._propose(wanted, entity, ProposalKind.REBIND, reason, previous=owner)
            return
        same_name = fold(entity.name) == fold(wanted.name)
        same_primary = fold(entity.primary) == fold(wanted.primary)
        matched = " and ".join(
            [f"its name {entity.name!r}"] * same_name + [f"its address {entity.primary}"] * same_primary
        )
        exact = self.policy.adopt is Adopt.EXACT and same_name and same_primary
        verb = "match" if same_name and same_primary else "matches"
        reason = f"{matched} {verb} {wanted.origin}"
        self._propose(wanted, entity, ProposalKind.ADOPT, reason, needs_approval=not exact)

    def _propose(
        self,
        wanted: Wanted,
        entity: Entity,
        kind: ProposalKind,
        reason: str,
        *,
        previous: Key | None = None,
        needs_approval: bool = True,
    ) -> None:
        draft, key = self.draft, wanted.key
        if previous is not None:
            del draft.entity_of[previous]
            draft.leaving.pop(previous, None)
            draft.waiting.pop(previous, None)
            draft.dropped.discard(previous)
            draft.freeze(previous, Freeze.REBIND, f"proposed to be the same as {key}")
        draft.own(key, entity.id)
        draft.newcomers.discard(key)
        draft.proposals[key] = Proposal(
            kind=kind,
            key=key,
            entity=entity.id,
            reason=reason,
            previous=previous,
            needs_approval=needs_approval,
        )

    def _who(self, entity: Entity) -> str:
        owner = self.draft.key_of.get(entity.id)
        told = f" ({owner})" if owner is not None else " (not ours)"
        return f"the {entity.kind} {entity.name!r}{told}"
