"""The connection to a real server: every way to reach it, to prove who one is, and to read all of it."""

import base64
import importlib.util
import os
import shlex
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncd.errors import ConfigurationError, SourceError, SourceIncomplete, SourceUnreachable
from syncd.sources.ldap import connection
from syncd.sources.ldap.binding import BindBreaker, password_file
from syncd.sources.ldap.connection import Session, open_session
from syncd.sources.ldap.exchange import Internals
from syncd.sources.ldap.failures import SearchFailed
from syncd.sources.ldap.ldapsearch import ldapsearch_line
from syncd.sources.ldap.servers import SrvRecord
from syncd.sources.ldap.settings_connection import ConnectionSettings
from tests.fakes import ber
from tests.fakes.authority import Authority
from tests.fakes.byte_proxy import ByteProxy
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver
from tests.fakes.slapd import READER_PASSWORD, SUFFIX, Slapd, free_port, skip_without_slapd

pytestmark = skip_without_slapd
PEOPLE = 45
PHOTO = bytes(range(256)) * 4


def person(number: int) -> str:
    return (
        f"dn: uid=u{number:03d},{SUFFIX}\nobjectClass: inetOrgPerson\nuid: u{number:03d}\ncn: Person {number}\n"
        f"sn: Møller {number}\nmail: u{number:03d}@corp.example\nmail: person.{number}@corp.example\n\n"
    )


GROUPS = (
    f"dn: cn=everybody,{SUFFIX}\nobjectClass: groupOfNames\ncn: everybody\n"
    + "".join(f"member: uid=u{number:03d},{SUFFIX}\n" for number in range(PEOPLE))
    + "\n"
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Slapd]:
    server = Slapd(
        folder=tmp_path_factory.mktemp("slapd"),
        identity=authority.issue("localhost", "127.0.0.1"),
        ca_file=authority.ca_file,
        overlays=["memberof", "retcode"],
    )
    with server.load("".join(person(number) for number in range(PEOPLE)) + GROUPS):
        yield server


def settings_for(*servers: str, slapd: Slapd, **changes: object) -> ConnectionSettings:
    return ConnectionSettings.model_validate(
        {
            "servers": list(servers) or [slapd.url],
            "bind": {"dn": slapd.reader, "password": READER_PASSWORD},
            "timeouts": {"connect": "2s", "receive": "5s"},
            "page_size": 10,
            **changes,
        }
    )


def connect(settings: ConnectionSettings) -> Session:
    return open_session(settings, clock=FakeClock(), breaker=BindBreaker())


def people(session: Session) -> list[str]:
    found = session.search(SUFFIX, scope="sub", filter="(objectClass=inetOrgPerson)", attributes=["uid"])
    return sorted(entry.attributes["uid"][0].decode() for entry in found)


EVERYBODY = [f"u{number:03d}" for number in range(PEOPLE)]


@pytest.mark.parametrize("way", ["ldap", "ldaps", "ldaps by address", "starttls", "ldapi"])
def test_every_way_to_the_server(way: str, slapd: Slapd, authority: Authority) -> None:
    """Over each kind of connection everybody is read, in pages."""
    address = {
        "ldap": slapd.url,
        "ldaps": f"ldaps://localhost:{slapd.tls_port}",
        "ldaps by address": slapd.tls_url,
        "starttls": f"ldap://localhost:{slapd.port}",
        "ldapi": slapd.socket_url,
    }[way]
    tls = {"ca_file": authority.ca_file, "start_tls": way == "starttls"}

    with connect(settings_for(address, slapd=slapd, tls=tls)) as session:
        assert people(session) == EVERYBODY
        assert session.server == address
        assert session.root_dse["namingContexts"] == (SUFFIX.encode(),)


@pytest.mark.parametrize("way", ["ldaps", "starttls", "ldap"])
def test_a_certificate_is_told_of_by_its_configured_name(way: str, slapd: Slapd, authority: Authority) -> None:
    """Until when it is good, under the name of the configuration; without TLS there is none."""
    address, peer = {
        "ldaps": (f"ldaps://localhost:{slapd.tls_port}", f"localhost:{slapd.tls_port}"),
        "starttls": (f"ldap://localhost:{slapd.port}", f"localhost:{slapd.port}"),
        "ldap": (slapd.url, ""),
    }[way]
    observer = RecordingObserver()
    tls = {"ca_file": authority.ca_file, "start_tls": way == "starttls"}
    session = open_session(
        settings_for(address, slapd=slapd, tls=tls),
        clock=FakeClock(),
        event=observer.event,
        breaker=BindBreaker(),
    )
    session.close()
    assert slapd.identity is not None
    shown = x509.load_pem_x509_certificate(slapd.identity.certificate.read_bytes()).not_valid_after_utc

    expected = [("ldap_certificate_seen", {"peer": peer, "expires_at": shown})] if peer else []
    assert observer.events == expected


def test_servers_that_dns_names_are_called_by_their_domain(slapd: Slapd) -> None:
    """Whatever hosts come from the network, one name stands for them: that of the configuration."""
    settings = settings_for("srv://corp.example", "ldaps://[::1]:6360", slapd=slapd)
    found = connection._in_order(
        settings, lambda _: [SrvRecord(0, 0, 636, "dc1.corp.example"), SrvRecord(1, 0, 636, "dc2.corp.example")], []
    )

    assert [(str(server), peer) for server, peer in found] == [
        ("ldaps://dc1.corp.example:636", "corp.example"),
        ("ldaps://dc2.corp.example:636", "corp.example"),
        ("ldaps://[::1]:6360", "[::1]:6360"),
    ]


def test_external_over_the_local_socket(slapd: Slapd) -> None:
    """Over ldapi, the system's user is enough: the server maps it to the reader."""
    with connect(settings_for(slapd.socket_url, slapd=slapd, bind={"method": "external"})) as session:
        assert people(session) == EVERYBODY


def test_external_by_client_certificate(slapd: Slapd, authority: Authority) -> None:
    """Over TLS, a client certificate is enough."""
    client = authority.issue(common_name="client", usages=[ExtendedKeyUsageOID.CLIENT_AUTH])
    tls = {
        "ca_file": authority.ca_file,
        "client_certificate": client.certificate,
        "client_key": client.key,
    }
    with connect(settings_for(slapd.tls_url, slapd=slapd, tls=tls, bind={"method": "external"})) as session:
        assert people(session) == EVERYBODY


def test_external_without_a_certificate_is_refused(slapd: Slapd, authority: Authority) -> None:
    """Without a certificate the server refuses EXTERNAL, and the error says so."""
    settings = settings_for(slapd.tls_url, slapd=slapd, tls={"ca_file": authority.ca_file}, bind={"method": "external"})
    with pytest.raises(SourceUnreachable, match="whoever EXTERNAL says is refused: result"):
        connect(settings)


def test_anonymous_when_said(slapd: Slapd) -> None:
    """An anonymous bind is made when the configuration says so; here it may read nothing, which is no empty answer."""
    with connect(settings_for(slapd=slapd, bind={"method": "anonymous"})) as session:
        with pytest.raises(SearchFailed) as caught:
            people(session)
        assert caught.value.code == 50


def test_values_are_bytes_as_they_are(slapd: Slapd) -> None:
    """Every byte of a value arrives, also those that are no text."""
    photo = f"dn: uid=u001,{SUFFIX}\nchangetype: modify\nreplace: jpegPhoto\njpegPhoto:: {_base64(PHOTO)}\n"
    slapd.modify(photo)
    with connect(settings_for(slapd=slapd)) as session:
        entry = session.lookup(f"uid=u001,{SUFFIX}", ["jpegPhoto", "sn"])

    assert entry is not None
    assert entry.attributes == {"jpegPhoto": [PHOTO], "sn": ["Møller 1".encode()]}


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def test_a_filter_may_hold_any_byte(slapd: Slapd) -> None:
    """An escaped filter reaches the server as it is meant: parentheses, stars and bytes that are no text."""
    with connect(settings_for(slapd=slapd)) as session:
        found = session.search(SUFFIX, scope="sub", filter=r"(cn=Person\20\32\31)", attributes=["uid"])
        assert [entry.dn for entry in found] == [f"uid=u021,{SUFFIX}"]
        for strange in (r"(cn=\28\2a\29\5c)", r"(entryUUID=\ff\fe\00)", r"(|(cn=\c3\28)(!(uid=*)))"):
            assert len(list(session.search(SUFFIX, scope="one", filter=strange, attributes=["1.1"]))) in (0, 2)


def test_the_servers_limit_is_an_error_not_a_short_list(slapd: Slapd) -> None:
    """A server that ends a search at its own limit has not sent everything: adminLimitExceeded for too large pages."""
    with connect(settings_for(slapd=slapd, page_size=5000)) as session:
        with pytest.raises(SearchFailed, match=r"result 11 \(adminLimitExceeded\)") as caught:
            people(session)
        assert "lower page_size" in caught.value.hint


def test_a_size_limit_that_was_asked_for(slapd: Slapd) -> None:
    """Who asks for five entries gets five."""
    with connect(settings_for(slapd=slapd)) as session:
        found = session.search(SUFFIX, scope="sub", filter="(uid=*)", attributes=[], size_limit=5)
        assert len(list(found)) == 5


@pytest.mark.parametrize("code", [3, 4, 10, 11, 32, 50, 51, 52, 53, 80])
def test_result_codes_of_a_real_server(code: int, slapd: Slapd) -> None:
    """Each result code that a server may end with raises, named."""
    with connect(settings_for(slapd=slapd)) as session:
        base = f"cn={code},ou=RetCodes,{SUFFIX}"
        with pytest.raises(SearchFailed) as caught:
            list(session.search(base, scope="base", filter="(objectClass=*)", attributes=[]))
        assert caught.value.code == code
        assert f"result {code} (" in str(caught.value)


# --- failover and errors ------------------------------------------------------------------------------------


def test_the_first_server_that_works_is_used(slapd: Slapd, authority: Authority) -> None:
    """Dead servers and untrusted ones are passed over, and told about."""
    dead = f"ldap://127.0.0.1:{free_port()}"
    wrong = f"ldaps://127.0.0.1:{slapd.port}"
    observer = RecordingObserver()
    settings = settings_for(dead, wrong, slapd.url, slapd=slapd, tls={"ca_file": authority.ca_file})

    with open_session(settings, clock=FakeClock(), event=observer.event, breaker=BindBreaker()) as session:
        assert session.server == slapd.url
    assert [(name, fields["server"]) for name, fields in observer.events] == [
        ("ldap_server_failed", dead),
        ("ldap_server_failed", wrong),
    ]


def test_every_server_that_failed_is_listed(slapd: Slapd) -> None:
    """When none works, the error lists each with its own reason and what to do."""
    dead, nameless = f"ldap://127.0.0.1:{free_port()}", "ldaps://no-such-host.invalid"
    with pytest.raises(SourceUnreachable) as caught:
        connect(settings_for(dead, nameless, slapd=slapd))

    first, second = caught.value.problems
    assert (first.where, first.reason) == (dead, "Connection refused")
    assert second.where == "ldaps://no-such-host.invalid:636"
    assert second.reason.startswith("the name no-such-host.invalid can't be resolved")
    assert "check name and port" in str(caught.value)


def test_a_silent_server_is_given_up(slapd: Slapd) -> None:
    """A server that accepts and says nothing is given up after the receive timeout; the next one is used."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"ldap://127.0.0.1:{silent.getsockname()[1]}"
        settings = settings_for(address, slapd.url, slapd=slapd, timeouts={"connect": "1s", "receive": "1s"})
        with connect(settings) as session:
            assert session.server == slapd.url


def test_a_wrong_password_is_tried_once(slapd: Slapd) -> None:
    """A refused bind is not repeated within a minute, on no server of the directory, also not with the next cycle."""
    clock, breaker = FakeClock(), BindBreaker()
    with ByteProxy(upstream=slapd.port) as proxy:
        settings = settings_for(proxy.url, slapd.url, slapd=slapd, bind={"dn": slapd.reader, "password": "wrong-one"})
        with pytest.raises(SourceUnreachable, match=r"result 49 \(invalidCredentials\); check bind\.dn") as caught:
            open_session(settings, clock=clock, breaker=breaker)
        assert len(caught.value.problems) == 1
        assert "wrong-one" not in str(caught.value)
        clock.advance(seconds=59)
        with pytest.raises(SourceUnreachable, match=r"was refused 59 s ago .* is not tried again so soon"):
            open_session(settings, clock=clock, breaker=breaker)
        assert proxy.from_clients.count(b"wrong-one") == 1
        clock.advance(seconds=2)
        with open_session(settings, clock=clock, breaker=breaker, password=lambda: READER_PASSWORD) as session:
            assert people(session) == EVERYBODY


def test_a_rotated_password_is_used(slapd: Slapd, tmp_path: Path) -> None:
    """The password is read anew for each session."""
    secret = tmp_path / "password"
    secret.write_text("the old one\n", encoding="utf-8")
    settings, clock, breaker = settings_for(slapd=slapd), FakeClock(), BindBreaker()
    with pytest.raises(SourceUnreachable):
        open_session(settings, clock=clock, breaker=breaker, password=password_file(secret))
    secret.write_text(READER_PASSWORD + "\n", encoding="utf-8")
    clock.advance(seconds=61)

    with open_session(settings, clock=clock, breaker=breaker, password=password_file(secret)) as session:
        assert people(session) == EVERYBODY


@pytest.mark.parametrize(("content", "said"), [("", "is empty"), (None, "can't be read: No such file")])
def test_no_password_is_no_anonymous_bind(content: str | None, said: str, slapd: Slapd, tmp_path: Path) -> None:
    """An empty or missing password is said; a bind with a name and no password would succeed as nobody."""
    secret = tmp_path / "password"
    if content is not None:
        secret.write_text(content, encoding="utf-8")
    with pytest.raises(SourceUnreachable, match=said):
        open_session(
            settings_for(slapd=slapd), clock=FakeClock(), breaker=BindBreaker(), password=password_file(secret)
        )


@pytest.mark.skipif(importlib.util.find_spec("gssapi") is not None, reason="the package for Kerberos is here")
def test_gssapi_needs_its_package(slapd: Slapd) -> None:
    """Kerberos without the package that does it: said before anything is tried."""
    with pytest.raises(ConfigurationError, match=r"gssapi is not installed; pip install 'syncd\[gssapi\]'"):
        connect(settings_for(slapd.tls_url, slapd=slapd, bind={"method": "gssapi"}))


# --- reading without the inside of ldap3 ----------------------------------------------------------------------------


def test_ldap3_reads_the_same(slapd: Slapd) -> None:
    """With ldap3's own search, every entry is the same, and the operator is told that it is slow."""
    observer = RecordingObserver()
    attributes = ["*", "+"]
    with connect(settings_for(slapd=slapd)) as fast:
        expected = list(fast.search(SUFFIX, scope="sub", filter="(objectClass=*)", attributes=attributes))
    settings = settings_for(slapd=slapd)
    with open_session(
        settings, clock=FakeClock(), event=observer.event, breaker=BindBreaker(), internals=no_internals
    ) as slow:
        found = list(slow.search(SUFFIX, scope="sub", filter="(objectClass=*)", attributes=attributes))

    assert found == expected
    assert len(found) == PEOPLE + 3
    assert [name for name, _ in observer.events] == ["ldap_fast_reading_unavailable", "ldap_search_sent"]


def no_internals() -> Internals | None:
    """What is found in a later ldap3 that has other names inside."""
    return None


@pytest.mark.parametrize("internals", ["fast", "slow"])
def test_a_cut_after_any_message(internals: str, slapd: Slapd) -> None:
    """Cut the connection after each message of a whole read: always an error, never a short list."""
    with ByteProxy(upstream=slapd.port) as proxy:
        with session_through(proxy, slapd, internals) as session:
            assert people(session) == EVERYBODY
        total = proxy.messages
    assert total > PEOPLE + 5
    for number in range(total):
        with ByteProxy(upstream=slapd.port, cut_after=number, truncate_to=number % 7) as proxy:
            with pytest.raises(SourceError) as caught, session_through(proxy, slapd, internals) as session:
                people(session)
            assert str(proxy.port) in str(caught.value)


def session_through(proxy: ByteProxy, slapd: Slapd, internals: str = "fast") -> Session:
    settings = settings_for(proxy.url, slapd=slapd)
    if internals == "slow":
        return open_session(settings, clock=FakeClock(), breaker=BindBreaker(), internals=no_internals)
    return open_session(settings, clock=FakeClock(), breaker=BindBreaker())


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_messages_may_come_in_pieces(piece: int, slapd: Slapd) -> None:
    """A server whose bytes trickle in is read like any other."""
    with ByteProxy(upstream=slapd.port, piece=piece) as proxy, session_through(proxy, slapd) as session:
        assert people(session) == EVERYBODY


@pytest.mark.parametrize("code", [1, 3, 4, 10, 11, 32, 50, 51, 52, 53, 80])
@pytest.mark.parametrize("page", [0, 2, 4])
def test_any_result_on_any_page(page: int, code: int, slapd: Slapd) -> None:
    """Each result code at the end of the first, a middle and the last page of a real read raises."""
    ends = iter(range(100))

    def rewrite(number: int, message: bytes) -> list[bytes]:
        # The first end belongs to the root DSE.
        if ber.operation_of(message) == 0x65 and next(ends) == page + 1:
            return [ber.done(ber.request_of(message)[0], code, "on purpose", cookie=b"")]
        return [message]

    with ByteProxy(upstream=slapd.port, rewrite=rewrite) as proxy, session_through(proxy, slapd) as session:
        with pytest.raises(SourceIncomplete) as caught:
            people(session)
        assert isinstance(caught.value, SearchFailed)
        assert caught.value.code == code
        assert f"on {page + 1} page" in str(caught.value) or code == 32


@pytest.mark.parametrize("change", ["dropped", "doubled", "swapped"])
def test_lost_and_doubled_ends(change: str, slapd: Slapd) -> None:
    """An end of a page that is lost, comes twice or comes too early is noticed."""
    ends = iter(range(100))

    def rewrite(number: int, message: bytes) -> list[bytes]:
        if ber.operation_of(message) != 0x65 or next(ends) != 2:
            return [message]
        if change == "dropped":
            return []
        if change == "doubled":
            return [message, message]
        return [message[:-1] + b"\xff"]

    timeouts = {"connect": "1s", "receive": "1s"}
    with ByteProxy(upstream=slapd.port, rewrite=rewrite) as proxy:
        settings = settings_for(proxy.url, slapd=slapd, timeouts=timeouts)
        with connect(settings) as session, pytest.raises(SourceIncomplete):
            people(session)


# --- the same by hand -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["simple", "starttls", "external", "anonymous"])
def test_the_printed_line_does_the_same_search(way: str, slapd: Slapd, authority: Authority) -> None:
    """The line for a shell finds the same people, and holds no password."""
    tls: dict[str, object] = {"ca_file": authority.ca_file, "start_tls": way == "starttls"}
    bind: dict[str, object] = {"dn": slapd.reader, "password": READER_PASSWORD}
    if way in ("external", "anonymous"):
        bind = {"method": way}
    server = slapd.socket_url if way in ("external", "anonymous") else slapd.url
    settings = settings_for(server, slapd=slapd, tls=tls, bind=bind)
    line = ldapsearch_line(settings, SUFFIX, "sub", "(&(objectClass=inetOrgPerson)(cn=Person 1*))", ["uid"])

    assert READER_PASSWORD not in line
    # The password is asked for on the terminal, which a test has not.
    runnable = line.replace(" -W ", f" -w {shlex.quote(READER_PASSWORD)} ")
    done = subprocess.run(
        ["/bin/sh", "-c", runnable],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    found = sorted(text.removeprefix("uid: ") for text in done.stdout.splitlines() if text.startswith("uid: "))
    if way == "anonymous":
        assert done.returncode == 50
    else:
        assert found == ["u001", *(f"u{number:03d}" for number in range(10, 20))], done.stderr


def test_bad_tls_files_are_configuration_errors(slapd: Slapd, tmp_path: Path) -> None:
    """A file of the TLS settings that can't be used is named."""
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("no certificate", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"tls.ca_file: {nonsense}: it can't be used"):
        connect(settings_for(slapd.tls_url, slapd=slapd, tls={"ca_file": nonsense}))
    with pytest.raises(ConfigurationError, match="No such file"):
        connect(settings_for(slapd.tls_url, slapd=slapd, tls={"ca_file": tmp_path / "missing.pem"}))


def test_a_domain_without_servers_is_said(slapd: Slapd) -> None:
    """What DNS doesn't know is listed like a server that failed, and the next in the list is used."""
    nothing: list[SrvRecord] = []
    settings = settings_for("srv://corp.example", slapd=slapd)
    with pytest.raises(SourceUnreachable, match=r"srv://corp\.example: DNS has no SRV record _ldaps\._tcp\.corp"):
        open_session(settings, clock=FakeClock(), breaker=BindBreaker(), query=lambda _: nothing)

    settings = settings_for("srv://corp.example", slapd.url, slapd=slapd)
    with open_session(settings, clock=FakeClock(), breaker=BindBreaker(), query=lambda _: nothing) as session:
        assert session.server == slapd.url
