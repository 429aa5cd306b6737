"""What doctor says of directory servers: real ones, and one that follows a script."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from syncd.model.check import Check, Health
from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.sources.ldap.binding import BindBreaker
from syncd.sources.ldap.certificates import trusted_chain
from syncd.sources.ldap.connection import Attempt, Session, open_session, try_each
from syncd.sources.ldap.examination import examine
from syncd.sources.ldap.reachability import examine_servers
from syncd.sources.ldap.servers import SrvRecord
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.source import LdapSource
from tests.fakes.authority import Authority
from tests.fakes.clock import FakeClock
from tests.fakes.hostile_ldap import HostileLdap
from tests.fakes.ldif import folder, person, record
from tests.fakes.scripted_ldap import PAGED, Script, Search
from tests.fakes.slapd import READER_PASSWORD, SUFFIX, Slapd, free_port, skip_without_slapd

PEOPLE = f"ou=people,{SUFFIX}"
CANARY = f"cn=Ada,{PEOPLE}"
CREW = "".join(person(f"cn={name},{PEOPLE}", name.lower(), mail=f"{name}@corp.example") for name in ("Ada", "Bob"))
TODAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Today(FakeClock):
    """The machine's own day: certificates are made and verified by its clock."""

    def __init__(self) -> None:
        super().__init__(datetime.now(UTC))  # noqa: TID251 - OpenSSL asks the machine too


def settings_for(*servers: str, **changes: object) -> LdapSettings:
    said: dict[str, object] = {
        "type": "ldap",
        "servers": list(servers),
        "bind": {"dn": f"cn=reader,{SUFFIX}", "password": READER_PASSWORD},
        "timeouts": {"connect": "2s", "receive": "2s"},
        "flavor": "openldap",
        "users": [{"base": PEOPLE}],
        "canaries": [CANARY],
    }
    return LdapSettings.model_validate({**said, **changes})


def examined(
    settings: LdapSettings,
    *,
    clock: FakeClock | None = None,
    query: Callable[[str], list[SrvRecord]] = lambda _: [],
    attributes: frozenset[str] = frozenset({"mail"}),
) -> list[Check]:
    clock, breaker = clock or Today(), BindBreaker()
    users = Needs(key="entryUUID", attributes=attributes)
    connect = partial(open_session, settings, clock=clock, breaker=breaker, query=query)
    source = LdapSource(settings, needs={Kind.USER: users}, clock=clock, connect=connect)
    attempts = partial(try_each, settings, clock=clock, breaker=breaker, query=query)
    checks = list(examine(settings, source, users, clock, attempts))
    assert all(check.remedy for check in checks if check.health is not Health.OK), checks
    return checks


def of(checks: list[Check], topic: str) -> list[tuple[Health, str]]:
    return [(check.health, check.found) for check in checks if check.topic == topic]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Slapd]:
    server = Slapd(folder=tmp_path_factory.mktemp("slapd"), identity=authority.issue("127.0.0.1", days=400))
    with server.load(folder(PEOPLE) + CREW):
        yield server


@skip_without_slapd
def test_a_good_server_is_told_in_full(slapd: Slapd, authority: Authority) -> None:
    """Certificate, how it was verified, who syncd is, rights, canaries, pages, people, attributes."""
    checks = examined(settings_for(slapd.tls_url, tls={"ca_file": authority.ca_file}))

    assert {check.health for check in checks} == {Health.OK}, checks
    (tls,) = of(checks, "tls")
    assert tls[1].startswith("the certificate is for 127.0.0.1, by Example Root, until ")
    assert tls[1].endswith(f"; TLSv1.3, verified by the authorities in {authority.ca_file}")
    assert of(checks, "bind") == [(Health.OK, f"as {slapd.reader}")]
    assert of(checks, "rights") == [(Health.OK, "1 base to search below, visible to syncd's account")]
    assert of(checks, "canaries") == [(Health.OK, "1 canary, visible to syncd's account")]
    paging = "1000 entries in one answer; a second page came when it was asked for"
    assert of(checks, "paging") == [(Health.OK, paging)]
    assert of(checks, "people") == [(Health.OK, "2, of whom 0 are disabled")]
    assert of(checks, "attributes") == [(Health.OK, "all 1 that the mapping uses are seen in some entry")]


@skip_without_slapd
@pytest.mark.parametrize(
    ("days", "health", "code"), [(-1, Health.FAIL, 69), (2, Health.FAIL, 69), (4, Health.WARN, 0), (31, Health.OK, 0)]
)
def test_the_end_of_a_certificate(slapd: Slapd, authority: Authority, days: int, health: Health, code: int) -> None:
    """Expired or within 3 days it fails, within 30 it is told; the day is named."""
    usual = slapd.identity
    slapd.restart(identity=authority.issue("127.0.0.1", days=days))
    try:
        checks = examined(settings_for(slapd.tls_url, tls={"ca_file": authority.ca_file}))
    finally:
        slapd.restart(identity=usual)

    (tls,) = [check for check in checks if check.topic == "tls"]
    assert (tls.health, tls.exit_code) == (health, code)
    assert ("expired on " if days < 0 else "until ") in tls.found
    assert "renew it" in tls.remedy or health is Health.OK


@skip_without_slapd
def test_an_authority_that_ends_soon_is_told(slapd: Slapd, authority: Authority) -> None:
    """The certificate itself may be good for long: nobody looks at what signed it."""
    soon = FakeClock(Today().now() + timedelta(days=3630))
    checks = examined(settings_for(slapd.tls_url, tls={"ca_file": authority.ca_file}), clock=soon)

    assert [found for _, found in of(checks, "tls") if found.startswith("the authority Example Root ends on ")]


@skip_without_slapd
def test_a_server_that_is_down_is_a_warning_beside_one_that_works(slapd: Slapd) -> None:
    """Each of the servers is tried, whichever comes first; a cycle would go on with the other."""
    down = f"ldap://127.0.0.1:{free_port()}"

    for servers in ((down, slapd.url), (slapd.url, down)):
        checks = examined(settings_for(*servers))
        connections = of(checks, "connection")
        assert sorted(connections) == [
            (Health.OK, f"{slapd.url} answers"),
            (Health.WARN, f"{down}: Connection refused"),
        ]
        assert of(checks, "bind") == [(Health.OK, f"{slapd.url}: as {slapd.reader}")]
        assert of(checks, "people") == [(Health.OK, "2, of whom 0 are disabled")]


def test_no_server_at_all_fails_and_says_what_was_not_looked_at() -> None:
    """Exit code 69 from each; rights, canaries, pages and people can't be told."""
    down = [f"ldap://127.0.0.1:{free_port()}" for _ in range(2)]
    checks = examined(settings_for(*down))

    assert [(check.topic, check.exit_code) for check in checks] == [("connection", 69), ("connection", 69), ("rest", 0)]
    assert checks[-1].found.startswith("not looked at: rights, canaries, pages, people and groups")


def test_a_domain_without_servers_fails() -> None:
    """DNS names nobody: the record that was asked for is told."""
    checks = examined(settings_for("srv://corp.example"))

    assert checks[0].exit_code == 69
    assert "DNS has no SRV record _ldaps._tcp.corp.example" in checks[0].found


@skip_without_slapd
def test_a_wrong_password_is_tried_once(slapd: Slapd) -> None:
    """However many servers there are: more of it would lock the account. The others are connected to all the same."""
    bind = {"dn": slapd.reader, "password": "wrong-password-of-mine"}
    checks = examined(settings_for(slapd.url, f"ldap://localhost:{slapd.port}", bind=bind))

    first, second, rest = checks
    assert [check.topic for check in checks] == ["bind", "bind", "rest"]
    assert "invalidCredentials" in first.found
    assert "is not tried again so soon" in second.found
    assert "wrong-password-of-mine" not in str(checks)
    assert rest.health is Health.WARN


@skip_without_slapd
def test_nobodys_bind_is_told(slapd: Slapd) -> None:
    """Servers show strangers little."""
    checks = examined(settings_for(slapd.url, bind={"method": "anonymous"}))

    assert (Health.WARN, "as nobody: servers show strangers little") in of(checks, "bind")


@skip_without_slapd
def test_the_server_says_whom_it_takes_us_for(slapd: Slapd) -> None:
    """Over the local socket, the name of the account is the server's own choice."""
    checks = examined(settings_for(slapd.socket_url, bind={"method": "external"}))

    assert of(checks, "bind") == [(Health.OK, f"by external; the server calls it dn:{slapd.reader}")]


@skip_without_slapd
def test_without_canaries_the_key_is_named(slapd: Slapd) -> None:
    """A directory that hides people looks like one without them."""
    (canaries,) = [check for check in examined(settings_for(slapd.url, canaries=[])) if check.topic == "canaries"]

    assert canaries.health is Health.WARN
    assert "source.canaries" in canaries.remedy


@skip_without_slapd
def test_a_missing_canary_and_a_missing_base_fail(slapd: Slapd) -> None:
    """65, as a cycle would end; each is named."""
    gone = f"cn=gone,{PEOPLE}"
    checks = examined(settings_for(slapd.url, canaries=[CANARY, gone], users=[{"base": f"ou=nowhere,{SUFFIX}"}]))

    failing = {check.topic: check for check in checks if check.exit_code}
    assert failing["canaries"].exit_code == failing["rights"].exit_code == failing["read"].exit_code == 65
    assert f"the canary {gone} is not there" in failing["canaries"].found
    assert f"the base ou=nowhere,{SUFFIX}" in failing["rights"].found


@skip_without_slapd
def test_a_right_that_is_missing_for_an_attribute_is_told(tmp_path: Path) -> None:
    """Everybody has an address, and syncd's account is not shown it: the attribute is named."""
    access = (
        "access to attrs=userPassword by anonymous auth",
        "access to attrs=mail by * none",
        "access to * by * read",
    )
    with Slapd(folder=tmp_path / "slapd", access=access).load(folder(PEOPLE) + CREW) as server:
        (told,) = of(examined(settings_for(server.url), attributes=frozenset({"mail", "uid"})), "attributes")

    assert told == (Health.WARN, "nobody has mail: it is filled in nowhere, or hidden from syncd's account")


@skip_without_slapd
def test_rejected_entries_are_shown(tmp_path: Path) -> None:
    """An entry that can't be used is named with its reason."""
    twice = record(f"cn=Eve,{PEOPLE}", "inetOrgPerson", cn="Eve", sn="Eve", uid=["eve", "eva"])
    with Slapd(folder=tmp_path / "slapd").load(folder(PEOPLE) + CREW + twice) as server:
        settings = settings_for(server.url)
        clock = Today()
        users = Needs(key="uid", attributes=frozenset({"mail"}))
        source = LdapSource(settings, needs={Kind.USER: users}, clock=clock)
        checks = list(examine(settings, source, users, clock, partial(try_each, settings, clock=clock)))

    assert any("Eve" in found for _, found in of(checks, "rejected"))
    assert of(checks, "key") == [(Health.WARN, "uid may change")]


def answer(search: Search) -> bytes:
    return search.entry(search.base, mail=[b"ada@corp.example"]) + search.end(cookie=b"")


@pytest.mark.parametrize(
    ("told", "health"),
    [
        (b"20260302080000.0Z", Health.OK),
        (b"20260302075830.0Z", Health.WARN),
        (b"20260302060000.0Z", Health.WARN),
        (b"no time", None),
    ],
)
def test_the_clock_of_the_server(told: bytes, health: Health | None) -> None:
    """Active Directory tells its time, and a difference is told: a bind by password doesn't mind it."""
    script = Script(answer, root_dse={"supportedControl": [PAGED.encode()], "currentTime": [told]})
    with HostileLdap(reply=script) as server:
        checks = examined(settings_for(f"ldap://127.0.0.1:{server.port}"), clock=FakeClock(TODAY))

    assert [each[0] for each in of(checks, "clock")] == ([health] if health else [])


class Kerberized:
    """A session by a Kerberos ticket, whose server is an hour behind."""

    server = "ldap://dc1.corp.example"
    secured = None
    root_dse: Mapping[str, tuple[bytes, ...]] = {"currentTime": (b"20260302070000.0Z",)}

    def who_am_i(self) -> str:
        return "u:CORP\\reader"


def test_a_clock_that_kerberos_refuses_fails() -> None:
    """Beyond five minutes no ticket is good."""
    settings = settings_for("ldap://dc1.corp.example", bind={"method": "gssapi"}, allow_plaintext=True)
    attempts = [Attempt(session=cast("Session", Kerberized()))]
    checks = list(examine_servers(settings, lambda: iter(attempts), FakeClock(TODAY)))

    assert [(check.topic, check.exit_code) for check in checks] == [
        ("connection", 0),
        ("tls", 0),
        ("bind", 0),
        ("clock", 69),
    ]
    assert checks[1].health is Health.WARN
    assert checks[2].found == "by gssapi; the server calls it u:CORP\\reader"


def test_a_server_without_pages_is_told() -> None:
    """Then its size limit ends a search; the way out is named."""
    script = Script(answer, root_dse={"supportedControl": [b"1.2.3"]})
    with HostileLdap(reply=script) as server:
        checks = examined(settings_for(f"ldap://127.0.0.1:{server.port}"), clock=FakeClock(TODAY))

    ((health, found),) = of(checks, "paging")
    assert (health, found) == (Health.WARN, "the server doesn't know pages, so its size limit ends a search")


def test_a_directory_of_one_entry_has_no_second_page() -> None:
    """Then nobody can tell whether it would come, and that is said."""
    with HostileLdap(reply=Script(answer)) as server:
        checks = examined(settings_for(f"ldap://127.0.0.1:{server.port}"), clock=FakeClock(TODAY))

    told = "1000 entries in one answer; there are too few entries to see a second page"
    assert of(checks, "paging") == [(Health.OK, told)]


def test_without_the_private_name_the_servers_own_certificate_is_all() -> None:
    """The ssl module promises no more than that one."""

    class Secured:
        def getpeercert(self) -> dict[str, object]:
            return {"subjectAltName": (("DNS", "dc1.corp.example"),), "notAfter": "Mar  2 08:00:00 2026 GMT"}

    (certificate,) = trusted_chain(cast("ssl.SSLSocket", Secured()))

    assert certificate.names == ("dc1.corp.example",)
    assert certificate.expires == TODAY


def test_pages_that_do_not_come_fail() -> None:
    """A server that promises pages and breaks the second ends with 65, before a cycle does."""

    def second_breaks(search: Search) -> bytes:
        if search.cookie:
            return search.end(53, "no second page")
        if search.page_size == 1:
            return search.entry(search.base) + search.end(cookie=b"more")
        return answer(search)

    with HostileLdap(reply=Script(second_breaks)) as server:
        checks = examined(settings_for(f"ldap://127.0.0.1:{server.port}"), clock=FakeClock(TODAY))

    (paging,) = [check for check in checks if check.topic == "paging"]
    assert (paging.health, paging.exit_code) == (Health.FAIL, 65)
