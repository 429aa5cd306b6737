"""Everything the service holds: its organizations, the switches, and the source of ids and tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeVar

from syncd.emulator import fault
from syncd.emulator.entities import Entity, Group, Resource, User
from syncd.emulator.organization import By, DirectoryKind, Organization, generation_key
from syncd.emulator.switches import Switches

E = TypeVar("E", bound=Entity)

REGION = "eu-west-1"
ACCOUNT = "123456789012"


class World:
    """The state of the whole service.

    Ids come from the seed and the name of what they are for, so that the same creations give the same ids
    in whatever order they arrive.
    """

    def __init__(self, *, seed: int, switches: Switches, page_size: int | None) -> None:
        self.seed = seed
        self.switches = switches
        self.page_size = page_size
        self.organizations: dict[str, Organization] = {}
        self.client_tokens: dict[str, str] = {}
        """Client token of a CreateOrganization -> the id it gave."""
        self.generations: dict[str, int] = {}
        self.listings = 0
        """Listings begun, so that each can be shuffled in its own way."""

    def hexadecimal(self, *about: object) -> str:
        """Make 32 hexadecimal digits that only the seed and *about* decide."""
        text = ":".join(map(str, (self.seed, *about)))
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def organization_id(self, alias: str) -> str:
        key = alias.lower()
        number = self.generations.get(key, 0)
        self.generations[key] = number + 1
        return "m-" + self.hexadecimal("ORGANIZATION", key, number)

    def entity_id(self, organization: Organization, kind: str, name: str) -> str:
        """Make the id of a new entity; a name that was used before gets another one."""
        key = generation_key(kind, name)
        number = organization.generations.get(key, 0)
        if number:
            organization.generations[key] = number + 1
        digits = self.hexadecimal(organization.alias, key, number)
        return _shaped(digits, kind, organization.directory)

    def new_listing(self) -> int:
        self.listings += 1
        return self.listings

    def domain_owner(self, domain: str) -> Organization | None:
        for organization in self.organizations.values():
            if domain in organization.domains:
                return organization
        return None


def _shaped(digits: str, kind: str, directory: DirectoryKind) -> str:
    if kind == "RESOURCE":
        return "r-" + digits
    if directory is DirectoryKind.WORKMAIL:
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    # The other form that ids of users and groups are seen in (`workmail.md` A).
    return "S-1-1-12-" + "-".join(str(int(digits[at : at + 8], 16)) for at in range(0, 32, 8))


@dataclass(slots=True, eq=False)
class Request:
    """A call being answered: its parameters are valid."""

    operation: str
    params: Mapping[str, Any]
    now: float
    world: World

    @property
    def switches(self) -> Switches:
        return self.world.switches


@dataclass(slots=True, eq=False)
class Call(Request):
    """A call to an organization, which exists and may be used for it."""

    organization: Organization

    def entity(self, member: str, by: By = By.ANY) -> Entity:
        """Find the entity that a member of the call names, whatever its state."""
        identifier: str = self.params[member]
        entity = self.organization.find(identifier, by)
        if entity is None:
            raise fault.entity_not_found(identifier)
        return entity

    def user(self, member: str, by: By = By.ANY) -> User:
        return self._of_kind(User, member, by)

    def group(self, member: str, by: By = By.ANY) -> Group:
        return self._of_kind(Group, member, by)

    def resource(self, member: str, by: By = By.ANY) -> Resource:
        return self._of_kind(Resource, member, by)

    def described(self, entity: E) -> E:
        """Show an entity as Describe does: the lag and the deletion taken into account."""
        seen = self.organization.seen(entity, self.now)
        if seen is None or (seen.state == "DELETED" and self.switches.describe_deleted == "not_found"):
            raise fault.entity_not_found(entity.id)
        return seen  # type: ignore[return-value]  # the past of an entity is of its own class

    def alive(self, entity: Entity) -> None:
        """Refuse a DELETED entity."""
        if entity.state == "DELETED":
            raise fault.entity_state(entity.id, "is DELETED")

    def enabled(self, entity: Entity) -> None:
        """Refuse an entity that isn't ENABLED."""
        if entity.state != "ENABLED":
            raise fault.entity_state(entity.id, f"must be ENABLED, is {entity.state}")

    def settled(self, entity: Entity, *, creation_is_state: bool = False) -> None:
        """Refuse the next step of a lifecycle while the last one is not visible everywhere."""
        unsettled = self.organization.lag(entity, self.now)
        if unsettled is None:
            return
        if unsettled.before is None and not creation_is_state:
            raise fault.entity_not_found(entity.id)
        raise fault.entity_state(entity.id, "is still changing its state")

    def shown_email(self, entity: Entity) -> str | None:
        """Tell the primary address that outputs show (`workmail.md` B13)."""
        if entity.state == "ENABLED":
            return entity.email
        if entity.state == "DISABLED" and self.switches.deregistered_addresses == "kept":
            return entity.email
        return None

    def _of_kind(self, kind: type[E], member: str, by: By) -> E:
        entity = self.entity(member, by)
        if not isinstance(entity, kind):
            # An entity of another kind is as good as none (`workmail.md` F).
            raise fault.entity_not_found(self.params[member])
        return entity


def put_times(answer: dict[str, object], entity: Entity) -> None:
    if entity.enabled is not None:
        answer["EnabledDate"] = entity.enabled
    if entity.disabled is not None:
        answer["DisabledDate"] = entity.disabled
