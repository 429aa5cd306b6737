"""Who is who: matches entries with entities, and says what stands in the way of each.

For every bound key                                    -> standing
  entity gone, entry wanted                            -> newcomer, behind the proposal *recreate*
  protected, untouchable, rejected, outside the pilot  -> frozen
  its removal has begun                                -> leaving, or rolled back (frozen) where it may not go on
  entry enabled                                        -> ours (behind *re-register* once the fuse has burnt)
  entry disabled or missing, evidence complete         -> leaving
  entry disabled or missing, evidence incomplete       -> waiting (frozen)
  missing, bound under another source or key attribute -> frozen until rebound
For every enabled entry without a binding
  one unbound entity has its primary address, else its name -> *adopt* (or rejected, when two match)
  one owned entity has, whose own key is missing            -> *rebind*
  its name is held by anybody else                          -> rejected, naming the holder
  nobody                                                    -> newcomer
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from syncd.model.detail import ALIASES
from syncd.model.entry import Absence, Rejection
from syncd.model.half_removed import why_given_up
from syncd.model.memory import Binding, Mark, Memory
from syncd.model.names import EntityId, Key, Kind, domain_of, fold, identity_of, kind_of
from syncd.model.observed import Observed
from syncd.model.policy import Adopt, Mode, Policy
from syncd.model.standing import Freeze, Frozen, Pending, Proposal, ProposalKind, Standings
from syncd.model.state import Desired, Entity, State, Wanted
from syncd.planning import exchanges
from syncd.planning.evidence import all_keys_readable


@dataclass(slots=True, kw_only=True)
class _Draft:
    """The standings while they are being found."""

    entity_of: dict[Key, EntityId] = field(default_factory=dict)
    key_of: dict[EntityId, Key] = field(default_factory=dict)
    leaving: dict[Key, str] = field(default_factory=dict)
    waiting: dict[Key, Pending] = field(default_factory=dict)
    frozen: dict[Key, Frozen] = field(default_factory=dict)
    lost: set[Key] = field(default_factory=set)
    newcomers: set[Key] = field(default_factory=set)
    dropped: set[Key] = field(default_factory=set)
    proposals: dict[Key, Proposal] = field(default_factory=dict)
    rollbacks: dict[Key, str] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)

    def own(self, key: Key, entity: EntityId) -> None:
        self.entity_of[key] = entity
        self.key_of[entity] = key

    def reject(self, wanted: Wanted, reason: str, remedy: str) -> None:
        self.rejections.append(Rejection(key=wanted.key, origin=wanted.origin, reason=reason, remedy=remedy))
        self.freeze(wanted.key, Freeze.REJECTED, f"rejected: {reason}")

    def freeze(self, key: Key, cause: Freeze, text: str) -> None:
        self.frozen[key] = Frozen(cause, text)


def match(
    desired: Desired,
    observed: Observed,
    memory: Memory,
    *,
    marks: Mapping[Key, Mark],
    policy: Policy,
    source: str,
    now: datetime,
    disbelieved: bool = False,
) -> tuple[Standings, tuple[Rejection, ...]]:
    """Return everyone's standing, and the entries that can't be served, with the reason.

    *marks* are those after this read; *source* names source type and key attribute as bindings do.
    *disbelieved*: a guard doesn't believe the source, so that no removal may go on.
    """
    draft = _Draft()
    _Bound(draft, desired, observed, memory, marks, policy, source, now, disbelieved).place_all()
    _Unbound(draft, desired, observed, memory, policy).place_all()
    _freeze_bad_domains(draft, desired, observed)
    _freeze_outside_pilot(draft, desired, policy)
    undone = exchanges.given_up(observed, memory, draft.frozen, draft.leaving, policy, disbelieved=disbelieved)
    for key, why in list(undone):
        draft.rollbacks[key] = why
        draft.freeze(key, Freeze.ROLLBACK, why)
    foreign = frozenset(identity for identity in observed.entities if identity not in draft.key_of)
    for key in draft.frozen:
        draft.proposals.pop(key, None)
    standings = Standings(
        entity_of=draft.entity_of,
        key_of=draft.key_of,
        leaving={key: why for key, why in draft.leaving.items() if key not in draft.frozen},
        waiting=draft.waiting,
        frozen=draft.frozen,
        foreign=foreign,
        lost=frozenset(draft.lost),
        newcomers=frozenset(draft.newcomers.difference(draft.frozen)),
        dropped=frozenset(draft.dropped),
        proposals=draft.proposals,
        rollbacks={key: why for key, why in draft.rollbacks.items() if draft.frozen[key].cause is Freeze.ROLLBACK},
    )
    return standings, tuple(draft.rejections)


@dataclass(slots=True)
class _Bound:
    """Places every key that has a binding."""

    draft: _Draft
    desired: Desired
    observed: Observed
    memory: Memory
    marks: Mapping[Key, Mark]
    policy: Policy
    source: str
    now: datetime
    disbelieved: bool

    def place_all(self) -> None:
        rejected = {rejection.key: rejection.reason for rejection in self.desired.rejections}
        readable = all_keys_readable(self.desired)
        guarded = bool(self.policy.protected)
        entities, wanted_by_key, draft = self.observed.entities, self.desired.entities, self.draft
        for key, binding in self.memory.bindings.items():
            entity = entities.get(binding.entity)
            wanted = wanted_by_key.get(key)
            if entity is None or entity.state is State.DELETED:
                self._lost(key, wanted)
                continue
            draft.own(key, entity.id)
            if entity.untouchable:
                draft.freeze(key, Freeze.UNTOUCHABLE, "it is a system, remote or migration account")
            elif binding.began_at is not None and entity.state is State.ENABLED:
                protected = guarded and self._is_protected(entity, wanted)
                self._under_way(binding, wanted, rejected.get(key, ""), protected=protected)
            elif guarded and self._is_protected(entity, wanted):
                draft.freeze(key, Freeze.PROTECTED, "it is protected by the configuration")
            elif wanted is not None and wanted.enabled:
                if entity.state is State.DISABLED:
                    self._returning(binding, entity)
            elif key in rejected:
                draft.freeze(key, Freeze.REJECTED, f"rejected: {rejected[key]}")
            elif entity.state is State.DISABLED:
                draft.dropped.add(key)
            else:
                self._going(binding, entity, wanted, readable=readable)

    def _under_way(self, binding: Binding, wanted: Wanted | None, rejected: str, *, protected: bool) -> None:
        """A removal that has begun is finished, or what it took is put back: nobody stays half removed."""
        key = binding.key
        why = self._why_not_on(binding, wanted, rejected, protected=protected)
        if self.policy.mode is Mode.OBSERVE:
            self.draft.freeze(key, Freeze.UNDER_WAY, "its removal has begun, and nothing is written in mode observe")
        elif why:
            self.draft.rollbacks[key] = f"its removal is given up: {why}"
            self.draft.freeze(key, Freeze.ROLLBACK, self.draft.rollbacks[key])
        else:
            self.draft.leaving[key] = f"its removal began {binding.began_at:%Y-%m-%d %H:%M} and is finished"

    def _why_not_on(self, binding: Binding, wanted: Wanted | None, rejected: str, *, protected: bool) -> str:
        """Return why the removal may not go on, "" where it may; that evidence has a hole is no reason."""
        reasons = {
            "the entry is back in the directory": wanted is not None and wanted.enabled,
            f"the entry is rejected: {rejected}": bool(rejected),
            "it is protected by the configuration": protected,
            "the source isn't believed": self.disbelieved,
        }
        found = (why for why, holds in reasons.items() if holds)
        return next(found, "") or why_given_up(binding, self.policy, self.now)

    def _lost(self, key: Key, wanted: Wanted | None) -> None:
        self.draft.lost.add(key)
        if wanted is None or not wanted.enabled:
            return
        self.draft.newcomers.add(key)
        reason = "its WorkMail entity no longer exists; a new one starts with an empty mailbox"
        self.draft.proposals[key] = Proposal(kind=ProposalKind.RECREATE, key=key, entity=None, reason=reason)

    def _is_protected(self, entity: Entity, wanted: Wanted | None) -> bool:
        names = [entity.name, entity.primary]
        names += self.observed.details.of(ALIASES).get(entity.id, ())
        if wanted is not None:
            names += [wanted.name, wanted.primary]
        return self.policy.protects(entity.kind, *names)

    def _returning(self, binding: Binding, entity: Entity) -> None:
        since = entity.disabled_at or binding.removed_at
        fuse = self.observed.organization.fuse.get(entity.kind)
        if fuse is not None and since is not None and entity.ever_enabled and self.now - since > fuse:
            reason = f"deregistered since {since:%Y-%m-%d}; its mailbox is destroyed, registering gives an empty one"
            key = binding.key
            self.draft.proposals[key] = Proposal(kind=ProposalKind.REREGISTER, key=key, entity=entity.id, reason=reason)

    def _going(self, binding: Binding, entity: Entity, wanted: Wanted | None, *, readable: bool) -> None:
        key, removal = binding.key, self.policy.removal
        mark = self.marks.get(key)
        absence = self.desired.absences.get(key, Absence.UNKNOWN)
        said_disabled = wanted is not None or absence is Absence.DISABLED  # by this read, not by an earlier one
        if kind_of(key) not in self.desired.read:
            self.draft.freeze(key, Freeze.NOT_READ, f"no {kind_of(key).value}s are read from the source")
        elif wanted is None and binding.source != self.source:
            text = f"bound under {binding.source}, missing under {self.source}: rebind it"
            self.draft.freeze(key, Freeze.OTHER_SOURCE, text)
        elif said_disabled and mark is not None and mark.disabled_since is not None:
            why = f"disabled in the directory ({wanted.origin})" if wanted else "disabled in the directory"
            due_at = mark.disabled_since + removal.disabled_after
            if due_at <= self.now:
                self.draft.leaving[key] = why
            else:
                since = mark.disabled_since
                self._wait(entity, key, f"{why} since {since:%Y-%m-%d %H:%M %Z}", since, due_at=due_at)
        else:
            self._missing(entity, key, absence, mark, countable=readable and absence is not Absence.NOT_VISIBLE)

    def _missing(self, entity: Entity, key: Key, absence: Absence, mark: Mark | None, *, countable: bool) -> None:
        removal = self.policy.removal
        since = mark.missing_since if mark and mark.missing_since else self.now
        cycles = mark.missing_cycles if mark else 0
        due_at = since + removal.after
        why = f"{absence.value} since {since:%Y-%m-%d %H:%M %Z}"
        if countable and cycles >= removal.after_cycles and due_at <= self.now:
            self.draft.leaving[key] = f"{why}, in {cycles} complete {'read' if cycles == 1 else 'reads'}"
            return
        if not countable and absence is not Absence.NOT_VISIBLE:
            why += "; not counted: a record without a readable key could be theirs"
        self._wait(
            entity,
            key,
            why,
            since,
            due_at=due_at if countable else None,
            cycles=cycles,
            needed=removal.after_cycles,
        )

    def _wait(
        self,
        entity: Entity,
        key: Key,
        why: str,
        since: datetime,
        *,
        due_at: datetime | None,
        cycles: int = 0,
        needed: int = 0,
    ) -> None:
        self.draft.freeze(key, Freeze.PENDING, f"removal pending: {why}")
        self.draft.waiting[key] = Pending(
            key=key,
            entity=entity.id,
            name=entity.display_name or entity.name,
            why=why,
            cycles=cycles,
            cycles_needed=needed,
            since=since,
            due_at=due_at,
        )


@dataclass(slots=True)
class _Unbound:
    """Places every enabled entry that has no binding."""

    draft: _Draft
    desired: Desired
    observed: Observed
    memory: Memory
    policy: Policy
    by_primary: dict[str, Entity] = field(default_factory=dict)
    by_name: dict[str, Entity] = field(default_factory=dict)

    def place_all(self) -> None:
        bound = self.memory.bindings
        strangers = [
            wanted
            for key, wanted in self.desired.entities.items()
            if wanted.enabled and (key not in bound or key in self.draft.lost)
        ]
        if not strangers:
            return
        for entity in self.observed.entities.values():
            if entity.state is not State.DELETED:
                self.by_name[fold(entity.name)] = entity
                if entity.primary:
                    self.by_primary[fold(entity.primary)] = entity
        intents = {intent.key: intent for intent in self.memory.open_intents}
        for wanted in sorted(strangers, key=lambda wanted: wanted.key):
            if wanted.key in intents and self._claim_our_creation(wanted):
                continue
            self._place(wanted)

    def _claim_our_creation(self, wanted: Wanted) -> bool:
        entity = self.by_name.get(fold(wanted.name))
        if entity is None or entity.kind is not wanted.kind or entity.ever_enabled:
            return False
        if entity.id in self.draft.key_of or entity.untouchable or entity.primary:
            return False
        reason = "created by syncd in an earlier cycle whose answer was lost"
        self._propose(wanted, entity, ProposalKind.ADOPT, reason, needs_approval=False)
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
        """Return whether *owner* is bound but absent from the directory, neither rejected nor protected."""
        if owner in self.desired.entities or owner in self.draft.proposals:
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


def _freeze_bad_domains(draft: _Draft, desired: Desired, observed: Observed) -> None:
    """Reject who wants an address on a domain that the organization can't use (`workmail.md` B7, B8)."""
    domains = observed.organization.domains
    usable = {domain for domain, verified in domains.items() if verified}
    for key, wanted in desired.entities.items():
        if not wanted.enabled or key in draft.frozen:
            continue
        needed = {domain_of(wanted.primary)}
        if wanted.aliases:
            needed.update(domain_of(alias) for alias in wanted.aliases)
        if needed <= usable:
            continue
        domain = min(needed - usable)
        why = "is registered but not verified" if domain in domains else "is not a mail domain"
        draft.newcomers.discard(key)
        draft.reject(
            wanted,
            f"the domain {domain!r} {why} in the organization {observed.organization.alias!r}",
            f"use one of: {', '.join(sorted(usable)[:5])}; or register the domain in WorkMail",
        )


def _freeze_outside_pilot(draft: _Draft, desired: Desired, policy: Policy) -> None:
    if not policy.only:
        return
    chosen = set(policy.only.keys)
    if policy.only.group:
        chosen |= _pilot_group(desired, policy.only.group)
    everyone = {*desired.entities, *draft.entity_of}
    for key in everyone:
        if key not in chosen and identity_of(key) not in chosen:
            draft.frozen.setdefault(key, Frozen(Freeze.PILOT, "outside the pilot"))
            draft.waiting.pop(key, None)
            draft.newcomers.discard(key)


def _pilot_group(desired: Desired, name: str) -> set[str]:
    """Return the keys of the group called *name* (key, identity or name) and of everyone in it, nested too."""
    found = {
        key
        for key, wanted in desired.entities.items()
        if wanted.kind is Kind.GROUP and name in (key, identity_of(key), wanted.name)
    }
    queue = list(found)
    while queue:
        wanted = desired.entities.get(queue.pop())
        for member in wanted.members if wanted is not None else ():
            if member not in found:
                found.add(member)
                queue.append(member)
    return {str(key) for key in found}
