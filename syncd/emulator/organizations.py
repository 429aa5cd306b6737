"""The operations on organizations (`workmail.md` A.6): made and deleted in the course of time."""

from collections.abc import Callable, Iterable, Mapping

from syncd import wire
from syncd.emulator import fault
from syncd.emulator.domains import add_domain
from syncd.emulator.entities import User
from syncd.emulator.organization import DirectoryKind, Organization
from syncd.emulator.paging import page
from syncd.emulator.switches import MAX_ORGANIZATIONS
from syncd.emulator.world import ACCOUNT, REGION, Call, Request, World

_SYSTEM_USER = "workmail.system"


def found(
    world: World,
    alias: str,
    *,
    directory: DirectoryKind,
    domains: Iterable[str] = (),
    organization_id: str | None = None,
    verified_at: float = 0.0,
) -> Organization:
    """Make an organization with its domains, the test domain being the default, and a system user."""
    organization = Organization(organization_id or world.organization_id(alias), alias, directory)
    organization.directory_id = "d-" + world.hexadecimal("DIRECTORY", alias)[:10]
    test_domain = f"{alias}.awsapps.com".lower()
    for domain in (test_domain, *domains):
        test = domain == test_domain
        add_domain(world, organization, domain, verified_at=verified_at, test=test)
    organization.default_domain = test_domain
    system = User(world.entity_id(organization, "USER", _SYSTEM_USER), _SYSTEM_USER)
    system.role = "SYSTEM_USER"
    system.display_name = "WorkMail system user"
    organization.add(system)
    world.organizations[organization.id] = organization
    return organization


def check_alias(world: World, alias: str, now: float) -> None:
    for organization in world.organizations.values():
        if organization.alias.lower() == alias.lower() and organization.state(now) != "Deleted":
            raise fault.name_in_use(alias)


def check_identity(world: World, alias: str, domains: Iterable[str], organization_id: str | None) -> None:
    """Refuse an organization whose id, alias or domains the API could not name."""
    problems = list(wire.problems("CreateOrganization", {"Alias": alias}))
    if organization_id is not None:
        problems += wire.problems("DescribeOrganization", {"OrganizationId": organization_id})
        if organization_id in world.organizations:
            raise fault.name_in_use(organization_id)
    for domain in domains:
        problems += wire.problems("CreateOrganization", {"Alias": alias, "Domains": [{"DomainName": domain}]})
    if problems:
        raise fault.invalid_parameter("; ".join(map(str, problems)))


def create_organization(request: Request) -> dict[str, object]:
    params, world, now = request.params, request.world, request.now
    token = params.get("ClientToken")
    if token in world.client_tokens:
        return {"OrganizationId": world.client_tokens[token]}
    directory_id = params.get("DirectoryId")
    directory = _directory(directory_id, interoperability=params.get("EnableInteroperability", False))
    check_alias(world, params["Alias"], now)
    _check_directory(request, directory_id)
    if sum(one.state(now) != "Deleted" for one in world.organizations.values()) >= MAX_ORGANIZATIONS:
        raise fault.limit_exceeded(f"An account can't have more than {MAX_ORGANIZATIONS} organizations")
    domains = [domain["DomainName"] for domain in params.get("Domains", ())]
    taken = next((domain for domain in domains if world.domain_owner(domain.lower())), None)
    if taken is not None:
        raise fault.invalid_parameter(f"Domains: {taken} is registered in another organization")
    duration = request.switches.organization_s
    organization = found(
        world,
        params["Alias"],
        directory=directory,
        domains=dict.fromkeys(domains),
        verified_at=now + duration + request.switches.domain_verification_s,
    )
    organization.directory_id = directory_id or organization.directory_id
    organization.completed = now + duration
    organization.states = [(now, "Requested"), (now + duration / 2, "Creating"), (now + duration, "Active")]
    if token is not None:
        world.client_tokens[token] = organization.id
    return {"OrganizationId": organization.id}


def list_organizations(request: Request) -> dict[str, object]:
    organizations, now = request.world.organizations, request.now

    def render(organization_id: str) -> object:
        organization = organizations[organization_id]
        answer = {
            "OrganizationId": organization.id,
            "Alias": organization.alias,
            "DefaultMailDomain": organization.default_domain,
            "State": organization.state(now),
        }
        if organization.error_message is not None:
            answer["ErrorMessage"] = organization.error_message
        return answer

    return page(request, "OrganizationSummaries", sorted(organizations), render)


def describe_organization(call: Call) -> dict[str, object]:
    organization = call.organization
    answer: dict[str, object] = {
        "OrganizationId": organization.id,
        "Alias": organization.alias,
        "State": organization.state(call.now),
        "DirectoryId": organization.directory_id,
        "DirectoryType": call.switches.directory_type,
        "DefaultMailDomain": organization.default_domain,
        "ARN": f"arn:aws:workmail:{REGION}:{ACCOUNT}:organization/{organization.id}",
        "InteroperabilityEnabled": organization.directory is DirectoryKind.INTEROPERABILITY,
    }
    if organization.completed is not None and organization.completed <= call.now:
        answer["CompletedDate"] = organization.completed
    if organization.error_message is not None:
        answer["ErrorMessage"] = organization.error_message
    if organization.migration_admin is not None:
        answer["MigrationAdmin"] = organization.migration_admin
    return answer


def delete_organization(call: Call) -> dict[str, object]:
    organization, now = call.organization, call.now
    state = organization.state(now)
    if state in {"Requested", "Creating", "Deleting", "Deleted"}:
        raise fault.organization_state(organization.id, state)
    entities = organization.entities
    enabled = any(entities[user_id].state == "ENABLED" for user_id in organization.user_ids)
    if enabled and not call.params.get("ForceDelete", False):
        raise fault.ServiceFault(
            "OrganizationStateException",
            f"Organization {organization.id} has enabled users: disable them or force the deletion",
        )
    end = now + call.switches.organization_s
    organization.states = [(now, "Deleting"), (end, "Deleted")]
    organization.domains.clear()
    organization.domain_names.clear()
    return {"OrganizationId": organization.id, "State": organization.state(now)}


def forget_deleted(world: World, now: float) -> None:
    """Drop the organizations that were deleted longer ago than the grace time."""
    for organization in tuple(world.organizations.values()):
        since, state = organization.states[-1]
        if state == "Deleted" and since + world.switches.ghost_s <= now:
            del world.organizations[organization.id]


def _directory(directory_id: str | None, *, interoperability: bool) -> DirectoryKind:
    if interoperability and directory_id is None:
        raise fault.invalid_parameter("EnableInteroperability: needs a DirectoryId")
    if interoperability:
        return DirectoryKind.INTEROPERABILITY
    return DirectoryKind.WORKMAIL if directory_id is None else DirectoryKind.MANAGED_AD


def _check_directory(request: Request, directory_id: str | None) -> None:
    if directory_id is None:
        return
    for organization in request.world.organizations.values():
        if organization.directory_id == directory_id and organization.state(request.now) != "Deleted":
            raise fault.directory_in_use(directory_id)


WITHOUT_ORGANIZATION: Mapping[str, Callable[[Request], dict[str, object]]] = {
    "CreateOrganization": create_organization,
    "ListOrganizations": list_organizations,
}

OPERATIONS: Mapping[str, Callable[[Call], dict[str, object]]] = {
    "DescribeOrganization": describe_organization,
    "DeleteOrganization": delete_organization,
}

ANY_STATE = frozenset(OPERATIONS)
"""The operations that answer whatever state the organization is in (`workmail.md` B47), or check it."""
