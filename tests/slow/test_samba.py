"""Active Directory, as Samba has it: a domain controller of one's own, alone in a network of its own."""

import itertools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap3
import pytest

from syncd.model.entry import Absence, Entry, Snapshot
from syncd.model.names import Key, Kind, user_key
from syncd.model.needs import Needs
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.source import LdapSource
from tests.builders import member
from tests.fakes.clock import FakeClock
from tests.fakes.debian import need, need_root
from tests.fakes.namespace import Namespace, is_listening, run

PACKAGES = (
    *("samba", "samba-dsdb-modules", "samba-vfs-modules", "winbind", "samba-ad-provision"),
    *("python3-samba", "ldb-tools", "krb5-config", "iproute2"),
)
SUFFIX = "DC=lab,DC=example,DC=com"
PASSWORD = "Passw0rd-of-the-lab"
PEOPLE, LEAVERS = f"OU=Crew,{SUFFIX}", f"OU=Leavers,{SUFFIX}"
LDAP = 389
_NORMAL, _DISABLED = 512, 514
_numbers = itertools.count(1)


@dataclass
class Samba:
    """A running domain controller."""

    namespace: Namespace

    def do(self, method: str, *arguments: object, **options: object) -> Any:  # noqa: ANN401 - ldap3 has no types
        """Call this method of a connection of the one who may do everything; return what its answer holds."""
        return self.do_all([(method, arguments, options)])

    def do_all(self, calls: Sequence[tuple[str, Sequence[object], Mapping[str, object]]]) -> Any:  # noqa: ANN401 - nor here
        """Call all of these over one connection; return what the last answer holds."""

        def inside() -> object:
            server = ldap3.Server("127.0.0.1", port=LDAP, get_info=ldap3.NONE)
            connection: Any = ldap3.Connection(
                server, "administrator@lab.example.com", PASSWORD, auto_bind=True, raise_exceptions=True
            )
            try:
                for method, arguments, options in calls:
                    getattr(connection, method)(*arguments, **options)
                return connection.response
            finally:
                connection.unbind()

        return self.namespace.call(inside)

    def add_people(self, people: Mapping[str, Mapping[str, Any]], base: str = PEOPLE) -> None:
        usual = {"userAccountControl": 544}
        entries = [(f"CN={name},{base}", {"sAMAccountName": name, **usual, **said}) for name, said in people.items()]
        self.do_all([("add", (dn, "user", attributes), {}) for dn, attributes in entries])

    def add_group(self, name: str, members: list[str], base: str = PEOPLE) -> str:
        dn = f"CN={name},{base}"
        self.do("add", dn, "group", {"sAMAccountName": name} | ({"member": members} if members else {}))
        return dn

    def read(self, known: tuple[Key, ...] = (), **changes: object) -> Snapshot:
        """Return what a source reads."""
        settings = LdapSettings.model_validate(
            {
                "type": "ldap",
                "servers": ["ldap://127.0.0.1"],
                "bind": {"dn": "administrator@lab.example.com", "password": PASSWORD},
                "users": [{"base": PEOPLE}],
                "groups": [{"base": SUFFIX}],
                **changes,
            }
        )
        wanted = frozenset(
            {"sAMAccountName", "mail", "disabled", "dn", "proxy_primary", "proxy_aliases", "whenCreated"}
        )
        source = LdapSource(
            settings,
            needs={
                Kind.USER: Needs(key="objectGUID", attributes=wanted),
                Kind.GROUP: Needs(key="objectGUID", attributes=frozenset({"cn"}), references=(member("member"),)),
            },
            clock=FakeClock(),
        )
        return self.namespace.call(lambda: source.read(known))


@pytest.fixture(scope="module")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    """A new domain with two folders."""
    need_root("a domain controller listens on fixed ports, so it needs a network namespace")
    need("samba-tool", PACKAGES)
    need("samba", PACKAGES)
    need("ip", ["iproute2"])
    folder = tmp_path_factory.mktemp("samba")
    _provision(folder)
    namespace = Namespace(f"exec samba -s {folder}/etc/smb.conf -i -M single --debug-stdout", log=folder / "samba.log")
    try:
        namespace.wait_for(lambda: namespace.call(lambda: is_listening(LDAP)))
        found = Samba(namespace)
        for dn in (PEOPLE, LEAVERS):
            found.do("add", dn, "organizationalUnit")
        yield found
    finally:
        namespace.close()


def _provision(folder: Path) -> None:
    run(
        [
            *("samba-tool", "domain", "provision", "--server-role=dc", "--use-rfc2307"),
            *("--realm=LAB.EXAMPLE.COM", "--domain=LAB", f"--adminpass={PASSWORD}", "--dns-backend=SAMBA_INTERNAL"),
            *(f"--targetdir={folder}", "--host-name=dc1", "--host-ip=127.0.0.1"),
            *("--option=interfaces=lo", "--option=bind interfaces only=yes"),
        ]
    )
    file = folder / "etc" / "smb.conf"
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "dns forwarder" not in line]
    more = [
        "\tserver services = ldap",
        "\tldap server require strong auth = no",
        f"\tpid directory = {folder}",
        f"\tlog file = {folder}/log.%m",
        f"\tncalrpc dir = {folder}/ncalrpc",
    ]
    at = lines.index("[global]") + 1
    file.write_text("\n".join([*lines[:at], *more, *lines[at:], ""]), encoding="utf-8")


def name() -> str:
    """Return a name that no other test uses."""
    return f"p{next(_numbers)}"


def called(snapshot: Snapshot, name: str) -> Entry:
    (found,) = (user for user in snapshot.of(Kind.USER) if user.attributes["sAMAccountName"] == (name,))
    return found


def members(snapshot: Snapshot, name: str) -> set[str]:
    (group,) = (group for group in snapshot.of(Kind.GROUP) if group.attributes["cn"] == (name,))
    return set(group.attributes.get("member", ()))


def test_active_directory_is_recognized_and_its_people_are_read(samba: Samba) -> None:
    """People and nobody else; the key is the one that Windows shows; times and addresses are canonical."""
    ada = name()
    addresses = ["SMTP:ada@lab.example", "smtp:al@lab.example", "X400:c=de"]
    samba.add_people({ada: {"mail": "ada@lab.example"}})
    # proxyAddresses comes with Exchange; another text attribute of the same form stands in for it.
    samba.do("modify", f"CN={ada},{PEOPLE}", {"proxyAddresses": [(ldap3.MODIFY_REPLACE, addresses)]})
    samba.do("add", f"CN=pc-{ada},{PEOPLE}", "computer", {"sAMAccountName": f"pc-{ada}$"})
    samba.do("add", f"CN=contact-{ada},{PEOPLE}", "contact")

    snapshot = samba.read()

    found = called(snapshot, ada)
    (answer,) = samba.do("search", f"CN={ada},{PEOPLE}", "(objectClass=*)", ldap3.BASE, attributes=["objectGUID"])
    (raw,) = answer["raw_attributes"]["objectGUID"]
    assert found.identity == str(uuid.UUID(bytes_le=raw))
    assert found.attributes["mail"] == ("ada@lab.example",)
    assert found.attributes["proxy_primary"] == ("ada@lab.example",)
    assert found.attributes["proxy_aliases"] == ("al@lab.example",)
    assert found.attributes["whenCreated"][0].endswith("Z")
    names = {user.attributes["sAMAccountName"][0] for user in snapshot.of(Kind.USER)}
    assert not any(each.startswith(("pc-", "contact-")) for each in names)
    assert snapshot.rejections == ()


def test_everybody_is_in_the_primary_group(samba: Samba) -> None:
    """Domain Users has no member value for them."""
    ada = name()
    samba.add_people({ada: {}})
    snapshot = samba.read()

    assert called(snapshot, ada).attributes["dn"][0] in members(snapshot, "Domain Users")
    assert called(snapshot, ada).attributes["dn"][0] not in members(snapshot, "Domain Guests")


def test_disabled_accounts_are_told_from_mailboxes_that_belong_to_nobody(samba: Samba) -> None:
    """A leaver's account is disabled; without Exchange's schema there is no room to tell it from."""
    ada, leaver = name(), name()
    samba.add_people({ada: {}, leaver: {"userAccountControl": _DISABLED}})
    snapshot = samba.read()

    assert called(snapshot, ada).attributes["disabled"] == ("false",)
    assert called(snapshot, leaver).attributes["disabled"] == ("true",)


def test_a_large_group_is_read_whole_in_pages(samba: Samba) -> None:
    """1,501 members and a page size below the number of people."""
    people: dict[str, dict[str, Any]] = {name(): {} for _ in range(1501)}
    samba.add_people(people)
    group = name()
    samba.add_group(group, [f"CN={each},{PEOPLE}" for each in people])

    snapshot = samba.read(page_size=500)

    assert members(snapshot, group) == {f"cn={each},{PEOPLE.lower()}" for each in people}


def test_nested_and_circular_groups_come_out_as_they_are(samba: Samba) -> None:
    """Groups in groups, around in a circle, and members outside of the searches."""
    ada, first, second = name(), name(), name()
    samba.add_people({ada: {}})
    inner = samba.add_group(first, [f"CN={ada},{PEOPLE}", f"CN=Administrator,CN=Users,{SUFFIX}"])
    outer = samba.add_group(second, [inner])
    samba.do("modify", inner, {"member": [(ldap3.MODIFY_ADD, [outer])]})

    snapshot = samba.read()

    assert members(snapshot, second) == {inner.lower()}
    outside = f"cn=administrator,cn=users,{SUFFIX.lower()}"
    assert members(snapshot, first) == {f"cn={ada},{PEOPLE.lower()}", outer.lower(), outside}


def test_moved_disabled_and_gone_are_three_words(samba: Samba) -> None:
    """Looked up by `<GUID=…>`, outside of base and filter; a renamed entry keeps its key."""
    here, moved, disabled, gone = (name() for _ in range(4))
    samba.add_people({each: {} for each in (here, moved, disabled, gone)})
    before = samba.read()
    keys = {each: user_key(called(before, each).identity) for each in (here, moved, disabled, gone)}

    samba.do("modify_dn", f"CN={here},{PEOPLE}", f"CN=renamed-{here}")
    for each in (moved, disabled):
        samba.do("modify_dn", f"CN={each},{PEOPLE}", f"CN={each}", new_superior=LEAVERS)
    change = {"userAccountControl": [(ldap3.MODIFY_REPLACE, [_DISABLED])]}
    samba.do("modify", f"CN={disabled},{LEAVERS}", change)
    samba.do("delete", f"CN={gone},{PEOPLE}")
    after = samba.read(tuple(keys.values()))

    assert user_key(called(after, here).identity) == keys[here]
    assert called(after, here).origin == f"CN=renamed-{here},{PEOPLE}"
    assert after.absences == {
        keys[moved]: Absence.MOVED,
        keys[disabled]: Absence.DISABLED,
        keys[gone]: Absence.GONE,
    }


def test_a_search_of_the_whole_domain_is_complete(samba: Samba) -> None:
    """Active Directory refers to its DNS zones and its configuration: nobody lives there."""
    snapshot = samba.read(users=[{"base": SUFFIX}])

    assert "Administrator" in {user.attributes["sAMAccountName"][0] for user in snapshot.of(Kind.USER)}
