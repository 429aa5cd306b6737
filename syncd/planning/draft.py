"""The standings while they are being found."""

from dataclasses import dataclass, field

from syncd.model.entry import Rejection
from syncd.model.names import EntityId, Key
from syncd.model.standing import Freeze, Frozen, Pending, Proposal, Rebinding
from syncd.model.state import Entity, Wanted


@dataclass(slots=True, kw_only=True)
class Draft:
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
    contested: dict[Key, str] = field(default_factory=dict)
    rebindings: list[Rebinding] = field(default_factory=list)
    doubted: dict[Key, str] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)

    def own(self, key: Key, entity: EntityId) -> None:
        self.entity_of[key] = entity
        self.key_of[entity] = key

    def reject(self, wanted: Wanted, reason: str, remedy: str) -> None:
        self.rejections.append(Rejection(key=wanted.key, origin=wanted.origin, reason=reason, remedy=remedy))
        self.freeze(wanted.key, Freeze.REJECTED, f"rejected: {reason}")

    def reject_group(self, key: Key, origin: str, entity: Entity) -> None:
        """Reject the group of ours at *origin* that has no address any more: a blank cell is no deletion."""
        reason = f"it has no address any more, and is the group {entity.name!r} of ours in WorkMail ({entity.primary})"
        remedy = "give it its address again; to remove the group from WorkMail, take its row out"
        self.rejections.append(Rejection(key=key, origin=origin, reason=reason, remedy=remedy))
        self.freeze(key, Freeze.REJECTED, f"rejected: {reason}")

    def freeze(self, key: Key, cause: Freeze, text: str) -> None:
        self.frozen[key] = Frozen(cause, text)
