"""Primary addresses and aliases: B22 to B30 of `workmail.md`."""

import pytest

from syncd.emulator.switches import MAX_ALIASES
from tests.unit.emulator.checked import DOMAIN, Checked

FRY, PHILIP, LEELA = f"fry@{DOMAIN}", f"philip@{DOMAIN}", f"leela@{DOMAIN}"


class Office(Checked):
    def __init__(self) -> None:
        super().__init__()
        self.fry = self.user("fry", FRY)
        self.leela = self.user("leela", LEELA)


@pytest.fixture
def org() -> Office:
    return Office()


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("CreateAlias", {"Alias": PHILIP}),
        ("DeleteAlias", {"Alias": PHILIP}),
        ("ListAliases", {}),
        ("UpdatePrimaryEmailAddress", {"Email": PHILIP}),
    ],
)
def test_addresses_of_the_disabled(org: Office, operation: str, params: dict[str, object]) -> None:
    """B22, B29: addresses of a DISABLED entity can be neither seen nor changed."""
    org("DeregisterFromWorkMail", EntityId=org.fry)
    assert org.refused(operation, EntityId=org.fry, **params) == "EntityState"


def test_aliases_are_kept_as_given(org: Office) -> None:
    """F: an alias keeps its case, and is the same address in any."""
    org("CreateAlias", EntityId=org.fry, Alias="Philip.Fry@PX.example")
    assert org.aliases(org.fry) == [FRY, "Philip.Fry@PX.example"]
    taken = {"EntityId": org.leela, "Alias": "philip.fry@px.example"}
    assert org.refused("CreateAlias", **taken) == "EmailAddressInUse"


@pytest.mark.parametrize("address", [FRY, PHILIP, PHILIP.upper()])
def test_alias_of_another_entity(org: Office, address: str) -> None:
    """B23: the primary address or an alias of another entity can't become an alias."""
    org("CreateAlias", EntityId=org.fry, Alias=PHILIP)
    assert org.refused("CreateAlias", EntityId=org.leela, Alias=address) == "EmailAddressInUse"


@pytest.mark.parametrize("address", [FRY, PHILIP])
def test_alias_that_is_there_already(org: Office, address: str) -> None:
    """B24: an own alias, or the own primary address, is created again without a change."""
    org("CreateAlias", EntityId=org.fry, Alias=PHILIP)
    org("CreateAlias", EntityId=org.fry, Alias=address)
    assert org.aliases(org.fry) == [FRY, PHILIP]


def fill(org: Office, count: int = MAX_ALIASES) -> None:
    for number in range(count):
        org("CreateAlias", EntityId=org.fry, Alias=f"fry{number:03}@{DOMAIN}")


def test_a_hundred_aliases_and_no_more(org: Office) -> None:
    """B25: the 101st alias exceeds the limit; the primary doesn't count."""
    fill(org)
    assert org.refused("CreateAlias", EntityId=org.fry, Alias=PHILIP) == "LimitExceeded"
    assert len(org.aliases(org.fry)) == MAX_ALIASES + 1


def test_a_full_entity_can_change_its_primary(org: Office) -> None:
    """B29: no limit is declared for it, so that the old primary becomes the 101st alias."""
    fill(org)
    org("UpdatePrimaryEmailAddress", EntityId=org.fry, Email=PHILIP)
    assert len(org.aliases(org.fry)) == MAX_ALIASES + 2


def test_deleting_an_alias_frees_it(org: Office) -> None:
    """A deleted alias can be used by another entity."""
    org("CreateAlias", EntityId=org.fry, Alias=PHILIP)
    org("DeleteAlias", EntityId=org.fry, Alias=PHILIP.upper())
    org("CreateAlias", EntityId=org.leela, Alias=PHILIP)
    assert org.aliases(org.fry) == [FRY]
    assert org.aliases(org.leela) == [LEELA, PHILIP]


@pytest.mark.parametrize("address", [PHILIP, LEELA])
def test_deleting_an_alias_that_is_not_there(org: Office, address: str) -> None:
    """B26: deleting an absent alias succeeds, and takes no address from anybody else."""
    org("DeleteAlias", EntityId=org.fry, Alias=address)
    assert org.aliases(org.leela) == [LEELA]
    assert org("DescribeEntity", Email=LEELA)["EntityId"] == org.leela


def test_the_primary_address_is_no_alias_to_delete(org: Office) -> None:
    """B26: DeleteAlias refuses the primary address."""
    assert org.refused("DeleteAlias", EntityId=org.fry, Alias=FRY) == "InvalidParameter"


def test_a_new_primary_keeps_the_old_one(org: Office) -> None:
    """B27: the old primary address becomes an alias."""
    org("UpdatePrimaryEmailAddress", EntityId=org.fry, Email=PHILIP)
    assert org.describe(org.fry)["Email"] == PHILIP
    assert org.aliases(org.fry) == [FRY, PHILIP]


def test_an_alias_becomes_primary(org: Office) -> None:
    """B28: an own alias and the primary address change places."""
    org("CreateAlias", EntityId=org.fry, Alias=PHILIP)
    org("UpdatePrimaryEmailAddress", EntityId=org.fry, Email=PHILIP)
    assert org.describe(org.fry)["Email"] == PHILIP
    assert org.aliases(org.fry) == [FRY, PHILIP]
    org("DeleteAlias", EntityId=org.fry, Alias=FRY)
    assert org.aliases(org.fry) == [PHILIP]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        (LEELA, "EmailAddressInUse"),
        ("fry@mom.example", "MailDomainNotFound"),
        ("fry@young.example", "MailDomainState"),
    ],
)
@pytest.mark.parametrize(
    ("operation", "member"),
    [("UpdatePrimaryEmailAddress", "Email"), ("CreateAlias", "Alias")],
)
def test_addresses_that_can_not_be_used(org: Office, operation: str, member: str, address: str, code: str) -> None:
    """B23, B29: another entity's address, a foreign domain, and one that isn't verified yet."""
    org.switch(domain_verification_s=60)
    org("RegisterMailDomain", DomainName="young.example")
    assert org.refused(operation, EntityId=org.fry, **{member: address}) == code


def test_the_same_primary_address(org: Office) -> None:
    """B29: setting the address that is primary already changes nothing."""
    org("UpdatePrimaryEmailAddress", EntityId=org.fry, Email=FRY.upper())
    assert org.aliases(org.fry) == [FRY]


@pytest.mark.parametrize("kind", ["group", "resource"])
def test_all_kinds_have_aliases(org: Office, kind: str) -> None:
    """B30: groups and resources have aliases as users have."""
    made: str = getattr(org, kind)("ship", f"ship@{DOMAIN}")
    org("CreateAlias", EntityId=made, Alias=f"boat@{DOMAIN}")
    assert org.aliases(made) == [f"boat@{DOMAIN}", f"ship@{DOMAIN}"]


def test_who_has_an_address(org: Office) -> None:
    """A.4: DescribeEntity tells the owner of a primary address and of an alias."""
    crew = org.group("crew", f"crew@{DOMAIN}")
    org("CreateAlias", EntityId=crew, Alias=f"band@{DOMAIN}")
    wanted = {"EntityId": crew, "Name": "crew", "Type": "GROUP"}
    assert org("DescribeEntity", Email=f"Crew@{DOMAIN}") == wanted
    assert org("DescribeEntity", Email=f"band@{DOMAIN}") == wanted


def test_nobody_has_an_address(org: Office) -> None:
    """A.4: an unused address, and one of a DISABLED entity, is not found."""
    org("DeregisterFromWorkMail", EntityId=org.fry)
    for address in (FRY, PHILIP):
        assert org.refused("DescribeEntity", Email=address) == "EntityNotFound"
