"""The operations on mail domains (`workmail.md` A.6)."""

from bisect import insort
from collections.abc import Callable, Mapping

from syncd.emulator import fault, sorted_ids
from syncd.emulator.organization import Domain, Organization
from syncd.emulator.paging import page
from syncd.emulator.switches import MAX_DOMAINS
from syncd.emulator.world import REGION, Call, World


def add_domain(
    world: World,
    organization: Organization,
    name: str,
    *,
    verified_at: float | None,
    test: bool = False,
    token: str | None = None,
) -> None:
    """Give a domain to an organization; no other one may have it."""
    lowered = name.lower()
    owner = world.domain_owner(lowered)
    if owner is not None:
        raise fault.domain_in_use(lowered, f"is registered in {owner.id}")
    organization.domains[lowered] = Domain(name=lowered, verified_at=verified_at, test=test, token=token)
    insort(organization.domain_names, lowered)


def register_domain(call: Call) -> dict[str, object]:
    name: str = call.params["DomainName"].lower()
    token = call.params.get("ClientToken")
    known = call.organization.domains.get(name)
    if known is not None and token is not None and known.token == token:
        return {}
    if len(call.organization.domains) >= MAX_DOMAINS and known is None:
        raise fault.limit_exceeded(f"{call.organization.id} can't have more than {MAX_DOMAINS} domains")
    verified_at = call.now + call.switches.domain_verification_s
    add_domain(call.world, call.organization, name, verified_at=verified_at, token=token)
    return {}


def deregister_domain(call: Call) -> dict[str, object]:
    organization = call.organization
    name: str = call.params["DomainName"].lower()
    domain = organization.domains.get(name)
    if domain is None:
        # No error for an unknown domain is declared, so its absence is a success.
        return {}
    if domain.test or organization.default_domain == name:
        raise fault.invalid_parameter(f"DomainName: {name} is the test domain or the default domain")
    if any(address.endswith(f"@{name}") for address in organization.addresses):
        raise fault.domain_in_use(name, "still has addresses")
    del organization.domains[name]
    sorted_ids.remove(organization.domain_names, name)
    return {}


def list_domains(call: Call) -> dict[str, object]:
    organization = call.organization

    def render(name: str) -> object:
        return {"DomainName": name, "DefaultDomain": name == organization.default_domain}

    return page(call, "MailDomains", organization.domain_names, render)


def get_domain(call: Call) -> dict[str, object]:
    domain = _known(call)
    status = domain.status(call.now)
    return {
        "Records": [
            {"Type": "TXT", "Hostname": f"_amazonses.{domain.name}.", "Value": "workmail-ownership"},
            {
                "Type": "MX",
                "Hostname": f"{domain.name}.",
                "Value": f"10 inbound-smtp.{REGION}.amazonaws.com.",
            },
        ],
        "IsTestDomain": domain.test,
        "IsDefault": domain.name == call.organization.default_domain,
        "OwnershipVerificationStatus": status,
        "DkimVerificationStatus": status,
    }


def update_default_domain(call: Call) -> dict[str, object]:
    domain = _known(call)
    status = domain.status(call.now)
    if status != "VERIFIED":
        raise fault.domain_state(domain.name, status)
    call.organization.default_domain = domain.name
    return {}


def _known(call: Call) -> Domain:
    name: str = call.params["DomainName"]
    domain = call.organization.domains.get(name.lower())
    if domain is None:
        raise fault.domain_not_found(name)
    return domain


OPERATIONS: Mapping[str, Callable[[Call], dict[str, object]]] = {
    "ListMailDomains": list_domains,
    "GetMailDomain": get_domain,
    "RegisterMailDomain": register_domain,
    "DeregisterMailDomain": deregister_domain,
    "UpdateDefaultMailDomain": update_default_domain,
}
