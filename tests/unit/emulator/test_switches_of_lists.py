"""The other answers to open questions, turned: members, permissions, lists, limits, organizations."""

import pytest

from syncd.emulator import DirectoryKind, Switches
from tests.unit.emulator.checked import DOMAIN, Checked

FRY = f"fry@{DOMAIN}"

# --- members and permissions ---


def test_members_disabled() -> None:
    """B32: DISABLED groups and members can be associated and disassociated, DELETED ones can't."""
    org = Checked(members_disabled=True)
    fry, crew = org.user("fry"), org.group("crew")
    pair = {"GroupId": crew, "MemberId": fry}
    org("AssociateMemberToGroup", **pair)
    assert org.members(crew) == {"fry": "DISABLED"}
    org("DisassociateMemberFromGroup", **pair)
    assert org.members(crew) == {}
    org("DeleteUser", UserId=fry)
    assert org.refused("AssociateMemberToGroup", **pair) == "EntityState"


def test_group_cycles() -> None:
    """B33: a group may contain itself, directly and through another."""
    org = Checked(group_cycles=True)
    crew, band = org.group("crew", f"crew@{DOMAIN}"), org.group("band", f"band@{DOMAIN}")
    for outer, inner in ((crew, crew), (crew, band), (band, crew)):
        org("AssociateMemberToGroup", GroupId=outer, MemberId=inner)
    assert set(org.members(crew)) == {"crew", "band"}
    for group in (crew, band):
        org("DeregisterFromWorkMail", EntityId=group)
        org("DeleteGroup", GroupId=group)
    assert org.group("crew") != crew


def test_full_access_for_groups() -> None:
    """B41: a group may get full access to a mailbox."""
    org = Checked(full_access_for_groups=True)
    fry, crew = org.user("fry", FRY), org.group("crew", f"crew@{DOMAIN}")
    params = {"EntityId": fry, "GranteeId": crew, "PermissionValues": ["FULL_ACCESS"]}
    org("PutMailboxPermissions", **params)
    assert len(org.all("ListMailboxPermissions", "Permissions", EntityId=fry)) == 1


def test_empty_permissions() -> None:
    """B39: putting no permission takes them away."""
    org = Checked(empty_permissions="clears")
    fry, leela = org.user("fry", FRY), org.user("leela", f"leela@{DOMAIN}")
    for values in (["SEND_AS"], []):
        params = {"EntityId": fry, "GranteeId": leela, "PermissionValues": values}
        org("PutMailboxPermissions", **params)
    assert org.all("ListMailboxPermissions", "Permissions", EntityId=fry) == []


# --- lists ---


def listings(org: Checked) -> list[list[object]]:
    return [[user["Id"] for user in org.all("ListUsers", "Users", MaxResults=3)] for _ in range(3)]


def populate(org: Checked) -> list[str]:
    return sorted([org.system_user, *(org.user(f"user{number}") for number in range(11))])


def test_shuffle() -> None:
    """C: each listing has an order of its own, and is complete all the same."""
    org = Checked(shuffle=True)
    ids = populate(org)
    seen = listings(org)
    assert all(sorted(map(str, listing)) == ids for listing in seen)
    assert len({tuple(listing) for listing in seen}) == 3


def test_short_pages() -> None:
    """C: pages hold fewer entries than asked for, and together all of them."""
    org = Checked(short_pages=True)
    ids = populate(org)
    assert listings(org) == [ids, ids, ids]
    first = org("ListUsers", MaxResults=len(ids))
    assert isinstance(first["Users"], list)
    assert 0 < len(first["Users"]) < len(ids)
    assert first["NextToken"]


def test_empty_pages() -> None:
    """C: a page may be empty and have a token, and no token comes twice in a listing."""
    org = Checked(empty_pages=True)
    ids = populate(org)
    tokens: list[object] = []
    sizes: list[int] = []
    seen: list[object] = []
    params: dict[str, object] = {"MaxResults": 5}
    while True:
        answer = org("ListUsers", **params)
        users = answer["Users"]
        assert isinstance(users, list)
        sizes.append(len(users))
        seen += [user["Id"] for user in users]
        if "NextToken" not in answer:
            break
        params["NextToken"] = answer["NextToken"]
        tokens.append(answer["NextToken"])
    assert sizes == [0, 5, 0, 5, 0, 2]
    assert seen == ids
    assert len(set(tokens)) == len(tokens)


# --- names and limits ---


def test_reserved_names() -> None:
    """F: the list of reserved names is another one."""
    org = Checked(reserved_names=("zapp*", "kif"))
    assert org.refused("CreateGroup", Name="Zapp Brannigan") == "ReservedName"
    assert org.refused("CreateGroup", Name="kif") == "ReservedName"
    assert org.group("administrator")


@pytest.mark.parametrize(
    ("directory", "code"),
    [(DirectoryKind.SIMPLE_AD, "InvalidParameter"), (DirectoryKind.WORKMAIL, None)],
)
def test_short_user_names(directory: DirectoryKind, code: str | None) -> None:
    """E: user names end after 20 characters, but not in a WorkMail directory."""
    org = Checked(directory=directory)
    long = {"Name": "x" * 21, "DisplayName": "X"}
    org.switch(short_user_names=True)
    assert org.user("x" * 20)
    if code is None:
        org("CreateUser", **long)
    else:
        assert org.refused("CreateUser", **long) == code
        org.switch(short_user_names=False)
        org("CreateUser", **long)


def test_users_limit() -> None:
    """D: an organization has so many users; deleted ones and the system user don't count."""
    org = Checked(users_limit=2)
    org.user("fry")
    lars = org.user("lars")
    new = {"Name": "amy", "DisplayName": "Amy"}
    assert org.refused("CreateUser", **new) == "LimitExceeded"
    org("DeleteUser", UserId=lars)
    org("CreateUser", **new)
    org.switch(users_limit=None)
    org.user("bender")


def test_users_limit_of_the_service() -> None:
    """D: without a raise it is a thousand."""
    assert Switches().users_limit == 1_000


def test_groups_limit() -> None:
    """D: the directory may limit groups; deleted ones don't count."""
    org = Checked(groups_limit=1)
    crew = org.group("crew")
    assert org.refused("CreateGroup", Name="band") == "LimitExceeded"
    org("DeleteGroup", GroupId=crew)
    assert org.group("band")


def test_members_limit() -> None:
    """D: the directory may limit the members of a group; adding one again is no new member."""
    org = Checked(members_limit=1)
    crew = org.group("crew", f"crew@{DOMAIN}")
    fry, leela = org.user("fry", FRY), org.user("leela", f"leela@{DOMAIN}")
    for _ in range(2):
        org("AssociateMemberToGroup", GroupId=crew, MemberId=fry)
    assert org.refused("AssociateMemberToGroup", GroupId=crew, MemberId=leela) == "LimitExceeded"


# --- organization ---


def test_directory_type() -> None:
    """E: the directory can be called anything."""
    assert Checked(directory_type="AnyDirectory")("DescribeOrganization")["DirectoryType"] == "AnyDirectory"


def test_directory_fault() -> None:
    """E: a directory that can't be reached fails the operations that need it, and only while it can't."""
    org = Checked()
    fry = org.user("fry")
    org.switch(directory_fault="DirectoryUnavailableException")
    assert org.refused("DescribeUser", UserId=fry) == "DirectoryUnavailable"
    org.switch(directory_fault=None)
    assert org.state(fry) == "DISABLED"


def test_domain_verification_s() -> None:
    """B7: a new domain is PENDING for a while."""
    org = Checked(domain_verification_s=30.0)
    org("RegisterMailDomain", DomainName="mom.example")
    seen = [org("GetMailDomain", DomainName="mom.example")["OwnershipVerificationStatus"]]
    org.now += 30
    seen.append(org("GetMailDomain", DomainName="mom.example")["OwnershipVerificationStatus"])
    assert seen == ["PENDING", "VERIFIED"]


def test_organization_s() -> None:
    """A.6: an organization is there at once, and with its test domain."""
    org = Checked(organization_s=0.0)
    made = org("CreateOrganization", Alias="mom")["OrganizationId"]
    domain = {"OrganizationId": made, "DomainName": "mom.awsapps.com"}
    assert org("GetMailDomain", **domain)["OwnershipVerificationStatus"] == "VERIFIED"
