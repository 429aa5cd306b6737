"""The operations on addresses (`workmail.md` A.4, B22 to B30): one namespace for all, without case."""

from collections.abc import Callable, Mapping

from syncd.emulator import fault
from syncd.emulator.entities import Entity
from syncd.emulator.organization import By, folded
from syncd.emulator.paging import page
from syncd.emulator.switches import MAX_ALIASES
from syncd.emulator.world import Call


def check_address(call: Call, entity: Entity, address: str) -> None:
    """Refuse an address whose domain can't be used, or that another entity has."""
    name = address.rpartition("@")[2].lower()
    domain = call.organization.domains.get(name)
    if domain is None:
        raise fault.domain_not_found(name)
    status = domain.status(call.now)
    if status != "VERIFIED":
        raise fault.domain_state(name, status)
    if call.organization.addresses.get(address.lower(), entity) is not entity:
        raise fault.address_in_use(address)


def update_primary(call: Call) -> dict[str, object]:
    entity = call.entity("EntityId")
    call.enabled(entity)
    email: str = call.params["Email"]
    check_address(call, entity, email)
    lowered = email.lower()
    if entity.email is None or entity.email.lower() == lowered:
        return {}
    # The old primary becomes an alias, even the 101st: no limit is declared here (`workmail.md` B29).
    entity.aliases = (*(alias for alias in entity.aliases if alias.lower() != lowered), entity.email)
    entity.email = email
    call.organization.addresses[folded(email)] = entity
    return {}


def create_alias(call: Call) -> dict[str, object]:
    entity = _with_aliases(call)
    alias: str = call.params["Alias"]
    check_address(call, entity, alias)
    if alias.lower() in call.organization.addresses:
        return {}
    used = len(entity.aliases)
    if call.switches.alias_limit_counts_primary and entity.email is not None:
        used += 1
    if used >= MAX_ALIASES:
        raise fault.limit_exceeded(f"Entity {entity.id} can't have more than {MAX_ALIASES} aliases")
    entity.aliases = (*entity.aliases, alias)
    call.organization.addresses[folded(alias)] = entity
    return {}


def delete_alias(call: Call) -> dict[str, object]:
    entity = _with_aliases(call)
    alias: str = call.params["Alias"]
    lowered = alias.lower()
    if entity.email is not None and entity.email.lower() == lowered:
        raise fault.invalid_parameter(f"Alias: {alias} is the primary address")
    kept = tuple(other for other in entity.aliases if other.lower() != lowered)
    if len(kept) != len(entity.aliases):
        entity.aliases = kept
        call.organization.release(entity, alias)
    return {}


def list_aliases(call: Call) -> dict[str, object]:
    entity = _with_aliases(call)
    given = {alias.lower(): alias for alias in entity.aliases}
    primary = call.shown_email(entity)
    if primary is not None and call.switches.primary_among_aliases:
        given[primary.lower()] = primary
    return page(call, "Aliases", sorted(given), given.get)


def describe_entity(call: Call) -> dict[str, object]:
    address: str = call.params["Email"]
    lowered = address.lower()
    entity = call.organization.addresses.get(lowered)
    if entity is None or not _is_found(call, entity, lowered):
        raise fault.entity_not_found(address)
    return {"EntityId": entity.id, "Name": entity.name, "Type": entity.kind}


def _with_aliases(call: Call) -> Entity:
    """Find an entity whose aliases can be seen and changed in its state (`workmail.md` B22)."""
    entity = call.entity("EntityId", By.ID)
    call.alive(entity)
    if not call.switches.aliases_of_disabled:
        call.enabled(entity)
    return entity


def _is_found(call: Call, entity: Entity, lowered: str) -> bool:
    if entity.state == "DELETED":
        return False
    if entity.state == "DISABLED" and not call.switches.describe_entity_disabled:
        return False
    is_primary = entity.email is not None and entity.email.lower() == lowered
    return is_primary or call.switches.describe_entity_aliases


OPERATIONS: Mapping[str, Callable[[Call], dict[str, object]]] = {
    "UpdatePrimaryEmailAddress": update_primary,
    "CreateAlias": create_alias,
    "DeleteAlias": delete_alias,
    "ListAliases": list_aliases,
    "DescribeEntity": describe_entity,
}
