"""An emulator whose every answer is held against the service model."""

from dataclasses import replace

import pytest

from syncd import wire
from syncd.emulator import DirectoryKind, Emulator, ServiceFault, Switches

DOMAIN = "px.example"
UNKNOWN = "00000000-0000-0000-0000-000000000000"
ELSEWHERE = "m-" + "f" * 32

WITHOUT_ORGANIZATION = frozenset({"CreateOrganization", "ListOrganizations"})

# Codes that the model doesn't declare, and the reason why an operation answers them here.
UNDECLARED = frozenset(
    {
        # A switch says so (workmail.md B18).
        ("DeleteUser", "EntityNotFoundException"),
        ("DeleteGroup", "EntityNotFoundException"),
        ("DeleteResource", "EntityNotFoundException"),
        # The quotas are documented, a code for them isn't (workmail.md D).
        ("CreateUser", "LimitExceededException"),
        ("CreateGroup", "LimitExceededException"),
        ("AssociateMemberToGroup", "LimitExceededException"),
    }
)


class Checked:
    """One organization, its clock, and calls whose answers and errors must be possible ones."""

    def __init__(self, *, directory: DirectoryKind = DirectoryKind.WORKMAIL, **switches: object) -> None:
        self.now = 1_000_000.0
        self.emulator = Emulator(clock=lambda: self.now)
        self.organization = self.emulator.create_organization(alias="px", domains=[DOMAIN], directory=directory)
        self.switch(**switches)

    def switch(self, **changes: object) -> None:
        self.emulator.switches = replace(Switches(), **changes)  # type: ignore[arg-type]  # any field, any value

    def __call__(self, operation: str, **params: object) -> dict[str, object]:
        if operation not in WITHOUT_ORGANIZATION:
            params = {"OrganizationId": self.organization, **params}
        try:
            answer = self.emulator.call(operation, params)
        except ServiceFault as fault:
            _hold_against_the_model(operation, fault)
            raise
        assert wire.output_problems(operation, answer) == ()
        return answer

    def refused(self, operation: str, **params: object) -> str:
        """Call, and return the code of the error without its ending."""
        with pytest.raises(ServiceFault) as raised:
            self(operation, **params)
        assert raised.value.status == 400
        return raised.value.code.removesuffix("Exception")

    def all(self, operation: str, member: str, **params: object) -> list[dict[str, object]]:
        """Read a listing to its end."""
        entries: list[dict[str, object]] = []
        token: dict[str, object] = {}
        while True:
            answer = self(operation, **params, **token)
            page = answer[member]
            assert isinstance(page, list)
            entries += page
            if "NextToken" not in answer:
                return entries
            token = {"NextToken": answer["NextToken"]}

    # --- making things ---

    def user(self, name: str, email: str | None = None, **params: object) -> str:
        made = self("CreateUser", **{"Name": name, "DisplayName": name.title(), **params})
        return self._registered(made["UserId"], email)

    def group(self, name: str, email: str | None = None) -> str:
        return self._registered(self("CreateGroup", Name=name)["GroupId"], email)

    def resource(self, name: str, email: str | None = None, **params: object) -> str:
        made = self("CreateResource", **{"Name": name, "Type": "ROOM", **params})
        return self._registered(made["ResourceId"], email)

    def deleted_user(self, name: str = "lars") -> str:
        user = self.user(name)
        self("DeleteUser", UserId=user)
        return user

    def _registered(self, entity_id: object, email: str | None) -> str:
        if email is not None:
            self("RegisterToWorkMail", EntityId=entity_id, Email=email)
        return str(entity_id)

    # --- looking ---

    def describe(self, user: str) -> dict[str, object]:
        return self("DescribeUser", UserId=user)

    def state(self, user: str) -> object:
        return self.describe(user)["State"]

    def aliases(self, entity: str) -> list[object]:
        return list(self.all("ListAliases", "Aliases", EntityId=entity))

    def members(self, group: str) -> dict[object, object]:
        """Tell the members of a group, by name, and their states."""
        members = self.all("ListGroupMembers", "Members", GroupId=group)
        return {member["Name"]: member["State"] for member in members}

    def user_names(self, **filters: object) -> list[object]:
        """Tell whom ListUsers shows, without the system user."""
        params: dict[str, object] = {"Filters": filters} if filters else {}
        users = self.all("ListUsers", "Users", **params)
        return [user["Name"] for user in users if user["UserRole"] != "SYSTEM_USER"]

    @property
    def system_user(self) -> str:
        users = self.all("ListUsers", "Users")
        return next(str(user["Id"]) for user in users if user["UserRole"] == "SYSTEM_USER")


def _hold_against_the_model(operation: str, fault: ServiceFault) -> None:
    declared = fault.code in wire.declared_errors(operation)
    assert declared or (operation, fault.code) in UNDECLARED, f"{operation} can't answer {fault}"
