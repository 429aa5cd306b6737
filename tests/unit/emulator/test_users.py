"""Changing users, their names and passwords: B19 to B21, B45, B46 and F of `workmail.md`."""

import pytest

from syncd.emulator.entities import PROFILE
from tests.unit.emulator.checked import DOMAIN, UNKNOWN, Checked

FRY = f"fry@{DOMAIN}"


@pytest.fixture
def org() -> Checked:
    return Checked()


@pytest.mark.parametrize("email", [None, FRY])
def test_update_in_either_state(org: Checked, email: str | None) -> None:
    """B19: DISABLED and ENABLED users can be updated."""
    fry = org.user("fry", email)
    org("UpdateUser", UserId=fry, JobTitle="Delivery boy")
    assert org.describe(fry)["JobTitle"] == "Delivery boy"


def test_every_attribute_is_kept(org: Checked) -> None:
    """A.1: what UpdateUser takes, DescribeUser gives back."""
    fry = org.user("fry")
    wanted = {
        **{member: f"the {member}" for member in PROFILE},
        "DisplayName": "Philip J. Fry",
        "HiddenFromGlobalAddressList": True,
        "IdentityProviderUserId": UNKNOWN,
    }
    org("UpdateUser", UserId=fry, Role="REMOTE_USER", **wanted)
    seen = org.describe(fry)
    assert {name: seen[name] for name in wanted} == wanted
    assert seen["UserRole"] == "REMOTE_USER"
    assert seen["IdentityProviderIdentityStoreId"]


def test_creation_takes_some_attributes(org: Checked) -> None:
    """A.1: names, role, hiding and the identity provider's id can be set at once."""
    wanted = {"FirstName": "Philip", "LastName": "Fry", "HiddenFromGlobalAddressList": True}
    fry = org.user("fry", None, Role="REMOTE_USER", IdentityProviderUserId=UNKNOWN, **wanted)
    seen = org.describe(fry)
    assert {name: seen[name] for name in wanted} == wanted
    assert (seen["UserRole"], seen["IdentityProviderUserId"]) == ("REMOTE_USER", UNKNOWN)


def test_omitted_fields_stay(org: Checked) -> None:
    """B20: what an update omits is unchanged."""
    fry = org.user("fry", FirstName="Philip")
    org("UpdateUser", UserId=fry, LastName="Fry")
    seen = org.describe(fry)
    assert (seen["FirstName"], seen["LastName"], seen["DisplayName"]) == ("Philip", "Fry", "Fry")


def test_an_empty_text_clears(org: Checked) -> None:
    """B20: an empty attribute is absent afterwards, and an empty display name is empty."""
    fry = org.user("fry", FirstName="Philip", IdentityProviderUserId=UNKNOWN)
    org("UpdateUser", UserId=fry, FirstName="", DisplayName="", IdentityProviderUserId="")
    seen = org.describe(fry)
    assert seen["DisplayName"] == ""
    assert seen.keys().isdisjoint({"FirstName", "IdentityProviderUserId"})


@pytest.mark.parametrize("email", [None, FRY])
def test_password_reset_in_either_state(org: Checked, email: str | None) -> None:
    """B21: DISABLED users exist in the directory, and their password can be reset."""
    assert org("ResetPassword", UserId=org.user("fry", email), Password="Good-news-3") == {}


def test_remote_users_have_no_mailbox(org: Checked) -> None:
    """B45: a remote user has an address, and no mailbox was made."""
    seen = org.describe(org.user("nibbler", f"nibbler@{DOMAIN}", Role="REMOTE_USER"))
    assert seen["Email"] == f"nibbler@{DOMAIN}"
    assert "MailboxProvisionedDate" not in seen


@pytest.mark.parametrize("role", ["SYSTEM_USER", "RESOURCE"])
def test_roles_of_the_service(org: Checked, role: str) -> None:
    """B46: nobody becomes a system user or a resource."""
    new = {"Name": "bender", "DisplayName": "Bender"}
    assert org.refused("CreateUser", Role=role, **new) == "InvalidParameter"
    assert org.refused("UpdateUser", UserId=org.user("fry"), Role=role) == "InvalidParameter"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("UpdateUser", {"UserId": "system", "JobTitle": "God"}),
        ("DeleteUser", {"UserId": "system"}),
        ("ResetPassword", {"UserId": "system", "Password": "Good-news-3"}),
        ("RegisterToWorkMail", {"EntityId": "system", "Email": FRY}),
    ],
)
def test_system_users_can_not_be_changed(org: Checked, operation: str, params: dict[str, object]) -> None:
    """B46: changes to a system user are unsupported."""
    filled = {name: org.system_user if value == "system" else value for name, value in params.items()}
    assert org.refused(operation, **filled) == "UnsupportedOperation"


@pytest.mark.parametrize("name", ["administrator", "Guest", "krbtgt", "system", "awsadmin7"])
def test_reserved_names(org: Checked, name: str) -> None:
    """F: some names belong to the directory itself."""
    assert org.refused("CreateUser", Name=name, DisplayName="x") == "ReservedName"
    assert org.refused("CreateGroup", Name=name) == "ReservedName"
    assert org.refused("CreateResource", Name=name, Type="ROOM") == "ReservedName"


@pytest.mark.parametrize("name", ["admin", "system.one", "guests"])
def test_names_that_only_look_reserved(org: Checked, name: str) -> None:
    """F: real organizations have a user `admin`."""
    assert org.user(name)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "empty"),
        ("Short-1", "seven characters"),
        ("Long-1" + "x" * 58, "sixty-four characters"),
        ("lowercase1", "two groups"),
        ("UPPER-----", "two groups"),
        ("ÀÀÀÀaaaa", "two groups, one of them Latin-1"),
    ],
)
def test_refused_passwords(org: Checked, password: str, why: str) -> None:
    """F: 8 to 63 characters of three of the five groups; a refused password makes no user."""
    if password:
        new = {"Name": "fry", "DisplayName": "Fry", "Password": password}
        assert org.refused("CreateUser", **new) == "InvalidPassword", why
        assert org.user_names() == []
        fry = org.user("fry")
        assert org.refused("ResetPassword", UserId=fry, Password=password) == "InvalidPassword"
    else:
        # The model's own pattern refuses it first.
        new = {"Name": "fry", "DisplayName": "Fry", "Password": password}
        assert org.refused("CreateUser", **new) == "InvalidParameter"


@pytest.mark.parametrize("password", ["Good-new", "lower UPPER", "aA1" * 21, "Àaaaaaa1", "passw0rd!"])
def test_accepted_passwords(org: Checked, password: str) -> None:
    """F: any three groups of characters will do."""
    assert org.user("fry", Password=password)


def test_users_need_no_password(org: Checked) -> None:
    """G: CreateUser without a password is accepted."""
    assert org("CreateUser", Name="fry", DisplayName="")["UserId"]


def test_groups_can_be_hidden_and_not_renamed(org: Checked) -> None:
    """A.2: UpdateGroup changes the hiding; without it, it changes nothing."""
    crew = org.group("crew")
    org("UpdateGroup", GroupId=crew, HiddenFromGlobalAddressList=True)
    org("UpdateGroup", GroupId=crew)
    assert org("DescribeGroup", GroupId=crew)["HiddenFromGlobalAddressList"] is True
    assert org.refused("UpdateGroup", GroupId=crew, Name="band") == "InvalidParameter"


def test_groups_may_have_spaces_in_their_names(org: Checked) -> None:
    """A: such a group is created, but can't be named by its name, only by id."""
    crew = org.group("the crew")
    assert org("DescribeGroup", GroupId=crew)["Name"] == "the crew"
    assert org.refused("DescribeGroup", GroupId="the crew") == "InvalidParameter"
