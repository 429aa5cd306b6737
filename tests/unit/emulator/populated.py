"""An organization with one of everything, and for each operation a call that succeeds in it."""

from syncd.emulator import DirectoryKind
from tests.unit.emulator.checked import DOMAIN, WITHOUT_ORGANIZATION, Checked

Params = dict[str, object]


class Populated(Checked):
    """Fry and Leela work, Lars left, the crew has a ship and a room that nobody has opened yet."""

    def __init__(self, *, directory: DirectoryKind = DirectoryKind.WORKMAIL) -> None:
        super().__init__()
        self.fry = self.user("fry", f"fry@{DOMAIN}")
        self.leela = self.user("leela", f"leela@{DOMAIN}")
        self.lars = self.user("lars")
        self.crew = self.group("crew", f"crew@{DOMAIN}")
        self.closed = self.group("closed")
        self.ship = self.resource("ship", f"ship@{DOMAIN}", Type="EQUIPMENT")
        self.attic = self.resource("attic")
        self("CreateAlias", EntityId=self.fry, Alias=f"philip@{DOMAIN}")
        self("AssociateMemberToGroup", GroupId=self.crew, MemberId=self.fry)
        self("AssociateDelegateToResource", ResourceId=self.ship, EntityId=self.leela)
        self(
            "PutMailboxPermissions",
            EntityId=self.fry,
            GranteeId=self.leela,
            PermissionValues=["SEND_AS"],
        )
        self.calls = self._calls()
        if directory is not DirectoryKind.WORKMAIL:
            self._change_directory(directory)

    def params(self, operation: str, **changed: object) -> Params:
        """Give parameters that succeed, with some of them changed."""
        return {**self.calls[operation], **changed}

    def entity_member(self, operation: str) -> str:
        """Name the member of a call that names the entity it is about."""
        for member in ("EntityId", "UserId", "GroupId", "ResourceId"):
            if member in self.calls[operation]:
                return "ResourceId" if "ResourceId" in self.calls[operation] else member
        raise KeyError(operation)

    def _change_directory(self, directory: DirectoryKind) -> None:
        state = self.emulator.snapshot()
        organizations = state["organizations"]
        assert isinstance(organizations, list)
        organizations[0]["directory"] = directory.value
        self.emulator.load(state)

    def _calls(self) -> dict[str, Params]:
        fry, lars, crew, ship = self.fry, self.lars, self.crew, self.ship
        other: Params = {"EntityId": fry, "GranteeId": self.leela}
        new = f"new@{DOMAIN}"
        return {
            "CreateUser": {"Name": "amy", "DisplayName": "Amy Wong", "Password": "Good-news-3"},
            "DescribeUser": {"UserId": fry},
            "UpdateUser": {"UserId": fry, "JobTitle": "Delivery boy", "Role": "USER"},
            "DeleteUser": {"UserId": lars},
            "ListUsers": {"Filters": {"State": "ENABLED"}},
            "ResetPassword": {"UserId": fry, "Password": "Good-news-4"},
            "CreateGroup": {"Name": "the new crew"},
            "DescribeGroup": {"GroupId": crew},
            "UpdateGroup": {"GroupId": crew, "HiddenFromGlobalAddressList": True},
            "DeleteGroup": {"GroupId": self.closed},
            "ListGroups": {},
            "ListGroupMembers": {"GroupId": crew},
            "ListGroupsForEntity": {"EntityId": fry},
            "AssociateMemberToGroup": {"GroupId": crew, "MemberId": self.leela},
            "DisassociateMemberFromGroup": {"GroupId": crew, "MemberId": fry},
            "CreateResource": {"Name": "lounge", "Type": "ROOM", "Description": "with a sofa"},
            "DescribeResource": {"ResourceId": ship},
            "UpdateResource": {"ResourceId": ship, "Description": "green"},
            "DeleteResource": {"ResourceId": self.attic},
            "ListResources": {},
            "ListResourceDelegates": {"ResourceId": ship},
            "AssociateDelegateToResource": {"ResourceId": ship, "EntityId": fry},
            "DisassociateDelegateFromResource": {"ResourceId": ship, "EntityId": self.leela},
            "RegisterToWorkMail": {"EntityId": lars, "Email": new},
            "DeregisterFromWorkMail": {"EntityId": fry},
            "UpdatePrimaryEmailAddress": {"EntityId": fry, "Email": new},
            "CreateAlias": {"EntityId": fry, "Alias": new},
            "DeleteAlias": {"EntityId": fry, "Alias": f"philip@{DOMAIN}"},
            "ListAliases": {"EntityId": fry},
            "DescribeEntity": {"Email": f"crew@{DOMAIN}"},
            "PutMailboxPermissions": {**other, "PermissionValues": ["FULL_ACCESS", "SEND_AS"]},
            "DeleteMailboxPermissions": other,
            "ListMailboxPermissions": {"EntityId": fry},
            "GetMailboxDetails": {"UserId": fry},
            "UpdateMailboxQuota": {"UserId": fry, "MailboxQuota": 100},
            "ListOrganizations": {},
            "DescribeOrganization": {},
            "CreateOrganization": {"Alias": "momcorp", "Domains": [{"DomainName": "mom.example"}]},
            "DeleteOrganization": {"DeleteDirectory": True, "ForceDelete": True},
            "ListMailDomains": {},
            "GetMailDomain": {"DomainName": DOMAIN},
            "RegisterMailDomain": {"DomainName": "robot.example"},
            "DeregisterMailDomain": {"DomainName": "robot.example"},
            "UpdateDefaultMailDomain": {"DomainName": DOMAIN},
        }


OPERATIONS = tuple(sorted(Populated().calls))
IN_AN_ORGANIZATION = tuple(name for name in OPERATIONS if name not in WITHOUT_ORGANIZATION)
