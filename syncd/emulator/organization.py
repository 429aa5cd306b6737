"""One organization: its entities, and who has which name, address and membership."""

from bisect import insort
from collections import deque
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from syncd.emulator import sorted_ids
from syncd.emulator.entities import Entity, Group, Resource, User
from syncd.emulator.switches import Switches


class DirectoryKind(StrEnum):
    """The directories that an organization can stand on (`workmail.md` E)."""

    WORKMAIL = "workmail"
    SIMPLE_AD = "simple-ad"
    MANAGED_AD = "managed-ad"
    AD_CONNECTOR = "ad-connector"
    INTEROPERABILITY = "interoperability"


class By(StrEnum):
    """What an operation accepts as the identifier of an entity."""

    ID = "id"
    NAME = "id or name"
    ANY = "id, name or primary address"


@dataclass(slots=True, kw_only=True)
class Domain:
    """A mail domain; *verified_at* may lie ahead (PENDING until then) or be None (FAILED)."""

    name: str
    verified_at: float | None
    test: bool = False
    token: str | None = None

    def status(self, now: float) -> str:
        if self.verified_at is None:
            return "FAILED"
        return "VERIFIED" if self.verified_at <= now else "PENDING"


class Unsettled(NamedTuple):
    """A change that Describe and List don't show until *until*; *before* is None after a creation."""

    until: float
    before: Entity | None


class Organization:
    """The state of one organization. It knows no switches but those it is handed, and refuses nothing."""

    def __init__(self, organization_id: str, alias: str, directory: DirectoryKind) -> None:
        self.id = organization_id
        self.alias = alias
        self.directory = directory
        self.directory_id = ""
        self.states: list[tuple[float, str]] = [(0.0, "Active")]
        """From when on it is in which state, in order of time."""
        self.completed: float | None = None
        self.error_message: str | None = None
        self.migration_admin: str | None = None
        self.default_domain = ""
        self.domains: dict[str, Domain] = {}
        self.domain_names: list[str] = []
        self.entities: dict[str, Entity] = {}
        self.user_ids: list[str] = []
        self.group_ids: list[str] = []
        self.resource_ids: list[str] = []
        self.living_users = 0
        """Users that count against the limit: neither DELETED nor SYSTEM_USER."""
        self.names: dict[str, Entity] = {}
        self.addresses: dict[str, Entity] = {}
        self.delegations: dict[str, set[str]] = {}
        """Delegate id -> ids of the resources it is a delegate of."""
        self.grantors: dict[str, set[str]] = {}
        """Grantee id -> ids of the entities on whose mailbox it has permissions."""
        self.ghosts: deque[Entity] = deque()
        self.generations: dict[str, int] = {}
        """How many ids a name has used up, if it isn't the first holder's alone: another holder, another id."""
        self.unsettled: dict[str, Unsettled] = {}

    def state(self, now: float) -> str:
        current = self.states[0][1]
        for since, state in self.states:
            if since <= now:
                current = state
        return current

    # --- finding ---

    def find(self, identifier: str, by: By) -> Entity | None:
        """Find an entity that was not forgotten yet, DELETED ones included."""
        entity = self.entities.get(identifier)
        if entity is not None or by is By.ID:
            return entity
        folded = identifier.lower()
        entity = self.names.get(folded)
        if entity is not None or by is By.NAME:
            return entity
        owner = self.addresses.get(folded)
        if owner is not None and owner.state == "ENABLED" and owner.email and owner.email.lower() == folded:
            return owner
        return None

    def ids(self, entity: Entity) -> list[str]:
        if isinstance(entity, User):
            return self.user_ids
        return self.group_ids if isinstance(entity, Group) else self.resource_ids

    # --- what lags behind ---

    def unsettle(self, entity: Entity, now: float, settle: float, *, created: bool = False) -> None:
        """Hide the change that is about to happen from Describe and List for *settle* seconds."""
        if settle > 0:
            self.unsettled[entity.id] = Unsettled(now + settle, None if created else copy(entity))

    def lag(self, entity: Entity, now: float) -> Unsettled | None:
        """Tell what an entity's last change hides, if it isn't settled yet."""
        if not self.unsettled:
            return None
        unsettled = self.unsettled.get(entity.id)
        if unsettled is not None and unsettled.until <= now:
            del self.unsettled[entity.id]
            return None
        return unsettled

    def seen(self, entity: Entity, now: float) -> Entity | None:
        """Show an entity as Describe and List do."""
        if not self.unsettled:
            return entity
        unsettled = self.lag(entity, now)
        return entity if unsettled is None else unsettled.before

    # --- changing ---

    def add(self, entity: Entity) -> None:
        self.entities[entity.id] = entity
        insort(self.ids(entity), entity.id)
        self.names[folded(entity.name)] = entity
        if counts(entity):
            self.living_users += 1

    def rename(self, entity: Entity, name: str) -> None:
        self.use_up(entity)
        del self.names[entity.name.lower()]
        entity.name = name
        self.names[folded(name)] = entity

    def use_up(self, entity: Entity) -> None:
        """Remember that the name made an id that must not come again."""
        key = generation_key(entity.kind, entity.name)
        self.generations[key] = max(self.generations.get(key, 0), 1)

    def release(self, entity: Entity, address: str) -> None:
        """Free an address, if the entity has it."""
        lowered = address.lower()
        if self.addresses.get(lowered) is entity:
            del self.addresses[lowered]

    def release_all(self, entity: Entity) -> None:
        if entity.email is not None:
            self.release(entity, entity.email)
        for alias in entity.aliases:
            self.release(entity, alias)
        entity.email = None
        entity.aliases = ()

    def link(self, group: Group, member: Entity) -> None:
        sorted_ids.insert(group.members, member.id)
        sorted_ids.insert(member.groups, group.id)

    def unlink(self, group: Group, member: Entity) -> None:
        sorted_ids.remove(group.members, member.id)
        sorted_ids.remove(member.groups, group.id)

    def leave_groups(self, entity: Entity) -> None:
        for group_id in tuple(entity.groups):
            group = self.entities[group_id]
            if isinstance(group, Group):
                self.unlink(group, entity)

    def grant(self, owner: Entity, grantee: Entity, permissions: tuple[str, ...]) -> None:
        """Replace a grantee's permissions; none takes them away."""
        grants = owner.grants or {}
        grants.pop(grantee.id, None)
        self.grantors.setdefault(grantee.id, set()).discard(owner.id)
        if permissions:
            grants[grantee.id] = permissions
            self.grantors[grantee.id].add(owner.id)
        owner.grants = grants or None
        if not self.grantors[grantee.id]:
            del self.grantors[grantee.id]

    def delegate(self, resource: Resource, delegate: Entity) -> None:
        sorted_ids.insert(resource.delegates, delegate.id)
        self.delegations.setdefault(delegate.id, set()).add(resource.id)

    def undelegate(self, resource: Resource, delegate: Entity) -> None:
        sorted_ids.remove(resource.delegates, delegate.id)
        of = self.delegations.get(delegate.id, set())
        of.discard(resource.id)
        if not of:
            self.delegations.pop(delegate.id, None)

    def delete(self, entity: Entity, now: float, switches: Switches) -> None:
        """Turn an entity into a ghost: its links go, its name and addresses as the switches say."""
        if counts(entity):
            self.living_users -= 1
        entity.state = "DELETED"
        entity.deleted = now
        self.use_up(entity)
        if switches.reuse_names:
            self.names.pop(entity.name.lower(), None)
        if switches.reuse_addresses:
            self.release_all(entity)
        self._cut_links(entity)
        if switches.deleted_members == "removed":
            self.leave_groups(entity)
        self.ghosts.append(entity)

    def forget(self, now: float, grace: float) -> None:
        """Drop the ghosts whose grace time is over."""
        while self.ghosts and (self.ghosts[0].deleted or 0.0) + grace <= now:
            entity = self.ghosts.popleft()
            self.leave_groups(entity)
            self.release_all(entity)
            if self.names.get(entity.name.lower()) is entity:
                del self.names[entity.name.lower()]
            sorted_ids.remove(self.ids(entity), entity.id)
            self.unsettled.pop(entity.id, None)
            del self.entities[entity.id]

    def _cut_links(self, entity: Entity) -> None:
        if isinstance(entity, Group):
            for member_id in tuple(entity.members):
                self.unlink(entity, self.entities[member_id])
        if isinstance(entity, Resource):
            for delegate_id in tuple(entity.delegates):
                self.undelegate(entity, self.entities[delegate_id])
        for resource in tuple(self._all(self.delegations.get(entity.id, set()))):
            if isinstance(resource, Resource):
                self.undelegate(resource, entity)
        for owner in tuple(self._all(self.grantors.get(entity.id, set()))):
            self.grant(owner, entity, ())
        for grantee_id in tuple(entity.grants or ()):
            self.grant(entity, self.entities[grantee_id], ())

    def _all(self, ids: set[str]) -> Iterator[Entity]:
        for entity_id in ids:
            yield self.entities[entity_id]


def folded(text: str) -> str:
    """Fold a name or address for comparing; a text that is folded already stays the same object."""
    lowered = text.lower()
    return text if lowered == text else lowered


def counts(entity: Entity) -> bool:
    """Tell whether an entity counts as one of the organization's users."""
    return isinstance(entity, User) and entity.role != "SYSTEM_USER" and entity.state != "DELETED"


def generation_key(kind: str, name: str) -> str:
    return f"{kind}:{name.lower()}"
