"""A small real directory in OpenLDAP, and syncd from the command line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.slapd import READER_PASSWORD, Slapd, skip_without_slapd
from tests.functional.places import DATA, ORGANIZATION, Ended, Site, Warm, a_site

pytestmark = skip_without_slapd

SUFFIX = "dc=planetexpress,dc=com"
PEOPLE = f"ou=people,{SUFFIX}"
#: The sample directory has the groups of an Active Directory.
SCHEMA = (
    (
        "attributetype ( 1.2.840.113556.1.4.750 NAME 'groupType' EQUALITY integerMatch SINGLE-VALUE "
        "SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )"
    ),
    "objectclass ( 1.2.840.113556.1.5.8 NAME 'Group' SUP top STRUCTURAL MUST ( groupType $ cn ) MAY ( member ) )",
)
ORGANIZATION_SEED = {"alias": "planetexpress", "domains": ["planetexpress.com"]}


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    process = Warm()
    yield process
    process.close()


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    """The planetexpress directory."""
    server = Slapd(
        folder=tmp_path / "slapd",
        suffix=SUFFIX,
        settings=SCHEMA,
        overlays=("memberof", "refint"),
        schemas=("core", "cosine", "nis", "inetorgperson"),
    )
    text = (DATA / "planetexpress.ldif").read_text(encoding="utf-8")
    with server.load(text.partition("\n\n")[2]):
        yield server


@pytest.fixture
def site(tmp_path: Path, warm: Warm, slapd: Slapd) -> Iterator[Site]:
    """An empty organization, and the configuration for the directory."""
    folder = tmp_path / "site"
    folder.mkdir()
    config = DATA / "planetexpress_ldap.yaml"
    with a_site(folder, warm, seed=ORGANIZATION_SEED, files=(), config=config) as site:
        site.environment["LDAP_URL"] = slapd.url
        site.write("ldap_password", READER_PASSWORD)
        yield site


def users(site: Site) -> dict[str, Mapping[str, Any]]:
    """Return the users that WorkMail has, by their names."""
    return {user["Name"]: user for user in _called(site, "ListUsers")["Users"] if user.get("UserRole") == "USER"}


def members(site: Site) -> dict[str, set[str]]:
    """Return the names of the members of each group."""
    groups = _called(site, "ListGroups")["Groups"]
    return {
        group["Name"]: {member["Name"] for member in _called(site, "ListGroupMembers", GroupId=group["Id"])["Members"]}
        for group in groups
    }


def _called(site: Site, operation: str, **parameters: str) -> Mapping[str, Any]:
    return site.server.emulator.call(operation, {"OrganizationId": ORGANIZATION, **parameters})


def succeeded(ended: Ended) -> Ended:
    assert (ended.code, ended.err) == (0, ""), ended.err + ended.out
    return ended


def test_the_directory_is_synchronized_and_the_second_plan_is_empty(site: Site) -> None:
    """Everybody has a mailbox, two values of mail are two addresses, a multi-valued RDN is a member like any other."""
    assert site.syncd("plan", "--detailed-exitcode").code == 2
    succeeded(site.syncd("sync"))

    assert set(users(site)) == {"amy", "bender", "fry", "hermes", "leela", "professor", "zoidberg"}
    assert users(site)["professor"]["Email"] == "professor@planetexpress.com"
    assert members(site) == {"admin_staff": {"professor", "hermes"}, "ship_crew": {"fry", "leela", "bender"}}
    again = succeeded(site.syncd("plan", "--detailed-exitcode"))
    assert again.last.startswith("No changes")


def test_renamed_moved_and_with_a_new_address_everybody_keeps_the_mailbox(site: Site, slapd: Slapd) -> None:
    """The key is the server's: neither name nor place nor address."""
    succeeded(site.syncd("sync"))
    before = {name: user["Id"] for name, user in users(site).items()}

    slapd.modify(
        f"dn: cn=Philip J. Fry,{PEOPLE}\nchangetype: modrdn\nnewrdn: cn=Lars Fillmore\ndeleteoldrdn: 1\n\n"
        f"dn: ou=retired,{SUFFIX}\nchangetype: add\nobjectClass: organizationalUnit\n\n"
        f"dn: cn=Hermes Conrad,{PEOPLE}\nchangetype: modrdn\nnewrdn: cn=Hermes Conrad\ndeleteoldrdn: 0\n"
        f"newsuperior: ou=retired,{SUFFIX}\n\n"
        f"dn: cn=Turanga Leela,{PEOPLE}\nchangetype: modify\nreplace: mail\nmail: turanga@planetexpress.com\n"
    )
    succeeded(site.syncd("sync"))

    assert {name: user["Id"] for name, user in users(site).items()} == before
    assert users(site)["leela"]["Email"] == "turanga@planetexpress.com"
    assert users(site)["fry"]["State"] == users(site)["hermes"]["State"] == "ENABLED"
    assert members(site)["ship_crew"] == {"fry", "leela", "bender"}
    assert succeeded(site.syncd("plan", "--detailed-exitcode")).last.startswith("No changes")


def test_an_account_without_rights_changes_nothing(site: Site, slapd: Slapd) -> None:
    """Success and zero entries end with 65, and nobody loses anything."""
    succeeded(site.syncd("sync"))
    held = site.held()
    slapd.restart(access=("access to attrs=userPassword by anonymous auth", "access to * by * none"))

    ended = site.syncd("sync")

    assert ended.code == 65
    assert "not visible to syncd's account" in ended.err
    assert site.held() == held


def test_a_wrong_password_is_told_and_the_right_one_is_read_again(site: Site) -> None:
    """The secret is read when it is needed, so a rotated one needs no restart; its text shows nowhere."""
    site.write("ldap_password", "wrong-of-the-reader")
    refused = site.syncd("plan")
    site.write("ldap_password", READER_PASSWORD)

    assert refused.code == 69
    assert "wrong-of-the-reader" not in refused.err + refused.out
    assert site.syncd("plan").code == 0


def test_no_server_is_told_with_its_name(site: Site, slapd: Slapd) -> None:
    """69, and nothing was changed."""
    slapd.stop()
    ended = site.syncd("sync")

    assert ended.code == 69
    assert slapd.url in ended.err


def test_explain_shows_how_to_see_the_entry_in_the_directory(site: Site) -> None:
    """The ldapsearch line asks for the key; nobody is asked now."""
    succeeded(site.syncd("sync"))
    rows = site.remembered("bindings")["bindings"]
    key = next(str(value) for row in rows for value in row if str(value).startswith("user:"))
    site.environment["LDAP_URL"] = "ldap://127.0.0.1:1"

    ended = succeeded(site.syncd("explain", key))

    assert "ldapsearch -LLL" in ended.out
    assert f"(entryUUID={key.partition(':')[2]})" in ended.out
