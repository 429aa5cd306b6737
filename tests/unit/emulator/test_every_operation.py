"""What holds for all operations alike: answers, and the errors that any of them can give."""

import pytest

from syncd import wire
from syncd.emulator import DirectoryKind, Emulator, ServiceFault
from syncd.emulator.entities import Entity, User
from tests.unit.emulator.checked import ELSEWHERE, UNKNOWN, WITHOUT_ORGANIZATION, Checked
from tests.unit.emulator.populated import IN_AN_ORGANIZATION, OPERATIONS, Populated

OF_2018 = [
    "AssociateDelegateToResource",
    "AssociateMemberToGroup",
    "CreateAlias",
    "CreateGroup",
    "CreateResource",
    "CreateUser",
    "DeleteAlias",
    "DeleteGroup",
    "DeleteMailboxPermissions",
    "DeleteResource",
    "DeleteUser",
    "DeregisterFromWorkMail",
    "DescribeGroup",
    "DescribeOrganization",
    "DescribeResource",
    "DescribeUser",
    "DisassociateDelegateFromResource",
    "DisassociateMemberFromGroup",
    "ListAliases",
    "ListGroupMembers",
    "ListGroups",
    "ListMailboxPermissions",
    "ListOrganizations",
    "ListResourceDelegates",
    "ListResources",
    "ListUsers",
    "PutMailboxPermissions",
    "RegisterToWorkMail",
    "ResetPassword",
    "UpdatePrimaryEmailAddress",
    "UpdateResource",
]


def declaring(code: str, *but: str) -> list[str]:
    names = [name for name in IN_AN_ORGANIZATION if code in wire.declared_errors(name)]
    return [name for name in names if name not in but]


def test_which_operations_are_built() -> None:
    """Every operation of tables A.1 to A.6 is built, and so the 31 of the first API."""
    assert Emulator.operation_names() == frozenset(OPERATIONS)
    assert len(OF_2018) == 31
    assert set(OF_2018) <= Emulator.operation_names() <= wire.operation_names()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_answers_as_the_model_says(operation: str) -> None:
    """A successful call of each operation has an answer that a client of the service can read."""
    populated = Populated()
    populated(operation, **populated.params(operation))


@pytest.mark.parametrize("operation", ["MakeCoffee", "TagResource", "StartMailboxExportJob"])
def test_unknown_operation(operation: str) -> None:
    """An operation that isn't built is unknown."""
    with pytest.raises(ServiceFault) as raised:
        Emulator().call(operation, {})
    assert raised.value.code == "UnknownOperationException"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_invalid_parameters(operation: str) -> None:
    """A member that the operation doesn't have is an invalid parameter, and named."""
    populated = Populated()
    with pytest.raises(ServiceFault, match="Colour: is not a member") as raised:
        populated(operation, **populated.params(operation, Colour="red"))
    assert raised.value.code == "InvalidParameterException"


@pytest.mark.parametrize("operation", IN_AN_ORGANIZATION)
def test_unknown_organization(operation: str) -> None:
    """B48: a well-formed id of no organization is not found, by any operation."""
    populated = Populated()
    params = populated.params(operation, OrganizationId=ELSEWHERE)
    assert populated.refused(operation, **params) == "OrganizationNotFound"


@pytest.mark.parametrize(
    "operation", declaring("OrganizationStateException", "DeleteOrganization", "DescribeOrganization")
)
def test_organization_that_is_not_active(operation: str) -> None:
    """B47: in an organization that isn't Active, only DescribeOrganization and its deletion work."""
    populated = Populated()
    impaired = populated.emulator.create_organization(alias="mom", state="Impaired")
    with pytest.raises(ServiceFault) as raised:
        populated(operation, **populated.params(operation, OrganizationId=impaired))
    assert raised.value.code == "OrganizationStateException"
    assert raised.value.message == f"Organization {impaired} is not Active, state: Impaired"


# ListGroups declares the error, and nothing says when it would answer it.
@pytest.mark.parametrize("operation", declaring("EntityNotFoundException", "ListGroups", "DescribeEntity"))
def test_unknown_entity(operation: str) -> None:
    """An id that nobody has is not found, wherever the operation declares so."""
    populated = Populated()
    member = populated.entity_member(operation)
    params = populated.params(operation, **{member: UNKNOWN})
    assert populated.refused(operation, **params) == "EntityNotFound"


@pytest.mark.parametrize("operation", declaring("EntityStateException"))
def test_entity_in_the_wrong_state(operation: str) -> None:
    """DELETED is a wrong state for all that declare one; for deletions it is ENABLED."""
    populated = Populated()
    deletions = {"DeleteUser": "fry", "DeleteGroup": "crew", "DeleteResource": "ship"}
    member = populated.entity_member(operation)
    if operation in deletions:
        wrong = getattr(populated, deletions[operation])
    elif member == "GroupId":
        populated("DeleteGroup", GroupId=populated.closed)
        wrong = populated.closed
    elif member == "ResourceId":
        populated("DeleteResource", ResourceId=populated.attic)
        wrong = populated.attic
    else:
        populated("DeleteUser", UserId=populated.lars)
        wrong = populated.lars
    params = populated.params(operation, **{member: wrong})
    assert populated.refused(operation, **params) == "EntityState"


@pytest.mark.parametrize("operation", declaring("UnsupportedOperationException"))
def test_directory_that_is_managed_elsewhere(operation: str) -> None:
    """Wherever it is declared, Unsupported is the answer of one of the read-only directories (E)."""
    populated = Populated(directory=DirectoryKind.INTEROPERABILITY)
    params = populated.params(operation)
    if operation == "RegisterToWorkMail":
        params["EntityId"] = populated.attic
    assert populated.refused(operation, **params) == "UnsupportedOperation"


@pytest.mark.parametrize("code", ["DirectoryUnavailableException", "DirectoryServiceAuthenticationFailedException"])
def test_directory_that_does_not_answer(code: str) -> None:
    """The directory's own faults come from the operations that declare them, and from no other."""
    populated = Populated()
    populated.switch(directory_fault=code)
    for operation in declaring(code):
        assert populated.refused(operation, **populated.params(operation)) + "Exception" == code
    assert populated("ListUsers", **populated.params("ListUsers"))["Users"]


def test_null_members_are_absent() -> None:
    """A null in the request is as good as no member, at any depth."""
    checked = Checked()
    user = checked.user("fry")
    checked("UpdateUser", UserId=user, DisplayName=None, JobTitle="Delivery boy")
    assert checked.describe(user)["DisplayName"] == "Fry"
    assert len(checked.all("ListUsers", "Users", Filters={"State": None}, NextToken=None)) == 2


def test_passwords_are_never_kept() -> None:
    """Neither a snapshot nor the entity in memory knows a password that was given."""
    checked = Checked()
    user = checked.user("fry", Password="Good-news-3")
    checked("ResetPassword", UserId=user, Password="Good-news-4")
    assert "Good-news" not in str(checked.emulator.snapshot())
    kept = checked.emulator._world.organizations[checked.organization].entities[user]
    assert isinstance(kept, User)
    assert not any("Good-news" in str(getattr(kept, name)) for name in (*Entity.__slots__, *User.__slots__))


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"OrganizationId": ELSEWHERE, "EntityId": UNKNOWN, "Email": "no mail"}, "InvalidParameter"),
        ({"OrganizationId": ELSEWHERE, "EntityId": UNKNOWN}, "OrganizationNotFound"),
        ({"OrganizationId": "impaired", "EntityId": UNKNOWN}, "OrganizationState"),
        ({"EntityId": UNKNOWN, "Email": "taken"}, "EntityNotFound"),
        ({"EntityId": "deleted", "Email": "taken"}, "EntityState"),
        ({"EntityId": "lars", "Email": "x@nowhere.example"}, "MailDomainNotFound"),
        ({"EntityId": "lars", "Email": "taken"}, "EmailAddressInUse"),
    ],
)
def test_order_of_checks(params: dict[str, object], code: str) -> None:
    """F: of several faults the first is told: parameters, organization, entity, state, address."""
    populated = Populated()
    impaired = populated.emulator.create_organization(alias="mom", state="Impaired")
    named = {
        "impaired": impaired,
        "deleted": populated.deleted_user("zapp"),
        "lars": populated.lars,
        "taken": "crew@px.example",
    }
    resolved = {name: named.get(str(value), value) for name, value in params.items()}
    filled = populated.params("RegisterToWorkMail", **resolved)
    assert populated.refused("RegisterToWorkMail", **filled) == code


def test_operations_without_organization_need_none() -> None:
    """Listing and creating organizations work before there is one."""
    emulator = Emulator()
    assert emulator.call("ListOrganizations", {}) == {"OrganizationSummaries": []}
    assert {"CreateOrganization", "ListOrganizations"} == WITHOUT_ORGANIZATION
