"""Fills an empty emulator from a document: a snapshot, or organizations and who is in them.

    {"organizations": [{
        "alias": "planetexpress", "domains": ["planetexpress.example"],
        "users": [{"Name": "fry", "DisplayName": "Philip J. Fry", "Email": "fry@planetexpress.example",
                   "Aliases": ["delivery@planetexpress.example"], "JobTitle": "Delivery boy"}],
        "groups": [{"Name": "crew", "Email": "crew@planetexpress.example", "Members": ["fry"]}],
        "resources": [{"Name": "ship", "Type": "EQUIPMENT", "Delegates": ["fry"]}]
    }]}

Members are those of the API's calls, so that a seed can say what WorkMail can hold and nothing else. An
entity with `Email` is ENABLED, one without isn't.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter

from syncd.emulator.documents import read_as
from syncd.emulator.fault import ServiceFault
from syncd.emulator.persistence import load_snapshot
from syncd.emulator.service import Emulator
from syncd.errors import ConfigurationError, Problem

Record = Mapping[str, Any]

_KINDS = (("users", "User"), ("groups", "Group"), ("resources", "Resource"))
#: What CreateUser takes; the other attributes of a user need UpdateUser (`workmail.md` A.1).
_CREATE_USER = frozenset(
    {
        "Name",
        "DisplayName",
        "Password",
        "Role",
        "FirstName",
        "LastName",
        "HiddenFromGlobalAddressList",
        "IdentityProviderUserId",
    }
)
_NO_MEMBERS_OF_CREATE = frozenset({"Email", "Aliases", "Members", "Delegates"})


def plant(emulator: Emulator, document: object, where: str) -> None:
    """Fill *emulator* from *document*; *where* names it in errors.

    Raises:
        ConfigurationError: it is neither a snapshot nor a seed, or the service refuses something in it.
    """
    if not (isinstance(document, dict) and set(document) == {"organizations"}):
        load_snapshot(emulator, document, where)
        return
    organizations = read_as(TypeAdapter(list[dict[str, Any]]), document["organizations"], where)
    for index, organization in enumerate(organizations):
        _plant_organization(emulator, organization, f"{where}: organizations[{index}]")


def create_organization(emulator: Emulator, wanted: object, where: str) -> str:
    """Create an organization as plain data says, and return its id.

    Raises:
        ConfigurationError: an unknown member or a wrong value.
        ServiceFault: the service refuses it.
    """
    # pydantic reads the signature of a function as it reads the fields of a class, and then calls it.
    made: TypeAdapter[str] = TypeAdapter(emulator.create_organization)  # type: ignore[arg-type]  # no class
    return read_as(made, wanted, where)


def _plant_organization(emulator: Emulator, organization: Record, where: str) -> None:
    people = {
        kind: read_as(TypeAdapter(list[dict[str, Any]]), organization.get(kind, []), f"{where}.{kind}")
        for kind, _ in _KINDS
    }
    wanted = {name: value for name, value in organization.items() if name not in people}
    try:
        garden = _Garden(emulator, create_organization(emulator, wanted, where))
    except ServiceFault as fault:
        raise _refused(where, fault) from fault
    _each(where, people, garden.add)
    # Only when all are there, because groups may name groups further down.
    _each(where, people, garden.link)


def _each(where: str, people: Mapping[str, Iterable[Record]], plant_one: Callable[[str, Record], None]) -> None:
    for kind, noun in _KINDS:
        for index, record in enumerate(people[kind]):
            place = f"{where}.{kind}[{index}]"
            try:
                plant_one(noun, record)
            except ServiceFault as fault:
                raise _refused(place, fault) from fault
            except KeyError as missing:
                raise ConfigurationError(
                    "The seed can't be used.",
                    [
                        Problem(
                            where=place,
                            reason=f"{missing} is missing",
                            remedy="give it, or name an entity of the seed",
                        )
                    ],
                ) from missing


class _Garden:
    """One organization being filled."""

    def __init__(self, emulator: Emulator, organization_id: str) -> None:
        self._emulator = emulator
        self._organization_id = organization_id
        self._ids: dict[str, str] = {}

    def add(self, noun: str, record: Record) -> None:
        """Create one entity, with its attributes, state and addresses."""
        members = {name: value for name, value in record.items() if name not in _NO_MEMBERS_OF_CREATE}
        later = {name: members.pop(name) for name in members.keys() - _CREATE_USER if noun == "User"}
        entity_id: str = self._call(f"Create{noun}", **members)[f"{noun}Id"]
        self._ids[record["Name"]] = entity_id
        if later:
            self._call("UpdateUser", UserId=entity_id, **later)
        if "Email" in record:
            self._call("RegisterToWorkMail", EntityId=entity_id, Email=record["Email"])
        for alias in record.get("Aliases", ()):
            self._call("CreateAlias", EntityId=entity_id, Alias=alias)

    def link(self, _noun: str, record: Record) -> None:
        """Add the members or delegates of one entity."""
        entity_id = self._ids[record["Name"]]
        for name in record.get("Members", ()):
            self._call("AssociateMemberToGroup", GroupId=entity_id, MemberId=self._ids[name])
        for name in record.get("Delegates", ()):
            self._call("AssociateDelegateToResource", ResourceId=entity_id, EntityId=self._ids[name])

    def _call(self, operation: str, **params: object) -> Record:
        return self._emulator.call(operation, {"OrganizationId": self._organization_id, **params})


def _refused(where: str, fault: ServiceFault) -> ConfigurationError:
    return ConfigurationError(
        "The seed can't be used.", [Problem(where=where, reason=str(fault), remedy="mend it there")]
    )
