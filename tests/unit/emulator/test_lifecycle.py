"""Creation, registration, deregistration, deletion: the rows B1 to B18 of `workmail.md`."""

import pytest

from syncd.emulator import MAILBOX_GRACE_S
from tests.unit.emulator.checked import DOMAIN, UNKNOWN, Checked

FRY = f"fry@{DOMAIN}"
KINDS = [("User", "user"), ("Group", "group"), ("Resource", "resource")]


@pytest.fixture
def org() -> Checked:
    return Checked()


def make(org: Checked, kind: str, name: str, email: str | None = None) -> str:
    made: str = getattr(org, kind)(name, email)
    return made


@pytest.mark.parametrize(("noun", "kind"), KINDS)
def test_a_new_entity_is_disabled(org: Checked, noun: str, kind: str) -> None:
    """B1: what was created is DISABLED, without address or date of enabling."""
    made = make(org, kind, "fry")
    seen = org(f"Describe{noun}", **{f"{noun}Id": made})
    assert seen["State"] == "DISABLED"
    assert seen.keys().isdisjoint({"Email", "EnabledDate", "DisabledDate"})


@pytest.mark.parametrize("operation", ["CreateUser", "CreateGroup", "CreateResource"])
@pytest.mark.parametrize("holder", ["user", "group", "resource"])
def test_a_name_is_held_once(org: Checked, operation: str, holder: str) -> None:
    """B2: users, groups and resources share one namespace of names, without case."""
    make(org, holder, "crew")
    extra = {"CreateUser": {"DisplayName": "Crew"}, "CreateResource": {"Type": "ROOM"}}.get(operation, {})
    assert org.refused(operation, Name="Crew", **extra) == "NameAvailability"


def test_the_name_of_a_deleted_entity_is_free(org: Checked) -> None:
    """B2: a name can be used again after a deletion, and gives another id."""
    first = org.deleted_user("lars")
    assert org.user("lars") != first


@pytest.mark.parametrize(("noun", "kind"), KINDS)
def test_registration_enables(org: Checked, noun: str, kind: str) -> None:
    """B3: a registered entity is ENABLED, with its address as given and the date."""
    made = make(org, kind, "fry", "Fry@px.example")
    seen = org(f"Describe{noun}", **{f"{noun}Id": made})
    assert (seen["State"], seen["Email"], seen["EnabledDate"]) == ("ENABLED", "Fry@px.example", org.now)
    assert "DisabledDate" not in seen


def test_registration_provisions_a_mailbox(org: Checked) -> None:
    """B3: a user gets a mailbox by it."""
    assert org.describe(org.user("fry", FRY))["MailboxProvisionedDate"] == org.now


def test_registration_again_with_the_same_address(org: Checked) -> None:
    """B4: registering an ENABLED entity with its own address changes nothing."""
    fry = org.user("fry", FRY)
    before = org.describe(fry)
    org.now += 10
    org("RegisterToWorkMail", EntityId=fry, Email=FRY.upper())
    assert org.describe(fry) == before


def test_registration_again_with_another_address(org: Checked) -> None:
    """B4: registering an ENABLED entity with another address is refused."""
    fry = org.user("fry", FRY)
    other = {"EntityId": fry, "Email": f"philip@{DOMAIN}"}
    assert org.refused("RegisterToWorkMail", **other) == "EntityAlreadyRegistered"


def test_registration_of_a_deleted_entity(org: Checked) -> None:
    """B5: what is DELETED can't be registered."""
    lars = org.deleted_user()
    assert org.refused("RegisterToWorkMail", EntityId=lars, Email=FRY) == "EntityState"


def test_registration_on_a_young_domain(org: Checked) -> None:
    """B7: a domain that isn't verified yet can't be used."""
    org.switch(domain_verification_s=60)
    org("RegisterMailDomain", DomainName="mom.example")
    fry = org.user("fry")
    young = {"EntityId": fry, "Email": "fry@mom.example"}
    assert org.refused("RegisterToWorkMail", **young) == "MailDomainState"
    org.now += 60
    org("RegisterToWorkMail", **young)
    assert org.state(fry) == "ENABLED"


def test_registration_on_a_foreign_domain(org: Checked) -> None:
    """B8: a domain that the organization doesn't have is not found."""
    foreign = {"EntityId": org.user("fry"), "Email": "fry@mom.example"}
    assert org.refused("RegisterToWorkMail", **foreign) == "MailDomainNotFound"


@pytest.mark.parametrize("holder", ["user", "group", "resource"])
def test_registration_with_a_used_address(org: Checked, holder: str) -> None:
    """B9: an address is used once, by whatever entity, and compared without case."""
    make(org, holder, "crew", FRY)
    taken = {"EntityId": org.user("fry"), "Email": FRY.upper()}
    assert org.refused("RegisterToWorkMail", **taken) == "EmailAddressInUse"


def test_registration_with_a_used_alias(org: Checked) -> None:
    """B9: an alias of another entity is a used address too."""
    leela = org.user("leela", f"leela@{DOMAIN}")
    org("CreateAlias", EntityId=leela, Alias=FRY)
    taken = {"EntityId": org.user("fry"), "Email": FRY}
    assert org.refused("RegisterToWorkMail", **taken) == "EmailAddressInUse"


@pytest.mark.parametrize(("noun", "kind"), KINDS)
def test_deregistration_disables(org: Checked, noun: str, kind: str) -> None:
    """B10: a deregistered entity is DISABLED since then."""
    made = make(org, kind, "fry", FRY)
    org.now += 10
    org("DeregisterFromWorkMail", EntityId=made)
    seen = org(f"Describe{noun}", **{f"{noun}Id": made})
    assert (seen["State"], seen["DisabledDate"]) == ("DISABLED", org.now)


def test_deregistration_of_a_disabled_entity(org: Checked) -> None:
    """B11: deregistering what is DISABLED already is refused."""
    assert org.refused("DeregisterFromWorkMail", EntityId=org.user("fry")) == "EntityState"


def test_the_mailbox_comes_back_within_thirty_days(org: Checked) -> None:
    """B12: a user registered again in time has the old mailbox."""
    fry = org.user("fry", FRY)
    provisioned = org.now
    org("DeregisterFromWorkMail", EntityId=fry)
    org.now += MAILBOX_GRACE_S - 1
    assert "MailboxDeprovisionedDate" not in org.describe(fry)
    org("RegisterToWorkMail", EntityId=fry, Email=FRY)
    assert org.describe(fry)["MailboxProvisionedDate"] == provisioned


def test_the_mailbox_is_gone_after_thirty_days(org: Checked) -> None:
    """B10, B12: after thirty days the mailbox is destroyed, and registering makes a new one."""
    fry = org.user("fry", FRY)
    org("DeregisterFromWorkMail", EntityId=fry)
    end = org.now + MAILBOX_GRACE_S
    org.now = end
    assert org.describe(fry)["MailboxDeprovisionedDate"] == end
    org("RegisterToWorkMail", EntityId=fry, Email=FRY)
    seen = org.describe(fry)
    assert seen["MailboxProvisionedDate"] == end
    assert "MailboxDeprovisionedDate" not in seen


def test_addresses_of_the_deregistered_are_hidden_but_reserved(org: Checked) -> None:
    """B13: nobody sees the addresses of a DISABLED entity, and nobody else gets them."""
    fry = org.user("fry", FRY)
    org("CreateAlias", EntityId=fry, Alias=f"philip@{DOMAIN}")
    org("DeregisterFromWorkMail", EntityId=fry)
    assert "Email" not in org.describe(fry)
    assert all("Email" not in user for user in org.all("ListUsers", "Users"))
    leela = org.user("leela")
    for address in (FRY, f"philip@{DOMAIN}"):
        taken = {"EntityId": leela, "Email": address}
        assert org.refused("RegisterToWorkMail", **taken) == "EmailAddressInUse"


def test_reserved_addresses_come_back_with_the_registration(org: Checked) -> None:
    """B13: who is registered again has the reserved addresses as aliases, the old primary among them."""
    fry = org.user("fry", FRY)
    org("CreateAlias", EntityId=fry, Alias=f"philip@{DOMAIN}")
    org("DeregisterFromWorkMail", EntityId=fry)
    org("RegisterToWorkMail", EntityId=fry, Email=f"philip@{DOMAIN}")
    assert org.describe(fry)["Email"] == f"philip@{DOMAIN}"
    assert org.aliases(fry) == [FRY, f"philip@{DOMAIN}"]


def test_addresses_are_free_after_the_deletion(org: Checked) -> None:
    """B13: a reserved address is free when its entity is deleted."""
    fry = org.user("fry", FRY)
    org("DeregisterFromWorkMail", EntityId=fry)
    org("DeleteUser", UserId=fry)
    org.user("leela", FRY)
    assert org("DescribeEntity", Email=FRY)["Name"] == "leela"


@pytest.mark.parametrize(("noun", "kind"), KINDS)
def test_an_enabled_entity_is_not_deleted(org: Checked, noun: str, kind: str) -> None:
    """B14, B15: deletion needs a DISABLED entity."""
    made = make(org, kind, "fry", FRY)
    assert org.refused(f"Delete{noun}", **{f"{noun}Id": made}) == "EntityState"


@pytest.mark.parametrize(("noun", "kind"), KINDS)
def test_a_deleted_entity_is_described_as_such(org: Checked, noun: str, kind: str) -> None:
    """B16: Describe and lists show what was deleted as DELETED, for a time, then nobody knows it."""
    made = make(org, kind, "fry", FRY)
    org("DeregisterFromWorkMail", EntityId=made)
    org(f"Delete{noun}", **{f"{noun}Id": made})
    seen = org(f"Describe{noun}", **{f"{noun}Id": made})
    assert seen["State"] == "DELETED"
    assert "Email" not in seen
    ghosts = org.all(f"List{noun}s", f"{noun}s", Filters={"State": "DELETED"})
    assert [ghost["Id"] for ghost in ghosts] == [made]
    org.now += org.emulator.switches.ghost_s
    assert org.refused(f"Describe{noun}", **{f"{noun}Id": made}) == "EntityNotFound"
    assert org.all(f"List{noun}s", f"{noun}s", Filters={"State": "DELETED"}) == []


@pytest.mark.parametrize(("noun", "kind"), KINDS)
def test_deleting_what_is_not_there(org: Checked, noun: str, kind: str) -> None:
    """B18: deleting an unknown or DELETED entity succeeds."""
    made = make(org, kind, "fry")
    org(f"Delete{noun}", **{f"{noun}Id": made})
    org(f"Delete{noun}", **{f"{noun}Id": made})
    assert org(f"Delete{noun}", **{f"{noun}Id": UNKNOWN}) == {}


@pytest.mark.parametrize(("operation", "member"), [("DeleteUser", "UserId"), ("DeleteResource", "ResourceId")])
def test_deleting_an_entity_of_another_kind(org: Checked, operation: str, member: str) -> None:
    """F: the id of a group names no user and no resource: nothing is deleted."""
    crew = org.group("crew")
    org(operation, **{member: crew})
    assert org("DescribeGroup", GroupId=crew)["State"] == "DISABLED"


@pytest.mark.parametrize("identifier", ["id", "name", "mail"])
def test_identifiers(org: Checked, identifier: str) -> None:
    """A: an entity is named by id, name or primary address, the latter two without case."""
    fry = org.user("fry", FRY)
    named = {"id": fry, "name": "FRY", "mail": FRY.upper()}[identifier]
    assert org.describe(named)["UserId"] == fry


def test_identifiers_of_another_kind(org: Checked) -> None:
    """F: a group's name names no user."""
    org.group("crew")
    assert org.refused("DescribeUser", UserId="crew") == "EntityNotFound"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("ListAliases", {"EntityId": "philip.j.fry"}),
        ("ResetPassword", {"UserId": "philip.j.fry", "Password": "Good-news-3"}),
    ],
)
def test_some_operations_take_ids_only(org: Checked, operation: str, params: dict[str, object]) -> None:
    """A: alias operations and ResetPassword know no names."""
    org.user("philip.j.fry", FRY)
    assert org.refused(operation, **params) == "EntityNotFound"


def test_ids_come_from_the_seed() -> None:
    """The same creations give the same ids, in whatever order they come."""
    first, second = Checked(), Checked()
    fry, leela = first.user("fry"), first.user("leela")
    assert (second.user("leela"), second.user("fry")) == (leela, fry)
    assert first.organization == second.organization


def test_an_id_never_comes_again(org: Checked) -> None:
    """B12: a user made again under an old name is another one, even when the old one is forgotten."""
    ids = set()
    for _ in range(4):
        ids.add(org.deleted_user("lars"))
        org.now += org.emulator.switches.ghost_s
        org("ListUsers")
    assert len(ids) == 4
