"""The life of a small directory, in every operation of `workmail.md` A.1 to A.5, for any client to live."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

#: The operations of `workmail.md` A.1 to A.5, table by table.
USERS = frozenset({"CreateUser", "DescribeUser", "UpdateUser", "DeleteUser", "ListUsers", "ResetPassword"})
GROUPS = frozenset(
    {
        "CreateGroup",
        "DescribeGroup",
        "UpdateGroup",
        "DeleteGroup",
        "ListGroups",
        "ListGroupMembers",
        "ListGroupsForEntity",
        "AssociateMemberToGroup",
        "DisassociateMemberFromGroup",
    }
)
RESOURCES = frozenset(
    {
        "CreateResource",
        "DescribeResource",
        "UpdateResource",
        "DeleteResource",
        "ListResources",
        "ListResourceDelegates",
        "AssociateDelegateToResource",
        "DisassociateDelegateFromResource",
    }
)
ADDRESSES = frozenset(
    {
        "RegisterToWorkMail",
        "DeregisterFromWorkMail",
        "UpdatePrimaryEmailAddress",
        "CreateAlias",
        "DeleteAlias",
        "ListAliases",
        "DescribeEntity",
    }
)
MAILBOXES = frozenset(
    {
        "PutMailboxPermissions",
        "DeleteMailboxPermissions",
        "ListMailboxPermissions",
        "GetMailboxDetails",
        "UpdateMailboxQuota",
    }
)
OPERATIONS = USERS | GROUPS | RESOURCES | ADDRESSES | MAILBOXES

DOMAIN = "planetexpress.example"

Output = Mapping[str, Any]


class ServiceRefused(Exception):
    """The client said that the service answered with an error; *code* is what the client calls it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Client(Protocol):
    """A real client of WorkMail, driven from here."""

    def __call__(self, operation: str, **params: object) -> Output:
        """Make one call; raises ServiceRefused."""
        ...


class Life:
    """Calls a client for one organization, and remembers which operations it called."""

    def __init__(self, client: Client, organization_id: str) -> None:
        self.called: set[str] = set()
        self._client = client
        self._organization_id = organization_id

    def ask(self, operation: str, **params: object) -> Output:
        self.called.add(operation)
        return self._client(operation, OrganizationId=self._organization_id, **params)

    def do(self, operation: str, **params: object) -> None:
        """Make a call of an operation that answers nothing."""
        assert not self.ask(operation, **params)

    def refused(self, operation: str, **params: object) -> str:
        """Make a call that must fail, and return the error's code."""
        try:
            self.ask(operation, **params)
        except ServiceRefused as error:
            return error.code
        return "not refused"


def live(client: Client, organization_id: str) -> set[str]:
    """Live the whole life, asserting on each answer; return the operations that were called."""
    life = Life(client, organization_id)
    fry, leela = _people_arrive(life)
    _addresses_change(life, fry)
    crew = _group_works(life, fry, leela)
    ship = _resource_works(life, fry)
    _mailboxes_are_shared(life, fry, leela)
    for kind, entity in (("User", fry), ("User", leela), ("Group", crew), ("Resource", ship)):
        _leave(life, kind, entity)
    assert life.ask("ListUsers", Filters={"State": "ENABLED"})["Users"] == []
    return life.called


def recent(moment: object) -> bool:
    """Tell whether a client gave a time, and one of the last hour."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    elif isinstance(moment, float):
        moment = datetime.fromtimestamp(moment, UTC)
    assert isinstance(moment, datetime)
    return abs(moment - datetime.now(UTC)) < timedelta(hours=1)  # noqa: TID251 - beside the service's clock stands the machine's


def _people_arrive(life: Life) -> tuple[str, str]:
    fry = life.ask(
        "CreateUser",
        Name="fry",
        DisplayName="Philip J. Fry",
        Password="Good-news-3000",
        FirstName="Philip",
        LastName="Fry",
    )["UserId"]
    leela = life.ask("CreateUser", Name="leela", DisplayName="Turanga Leela", HiddenFromGlobalAddressList=True)[
        "UserId"
    ]
    assert life.refused("CreateUser", Name="FRY", DisplayName="Another") == "NameAvailabilityException"
    seen = life.ask("DescribeUser", UserId=fry)
    assert (seen["Name"], seen["State"], seen.get("Email")) == ("fry", "DISABLED", None)
    for user, name in ((fry, "fry"), (leela, "leela")):
        life.do("RegisterToWorkMail", EntityId=user, Email=f"{name}@{DOMAIN}")
    life.do("UpdateUser", UserId=fry, JobTitle="Lieferjunge, größter", Office="Raum 1", City="Neu-York")
    seen = life.ask("DescribeUser", UserId=fry)
    assert (seen["Email"], seen["State"], seen["UserRole"]) == (f"fry@{DOMAIN}", "ENABLED", "USER")
    assert (seen["FirstName"], seen["JobTitle"]) == ("Philip", "Lieferjunge, größter")
    assert recent(seen["EnabledDate"])
    assert life.ask("DescribeUser", UserId=leela)["HiddenFromGlobalAddressList"] is True
    life.do("ResetPassword", UserId=fry, Password="Bad-news-3001")
    assert life.refused("ResetPassword", UserId=fry, Password="short") == "InvalidPasswordException"
    listed = life.ask("ListUsers", Filters={"State": "ENABLED"})["Users"]
    assert {user["Id"] for user in listed} == {fry, leela}
    assert life.refused("DeleteUser", UserId=fry) == "EntityStateException"
    return fry, leela


def _addresses_change(life: Life, fry: str) -> None:
    life.do("CreateAlias", EntityId=fry, Alias=f"delivery@{DOMAIN}")
    assert sorted(life.ask("ListAliases", EntityId=fry)["Aliases"]) == [f"delivery@{DOMAIN}", f"fry@{DOMAIN}"]
    owner = life.ask("DescribeEntity", Email=f"delivery@{DOMAIN}")
    assert (owner["EntityId"], owner["Type"]) == (fry, "USER")
    life.do("UpdatePrimaryEmailAddress", EntityId=fry, Email=f"philip@{DOMAIN}")
    assert life.ask("DescribeUser", UserId=fry)["Email"] == f"philip@{DOMAIN}"
    assert f"fry@{DOMAIN}" in life.ask("ListAliases", EntityId=fry)["Aliases"]
    life.do("DeleteAlias", EntityId=fry, Alias=f"delivery@{DOMAIN}")
    gone = life.refused("DescribeEntity", Email=f"delivery@{DOMAIN}")
    assert gone == "EntityNotFoundException"
    foreign = life.refused("CreateAlias", EntityId=fry, Alias="fry@momcorp.example")
    assert foreign == "MailDomainNotFoundException"


def _group_works(life: Life, fry: str, leela: str) -> str:
    crew: str = life.ask("CreateGroup", Name="The crew")["GroupId"]
    life.do("RegisterToWorkMail", EntityId=crew, Email=f"crew@{DOMAIN}")
    life.do("UpdateGroup", GroupId=crew, HiddenFromGlobalAddressList=True)
    seen = life.ask("DescribeGroup", GroupId=crew)
    assert (seen["Name"], seen["State"], seen["Email"]) == ("The crew", "ENABLED", f"crew@{DOMAIN}")
    assert seen["HiddenFromGlobalAddressList"] is True
    assert [group["Id"] for group in life.ask("ListGroups")["Groups"]] == [crew]
    for member in (fry, leela):
        life.do("AssociateMemberToGroup", GroupId=crew, MemberId=member)
    members = life.ask("ListGroupMembers", GroupId=crew)["Members"]
    assert {(member["Id"], member["Type"], member["State"]) for member in members} == {
        (fry, "USER", "ENABLED"),
        (leela, "USER", "ENABLED"),
    }
    assert life.ask("ListGroupsForEntity", EntityId=fry)["Groups"] == [{"GroupId": crew, "GroupName": "The crew"}]
    life.do("DisassociateMemberFromGroup", GroupId=crew, MemberId=fry)
    left = life.ask("ListGroupMembers", GroupId=crew)["Members"]
    assert [member["Id"] for member in left] == [leela]
    return crew


def _resource_works(life: Life, fry: str) -> str:
    ship: str = life.ask("CreateResource", Name="ship", Type="EQUIPMENT", Description="Old Bessie")["ResourceId"]
    life.do("RegisterToWorkMail", EntityId=ship, Email=f"ship@{DOMAIN}")
    life.do("AssociateDelegateToResource", ResourceId=ship, EntityId=fry)
    assert life.ask("ListResourceDelegates", ResourceId=ship)["Delegates"] == [{"Id": fry, "Type": "USER"}]
    booking = {
        "AutoAcceptRequests": False,
        "AutoDeclineRecurringRequests": True,
        "AutoDeclineConflictingRequests": True,
    }
    life.do("UpdateResource", ResourceId=ship, Name="the-ship", BookingOptions=booking)
    seen = life.ask("DescribeResource", ResourceId=ship)
    assert (seen["Name"], seen["Type"], seen["Description"]) == ("the-ship", "EQUIPMENT", "Old Bessie")
    assert seen["BookingOptions"] == booking
    assert [resource["Email"] for resource in life.ask("ListResources")["Resources"]] == [f"ship@{DOMAIN}"]
    life.do("DisassociateDelegateFromResource", ResourceId=ship, EntityId=fry)
    assert life.ask("ListResourceDelegates", ResourceId=ship)["Delegates"] == []
    return ship


def _mailboxes_are_shared(life: Life, fry: str, leela: str) -> None:
    granted = ["FULL_ACCESS", "SEND_AS"]
    life.do("PutMailboxPermissions", EntityId=fry, GranteeId=leela, PermissionValues=granted)
    (permission,) = life.ask("ListMailboxPermissions", EntityId=fry)["Permissions"]
    assert (permission["GranteeId"], permission["GranteeType"]) == (leela, "USER")
    assert sorted(permission["PermissionValues"]) == granted
    life.do("DeleteMailboxPermissions", EntityId=fry, GranteeId=leela)
    assert life.ask("ListMailboxPermissions", EntityId=fry)["Permissions"] == []
    life.do("UpdateMailboxQuota", UserId=fry, MailboxQuota=1024)
    assert life.ask("GetMailboxDetails", UserId=fry)["MailboxQuota"] == 1024


def _leave(life: Life, kind: str, entity: str) -> None:
    life.do("DeregisterFromWorkMail", EntityId=entity)
    seen = life.ask(f"Describe{kind}", **{f"{kind}Id": entity})
    assert seen["State"] == "DISABLED"
    assert recent(seen["DisabledDate"])
    life.do(f"Delete{kind}", **{f"{kind}Id": entity})
    assert life.ask(f"Describe{kind}", **{f"{kind}Id": entity})["State"] == "DELETED"
