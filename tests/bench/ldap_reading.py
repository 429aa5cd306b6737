"""Reading an LDAP directory from socket to entries, against ldapsearch, ldap3's own search, and python-ldap.

100,000 people with 8 attributes and 10,000 groups with 1,000,000 memberships in a slapd on loopback. All readers take
turns over the same server, and the fastest of each counts: what else the machine does falls on all. "Read" ends with
decoded entries as the server wrote them, as it does for the others; "as entries" with what the mapping takes, values
checked and members resolved, for which the others have nothing to compare.

Needs slapd. python-ldap must be compiled, so it is compared only where it is: in this environment, or in a folder of
its own (apt-get install libldap-dev libsasl2-dev gcc; pip install --target .cache/python-ldap python-ldap).
"""

import importlib
import importlib.util
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import ldap3

from syncd.model.entry import Snapshot
from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.sources.ldap.binding import BindBreaker
from syncd.sources.ldap.connection import open_session
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.settings_connection import ConnectionSettings
from syncd.sources.ldap.source import LdapSource
from tests.builders import member
from tests.fakes.clock import FakeClock
from tests.fakes.slapd import READER_PASSWORD, SLAPD, SUFFIX, Slapd

USERS, GROUPS, PER_GROUP = 100_000, 10_000, 100
#: ldap3 takes ten seconds for all of them: the first of them tell its rate.
PART = 20_000
ATTRIBUTES = ("uid", "cn", "sn", "givenName", "mail", "employeeNumber", "departmentNumber", "title")
EVERYBODY, EVERY_GROUP = "(objectClass=inetOrgPerson)", "(objectClass=groupOfNames)"
ROUNDS = 5
LIMITS = {"ldapsearch": 1.6, "ldap3": 1 / 6, "python-ldap": 1.0}
#: No other reader checks values and resolves members, so this limit only tells when syncd itself gets slower.
ENTRIES_LIMIT = 5.0
STREAMED_MIB, HELD_MIB = 150, 250
PYTHON_LDAP = Path(__file__).parents[2] / ".cache" / "python-ldap"


def run() -> list[tuple[str, float, float]]:
    """Return (name, ratio, limit); ratios are times of syncd by times of the other, or MiB by those allowed."""
    if SLAPD is None:
        print("LDAP reading: not measured, slapd is not installed: sudo apt-get install slapd ldap-utils")
        return []
    with tempfile.TemporaryDirectory() as folder, Slapd(folder=Path(folder) / "slapd").load(_ldif()) as slapd:
        rows = [("LDAP: read: syncd / ldapsearch -E pr=1000", _everything(slapd, _read), LIMITS["ldapsearch"])]
        rows.append(("LDAP: as entries: syncd / ldapsearch", _everything(slapd, _held), ENTRIES_LIMIT))
        rows.append(("LDAP: read: syncd / ldap3's paged search", _part(slapd, "ldap3"), LIMITS["ldap3"]))
        if _has_python_ldap():
            rows.append(("LDAP: read: syncd / python-ldap", _part(slapd, "python-ldap"), LIMITS["python-ldap"]))
        else:
            print("LDAP: python-ldap is not installed, and not compared: see tests/bench/ldap_reading.py")
        for limit, how in ((STREAMED_MIB, "streamed"), (HELD_MIB, "held")):
            rows.append((f"LDAP: memory / {limit} MiB, {how}", _mebibytes(slapd, how) / limit, 1.0))
    return rows


def _has_python_ldap() -> bool:
    if PYTHON_LDAP.is_dir() and str(PYTHON_LDAP) not in sys.path:
        sys.path.append(str(PYTHON_LDAP))
    return importlib.util.find_spec("ldap") is not None


def _ldif() -> str:
    people = "".join(
        f"dn: uid=u{n:06d},{SUFFIX}\nobjectClass: inetOrgPerson\nuid: u{n:06d}\ncn: Person {n}\nsn: Family {n % 997}\n"
        f"givenName: Given {n % 499}\nmail: u{n:06d}@corp.example\nemployeeNumber: {100_000 + n}\n"
        f"departmentNumber: {n % 40}\ntitle: Title {n % 60}\n\n"
        for n in range(USERS)
    )
    return people + "".join(
        f"dn: cn=g{n:05d},{SUFFIX}\nobjectClass: groupOfNames\ncn: g{n:05d}\n"
        + "".join(f"member: uid=u{(n * 7919 + k * 101) % USERS:06d},{SUFFIX}\n" for k in range(PER_GROUP))
        + "\n"
        for n in range(GROUPS)
    )


def _everything(slapd: Slapd, reading: Callable[[Slapd], tuple[int, int]]) -> float:
    """People and groups, read whole: syncd by ldapsearch."""

    def searched() -> None:
        for query, attributes in ((EVERYBODY, ATTRIBUTES), (EVERY_GROUP, ("cn", "member"))):
            command = ["ldapsearch", "-LLL", "-x", "-H", slapd.url, "-D", slapd.reader, "-w", READER_PASSWORD]
            command += ["-b", SUFFIX, "-E", "pr=1000/noprompt", query, *attributes]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)

    def read() -> None:
        found = reading(slapd)
        if found != (USERS, GROUPS):
            message = f"read {found} people and groups"
            raise AssertionError(message)

    ours, other = _fastest(read, searched, rounds=ROUNDS)
    return ours / other


def _read(slapd: Slapd) -> tuple[int, int]:
    """Look at everything once; return how many people and groups there are."""
    people = sum(1 for _ in _entries(slapd, EVERYBODY, ATTRIBUTES))
    return people, sum(1 for _ in _entries(slapd, EVERY_GROUP, ("cn", "member")))


def _held(slapd: Slapd) -> tuple[int, int]:
    """Read everything as a cycle does."""
    snapshot = _snapshot(slapd)
    return len(snapshot.of(Kind.USER)), len(snapshot.of(Kind.GROUP))


def _snapshot(slapd: Slapd) -> Snapshot:
    settings = LdapSettings.model_validate(
        {
            "type": "ldap",
            "servers": slapd.url,
            "bind": {"dn": slapd.reader, "password": READER_PASSWORD},
            "users": [{"base": SUFFIX, "filter": EVERYBODY}],
            "groups": [{"base": SUFFIX, "filter": EVERY_GROUP, "members": "member"}],
        }
    )
    source = LdapSource(
        settings,
        needs={
            Kind.USER: Needs(key="employeeNumber", attributes=frozenset(ATTRIBUTES)),
            Kind.GROUP: Needs(key="cn", attributes=frozenset({"cn"}), references=(member("member"),)),
        },
        clock=FakeClock(),
    )
    return source.read(())


def _part(slapd: Slapd, name: str) -> float:
    """The first of the people, or all of them: syncd by another library."""
    count = PART if name == "ldap3" else USERS
    other = _by_ldap3 if name == "ldap3" else _by_python_ldap

    def read() -> None:
        for _ in itertools.islice(_entries(slapd, EVERYBODY, ATTRIBUTES), count):
            pass

    ours, theirs = _fastest(read, lambda: other(slapd, count), rounds=3)
    return ours / theirs


def _entries(slapd: Slapd, query: str, attributes: tuple[str, ...]) -> Iterator[object]:
    bind = {"dn": slapd.reader, "password": READER_PASSWORD}
    settings = ConnectionSettings.model_validate({"servers": slapd.url, "bind": bind})
    with open_session(settings, clock=FakeClock(), breaker=BindBreaker()) as session:
        yield from session.search(SUFFIX, scope="sub", filter=query, attributes=attributes)


def _by_ldap3(slapd: Slapd, count: int) -> None:
    server = ldap3.Server(slapd.url, get_info=ldap3.NONE)
    with ldap3.Connection(server, slapd.reader, READER_PASSWORD, check_names=False) as connection:
        found = connection.extend.standard.paged_search(
            SUFFIX, EVERYBODY, attributes=list(ATTRIBUTES), paged_size=1000, generator=True
        )
        for _ in itertools.islice(found, count):
            pass


def _by_python_ldap(slapd: Slapd, _: int) -> None:
    ldap = importlib.import_module("ldap")
    controls = importlib.import_module("ldap.controls")
    connection = ldap.initialize(slapd.url)
    connection.simple_bind_s(slapd.reader, READER_PASSWORD)
    control = controls.SimplePagedResultsControl(True, size=1000, cookie="")
    while True:
        sent = connection.search_ext(SUFFIX, ldap.SCOPE_SUBTREE, EVERYBODY, list(ATTRIBUTES), serverctrls=[control])
        _, _, _, answered = connection.result3(sent)
        control.cookie = answered[0].cookie
        if not control.cookie:
            return


def _fastest(ours: Callable[[], None], other: Callable[[], None], *, rounds: int) -> tuple[float, float]:
    """Return the fastest of *rounds* turns of each."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for work, kept in zip((ours, other), times, strict=True):
            begun = time.perf_counter()
            work()
            kept.append(time.perf_counter() - begun)
    return min(times[0]), min(times[1])


def _mebibytes(slapd: Slapd, how: str) -> float:
    """Return how much memory a process of its own needs to look at everything once, or to hold it."""
    command = [sys.executable, "-m", "tests.bench.ldap_reading", slapd.url, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def _measure(url: str, how: str) -> None:
    slapd = Slapd(folder=Path(), port=int(url.rpartition(":")[2]))
    # Not getrusage: that remembers the process that this one was forked from.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    snapshot = _snapshot(slapd) if how == "held" else None
    if snapshot is None:
        _read(slapd)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    _measure(*sys.argv[1:])
