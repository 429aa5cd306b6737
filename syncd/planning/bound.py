"""Where everybody stands who has a binding."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from syncd.model.detail import ALIASES
from syncd.model.entry import Absence
from syncd.model.half_removed import why_given_up
from syncd.model.memory import Binding, Mark, Memory
from syncd.model.names import Key, kind_of
from syncd.model.observed import Observed
from syncd.model.policy import Mode, Policy
from syncd.model.standing import Freeze, Pending, Proposal, ProposalKind
from syncd.model.state import Desired, Entity, State, Wanted
from syncd.planning.draft import Draft
from syncd.planning.evidence import all_keys_readable
from syncd.planning.identity import Identities
from syncd.planning.rebinding import held


@dataclass(slots=True)
class Bound:
    """Places every key that has a binding."""

    draft: Draft
    desired: Desired
    observed: Observed
    memory: Memory
    marks: Mapping[Key, Mark]
    policy: Policy
    source: str
    now: datetime
    disbelieved: bool
    identities: Identities = field(default_factory=Identities)

    def place_all(self) -> None:
        rejected = {rejection.key: rejection.reason for rejection in self.desired.rejections}
        readable = all_keys_readable(self.desired)
        guarded = bool(self.policy.protected)
        entities, wanted_by_key, draft = self.observed.entities, self.desired.entities, self.draft
        in_doubt = held(self.identities)
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
            elif key in in_doubt:
                draft.frozen[key] = in_doubt[key]
            elif wanted is not None and wanted.enabled:
                if entity.state is State.DISABLED:
                    self._returning(binding, entity)
            elif key in rejected:
                draft.freeze(key, Freeze.REJECTED, f"rejected: {rejected[key]}")
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
            str(self.memory.holds.get(binding.key)): binding.key in self.memory.holds,
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
        if binding.seen_enabled and binding.removed_at is None:
            when = f" on {entity.disabled_at:%Y-%m-%d}" if entity.disabled_at else ""
            self.draft.contested[binding.key] = (
                f"somebody deregistered it in WorkMail{when}, though the directory wants it: "
                "approve the plan to register it again, or take it out of the directory"
            )
        fuse = self.observed.organization.fuse.get(entity.kind)
        if fuse is not None and since is not None and entity.ever_enabled and self.now - since > fuse:
            reason = f"deregistered since {since:%Y-%m-%d}; its mailbox is destroyed, registering gives an empty one"
            key = binding.key
            self.draft.proposals[key] = Proposal(kind=ProposalKind.REREGISTER, key=key, entity=entity.id, reason=reason)

    def _going(self, binding: Binding, entity: Entity, wanted: Wanted | None, *, readable: bool) -> None:
        key, removal = binding.key, self.policy.removal
        if entity.state is State.DISABLED:
            self.draft.dropped.add(key)
            return
        mark = self.marks.get(key)
        if binding.removed_at is not None:
            self.draft.contested[key] = (
                f"somebody registered it again in WorkMail after syncd had deregistered it on "
                f"{binding.removed_at:%Y-%m-%d}: approve the plan to deregister it again, or hold it"
            )
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
