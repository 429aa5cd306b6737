"""The whole state of the service as a JSON document, and back: for snapshots, seeds and restarts.

Only what differs from a new entity's is written. Memberships are written with the groups, permissions with
the owner of the mailbox, delegates with the resource; the ways back are rebuilt on reading.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from syncd.emulator.entities import PROFILE, Entity, Group, Resource, User
from syncd.emulator.organization import DirectoryKind, Domain, Organization, counts, folded
from syncd.emulator.world import World

VERSION = 1

_SHARED = ("email", "enabled", "disabled", "deleted")
_USER = ("display_name", "provisioned", "idp_user_id", *PROFILE.values())
_REPEATED = frozenset(PROFILE.values())
_NEW_ENTITY = Group("", "")
_NEW_USER = User("", "")
_NEW_RESOURCE = Resource("", "")


def write(world: World) -> dict[str, object]:
    return {
        "version": VERSION,
        "client_tokens": dict(world.client_tokens),
        "generations": dict(world.generations),
        "organizations": [_write_organization(each) for each in world.organizations.values()],
    }


def read(world: World, state: Mapping[str, Any]) -> None:
    version = state.get("version")
    if version != VERSION:
        raise ValueError(f"this emulator reads state of version {VERSION}, the document has {version!r}")
    organizations = [_read_organization(written) for written in state["organizations"]]
    world.client_tokens = dict(state["client_tokens"])
    world.generations = dict(state["generations"])
    world.organizations = {organization.id: organization for organization in organizations}


def _write_organization(organization: Organization) -> dict[str, object]:
    entities = organization.entities
    return {
        "id": organization.id,
        "alias": organization.alias,
        "directory": organization.directory.value,
        "directory_id": organization.directory_id,
        "states": [list(state) for state in organization.states],
        "completed": organization.completed,
        "error_message": organization.error_message,
        "migration_admin": organization.migration_admin,
        "default_domain": organization.default_domain,
        "domains": [_write_domain(organization.domains[name]) for name in organization.domain_names],
        "generations": dict(organization.generations),
        "ghosts": [entity.id for entity in organization.ghosts],
        "users": [_write_entity(organization, entities[key]) for key in organization.user_ids],
        "groups": [_write_entity(organization, entities[key]) for key in organization.group_ids],
        "resources": [_write_entity(organization, entities[key]) for key in organization.resource_ids],
    }


def _write_domain(domain: Domain) -> dict[str, object]:
    return {
        "name": domain.name,
        "verified_at": domain.verified_at,
        "test": domain.test,
        "token": domain.token,
    }


def _write_entity(organization: Organization, entity: Entity) -> dict[str, object]:
    written: dict[str, object] = {"id": entity.id, "name": entity.name, "state": entity.state}
    _write_set(written, entity, _SHARED)
    _write_unlike(written, entity, _NEW_ENTITY, ("hidden",))
    if entity.aliases:
        written["aliases"] = list(entity.aliases)
    if entity.grants:
        written["grants"] = {grantee: list(values) for grantee, values in entity.grants.items()}
    if entity.state == "DELETED" and organization.names.get(entity.name.lower()) is entity:
        written["holds_name"] = True
    if isinstance(entity, User):
        _write_set(written, entity, _USER)
        _write_unlike(written, entity, _NEW_USER, ("role", "quota", "size"))
    elif isinstance(entity, Group) and entity.members:
        written["members"] = list(entity.members)
    elif isinstance(entity, Resource):
        _write_resource(written, entity)
    return written


def _write_resource(written: dict[str, object], resource: Resource) -> None:
    written["type"] = resource.type
    if resource.description is not None:
        written["description"] = resource.description
    if resource.booking != _NEW_RESOURCE.booking:
        written["booking"] = list(resource.booking)
    if resource.delegates:
        written["delegates"] = list(resource.delegates)


def _write_set(written: dict[str, object], entity: Entity, fields: Iterable[str]) -> None:
    for field in fields:
        value = getattr(entity, field)
        if value is not None:
            written[field] = value


def _write_unlike(written: dict[str, object], entity: Entity, new: Entity, fields: Iterable[str]) -> None:
    for field in fields:
        value = getattr(entity, field)
        if value != getattr(new, field):
            written[field] = value


def _read_organization(written: Mapping[str, Any]) -> Organization:
    organization = Organization(written["id"], written["alias"], DirectoryKind(written["directory"]))
    organization.directory_id = written["directory_id"]
    organization.states = [(since, state) for since, state in written["states"]]
    organization.completed = written["completed"]
    organization.error_message = written["error_message"]
    organization.migration_admin = written["migration_admin"]
    organization.default_domain = written["default_domain"]
    organization.domains = {domain["name"]: Domain(**domain) for domain in written["domains"]}
    organization.domain_names = sorted(organization.domains)
    organization.generations = dict(written["generations"])
    repeated: dict[str, str] = {}
    for user in written["users"]:
        _keep(organization, _read_user(user, repeated), user)
    for group in written["groups"]:
        _keep(organization, Group(group["id"], group["name"]), group)
    for resource in written["resources"]:
        _keep(organization, _read_resource(resource), resource)
    organization.user_ids = sorted(user["id"] for user in written["users"])
    organization.group_ids = sorted(group["id"] for group in written["groups"])
    organization.resource_ids = sorted(resource["id"] for resource in written["resources"])
    organization.ghosts.extend(organization.entities[ghost] for ghost in written["ghosts"])
    _read_links(organization, written)
    return organization


def _read_user(written: Mapping[str, Any], repeated: dict[str, str]) -> User:
    user = User(written["id"], written["name"])
    for field in _USER:
        value = written.get(field)
        if value is not None:
            # Departments and cities are the same for many: one string serves all of them.
            setattr(user, field, repeated.setdefault(value, value) if field in _REPEATED else value)
    user.role = written.get("role", user.role)
    user.quota = written.get("quota", user.quota)
    user.size = written.get("size", user.size)
    return user


def _read_resource(written: Mapping[str, Any]) -> Resource:
    resource = Resource(written["id"], written["name"])
    resource.type = written["type"]
    resource.description = written.get("description")
    accept, recurring, conflicting = written.get("booking", resource.booking)
    resource.booking = (accept, recurring, conflicting)
    return resource


def _keep(organization: Organization, entity: Entity, written: Mapping[str, Any]) -> None:
    """Fill in what all kinds have in common and enter the entity everywhere."""
    entity.state = written["state"]
    entity.email = written.get("email")
    entity.enabled = written.get("enabled")
    entity.disabled = written.get("disabled")
    entity.deleted = written.get("deleted")
    entity.hidden = written.get("hidden", False)
    entity.aliases = tuple(written.get("aliases", ()))
    organization.entities[entity.id] = entity
    if entity.state != "DELETED" or written.get("holds_name"):
        organization.names[folded(entity.name)] = entity
    if entity.email is not None:
        organization.addresses[folded(entity.email)] = entity
    for alias in entity.aliases:
        organization.addresses[folded(alias)] = entity
    if counts(entity):
        organization.living_users += 1


def _read_links(organization: Organization, written: Mapping[str, Any]) -> None:
    entities = organization.entities
    for group in written["groups"]:
        _read_members(organization, group)
    for entity in entities.values():
        entity.groups.sort()
    for resource in written["resources"]:
        found = entities[resource["id"]]
        for delegate in resource.get("delegates", ()):
            if isinstance(found, Resource):
                organization.delegate(found, entities[delegate])
    for owner in (*written["users"], *written["groups"], *written["resources"]):
        for grantee, values in owner.get("grants", {}).items():
            organization.grant(entities[owner["id"]], entities[grantee], tuple(values))


def _read_members(organization: Organization, written: Mapping[str, Any]) -> None:
    entities = organization.entities
    group = entities[written["id"]]
    if isinstance(group, Group):
        # The ids of the entities themselves: a million memberships share them.
        group.members = sorted(entities[member].id for member in written.get("members", ()))
        for member in group.members:
            entities[member].groups.append(group.id)
