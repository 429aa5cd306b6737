"""The other answers to open questions: every switch of `workmail.md` K, turned."""

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from syncd.emulator import Emulator, ServiceFault, Switches
from tests.unit.emulator.checked import DOMAIN, UNKNOWN, Checked

FRY, PHILIP = f"fry@{DOMAIN}", f"philip@{DOMAIN}"
KINDS = [("User", "user"), ("Group", "group"), ("Resource", "resource")]


def gone(org: Checked, name: str = "fry") -> str:
    """Make a user with two addresses who is deregistered again."""
    user = org.user(name, FRY)
    org("CreateAlias", EntityId=user, Alias=PHILIP)
    org("DeregisterFromWorkMail", EntityId=user)
    return user


def test_every_switch_is_turned_here() -> None:
    """A switch that no test turns isn't shipped."""
    tests = Path(__file__).parent.glob("test_switches*.py")
    text = "".join(test.read_text(encoding="utf-8") for test in tests)
    turned = set(re.findall(r"(?:Checked|switch|Switches)\(\s*(\w+)=", text))
    assert {field.name for field in fields(Switches)} - turned == set()


def test_switches_hold_from_the_next_call() -> None:
    """A new value of the switches is used at once, and each emulator has its own."""
    emulator = Emulator(switches=Switches(directory_type="SimpleAD"))
    organization = emulator.create_organization(alias="px")
    describe = {"OrganizationId": organization}
    assert emulator.call("DescribeOrganization", describe)["DirectoryType"] == "SimpleAD"
    emulator.switches = replace(emulator.switches, directory_type="MicrosoftAD")
    assert emulator.call("DescribeOrganization", describe)["DirectoryType"] == "MicrosoftAD"
    assert Emulator().switches == Switches()


# --- registration ---


def test_register_enabled() -> None:
    """B4: registering with another address changes nothing, and is no error."""
    org = Checked(register_enabled="unchanged")
    fry = org.user("fry", FRY)
    org("RegisterToWorkMail", EntityId=fry, Email=PHILIP)
    assert org.describe(fry)["Email"] == FRY


def test_deregister_disabled() -> None:
    """B11: deregistering a DISABLED entity changes nothing, and is no error."""
    org = Checked(deregister_disabled="unchanged")
    fry = org.user("fry")
    org("DeregisterFromWorkMail", EntityId=fry)
    assert "DisabledDate" not in org.describe(fry)


def test_deregistered_addresses_released() -> None:
    """B13: the addresses are free at once, and don't come back."""
    org = Checked(deregistered_addresses="released")
    fry = gone(org)
    leela = org.user("leela", FRY)
    org("CreateAlias", EntityId=leela, Alias=PHILIP)
    org("RegisterToWorkMail", EntityId=fry, Email=f"new@{DOMAIN}")
    assert org.aliases(fry) == [f"new@{DOMAIN}"]


def test_deregistered_addresses_kept() -> None:
    """B13: the primary address is still shown, and nobody else gets it."""
    org = Checked(deregistered_addresses="kept")
    fry = gone(org)
    assert org.describe(fry)["Email"] == FRY
    assert org.user_names(PrimaryEmailPrefix="fry") == ["fry"]
    assert org.refused("RegisterToWorkMail", EntityId=org.user("amy"), Email=FRY) == "EmailAddressInUse"


@pytest.mark.parametrize(("noun", "kind"), KINDS)
def test_settle_after_creation(noun: str, kind: str) -> None:
    """B6: what was created is neither described nor listed nor registered for a while."""
    org = Checked(settle=2.0)
    made: str = getattr(org, kind)("fry")
    identified = {f"{noun}Id": made}
    assert org.refused(f"Describe{noun}", **identified) == "EntityNotFound"
    assert made not in [each["Id"] for each in org.all(f"List{noun}s", f"{noun}s")]
    assert org.refused("RegisterToWorkMail", EntityId=made, Email=FRY) == "EntityNotFound"
    assert org.refused(f"Delete{noun}", **identified) == "EntityState"
    org.now += 2
    assert org(f"Describe{noun}", **identified)["State"] == "DISABLED"
    org("RegisterToWorkMail", EntityId=made, Email=FRY)


def test_settle_after_registration_and_deregistration() -> None:
    """B17: the state before is shown for a while, and the next step of the lifecycle is refused."""
    org = Checked(settle=2.0)
    fry = org.user("fry")
    org.now += 2
    org("RegisterToWorkMail", EntityId=fry, Email=FRY)
    seen = org.describe(fry)
    assert (seen["State"], seen.get("Email")) == ("DISABLED", None)
    assert org.user_names(State="ENABLED") == []
    assert org.refused("DeregisterFromWorkMail", EntityId=fry) == "EntityState"
    org.now += 2
    assert org.user_names(State="ENABLED") == ["fry"]
    org("DeregisterFromWorkMail", EntityId=fry)
    seen = org.describe(fry)
    assert (seen["State"], seen["Email"]) == ("ENABLED", FRY)
    assert org.refused("DeleteUser", UserId=fry) == "EntityState"
    org.now += 2
    org("DeleteUser", UserId=fry)
    assert org.state(fry) == "DISABLED"
    org.now += 2
    assert org.state(fry) == "DELETED"


def test_settle_hides_no_membership() -> None:
    """B17: only states lag: who was just registered can be a member, and is listed as one."""
    org = Checked(settle=2.0)
    fry, crew = org.user("fry"), org.group("crew")
    org.now += 2
    org("RegisterToWorkMail", EntityId=crew, Email=f"crew@{DOMAIN}")
    org("RegisterToWorkMail", EntityId=fry, Email=FRY)
    org("AssociateMemberToGroup", GroupId=crew, MemberId=fry)
    assert org.members(crew) == {"fry": "DISABLED"}
    org.now += 2
    assert org.members(crew) == {"fry": "ENABLED"}


# --- deletion ---


@pytest.mark.parametrize("noun", ["User", "Group", "Resource"])
def test_delete_unknown(noun: str) -> None:
    """B18: deleting what isn't there is an error, though not a declared one."""
    org = Checked(delete_unknown="refused")
    assert org.refused(f"Delete{noun}", **{f"{noun}Id": UNKNOWN}) == "EntityNotFound"


def test_describe_deleted() -> None:
    """B16: a DELETED entity is not found, though lists still show it."""
    org = Checked(describe_deleted="not_found")
    lars = org.deleted_user()
    assert org.refused("DescribeUser", UserId=lars) == "EntityNotFound"
    assert org.user_names(State="DELETED") == ["lars"]


def test_ghosts_listed() -> None:
    """C: lists show no DELETED entity, though Describe does."""
    org = Checked(ghosts_listed=False)
    lars = org.deleted_user()
    assert org.user_names() == []
    assert org.state(lars) == "DELETED"


def test_ghost_s() -> None:
    """C: the grace time ends when the switch says."""
    org = Checked(ghost_s=5.0)
    org.deleted_user()
    org.now += 4.5
    assert org.user_names() == ["lars"]
    org.now += 0.5
    assert org.user_names() == []


def test_reuse_names() -> None:
    """B2: a name is refused until its DELETED holder is forgotten."""
    org = Checked(reuse_names=False)
    org.deleted_user("lars")
    assert org.refused("CreateGroup", Name="Lars") == "NameAvailability"
    org.now += org.emulator.switches.ghost_s
    assert org.group("Lars")


def test_reuse_addresses() -> None:
    """An address is refused until its DELETED holder is forgotten."""
    org = Checked(reuse_addresses=False)
    org("DeleteUser", UserId=gone(org))
    leela = org.user("leela")
    for address in (FRY, PHILIP):
        taken = {"EntityId": leela, "Email": address}
        assert org.refused("RegisterToWorkMail", **taken) == "EmailAddressInUse"
        assert org.refused("DescribeEntity", Email=address) == "EntityNotFound"
    org.now += org.emulator.switches.ghost_s
    org("RegisterToWorkMail", EntityId=leela, Email=FRY)


def test_deleted_members() -> None:
    """B34: a DELETED member is listed in its groups until it is forgotten."""
    org = Checked(deleted_members="kept")
    fry, crew = org.user("fry", FRY), org.group("crew", f"crew@{DOMAIN}")
    org("AssociateMemberToGroup", GroupId=crew, MemberId=fry)
    org("DeregisterFromWorkMail", EntityId=fry)
    org("DeleteUser", UserId=fry)
    assert org.members(crew) == {"fry": "DELETED"}
    org.now += org.emulator.switches.ghost_s
    assert org.members(crew) == {}


# --- changes ---


def test_omitted_clears_users() -> None:
    """B20: an update of a user clears what it doesn't carry, but for the role."""
    org = Checked(omitted_clears=True)
    fry = org.user("fry", FirstName="Philip", HiddenFromGlobalAddressList=True, Role="REMOTE_USER")
    org("UpdateUser", UserId=fry, LastName="Fry")
    seen = org.describe(fry)
    assert (seen["LastName"], seen["HiddenFromGlobalAddressList"], seen["UserRole"]) == ("Fry", False, "REMOTE_USER")
    assert seen.keys().isdisjoint({"FirstName", "DisplayName"})


def test_omitted_clears_resources() -> None:
    """B20: an update of a resource clears description and hiding, but not name and type."""
    org = Checked(omitted_clears=True)
    ship = org.resource("ship", Description="green", HiddenFromGlobalAddressList=True)
    org("UpdateResource", ResourceId=ship, Type="EQUIPMENT")
    seen = org("DescribeResource", ResourceId=ship)
    assert (seen["Name"], seen["Type"], seen["HiddenFromGlobalAddressList"]) == ("ship", "EQUIPMENT", False)
    assert "Description" not in seen


@pytest.mark.parametrize(("noun", "kind"), KINDS)
def test_update_disabled(noun: str, kind: str) -> None:
    """B19: only ENABLED entities can be updated."""
    org = Checked(update_disabled=False)
    made: str = getattr(org, kind)("fry")
    hidden = {f"{noun}Id": made, "HiddenFromGlobalAddressList": True}
    assert org.refused(f"Update{noun}", **hidden) == "EntityState"
    org("RegisterToWorkMail", EntityId=made, Email=FRY)
    org(f"Update{noun}", **hidden)


def test_reset_password_disabled() -> None:
    """B21: the password of a DISABLED user can't be reset."""
    org = Checked(reset_password_disabled=False)
    fry = org.user("fry")
    assert org.refused("ResetPassword", UserId=fry, Password="Good-news-3") == "EntityState"


# --- addresses ---


def test_aliases_of_disabled() -> None:
    """B22: aliases of a DISABLED entity can be seen and changed, but not those of a DELETED one."""
    org = Checked(aliases_of_disabled=True)
    fry = org.user("fry")
    org("CreateAlias", EntityId=fry, Alias=FRY)
    org("CreateAlias", EntityId=fry, Alias=PHILIP)
    org("DeleteAlias", EntityId=fry, Alias=FRY)
    assert org.aliases(fry) == [PHILIP]
    org("DeleteUser", UserId=fry)
    assert org.refused("ListAliases", EntityId=fry) == "EntityState"


def test_primary_among_aliases() -> None:
    """C: ListAliases shows aliases only."""
    org = Checked(primary_among_aliases=False)
    fry = org.user("fry", FRY)
    org("CreateAlias", EntityId=fry, Alias=PHILIP)
    assert org.aliases(fry) == [PHILIP]


def test_alias_limit_counts_primary() -> None:
    """B25: the primary address is one of the hundred."""
    org = Checked(alias_limit_counts_primary=True)
    fry = org.user("fry", FRY)
    for number in range(99):
        org("CreateAlias", EntityId=fry, Alias=f"a{number}@{DOMAIN}")
    assert org.refused("CreateAlias", EntityId=fry, Alias=PHILIP) == "LimitExceeded"


def test_describe_entity_aliases() -> None:
    """DescribeEntity knows primary addresses only."""
    org = Checked(describe_entity_aliases=False)
    fry = org.user("fry", FRY)
    org("CreateAlias", EntityId=fry, Alias=PHILIP)
    assert org("DescribeEntity", Email=FRY)["EntityId"] == fry
    assert org.refused("DescribeEntity", Email=PHILIP) == "EntityNotFound"


def test_describe_entity_disabled() -> None:
    """DescribeEntity finds the DISABLED owner of an address."""
    org = Checked(describe_entity_disabled=True)
    fry = gone(org)
    assert org("DescribeEntity", Email=FRY)["EntityId"] == fry


def test_unknown_switches_are_refused() -> None:
    """A switch that doesn't exist is a mistake, not ignored."""
    with pytest.raises(TypeError, match="colour"):
        Checked(colour="red")


def test_a_fault_says_its_code_and_message() -> None:
    """The error reads as people and programs need it."""
    fault = ServiceFault("SlowDown", "wait", status=503)
    assert (fault.code, fault.message, fault.status, str(fault)) == ("SlowDown", "wait", 503, "SlowDown: wait")
