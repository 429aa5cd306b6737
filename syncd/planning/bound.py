"""Where everybody stands who has a binding."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from syncd.model.detail import ALIASES
from syncd.model.entry import Absence
from syncd.model.half_removed import why_given_up
from syncd.model.memory import Binding, Mark, Memory
from syncd.model.moments import in_future
from syncd.model.names import Key, kind_of
from syncd.model.observed import Observed
from syncd.model.policy import Mode, Policy
from syncd.model.standing import Freeze, Pending, Proposal, ProposalKind
from syncd.model.state import Desired, Entity, State, Wanted
from syncd.planning.draft import Draft
from syncd.planning.evidence import Evidence
from syncd.planning.identity import Identities
from syncd.planning.rebinding import held


@dataclass(slots=True)
class Bound:
    """Places every key that has a binding."""

    draft: Draft
    desired: Desired
    observed: Observed
    memory: Memory
    evidence: Evidence
    policy: Policy
    source: str
    now: datetime
    disbelieved: bool
    identities: Identities = field(default_factory=Identities)

    def place_all(self) -> None:
        rejected = {rejection.key: rejection.reason for rejection in self.desired.rejections}
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
                self._going(binding, entity, wanted)

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
            "the group is back in the directory, without an address": binding.key in self.desired.without_address,
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
        if fuse is None or since is None or not entity.ever_enabled:
            return
        now = max(self.now, self.observed.answered_at or self.now)  # it is the service's clock that the fuse burns by
        if now - since > fuse or in_future(since, now):
            reason = f"deregistered since {since:%Y-%m-%d}; its mailbox is destroyed, registering gives an empty one"
            if in_future(since, now):
                reason = (
                    f"deregistered {since:%Y-%m-%d}, which is yet to come: a clock is wrong, so nobody knows "
                    "whether its mailbox is still there"
                )
            key = binding.key
            self.draft.proposals[key] = Proposal(kind=ProposalKind.REREGISTER, key=key, entity=entity.id, reason=reason)

    def _going(self, binding: Binding, entity: Entity, wanted: Wanted | None) -> None:
        key, removal = binding.key, self.policy.removal
        if entity.state is State.DISABLED:
            self.draft.dropped.add(key)
            return
        mark = self.evidence.marks.get(key)
        if binding.removed_at is not None:
            self.draft.contested[key] = (
                f"somebody registered it again in WorkMail after syncd had deregistered it on "
                f"{binding.removed_at:%Y-%m-%d}: approve the plan to deregister it again, or hold it"
            )
        if key in self.desired.without_address:
            self.draft.reject_group(key, self.desired.without_address[key], entity)
            return
        absence = self.desired.absences.get(key, Absence.UNKNOWN)
        said_disabled = wanted is not None or absence is Absence.DISABLED  # by this read, not by an earlier one
        if kind_of(key) not in self.desired.read:
            self.draft.freeze(key, Freeze.NOT_READ, f"no {kind_of(key).value}s are read from the source")
        elif wanted is None and binding.source != self.source:
            text = f"bound under {binding.source}, missing under {self.source}: rebind it"
            self.draft.freeze(key, Freeze.OTHER_SOURCE, text)
        elif said_disabled and mark is not None and mark.disabled_since is not None:
            why = f"disabled in the directory ({wanted.origin})" if wanted else "disabled in the directory"
            if mark.counted >= removal.disabled_after:
                self.draft.leaving[key] = why
            else:
                since = mark.disabled_since
                self._wait(entity, mark, f"{why} since {since:%Y-%m-%d %H:%M %Z}", since, needed=removal.disabled_after)
        else:
            self._missing(entity, absence, mark or Mark(key=key))

    def _missing(self, entity: Entity, absence: Absence, mark: Mark) -> None:
        removal = self.policy.removal
        since, cycles = mark.missing_since or self.now, mark.missing_cycles
        row = self.evidence.uncounted.get(mark.key)
        countable = row is None and absence is not Absence.NOT_VISIBLE
        why = f"{absence.value} since {since:%Y-%m-%d %H:%M %Z}"
        if countable and cycles >= removal.after_cycles and mark.counted >= removal.after:
            self.draft.leaving[mark.key] = f"{why}, in {cycles} complete {'read' if cycles == 1 else 'reads'}"
            return
        if row is not None:
            why += f"; not counted while this row may mean them: {row}"
        self._wait(
            entity,
            mark,
            why,
            since,
            needed=removal.after,
            cycles=removal.after_cycles,
            countable=countable,
            because="" if row is None else str(row),
        )

    def _wait(
        self,
        entity: Entity,
        mark: Mark,
        why: str,
        since: datetime,
        *,
        needed: timedelta,
        cycles: int = 0,
        countable: bool = True,
        because: str = "",
    ) -> None:
        """Freeze them until *needed* has passed, and *cycles* reads have said so."""
        if mark.anew:
            why += f"; counted anew: {mark.anew}"
        self.draft.freeze(mark.key, Freeze.PENDING, f"removal pending: {why}")
        self.draft.waiting[mark.key] = Pending(
            key=mark.key,
            entity=entity.id,
            name=entity.display_name or entity.name,
            why=why,
            cycles=mark.missing_cycles if cycles else 0,
            cycles_needed=cycles,
            since=since,
            due_at=self.now + needed - mark.counted if countable else None,
            counted=mark.counted,
            needed=needed,
            anew=mark.anew,
            because=because,
        )
