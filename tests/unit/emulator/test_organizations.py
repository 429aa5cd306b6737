"""Organizations and mail domains: A.6, B47, B48, D and E of `workmail.md`."""

import pytest

from syncd.emulator import DirectoryKind, Emulator, ServiceFault
from syncd.emulator.switches import MAX_DOMAINS, MAX_ORGANIZATIONS
from tests.unit.emulator.checked import DOMAIN, Checked

TEST_DOMAIN = "px.awsapps.com"
DIRECTORY = "d-0123456789"


@pytest.fixture
def org() -> Checked:
    return Checked()


def state(org: Checked, organization: object) -> object:
    return org("DescribeOrganization", OrganizationId=organization)["State"]


def test_an_organization_made_at_once(org: Checked) -> None:
    """The builder's organization is Active, and all its domains are verified, the test domain by default."""
    seen = org("DescribeOrganization")
    assert (seen["State"], seen["Alias"], seen["DefaultMailDomain"]) == ("Active", "px", TEST_DOMAIN)
    assert (seen["InteroperabilityEnabled"], seen["DirectoryType"]) == (False, "VpcDirectory")
    for domain, test in ((DOMAIN, False), (TEST_DOMAIN, True)):
        told = org("GetMailDomain", DomainName=domain)
        assert (told["OwnershipVerificationStatus"], told["IsTestDomain"]) == ("VERIFIED", test)


def test_an_organization_that_can_not_work() -> None:
    """A state, an error message and a migration admin can be given to the builder."""
    emulator = Emulator()
    made = emulator.create_organization(
        alias="mom",
        state="Failed",
        error_message="no directory",
        migration_admin="walt",
        directory=DirectoryKind.INTEROPERABILITY,
        organization_id="m-" + "a" * 32,
    )
    seen = emulator.call("DescribeOrganization", {"OrganizationId": made})
    assert made == "m-" + "a" * 32
    assert (seen["State"], seen["ErrorMessage"], seen["InteroperabilityEnabled"]) == ("Failed", "no directory", True)
    assert seen["MigrationAdmin"]
    listed = emulator.call("ListOrganizations", {})["OrganizationSummaries"]
    assert isinstance(listed, list)
    assert (listed[0]["State"], listed[0]["ErrorMessage"]) == ("Failed", "no directory")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"alias": "no good"}, "InvalidParameterException"),
        ({"alias": "mom", "organization_id": "m-1"}, "InvalidParameterException"),
        ({"alias": "mom", "domains": ["no good"]}, "InvalidParameterException"),
        ({"alias": "PX"}, "NameAvailabilityException"),
        ({"alias": "mom", "organization_id": "taken"}, "NameAvailabilityException"),
        ({"alias": "mom", "domains": [DOMAIN]}, "MailDomainInUseException"),
    ],
)
def test_organizations_that_can_not_be_made(org: Checked, wrong: dict[str, object], code: str) -> None:
    """The builder refuses what the API could not name, or what another organization has."""
    if wrong.get("organization_id") == "taken":
        wrong = {**wrong, "organization_id": org.organization}
    with pytest.raises(ServiceFault) as raised:
        org.emulator.create_organization(**wrong)  # type: ignore[arg-type]  # any field, any value
    assert raised.value.code == code
    assert len(org.all("ListOrganizations", "OrganizationSummaries")) == 1


def test_creation_takes_time(org: Checked) -> None:
    """A.6: an organization is Requested, Creating, then Active with its domains."""
    domains = [{"DomainName": "mom.example"}]
    made = org("CreateOrganization", Alias="mom", Domains=domains)["OrganizationId"]
    seen = [state(org, made)]
    for _ in range(2):
        org.now += 1
        seen.append(state(org, made))
    assert seen == ["Requested", "Creating", "Active"]
    assert org("DescribeOrganization", OrganizationId=made)["CompletedDate"] == org.now
    listed = org.all("ListMailDomains", "MailDomains", OrganizationId=made)
    assert listed == [
        {"DomainName": "mom.awsapps.com", "DefaultDomain": True},
        {"DomainName": "mom.example", "DefaultDomain": False},
    ]


def test_an_organization_in_the_making_is_not_active(org: Checked) -> None:
    """B47: it takes no calls before it is Active."""
    made = org("CreateOrganization", Alias="mom")["OrganizationId"]
    assert org.refused("ListUsers", OrganizationId=made) == "OrganizationState"


def test_creation_is_idempotent_by_token(org: Checked) -> None:
    """A.6: the same client token gives the same organization."""
    first = org("CreateOrganization", Alias="mom", ClientToken="t1")
    assert org("CreateOrganization", Alias="mom", ClientToken="t1") == first


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Alias": "PX"}, "NameAvailability"),
        ({"Alias": "mom", "EnableInteroperability": True}, "InvalidParameter"),
        ({"Alias": "mom", "Domains": [{"DomainName": DOMAIN}]}, "InvalidParameter"),
        ({"Alias": "mom", "DirectoryId": DIRECTORY}, "DirectoryInUse"),
    ],
)
def test_creations_that_are_refused(org: Checked, params: dict[str, object], code: str) -> None:
    """A.6: the alias, the domains and the directory must be free; interoperability needs a directory."""
    org("CreateOrganization", Alias="robot", DirectoryId=DIRECTORY)
    assert org.refused("CreateOrganization", **params) == code


def test_interoperability_at_creation(org: Checked) -> None:
    """E: DescribeOrganization tells it."""
    params = {"Alias": "mom", "DirectoryId": DIRECTORY, "EnableInteroperability": True}
    made = org("CreateOrganization", **params)["OrganizationId"]
    seen = org("DescribeOrganization", OrganizationId=made)
    assert (seen["InteroperabilityEnabled"], seen["DirectoryId"]) == (True, DIRECTORY)


def test_an_account_has_a_hundred_organizations(org: Checked) -> None:
    """D: the 101st is one too many; deleted ones don't count."""
    for number in range(1, MAX_ORGANIZATIONS):
        org.emulator.create_organization(alias=f"o{number}")
    assert org.refused("CreateOrganization", Alias="mom") == "LimitExceeded"
    org("DeleteOrganization", DeleteDirectory=True)
    org.now += 2
    org("CreateOrganization", Alias="mom")


def test_deletion_takes_time(org: Checked) -> None:
    """A.6: a deleted organization is listed for a time, then it is unknown, and its domains are free at once."""
    assert org("DeleteOrganization", DeleteDirectory=True)["State"] == "Deleting"
    assert org.refused("ListUsers") == "OrganizationState"
    org.now += 2
    assert state(org, org.organization) == "Deleted"
    assert len(org.all("ListOrganizations", "OrganizationSummaries")) == 1
    org.emulator.create_organization(alias="px", domains=[DOMAIN])
    org.now += org.emulator.switches.ghost_s
    assert org.refused("DescribeOrganization") == "OrganizationNotFound"
    assert len(org.all("ListOrganizations", "OrganizationSummaries")) == 1


def test_deletion_with_enabled_users(org: Checked) -> None:
    """A.6: it is refused unless forced."""
    org.user("fry", f"fry@{DOMAIN}")
    assert org.refused("DeleteOrganization", DeleteDirectory=True) == "OrganizationState"
    org("DeleteOrganization", DeleteDirectory=True, ForceDelete=True)
    assert org.refused("DeleteOrganization", DeleteDirectory=True) == "OrganizationState"


def test_organizations_are_apart(org: Checked) -> None:
    """B48: an id of one organization names nothing in another."""
    other = org.emulator.create_organization(alias="mom")
    fry = org.user("fry")
    assert org.refused("DescribeUser", OrganizationId=other, UserId=fry) == "EntityNotFound"


# --- domains ---


def test_a_domain_is_registered_once(org: Checked) -> None:
    """A.6: a domain of this or another organization is in use, but the same client token succeeds."""
    mom = org.emulator.create_organization(alias="mom")
    org("RegisterMailDomain", DomainName="Robot.example", ClientToken="t1")
    org("RegisterMailDomain", DomainName="robot.example", ClientToken="t1")
    for organization in (org.organization, mom):
        again = {"OrganizationId": organization, "DomainName": "ROBOT.example"}
        assert org.refused("RegisterMailDomain", **again) == "MailDomainInUse"


def test_an_organization_has_a_thousand_domains(org: Checked) -> None:
    """D: the next one exceeds the limit."""
    for number in range(MAX_DOMAINS - 2):
        org("RegisterMailDomain", DomainName=f"d{number}.example")
    assert org.refused("RegisterMailDomain", DomainName="one.more") == "LimitExceeded"


def test_a_domain_with_addresses_stays(org: Checked) -> None:
    """A.6: all addresses on it must be gone first, those of the DISABLED among them."""
    fry = org.user("fry", f"fry@{DOMAIN}")
    org("DeregisterFromWorkMail", EntityId=fry)
    assert org.refused("DeregisterMailDomain", DomainName=DOMAIN) == "MailDomainInUse"
    org("DeleteUser", UserId=fry)
    org("DeregisterMailDomain", DomainName=DOMAIN)
    assert org.refused("GetMailDomain", DomainName=DOMAIN) == "MailDomainNotFound"
    assert [each["DomainName"] for each in org.all("ListMailDomains", "MailDomains")] == [TEST_DOMAIN]


def test_the_test_domain_stays(org: Checked) -> None:
    """A.6: neither the test domain nor the default domain can be taken away."""
    org("UpdateDefaultMailDomain", DomainName=DOMAIN)
    for domain in (DOMAIN, TEST_DOMAIN):
        assert org.refused("DeregisterMailDomain", DomainName=domain) == "InvalidParameter"


def test_the_default_domain_changes(org: Checked) -> None:
    """A.6: the default must be a verified domain of the organization."""
    org("UpdateDefaultMailDomain", DomainName=DOMAIN)
    assert org("DescribeOrganization")["DefaultMailDomain"] == DOMAIN
    assert org("GetMailDomain", DomainName=DOMAIN)["IsDefault"] is True
    assert org.refused("UpdateDefaultMailDomain", DomainName="mom.example") == "MailDomainNotFound"
    org.switch(domain_verification_s=9)
    org("RegisterMailDomain", DomainName="young.example")
    assert org.refused("UpdateDefaultMailDomain", DomainName="young.example") == "MailDomainState"


def test_a_domain_whose_verification_failed(org: Checked) -> None:
    """A.6: it says so, and its addresses can't be used."""
    written = org.emulator.snapshot()
    assert isinstance(written["organizations"], list)
    for domain in written["organizations"][0]["domains"]:
        domain["verified_at"] = None
    org.emulator.load(written)
    assert org("GetMailDomain", DomainName=DOMAIN)["OwnershipVerificationStatus"] == "FAILED"
    new = {"EntityId": org.user("fry"), "Email": f"fry@{DOMAIN}"}
    assert org.refused("RegisterToWorkMail", **new) == "MailDomainState"


# --- directories ---


def call_all(org: Checked, fry: str, ship: str) -> dict[str, str]:
    """Try what differs between directories, and tell how each call ended."""
    calls: dict[str, dict[str, object]] = {
        "CreateUser": {"Name": "amy", "DisplayName": "Amy"},
        "UpdateUser": {"UserId": fry, "JobTitle": "Boss"},
        "ListResources": {},
        "CreateAlias": {"EntityId": fry, "Alias": f"philip@{DOMAIN}"},
        "UpdateMailboxQuota": {"UserId": fry, "MailboxQuota": 9},
        "DeregisterFromWorkMail": {"EntityId": fry},
        "RegisterToWorkMail": {"EntityId": ship, "Email": f"ship@{DOMAIN}"},
    }
    ends: dict[str, str] = {}
    for operation, params in calls.items():
        try:
            org(operation, **params)
            ends[operation] = "ok"
        except ServiceFault as fault:
            ends[operation] = fault.code.removesuffix("Exception")
    return ends


@pytest.mark.parametrize(
    ("directory", "refused"),
    [
        (DirectoryKind.WORKMAIL, {}),
        (DirectoryKind.SIMPLE_AD, {}),
        (DirectoryKind.MANAGED_AD, {}),
        (
            DirectoryKind.AD_CONNECTOR,
            {"CreateUser": "UnsupportedOperation", "UpdateUser": "UnsupportedOperation"},
        ),
        (
            DirectoryKind.INTEROPERABILITY,
            {
                "CreateUser": "UnsupportedOperation",
                "UpdateUser": "UnsupportedOperation",
                "ListResources": "UnsupportedOperation",
                "CreateAlias": "InvalidParameter",
                "RegisterToWorkMail": "UnsupportedOperation",
            },
        ),
    ],
)
def test_what_a_directory_allows(directory: DirectoryKind, refused: dict[str, str]) -> None:
    """E: a connector refuses directory changes; interoperability allows enabling of users and groups only."""
    org = Checked()
    fry, ship = org.user("fry", f"fry@{DOMAIN}"), org.resource("ship")
    written = org.emulator.snapshot()
    assert isinstance(written["organizations"], list)
    written["organizations"][0]["directory"] = directory.value
    org.emulator.load(written)
    ends = call_all(org, fry, ship)
    assert {operation: end for operation, end in ends.items() if end != "ok"} == refused


def test_interoperability_adds_an_address() -> None:
    """C: enabling a user there adds an address on the test domain by itself; a group gets none."""
    org = Checked()
    fry, crew = org.user("fry"), org.group("crew")
    written = org.emulator.snapshot()
    assert isinstance(written["organizations"], list)
    written["organizations"][0]["directory"] = "interoperability"
    org.emulator.load(written)
    org("RegisterToWorkMail", EntityId=fry, Email=f"fry@{DOMAIN}")
    org("RegisterToWorkMail", EntityId=crew, Email=f"crew@{DOMAIN}")
    assert org.aliases(fry) == [f"fry@{TEST_DOMAIN}", f"fry@{DOMAIN}"]
    assert org.aliases(crew) == [f"crew@{DOMAIN}"]


@pytest.mark.parametrize(
    ("directory", "beginning"), [(DirectoryKind.WORKMAIL, ""), (DirectoryKind.SIMPLE_AD, "S-1-1-12-")]
)
def test_ids_have_two_forms(directory: DirectoryKind, beginning: str) -> None:
    """A: ids of users and groups look like a GUID or a security identifier; those of resources begin with r-."""
    org = Checked(directory=directory)
    for made in (org.user("fry"), org.group("crew")):
        assert made.startswith(beginning)
        assert (made.count("-") == 4) is (beginning == "")
    assert org.resource("ship").startswith("r-")
