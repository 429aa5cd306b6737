"""Listings: section C of `workmail.md`."""

from collections.abc import Callable

import pytest

from syncd.emulator import Emulator
from tests.unit.emulator.checked import DOMAIN, UNKNOWN, Checked


class Office(Checked):
    """Seven users beside the system user, of whom every second is ENABLED."""

    def __init__(self) -> None:
        super().__init__()
        self.ids = [self.user(f"user{number}", f"u{number}@{DOMAIN}" if number % 2 else None) for number in range(7)]

    def page(self, **params: object) -> tuple[list[object], str | None]:
        answer = self("ListUsers", **params)
        users, token = answer["Users"], answer.get("NextToken")
        assert isinstance(users, list)
        assert token is None or isinstance(token, str)
        return [user["Id"] for user in users], token


@pytest.fixture
def org() -> Office:
    return Office()


def test_the_system_user_is_listed(org: Office) -> None:
    """Every organization has a SYSTEM_USER: DISABLED, without an address."""
    system = next(user for user in org.all("ListUsers", "Users") if user["UserRole"] == "SYSTEM_USER")
    assert system["State"] == "DISABLED"
    assert "Email" not in system


def test_lists_are_in_order_of_ids(org: Office) -> None:
    """Without a switch a list is ordered by id."""
    listed = [user["Id"] for user in org.all("ListUsers", "Users")]
    assert listed == sorted([*org.ids, org.system_user])


@pytest.mark.parametrize("size", [1, 3, 8, 100])
def test_pages_hold_what_was_asked_for(org: Office, size: int) -> None:
    """All pages but the last are full, no token is given at the end, and nobody is left out."""
    seen: list[object] = []
    params: dict[str, object] = {"MaxResults": size}
    sizes: list[int] = []
    while True:
        ids, token = org.page(**params)
        seen += ids
        sizes.append(len(ids))
        if token is None:
            break
        params["NextToken"] = token
    assert seen == sorted([*org.ids, org.system_user])
    assert all(count == size for count in sizes[:-1])
    assert sizes[-1] > 0


def test_pages_hold_a_hundred_by_default() -> None:
    """Without MaxResults a page holds 100 entries."""
    org = Checked()
    for number in range(120):
        org.user(f"user{number}")
    first = org("ListUsers")["Users"]
    assert isinstance(first, list)
    assert len(first) == 100
    assert len(org.all("ListUsers", "Users")) == 121


def test_page_size_caps_pages(org: Office) -> None:
    """The emulator's page size is the most that a page holds, whatever was asked for."""
    org.emulator.page_size = 2
    ids, token = org.page(MaxResults=100)
    assert (len(ids), token is None) == (2, False)
    assert len(org.all("ListUsers", "Users")) == 8
    assert Emulator(page_size=5).page_size == 5


def test_a_page_holds_something(org: Office) -> None:
    """A page size of nothing would never end a listing, and is refused."""
    with pytest.raises(ValueError, match="at least one entry, not 0"):
        org.emulator.page_size = 0
    with pytest.raises(ValueError, match="at least one entry, not -1"):
        Emulator(page_size=-1)


def test_a_filtered_list_ends_without_an_empty_page(org: Office) -> None:
    """When what is left doesn't pass the filter, no token promises more."""
    ids, token = org.page(MaxResults=3, Filters={"State": "ENABLED"})
    assert (len(ids), token) == (3, None)


@pytest.mark.parametrize(
    "changed",
    [
        {"NextToken": "nonsense"},
        {"NextToken": "bm9uc2Vuc2U="},
        {"Filters": {"State": "ENABLED"}},
        {"OrganizationId": "another"},
    ],
)
def test_tokens_belong_to_their_listing(org: Office, changed: dict[str, object]) -> None:
    """A token made up, or used with another organization or filter, is an invalid parameter."""
    if "OrganizationId" in changed:
        changed = {"OrganizationId": org.emulator.create_organization(alias="mom")}
    _, token = org.page(MaxResults=2)
    params = {"MaxResults": 2, "NextToken": token, **changed}
    assert org.refused("ListUsers", **params) == "InvalidParameter"


def test_tokens_belong_to_their_operation(org: Office) -> None:
    """A token of ListUsers isn't one of ListGroups."""
    _, token = org.page(MaxResults=2)
    assert org.refused("ListGroups", NextToken=token) == "InvalidParameter"


def test_pages_may_differ_in_size(org: Office) -> None:
    """A listing can go on with another MaxResults."""
    first, token = org.page(MaxResults=2)
    second, end = org.page(MaxResults=100, NextToken=token)
    assert end is None
    assert [*first, *second] == sorted([*org.ids, org.system_user])


def test_an_entity_made_meanwhile_breaks_no_listing(org: Office) -> None:
    """A listing goes on after its last entry, even if that one is gone."""
    first, token = org.page(MaxResults=4)
    org.switch(ghost_s=0.0)
    last = first[-1]
    if org.describe(str(last))["State"] == "ENABLED":
        org("DeregisterFromWorkMail", EntityId=last)
    org("DeleteUser", UserId=last)
    rest, _ = org.page(NextToken=token)
    assert [*first, *rest] == sorted([*org.ids, org.system_user])


def test_one_filter_a_request(org: Office) -> None:
    """Two filters at once are an invalid parameter."""
    both = {"State": "ENABLED", "UsernamePrefix": "u"}
    assert org.refused("ListUsers", Filters=both) == "InvalidParameter"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"UsernamePrefix": "FRY"}, ["fry", "frylock"]),
        ({"DisplayNamePrefix": "philip"}, ["fry"]),
        ({"PrimaryEmailPrefix": "FRY@"}, ["fry"]),
        ({"IdentityProviderUserIdPrefix": "0000"}, ["fry"]),
        ({"State": "DISABLED"}, ["frylock"]),
        ({"State": "DELETED"}, ["lars"]),
        ({}, ["fry", "frylock", "lars"]),
    ],
)
def test_filters_of_users(filters: dict[str, object], expected: list[str]) -> None:
    """Prefixes are compared without case, states exactly."""
    org = Checked()
    org.user("fry", f"fry@{DOMAIN}", DisplayName="Philip J. Fry", IdentityProviderUserId=UNKNOWN)
    org.user("frylock", DisplayName="")
    org.deleted_user("lars")
    assert sorted(map(str, org.user_names(**filters))) == expected


@pytest.mark.parametrize("noun", ["Group", "Resource"])
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"NamePrefix": "SHIP"}, ["ship", "ship2"]),
        ({"PrimaryEmailPrefix": "ship@"}, ["ship"]),
        ({"State": "ENABLED"}, ["ship"]),
        ({"State": "DISABLED"}, ["ship2"]),
    ],
)
def test_filters_of_groups_and_resources(noun: str, filters: dict[str, object], expected: list[str]) -> None:
    """Groups and resources are filtered alike."""
    org = Checked()
    make: Callable[..., str] = getattr(org, noun.lower())
    make("ship", f"ship@{DOMAIN}")
    make("ship2")
    listed = org.all(f"List{noun}s", f"{noun}s", Filters=filters)
    assert sorted(str(each["Name"]) for each in listed) == expected


def test_summaries_hold_what_is_set(org: Office) -> None:
    """An entry of a list has no member without a value."""
    listed = {user["Name"]: set(user) for user in org.all("ListUsers", "Users")}
    always = {"Id", "Name", "DisplayName", "State", "UserRole"}
    assert listed["user0"] == always
    assert listed["user1"] == always | {"Email", "EnabledDate"}


def test_all_other_lists_have_pages_too(org: Office) -> None:
    """Members, groups of an entity, delegates, aliases, permissions and domains are paged as users are."""
    enabled = org.ids[1::2]
    crew = org.group("crew", f"crew@{DOMAIN}")
    ship = org.resource("ship", f"ship@{DOMAIN}")
    band = org.group("band", f"band@{DOMAIN}")
    fry = enabled[0]
    for member in enabled:
        org("AssociateMemberToGroup", GroupId=crew, MemberId=member)
        org("AssociateDelegateToResource", ResourceId=ship, EntityId=member)
        params = {"EntityId": crew, "GranteeId": member, "PermissionValues": ["SEND_AS"]}
        org("PutMailboxPermissions", **params)
        org("CreateAlias", EntityId=fry, Alias=f"alias-{member[:4]}@{DOMAIN}")
    org("AssociateMemberToGroup", GroupId=band, MemberId=fry)
    org.emulator.page_size = 1
    assert len(org.members(crew)) == 3
    assert len(org.all("ListGroupsForEntity", "Groups", EntityId=fry)) == 2
    assert len(org.all("ListResourceDelegates", "Delegates", ResourceId=ship)) == 3
    assert len(org.all("ListMailboxPermissions", "Permissions", EntityId=crew)) == 3
    assert len(org.aliases(fry)) == 4
    assert len(org.all("ListMailDomains", "MailDomains")) == 2
    assert len(org.all("ListGroups", "Groups")) == 2
