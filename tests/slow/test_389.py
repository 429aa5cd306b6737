"""389 Directory Server: an instance of one's own, with its own view of the folders that it writes to."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap3
import pytest

from syncd.errors import SourceIncomplete
from syncd.model.entry import Absence, Snapshot
from syncd.model.names import Key, Kind, user_key
from syncd.model.needs import Needs
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.source import LdapSource
from tests.builders import member
from tests.fakes.clock import FakeClock
from tests.fakes.debian import need, need_root
from tests.fakes.namespace import Namespace, is_listening

SUFFIX = "dc=lab,dc=example"
PEOPLE, GROUPS, LEAVERS = (f"ou={name},{SUFFIX}" for name in ("people", "groups", "leavers"))
MANAGER, READER = "cn=Directory Manager", f"cn=reader,{SUFFIX}"
PASSWORD = "Passw0rd-of-the-lab"
PORT = 3389
#: Folders that an instance writes to.
_FOLDERS = "/etc/dirsrv /var/lib/dirsrv /var/log/dirsrv /run /dev/shm"
_DEFAULTS = "/usr/share/dirsrv/inf/defaults.inf"
_INSTANCE = f"""\
[general]
config_version = 2
full_machine_name = localhost
strict_host_checking = False
selinux = False
[slapd]
instance_name = lab
port = {PORT}
self_sign_cert = False
root_password = {PASSWORD}
[backend-userroot]
suffix = {SUFFIX}
create_suffix_entry = True
sample_entries = no
"""
_numbers = itertools.count(1)


@dataclass
class Instance:
    """A running server."""

    namespace: Namespace

    def do(self, method: str, *arguments: object, **options: object) -> Any:  # noqa: ANN401 - ldap3 has no types
        """Call this method of a connection of the one who may do everything; return what its answer holds."""

        def inside() -> object:
            server = ldap3.Server("127.0.0.1", port=PORT, get_info=ldap3.NONE)
            connection: Any = ldap3.Connection(server, MANAGER, PASSWORD, auto_bind=True, raise_exceptions=True)
            try:
                getattr(connection, method)(*arguments, **options)
                return connection.response
            finally:
                connection.unbind()

        return self.namespace.call(inside)

    def add_person(self, uid: str, **attributes: object) -> str:
        dn = f"uid={uid},{PEOPLE}"
        said = {"cn": uid, "sn": uid, **attributes}
        self.do("add", dn, ["inetOrgPerson"], said)
        return dn

    def allow(self, rule: str, dn: str = SUFFIX) -> None:
        """Replace the access rules of *dn*."""
        self.do("modify", dn, {"aci": [(ldap3.MODIFY_REPLACE, [rule])]})

    def read(self, known: tuple[Key, ...] = (), *, bind: str = READER, **changes: object) -> Snapshot:
        """Return what a source reads."""
        settings = LdapSettings.model_validate(
            {
                "type": "ldap",
                "servers": [f"ldap://127.0.0.1:{PORT}"],
                "bind": {"dn": bind, "password": PASSWORD},
                "users": [{"base": PEOPLE}],
                "groups": [{"base": GROUPS}],
                **changes,
            }
        )
        source = LdapSource(
            settings,
            needs={
                Kind.USER: Needs(key="nsUniqueId", attributes=frozenset({"uid", "disabled", "dn"})),
                Kind.GROUP: Needs(key="nsUniqueId", attributes=frozenset({"cn"}), references=(member("members"),)),
            },
            clock=FakeClock(),
        )
        return self.namespace.call(lambda: source.read(known))


READABLE = f'(targetattr="* || nsUniqueId || nsAccountLock")(version 3.0; acl "r"; allow (read,search,compare) userdn="ldap:///{READER}";)'
UNREADABLE = f'(targetattr="cn")(version 3.0; acl "n"; allow (read) userdn="ldap:///{MANAGER}";)'


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An empty directory with three folders, and an account that may read it."""
    need_root("the server writes outside of its folder, so it needs a mount namespace")
    need("dscreate", ["389-ds-base"])
    need("ip", ["iproute2"])
    folder = tmp_path_factory.mktemp("389")
    (folder / "lab.inf").write_text(_INSTANCE, encoding="utf-8")
    namespace = Namespace(_script(folder), log=folder / "log", mounts=True)
    try:
        namespace.wait_for((folder / "ready").exists)
        namespace.wait_for(lambda: namespace.call(lambda: is_listening(PORT)))
        found = Instance(namespace)
        for dn in (PEOPLE, GROUPS, LEAVERS):
            found.do("add", dn, "organizationalUnit")
        reader = {"userPassword": PASSWORD, "sn": "reader"}
        found.do("add", READER, "person", reader)
        found.allow(READABLE)
        yield found
    finally:
        namespace.close()


def _script(folder: Path) -> str:
    """Return what makes an instance whose files are all below *folder*."""
    return f"""
mount --make-rprivate /
for each in {_FOLDERS}; do
    mkdir -p {folder}/own$each
    case $each in /run | /dev/shm) ;; *) cp -a $each/. {folder}/own$each/ ;; esac
    mount --bind {folder}/own$each $each
done
mkdir -p /run/lock
chmod 1777 /dev/shm /run/lock
# dscreate asks systemd to start the server, and there is none here.
sed 's/^with_systemd = 1/with_systemd = 0/' {_DEFAULTS} >{folder}/defaults.inf
mount --bind {folder}/defaults.inf {_DEFAULTS}
dscreate from-file {folder}/lab.inf
touch {folder}/ready
exec sleep infinity
"""


def name() -> str:
    """Return a name that no other test uses."""
    return f"p{next(_numbers)}"


def by_uid(snapshot: Snapshot) -> dict[str, str]:
    return {user.attributes["uid"][0]: user.identity for user in snapshot.of(Kind.USER)}


def test_389_is_recognized_and_its_people_are_read(instance: Instance) -> None:
    """The key is `nsUniqueId`, the members are those of all ways."""
    ada, bob, group = name(), name(), name()
    one, two = instance.add_person(ada), instance.add_person(bob)
    instance.do("add", f"cn={group},{GROUPS}", "groupOfUniqueNames", {"uniqueMember": [one.upper(), two]})

    snapshot = instance.read()

    identity = by_uid(snapshot)[ada]
    assert len(identity) == 35
    assert identity.count("-") == 3
    (found,) = (each for each in snapshot.of(Kind.GROUP) if each.attributes["cn"] == (group,))
    assert set(found.attributes["members"]) == {one, two}


def test_a_locked_account_is_disabled(instance: Instance) -> None:
    """`nsAccountLock` says so."""
    ada, locked = name(), name()
    instance.add_person(ada)
    dn = instance.add_person(locked)
    instance.do("modify", dn, {"nsAccountLock": [(ldap3.MODIFY_REPLACE, ["true"])]})

    said = {user.attributes["uid"][0]: user.attributes["disabled"][0] for user in instance.read().of(Kind.USER)}

    assert (said[ada], said[locked]) == ("false", "true")


def test_moved_disabled_and_gone_are_three_words(instance: Instance) -> None:
    """Looked up by `nsUniqueId`; a renamed entry keeps its key."""
    here, moved, locked, gone = (name() for _ in range(4))
    dns = {each: instance.add_person(each) for each in (here, moved, locked, gone)}
    before = by_uid(instance.read())
    keys = {each: user_key(before[each]) for each in dns}

    instance.do("modify_dn", dns[here], f"uid=renamed-{here}")
    for each in (moved, locked):
        instance.do("modify_dn", dns[each], f"uid={each}", new_superior=LEAVERS)
    lock = {"nsAccountLock": [(ldap3.MODIFY_REPLACE, ["true"])]}
    instance.do("modify", f"uid={locked},{LEAVERS}", lock)
    instance.do("delete", dns[gone])
    after = instance.read(tuple(keys.values()))

    assert by_uid(after)[f"renamed-{here}"] == before[here]
    assert after.absences == {
        keys[moved]: Absence.MOVED,
        keys[locked]: Absence.DISABLED,
        keys[gone]: Absence.GONE,
    }


def test_an_account_that_lost_its_rights_is_told_success_and_reads_no_empty_directory(instance: Instance) -> None:
    """389 answers success with no entry at all (`pitfalls.md` A3)."""
    instance.add_person(name())
    assert instance.read().of(Kind.USER)

    instance.allow(UNREADABLE)
    try:
        with pytest.raises(SourceIncomplete, match="not visible to syncd's account"):
            instance.read()
    finally:
        instance.allow(READABLE)


def test_pages_are_read_to_their_end(instance: Instance) -> None:
    """More people than a page, and more than the server's usual limits let a search find at once."""
    people = {name() for _ in range(120)}
    for each in people:
        instance.add_person(each)

    assert people <= by_uid(instance.read(page_size=50)).keys()
