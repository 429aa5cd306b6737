"""Mailbox permissions and quota: B39 to B44 of `workmail.md`."""

import pytest

from tests.unit.emulator.checked import DOMAIN, Checked


class Office(Checked):
    def __init__(self) -> None:
        super().__init__()
        self.fry = self.user("fry", f"fry@{DOMAIN}")
        self.leela = self.user("leela", f"leela@{DOMAIN}")
        self.crew = self.group("crew", f"crew@{DOMAIN}")
        self.ship = self.resource("ship", f"ship@{DOMAIN}")

    def put(self, owner: str, grantee: str, *values: str) -> None:
        params = {"EntityId": owner, "GranteeId": grantee, "PermissionValues": list(values)}
        self("PutMailboxPermissions", **params)

    def refused_put(self, owner: str, grantee: str, *values: str) -> str:
        params = {"EntityId": owner, "GranteeId": grantee, "PermissionValues": list(values)}
        return self.refused("PutMailboxPermissions", **params)

    def permissions(self, owner: str) -> dict[object, object]:
        listed = self.all("ListMailboxPermissions", "Permissions", EntityId=owner)
        return {each["GranteeId"]: each["PermissionValues"] for each in listed}


@pytest.fixture
def org() -> Office:
    return Office()


def test_permissions_are_replaced(org: Office) -> None:
    """B39: a grantee's permissions are what was put last; other grantees keep theirs."""
    org.put(org.fry, org.crew, "SEND_ON_BEHALF")
    org.put(org.fry, org.leela, "FULL_ACCESS", "SEND_AS", "SEND_AS")
    org.put(org.fry, org.leela, "SEND_AS")
    assert org.permissions(org.fry) == {org.leela: ["SEND_AS"], org.crew: ["SEND_ON_BEHALF"]}
    listed = org.all("ListMailboxPermissions", "Permissions", EntityId=org.fry)
    assert {each["GranteeId"]: each["GranteeType"] for each in listed} == {org.leela: "USER", org.crew: "GROUP"}


def test_no_permission_at_all(org: Office) -> None:
    """B39: an empty list is refused."""
    assert org.refused_put(org.fry, org.leela) == "InvalidParameter"


def test_a_group_has_no_mailbox_to_access(org: Office) -> None:
    """B40: full access to a group is refused, sending for it isn't."""
    assert org.refused_put(org.crew, org.fry, "FULL_ACCESS") == "InvalidParameter"
    org.put(org.crew, org.fry, "SEND_AS")
    assert org.permissions(org.crew) == {org.fry: ["SEND_AS"]}


def test_no_full_access_for_groups(org: Office) -> None:
    """B41: a group gets no full access to a mailbox."""
    assert org.refused_put(org.fry, org.crew, "SEND_AS", "FULL_ACCESS") == "InvalidParameter"


def test_a_resource_gets_no_permission(org: Office) -> None:
    """A.5: grantees are users and groups."""
    assert org.refused_put(org.fry, org.ship, "SEND_AS") == "EntityNotFound"


@pytest.mark.parametrize("who", ["owner", "grantee"])
def test_permissions_of_the_disabled(org: Office, who: str) -> None:
    """B42: permissions change between ENABLED entities only, and are listed for any."""
    org.put(org.fry, org.leela, "SEND_AS")
    org("DeregisterFromWorkMail", EntityId=org.fry if who == "owner" else org.leela)
    assert org.refused_put(org.fry, org.leela, "FULL_ACCESS") == "EntityState"
    pair = {"EntityId": org.fry, "GranteeId": org.leela}
    assert org.refused("DeleteMailboxPermissions", **pair) == "EntityState"
    assert org.permissions(org.fry) == {org.leela: ["SEND_AS"]}


def test_deleting_permissions(org: Office) -> None:
    """B43: deleting takes all of a grantee's permissions, and succeeds when there are none."""
    org.put(org.fry, org.leela, "SEND_AS", "FULL_ACCESS")
    for _ in range(2):
        org("DeleteMailboxPermissions", EntityId=org.fry, GranteeId=org.leela)
    assert org.permissions(org.fry) == {}


@pytest.mark.parametrize("who", ["owner", "grantee"])
def test_deletion_ends_permissions(org: Office, who: str) -> None:
    """Permissions go with the grantee, and with the owner, whose mailbox nobody finds any more."""
    org.put(org.fry, org.leela, "SEND_AS")
    deleted = org.fry if who == "owner" else org.leela
    org("DeregisterFromWorkMail", EntityId=deleted)
    org("DeleteUser", UserId=deleted)
    if who == "owner":
        assert org.refused("ListMailboxPermissions", EntityId=org.fry) == "EntityNotFound"
    else:
        assert org.permissions(org.fry) == {}


def test_quota_of_the_enabled(org: Office) -> None:
    """B44: a mailbox has 51,200 MB unless told otherwise."""
    assert org("GetMailboxDetails", UserId=org.fry)["MailboxQuota"] == 51_200
    org("UpdateMailboxQuota", UserId=org.fry, MailboxQuota=1)
    assert org("GetMailboxDetails", UserId=org.fry) == {"MailboxQuota": 1, "MailboxSize": 0.0}


@pytest.mark.parametrize("quota", [0, 51_201])
def test_quota_has_bounds(org: Office, quota: int) -> None:
    """B44: from 1 to 51,200 MB."""
    assert org.refused("UpdateMailboxQuota", UserId=org.fry, MailboxQuota=quota) == "InvalidParameter"


def test_quota_of_the_disabled(org: Office) -> None:
    """B44: it can be read, but not changed; a deleted user has none."""
    lars = org.user("lars")
    assert org("GetMailboxDetails", UserId=lars) == {"MailboxQuota": 51_200, "MailboxSize": 0.0}
    assert org.refused("UpdateMailboxQuota", UserId=lars, MailboxQuota=5) == "EntityState"
    org("DeleteUser", UserId=lars)
    assert org.refused("GetMailboxDetails", UserId=lars) == "EntityNotFound"
