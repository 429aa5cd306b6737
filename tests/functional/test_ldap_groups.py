"""Groups of every size and shape, from the server's answer to what WorkMail shall have."""

from collections.abc import Mapping, Sequence

import pytest

from syncd.model.entry import Snapshot
from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.source import LdapSource
from tests.builders import member
from tests.fakes import crowd
from tests.fakes.byte_proxy import ByteProxy
from tests.fakes.clock import FakeClock
from tests.fakes.hostile_ldap import HostileLdap
from tests.fakes.ldif import folder, person, record
from tests.fakes.scripted_ldap import Script
from tests.fakes.slapd import READER_PASSWORD, Slapd, skip_without_slapd
from tests.fakes.windows_ldap import GROUPS, PEOPLE, ROOT_DSE, WindowsDirectory

MODES = ("keep", "flatten", "direct")
#: The root DSE; both bases, before and after.
AROUND = 5
LARGE = (*crowd.SIZES, 5_000)
#: The script doesn't understand filters within filters.
EVERYBODY = [{"base": PEOPLE, "filter": "(objectClass=user)"}]
#: The standard classes want one member at least.
CLASS = "objectclass ( 1.3.6.1.4.1.55555.2.2 NAME 'crew' SUP top STRUCTURAL MUST cn MAY member )"


def group(name: str) -> str:
    return f"cn={name},{GROUPS}"


def account(name: str) -> str:
    return f"cn={name},{PEOPLE}"


def read(url: str, dn: str, key: str, login: str, **changes: object) -> Snapshot:
    settings = LdapSettings.model_validate(
        {
            "type": "ldap",
            "servers": [url],
            "bind": {"dn": dn, "password": READER_PASSWORD},
            "users": [{"base": PEOPLE}],
            "groups": [{"base": GROUPS, "members": "member"}],
            "timeouts": {"connect": "2s", "receive": "5s"},
            **changes,
        }
    )
    source = LdapSource(
        settings,
        needs={
            Kind.USER: Needs(key=key, attributes=frozenset({login, "cn"})),
            Kind.GROUP: Needs(key=key, attributes=frozenset({"cn"}), references=(member("member"),)),
        },
        clock=FakeClock(),
    )
    return source.read(())


# --- Active Directory ------------------------------------------------------------------------------------------


def windows(sizes: Sequence[int], *, window: int = 1500) -> WindowsDirectory:
    people = [account(f"p{number}") for number in range(max(sizes))]
    return WindowsDirectory(people, crowd.groups(sizes, person=account, group=group), window=window)


def read_windows(directory: WindowsDirectory, **changes: object) -> Snapshot:
    with HostileLdap(reply=Script(directory, root_dse=ROOT_DSE)) as server:
        return read(
            f"ldap://127.0.0.1:{server.port}", "cn=reader", "objectGUID", "sAMAccountName", users=EVERYBODY, **changes
        )


def pieces(members: Mapping[str, Sequence[str]], window: int) -> dict[str, int]:
    """Return in how many further pieces each group comes."""
    return {dn: -(-len(listed) // window) - 1 for dn, listed in members.items() if len(listed) > window}


@pytest.mark.parametrize("window", [1500, 1000, 1499, 1501, 7_777])
def test_groups_in_ranges_are_read_once_and_whole(window: int) -> None:
    """Whatever the server's window: each group is read to its end, and no piece of it twice."""
    directory = windows(crowd.SIZES, window=window)

    snapshot = read_windows(directory)

    for nested in MODES:
        desired = crowd.mapped(snapshot, key="objectGUID", login="sAMAccountName", nested=nested)
        crowd.assert_right(snapshot, desired, nested, crowd.SIZES)
    assert directory.pieces == pieces(directory.groups, window)


def test_fifty_thousand_members_in_ranges() -> None:
    """34 pieces of 1,500, each asked for once."""
    directory = windows((0, 50_000))

    snapshot = read_windows(directory)

    desired = crowd.mapped(snapshot, key="objectGUID", login="sAMAccountName", nested="keep")
    crowd.assert_right(snapshot, desired, "keep", (0, 50_000))
    assert directory.pieces == {group("g50000"): 33}


@pytest.mark.parametrize("page_size", [1, 999, 1000, 1001, 5000])
def test_pages_no_larger_than_the_server_likes(page_size: int) -> None:
    """MaxPageSize makes pages smaller than asked for: everybody is read all the same."""
    size = 30 if page_size == 1 else 2500
    directory = WindowsDirectory([account(f"p{number}") for number in range(size)], {})

    snapshot = read_windows(directory, page_size=page_size)

    assert len({user.identity for user in snapshot.of(Kind.USER)}) == len(snapshot.of(Kind.USER)) == size
    assert directory.searches == AROUND - 1 + -(-size // min(page_size, 1000)) + 1


# --- OpenLDAP --------------------------------------------------------------------------------------------------


@skip_without_slapd
def test_groups_of_every_size_and_shape(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Up to 5,000 members; people and groups are read in one search each, and no group by itself."""
    ldif = folder(PEOPLE) + folder(GROUPS)
    ldif += "".join(person(account(f"p{number}"), f"p{number}", cn=f"p{number}") for number in range(max(LARGE)))
    listed = crowd.groups(LARGE, person=account, group=group)
    ldif += "".join(record(dn, "crew", member=members) for dn, members in listed.items())
    server = Slapd(folder=tmp_path_factory.mktemp("slapd") / "slapd", settings=(CLASS,))
    with server.load(ldif), ByteProxy(upstream=server.port) as proxy:
        queries = [{"base": GROUPS, "filter": "(objectClass=crew)", "members": "member"}]
        snapshot = read(proxy.url, server.reader, "entryUUID", "uid", groups=queries)
        messages = proxy.messages

    # Each entry is one message, each page and each look has an end; a look at a base shows it; one answer to the bind.
    entries, pages = len(snapshot.of(Kind.USER)) + len(snapshot.of(Kind.GROUP)), max(LARGE) // 1000 + 1
    assert messages == 1 + entries + pages + 2 * AROUND
    for nested in MODES:
        desired = crowd.mapped(snapshot, key="entryUUID", login="uid", nested=nested)
        crowd.assert_right(snapshot, desired, nested, LARGE)
