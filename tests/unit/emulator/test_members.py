"""Members of groups, delegates of resources, and resources themselves: B31 to B38 of `workmail.md`."""

import pytest

from tests.unit.emulator.checked import DOMAIN, UNKNOWN, Checked

BOTH = ["AssociateMemberToGroup", "DisassociateMemberFromGroup"]


class Office(Checked):
    def __init__(self) -> None:
        super().__init__()
        self.fry = self.user("fry", f"fry@{DOMAIN}")
        self.leela = self.user("leela", f"leela@{DOMAIN}")
        self.lars = self.user("lars")
        self.crew = self.group("crew", f"crew@{DOMAIN}")
        self.ship = self.resource("ship", f"ship@{DOMAIN}")

    def add(self, group: str, member: str) -> None:
        self("AssociateMemberToGroup", GroupId=group, MemberId=member)

    def delegates(self) -> dict[object, object]:
        listed = self.all("ListResourceDelegates", "Delegates", ResourceId=self.ship)
        return {delegate["Id"]: delegate["Type"] for delegate in listed}

    def groups_of(self, entity: str) -> list[object]:
        listed = self.all("ListGroupsForEntity", "Groups", EntityId=entity)
        return [group["GroupName"] for group in listed]


@pytest.fixture
def org() -> Office:
    return Office()


def test_a_member_is_added_once(org: Office) -> None:
    """B31: adding a member again succeeds and changes nothing."""
    org.add(org.crew, org.fry)
    org.add(org.crew, org.fry)
    assert org.members(org.crew) == {"fry": "ENABLED"}
    assert org.groups_of(org.fry) == ["crew"]


@pytest.mark.parametrize("operation", BOTH)
def test_disabled_members_and_groups(org: Office, operation: str) -> None:
    """B32: the group and the member must both be ENABLED."""
    closed = org.group("closed")
    assert org.refused(operation, GroupId=org.crew, MemberId=org.lars) == "EntityState"
    assert org.refused(operation, GroupId=closed, MemberId=org.fry) == "EntityState"


def test_groups_in_groups(org: Office) -> None:
    """B33: a group is a member like any other, and lists hold direct members only."""
    company = org.group("company", f"company@{DOMAIN}")
    org.add(org.crew, org.fry)
    org.add(company, org.crew)
    listed = org.all("ListGroupMembers", "Members", GroupId=company)
    assert [(member["Name"], member["Type"]) for member in listed] == [("crew", "GROUP")]
    assert org.groups_of(org.fry) == ["crew"]


def test_no_group_contains_itself(org: Office) -> None:
    """B33: neither directly nor through other groups."""
    company, world = (org.group(name, f"{name}@{DOMAIN}") for name in ("company", "world"))
    org.add(world, company)
    org.add(company, org.crew)
    for inner, outer in ((world, world), (world, company), (world, org.crew)):
        ring = {"GroupId": outer, "MemberId": inner}
        assert org.refused("AssociateMemberToGroup", **ring) == "InvalidParameter"
    org.add(world, org.crew)
    assert set(org.members(world)) == {"company", "crew"}


def test_a_resource_is_no_member(org: Office) -> None:
    """A.2: members are users and groups."""
    odd = {"GroupId": org.crew, "MemberId": org.ship}
    assert org.refused("AssociateMemberToGroup", **odd) == "EntityNotFound"


def test_members_that_leave_the_company(org: Office) -> None:
    """B34: a DISABLED member stays listed, a DELETED one doesn't."""
    org.add(org.crew, org.fry)
    org("DeregisterFromWorkMail", EntityId=org.fry)
    assert org.members(org.crew) == {"fry": "DISABLED"}
    org("DeleteUser", UserId=org.fry)
    assert org.members(org.crew) == {}


def test_removing_who_is_no_member(org: Office) -> None:
    """B35: it succeeds for a known entity, and an unknown one is not found."""
    org("DisassociateMemberFromGroup", GroupId=org.crew, MemberId=org.fry)
    unknown = {"GroupId": org.crew, "MemberId": UNKNOWN}
    assert org.refused("DisassociateMemberFromGroup", **unknown) == "EntityNotFound"


def test_removing_a_member(org: Office) -> None:
    """A member that was removed is in no list any more."""
    org.add(org.crew, org.fry)
    org.add(org.crew, org.leela)
    org("DisassociateMemberFromGroup", GroupId=org.crew, MemberId=org.fry)
    assert set(org.members(org.crew)) == {"leela"}
    assert org.groups_of(org.fry) == []


def test_deleting_a_group_with_members(org: Office) -> None:
    """B36: the links of a deleted group vanish, to its members and to the groups around it."""
    company = org.group("company", f"company@{DOMAIN}")
    org.add(org.crew, org.fry)
    org.add(company, org.crew)
    org("DeregisterFromWorkMail", EntityId=org.crew)
    org("DeleteGroup", GroupId=org.crew)
    assert org.groups_of(org.fry) == []
    assert org.members(company) == {}


def test_groups_of_an_entity_are_filtered_by_name(org: Office) -> None:
    """C: ListGroupsForEntity knows one filter, the beginning of the name."""
    for name in ("Crew night", "band"):
        org.add(org.group(name, f"{name.split()[0].lower()}2@{DOMAIN}"), org.fry)
    filters = {"GroupNamePrefix": "crew"}
    listed = org.all("ListGroupsForEntity", "Groups", EntityId=org.fry, Filters=filters)
    assert [group["GroupName"] for group in listed] == ["Crew night"]


# --- resources ---

OFF = {"AutoAcceptRequests": False}


def test_booking_options_of_a_new_resource(org: Office) -> None:
    """A resource accepts requests by itself until told otherwise; an absent option is false."""
    options = org("DescribeResource", ResourceId=org.ship)["BookingOptions"]
    assert isinstance(options, dict)
    assert options["AutoAcceptRequests"] is True
    org("UpdateResource", ResourceId=org.ship, BookingOptions={"AutoAcceptRequests": True})
    assert org("DescribeResource", ResourceId=org.ship)["BookingOptions"] == {
        "AutoAcceptRequests": True,
        "AutoDeclineRecurringRequests": False,
        "AutoDeclineConflictingRequests": False,
    }


def test_no_manual_acceptance_without_delegate(org: Office) -> None:
    """B37: automatic acceptance is turned off only when a delegate is there; then it may go."""
    off = {"ResourceId": org.ship, "BookingOptions": OFF}
    assert org.refused("UpdateResource", **off) == "InvalidConfiguration"
    org("AssociateDelegateToResource", ResourceId=org.ship, EntityId=org.fry)
    org("UpdateResource", **off)
    org("DisassociateDelegateFromResource", ResourceId=org.ship, EntityId=org.fry)
    assert org.delegates() == {}


def test_delegates_are_users_and_groups(org: Office) -> None:
    """A.3: users and groups become delegates, once; a resource doesn't."""
    for delegate in (org.fry, org.crew, org.fry):
        org("AssociateDelegateToResource", ResourceId=org.ship, EntityId=delegate)
    assert org.delegates() == {org.fry: "USER", org.crew: "GROUP"}
    odd = {"ResourceId": org.ship, "EntityId": org.ship}
    assert org.refused("AssociateDelegateToResource", **odd) == "EntityNotFound"


def test_delegates_of_a_disabled_resource(org: Office) -> None:
    """B38: they can't be changed, but listed."""
    org("AssociateDelegateToResource", ResourceId=org.ship, EntityId=org.fry)
    org("DeregisterFromWorkMail", EntityId=org.ship)
    for operation in ("AssociateDelegateToResource", "DisassociateDelegateFromResource"):
        assert org.refused(operation, ResourceId=org.ship, EntityId=org.fry) == "EntityState"
    assert org.delegates() == {org.fry: "USER"}


def test_a_disabled_user_becomes_no_delegate(org: Office) -> None:
    """B38: who is DISABLED can't be made a delegate, but stops being one."""
    odd = {"ResourceId": org.ship, "EntityId": org.lars}
    assert org.refused("AssociateDelegateToResource", **odd) == "EntityState"
    org("AssociateDelegateToResource", ResourceId=org.ship, EntityId=org.fry)
    org("DeregisterFromWorkMail", EntityId=org.fry)
    org("DisassociateDelegateFromResource", ResourceId=org.ship, EntityId=org.fry)
    assert org.delegates() == {}


@pytest.mark.parametrize("who", ["fry", "ship"])
def test_deletion_ends_a_delegation(org: Office, who: str) -> None:
    """A delegation goes with the delegate, and with the resource."""
    org("AssociateDelegateToResource", ResourceId=org.ship, EntityId=org.fry)
    deleted = {"fry": org.fry, "ship": org.ship}[who]
    org("DeregisterFromWorkMail", EntityId=deleted)
    if who == "fry":
        org("DeleteUser", UserId=deleted)
        assert org.delegates() == {}
    else:
        org("DeleteResource", ResourceId=deleted)
        assert org.refused("ListResourceDelegates", ResourceId=deleted) == "EntityState"


def test_resources_are_updated(org: Office) -> None:
    """A.3: name, type, description and hiding of a resource can be changed; '' clears the description."""
    changed = {"Name": "boat", "Type": "EQUIPMENT", "Description": "green", "HiddenFromGlobalAddressList": True}
    org("UpdateResource", ResourceId=org.ship, **changed)
    seen = org("DescribeResource", ResourceId=org.ship)
    assert {name: seen[name] for name in changed} == changed
    org("UpdateResource", ResourceId=org.ship, Description="")
    assert "Description" not in org("DescribeResource", ResourceId=org.ship)


def test_a_renamed_resource_frees_its_name(org: Office) -> None:
    """F: a rename needs a free name, frees the old one, and may change the case alone."""
    assert org.refused("UpdateResource", ResourceId=org.ship, Name="FRY") == "NameAvailability"
    org("UpdateResource", ResourceId=org.ship, Name="Ship")
    org("UpdateResource", ResourceId=org.ship, Name="boat")
    other = org.resource("ship")
    assert other != org.ship
    assert org("DescribeResource", ResourceId="boat")["ResourceId"] == org.ship
    assert org("DescribeResource", ResourceId="SHIP")["ResourceId"] == other


def test_resource_names_have_twenty_characters(org: Office) -> None:
    """A: the name of a resource is short, without spaces."""
    for name in ("x" * 21, "big room"):
        assert org.refused("CreateResource", Name=name, Type="ROOM") == "InvalidParameter"
