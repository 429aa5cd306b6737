"""Reads what WorkMail holds: lists in bulk, details per entity. Compares nothing.

| what                | call                                                | cost (`workmail.md` L)        |
|---------------------|-----------------------------------------------------|-------------------------------|
| the organization    | DescribeOrganization, ListMailDomains, GetMailDomain | 1 + pages + one per domain    |
| lists               | ListUsers, ListGroups, ListResources                | pages of 100                  |
| absent bound ids    | DescribeUser, DescribeGroup, DescribeResource       | one each                      |
| aliases             | ListAliases                                         | one or more per ENABLED entity |
| profile             | DescribeUser, DescribeGroup                         | one per entity                |
| members             | ListGroupMembers                                    | one or more per group         |
| quota               | GetMailboxDetails                                   | one per ENABLED user          |
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.errors import CallError, TargetMismatch
from syncd.model.names import EntityId, Kind, fold
from syncd.model.page import Ask, Reader
from syncd.model.state import HIDDEN, Entity, Organization, Profile, State
from syncd.workmail.attributes import MEMBERS

#: Sends one read, retried; knows the organization.
Read = Ask

#: A deregistered mailbox is destroyed after that; of a group nothing is lost (`workmail.md` B10, B12).
FUSE = {Kind.USER: timedelta(days=30)}
_PAGE = 100
_NO_ALIASES: frozenset[str] = frozenset()
#: Roles that we neither make nor change (`workmail.md` B45, B46).
_UNTOUCHABLE_ROLES = frozenset({"SYSTEM_USER", "RESOURCE", "REMOTE_USER"})
_MIXED_PROFILE = {field: member for field, member in MEMBERS.items() if field not in ("display_name", HIDDEN)}


def pages(read: Read, operation: str, member: str, **parameters: str) -> Iterator[Mapping[str, Any]]:
    """Yield every item of a paged list, to its end: a short or empty page is not the end (`workmail.md` C).

    Raises:
        TargetMismatch: the same token came twice, so that the list would never end.
    """
    token, seen = "", set()
    while True:
        answer = read(operation, {**parameters, "MaxResults": _PAGE, **({"NextToken": token} if token else {})})
        yield from answer.get(member, ())
        token = answer.get("NextToken") or ""
        if not token:
            return
        if token in seen:
            message = f"{operation} returned the same page token twice: its list can't be read to the end"
            raise TargetMismatch(message, hint="try again; if it stays, report it to AWS")
        seen.add(token)


def read_organization(read: Read, organization_id: str) -> tuple[Organization, str]:
    """Return the organization with the state of its domains, and its migration admin ("" for none).

    Raises:
        TargetMismatch: unknown here, or not Active.
    """
    try:
        answer = read("DescribeOrganization", {})
    except CallError as error:
        if error.code in ("OrganizationNotFoundException", "InvalidParameterException"):
            hint = "look at workmail.organization_id, workmail.region and the account of the credentials"
            raise TargetMismatch(f"there is no organization {organization_id} here", hint=hint) from error
        raise
    state, alias = str(answer.get("State", "")), str(answer.get("Alias", ""))
    if state.casefold() != "active" or answer.get("OrganizationId", organization_id) != organization_id:
        message = f"the organization {organization_id} ({alias}) is {state or 'in an unknown state'}, not Active"
        raise TargetMismatch(message, hint="nothing was done; it is tried again in the next cycle")
    domains, default = {}, str(answer.get("DefaultMailDomain", ""))
    for row in pages(read, "ListMailDomains", "MailDomains"):
        name = str(row["DomainName"])
        found = read("GetMailDomain", {"DomainName": name})
        domains[name.casefold()] = found.get("OwnershipVerificationStatus", "VERIFIED") == "VERIFIED"
        if row.get("DefaultDomain"):
            default = name
    organization = Organization(id=organization_id, alias=alias, default_domain=default, domains=domains, fuse=FUSE)
    return organization, str(answer.get("MigrationAdmin", ""))


def read_entities(read: Read, *, untouchable: str) -> dict[EntityId, Entity]:
    """Return users, groups and resources by id, ghosts included; seen twice counts once."""
    found: dict[EntityId, Entity] = {}
    for operation, member, kind in (
        ("ListUsers", "Users", Kind.USER),
        ("ListGroups", "Groups", Kind.GROUP),
        ("ListResources", "Resources", Kind.RESOURCE),
    ):
        try:
            for row in pages(read, operation, member):
                found[EntityId(row["Id"])] = entity_of(row, kind, untouchable=untouchable)
        except CallError as error:
            # A plain read of resources may be unsupported (`workmail.md` E): then there are none here.
            if not (kind is Kind.RESOURCE and error.code == "UnsupportedOperationException"):
                raise
    return found


def entity_of(row: Mapping[str, Any], kind: Kind, *, untouchable: str, id_member: str = "Id") -> Entity:
    """Return one row of a list, or one Describe answer, as an entity."""
    identity, name = EntityId(row[id_member]), str(row.get("Name", ""))
    return Entity(
        identity,
        kind,
        name,
        str(row.get("DisplayName") or ""),
        str(row.get("Email") or ""),
        State(row.get("State", "DISABLED")),
        ever_enabled=row.get("EnabledDate") is not None,
        untouchable=row.get("UserRole") in _UNTOUCHABLE_ROLES
        or (bool(untouchable) and untouchable in (identity, name)),
        disabled_at=_moment(row.get("DisabledDate")),
    )


def describe(read: Read, identity: EntityId, kind: Kind) -> Entity | None:
    """Return the entity asked for by its id, None when the service says that it doesn't exist."""
    operation, parameter = _DESCRIBE[kind]
    try:
        answer = read(operation, {parameter: identity})
    except CallError as error:
        if error.code == "EntityNotFoundException":
            return None
        raise
    return entity_of(answer, kind, untouchable="", id_member=parameter)


_DESCRIBE = {
    Kind.USER: ("DescribeUser", "UserId"),
    Kind.GROUP: ("DescribeGroup", "GroupId"),
    Kind.RESOURCE: ("DescribeResource", "ResourceId"),
}


def read_detail(read: Read, reader: Reader, entity: Entity, ids: Mapping[str, EntityId]) -> object:
    """Return one detail of one entity; *ids* are the known ids, so that equal ones are the same object.

    Returns None when the entity changed under our hands (not ENABLED any more, or gone).
    """
    try:
        return reader(read, entity, ids)
    except CallError as error:
        if error.code in ("EntityStateException", "EntityNotFoundException"):
            return None
        raise


def read_members(read: Read, entity: Entity, ids: Mapping[str, EntityId]) -> frozenset[EntityId]:
    """Return the ids of the direct members of a group (`workmail.md` B34)."""
    return frozenset(
        ids.get(row["Id"], row["Id"])
        for row in pages(read, "ListGroupMembers", "Members", GroupId=entity.id)
        if row.get("State") != "DELETED"
    )


def read_aliases(read: Read, entity: Entity, _: Mapping[str, EntityId]) -> frozenset[str]:
    """Return the aliases; the list holds the primary too (`workmail.md` 0.2): subtract it, whatever its case."""
    primary = fold(entity.primary)
    found = [alias for alias in _strings(read, entity) if fold(alias) != primary]
    return frozenset(found) if found else _NO_ALIASES


def _strings(read: Read, entity: Entity) -> Iterator[str]:
    for item in pages(read, "ListAliases", "Aliases", EntityId=entity.id):
        yield str(item)


def read_profile(read: Read, entity: Entity, _: Mapping[str, EntityId]) -> Profile:
    """Return the personal attributes, and whether the entity is hidden; what is empty is absent."""
    operation, parameter = _DESCRIBE[entity.kind]
    answer = read(operation, {parameter: entity.id})
    profile = {HIDDEN: "true"} if answer.get("HiddenFromGlobalAddressList") else {}
    if entity.kind is Kind.USER:
        for field, member in _MIXED_PROFILE.items():
            if value := answer.get(member):
                profile[field] = str(value)
    return profile


def read_quota(read: Read, entity: Entity, _: Mapping[str, EntityId]) -> int:
    """Return how many MB the mailbox may hold."""
    return int(read("GetMailboxDetails", {"UserId": entity.id})["MailboxQuota"])


def _moment(value: object) -> datetime | None:
    """Return a timestamp of the service, which boto3 parses and the plain emulator gives in seconds."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None
