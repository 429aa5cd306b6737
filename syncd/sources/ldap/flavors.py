"""Which kind of server is this, and what is usual there? Defaults for keys, filters, members and disabled accounts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from syncd.errors import SourceIncomplete
from syncd.model.names import Kind

FlavorName = Literal["openldap", "active-directory", "389"]
#: What tells that an account is disabled (`disabled.py`).
DisabledBy = Literal["userAccountControl", "nsAccountLock", "pwdAccountLockedTime", "shadowExpire", "accountExpires"]

_AD_CAPABILITIES = (b"1.2.840.113556.1.4.800", b"1.2.840.113556.1.4.1851")
_ANY_GROUP = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """What is usual on one kind of server. *mapping* and *profile* are what `syncd init` proposes.

    *key* never changes for an entry, wherever it is moved. *filters* find the entries of each kind. *members* are the
    attributes that say who belongs to a group, read together.
    """

    name: FlavorName
    title: str
    key: str
    filters: Mapping[Kind, str]
    members: tuple[str, ...]
    disabled: tuple[DisabledBy, ...]
    mapping: Mapping[str, str] = field(default_factory=dict)
    group_name: str = "cn"
    profile: Mapping[str, str] = field(default_factory=dict)


OPENLDAP = Flavor(
    name="openldap",
    title="OpenLDAP",
    key="entryUUID",
    filters={Kind.USER: "(objectClass=inetOrgPerson)", Kind.GROUP: _ANY_GROUP},
    members=("member", "uniqueMember", "memberUid"),
    disabled=("pwdAccountLockedTime", "shadowExpire"),
    mapping={
        "name": "uid",
        "display_name": "{{ displayName or cn }}",
        "primary_email": "{{ mail | first }}",
        "aliases": "mail",
    },
    profile={
        "first_name": "givenName",
        "last_name": "sn",
        "initials": "initials",
        "job_title": "title",
        "department": "departmentNumber",
        "company": "o",
        "office": "physicalDeliveryOfficeName",
        "telephone": "telephoneNumber",
        "street": "street",
        "city": "l",
        "zip_code": "postalCode",
        "country": "c",
    },
)
THREE_EIGHT_NINE = Flavor(
    name="389",
    title="389 Directory Server",
    key="nsUniqueId",
    filters={Kind.USER: "(|(objectClass=inetOrgPerson)(objectClass=nsPerson))", Kind.GROUP: _ANY_GROUP},
    members=("member", "uniqueMember", "memberUid"),
    disabled=("nsAccountLock", "shadowExpire"),
    mapping=OPENLDAP.mapping,
    profile=OPENLDAP.profile,
)
ACTIVE_DIRECTORY = Flavor(
    name="active-directory",
    title="Active Directory",
    key="objectGUID",
    filters={
        # Contacts are persons too, computers are users too: only both together are people.
        Kind.USER: "(&(objectCategory=person)(objectClass=user))",
        Kind.GROUP: "(objectCategory=group)",
    },
    members=("member", "primaryGroupID"),
    disabled=("userAccountControl",),
    mapping={
        "name": "sAMAccountName",
        "display_name": "{{ displayName or cn }}",
        "primary_email": "mail",
        "aliases": "proxy_aliases",
    },
    group_name="sAMAccountName",
    profile={
        "first_name": "givenName",
        "last_name": "sn",
        "initials": "initials",
        "job_title": "title",
        "department": "department",
        "company": "company",
        "office": "physicalDeliveryOfficeName",
        "telephone": "telephoneNumber",
        "street": "streetAddress",
        "city": "l",
        "zip_code": "postalCode",
        "country": "co",
    },
)
FLAVORS: Mapping[str, Flavor] = {each.name: each for each in (OPENLDAP, ACTIVE_DIRECTORY, THREE_EIGHT_NINE)}


def choose(said: str, root_dse: Mapping[str, tuple[bytes, ...]], *, server: str = "") -> Flavor:
    """Return the flavor called *said*; for `auto` the one that *root_dse* shows.

    Raises:
        SourceIncomplete: it shows none that we know.
    """
    flavor = FLAVORS.get(said) or recognized(root_dse)
    if flavor is None:
        vendor = b" ".join(_values(root_dse, "vendorName") + _values(root_dse, "vendorVersion")).decode(
            errors="replace"
        )
        says = f"says {vendor!r}" if vendor else "says nothing of itself"
        raise SourceIncomplete(
            f"{server}: the root DSE {says}: this is neither OpenLDAP, Active Directory nor 389 Directory Server",
            hint=f"choose the nearest yourself with `flavor:` ({', '.join(FLAVORS)}), and set key, filters and members",
        )
    return flavor


def recognized(root_dse: Mapping[str, tuple[bytes, ...]]) -> Flavor | None:
    """Return the flavor that *root_dse* shows, None for a stranger."""
    if any(each in _AD_CAPABILITIES for each in _values(root_dse, "supportedCapabilities")):
        return ACTIVE_DIRECTORY
    vendor = b" ".join(_values(root_dse, "vendorName") + _values(root_dse, "vendorVersion")).lower()
    if b"389" in vendor or b"fedora" in vendor or b"red hat" in vendor:
        return THREE_EIGHT_NINE
    classes = _values(root_dse, "objectClass") + _values(root_dse, "structuralObjectClass")
    if b"openldap" in vendor or any(each.lower() == b"openldaprootdse" for each in classes):
        return OPENLDAP
    return None


def naming_contexts(root_dse: Mapping[str, tuple[bytes, ...]]) -> tuple[str, ...]:
    """Return the tops of the trees with entries; of Active Directory's, the domain alone."""
    found = _values(root_dse, "defaultNamingContext") or _values(root_dse, "namingContexts")
    return tuple(each.decode(errors="replace") for each in found)


def _values(root_dse: Mapping[str, tuple[bytes, ...]], name: str) -> tuple[bytes, ...]:
    if name in root_dse:
        return tuple(root_dse[name])
    return next((tuple(values) for each, values in root_dse.items() if each.lower() == name.lower()), ())
