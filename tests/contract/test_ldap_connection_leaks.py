"""Nothing leaks: to a server that isn't who it should be, not one byte of the password goes."""

import ssl
import warnings
from pathlib import Path
from typing import Literal

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncd.errors import SourceUnreachable
from syncd.sources.ldap.binding import BindBreaker
from syncd.sources.ldap.connection import open_session
from syncd.sources.ldap.failures import SearchFailed
from syncd.sources.ldap.settings_connection import ConnectionSettings
from tests.fakes.authority import Authority, Identity
from tests.fakes.clock import FakeClock
from tests.fakes.hostile_ldap import HostileLdap
from tests.fakes.slapd import READER_PASSWORD, SUFFIX, Slapd, skip_without_slapd

PASSWORD = "canary-7f3a-password"
WAYS = ["ldaps", "starttls"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "Stranger Root")


def settings_for(server: HostileLdap, way: str, ca_file: Path | None, host: str = "localhost") -> ConnectionSettings:
    scheme = "ldaps" if way == "ldaps" else "ldap"
    return ConnectionSettings.model_validate(
        {
            "servers": f"{scheme}://{host}:{server.port}",
            "tls": {"ca_file": ca_file, "start_tls": way == "starttls"},
            "bind": {"dn": f"cn=reader,{SUFFIX}", "password": PASSWORD},
            "timeouts": {"connect": "2s", "receive": "2s"},
        }
    )


def refused(server: HostileLdap, way: str, ca_file: Path | None, host: str = "localhost") -> str:
    """Try to open a session with *server*; return what was said, after looking that nothing leaked."""
    with pytest.raises(SourceUnreachable) as caught:
        open_session(settings_for(server, way, ca_file, host), clock=FakeClock(), breaker=BindBreaker())
    assert server.connections > 0
    assert PASSWORD.encode() not in server.heard
    assert b"cn=reader" not in server.heard
    return str(caught.value)


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_can_be_trusted_gets_the_password(way: str, authority: Authority) -> None:
    """The same server with the right certificate is bound to: so the tests below would notice a leak."""
    with HostileLdap(identity=authority.issue("localhost"), tls_from_start=way == "ldaps") as server:
        with pytest.raises(SourceUnreachable):
            open_session(settings_for(server, way, authority.ca_file), clock=FakeClock(), breaker=BindBreaker())

        assert PASSWORD.encode() in server.heard


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("self-signed", "'Example Host', which is no authority known here (it signed itself); set tls.ca_file"),
        ("stranger", "was issued by 'Stranger Root', which is no authority known here; set tls.ca_file"),
        ("wrong name", "the certificate is for dc1.corp.example, 10.0.0.9, you connected to localhost; use "),
        ("expired", "its certificate expired on "),
        ("client only", "its certificate is not made for servers"),
    ],
)
def test_an_untrusted_certificate(kind: str, said: str, way: str, authority: Authority, stranger: Authority) -> None:
    """No byte of the password reaches a server with such a certificate, and the error names what is wrong with it."""
    identity = bad_identity(kind, authority, stranger)
    with HostileLdap(identity=identity, tls_from_start=way == "ldaps") as server:
        assert said in refused(server, way, authority.ca_file)


def bad_identity(kind: str, authority: Authority, stranger: Authority) -> Identity:
    if kind == "self-signed":
        return authority.issue("localhost", common_name="Example Host", signed_by_itself=True)
    if kind == "stranger":
        return stranger.issue("localhost")
    if kind == "wrong name":
        return authority.issue("dc1.corp.example", "10.0.0.9")
    if kind == "expired":
        return authority.issue("localhost", days=-3)
    return authority.issue("localhost", usages=[ExtendedKeyUsageOID.CLIENT_AUTH])


@pytest.mark.parametrize("way", WAYS)
def test_an_address_must_be_in_the_certificate(way: str, authority: Authority) -> None:
    """Who connects to an address is told to use the name, or to add the IP; a name that resolves to it doesn't do."""
    with HostileLdap(identity=authority.issue("localhost"), tls_from_start=way == "ldaps") as server:
        said = refused(server, way, authority.ca_file, "127.0.0.1")

    assert "the certificate is for localhost, you connected to 127.0.0.1" in said
    assert "use localhost in servers, or add the IP to the certificate" in said


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_an_old_version_of_tls(way: str, version: ssl.TLSVersion, authority: Authority) -> None:
    """A server that knows nothing newer than TLS 1.1 gets nothing."""
    with warnings.catch_warnings():
        # Python warns of versions that nobody should use; this is the test that nobody does.
        warnings.simplefilter("ignore", DeprecationWarning)
        with HostileLdap(
            identity=authority.issue("localhost"), tls_from_start=way == "ldaps", newest=version
        ) as server:
            assert "it offers no TLS 1.2 or newer" in refused(server, way, authority.ca_file)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("refuse", 'the server refuses StartTLS: result 2 (protocolError): "no StartTLS here"'),
        ("strip", "handshake"),
        ("inject", "something was sent in clear text behind the answer to StartTLS"),
    ],
)
def test_start_tls_that_does_not_start(
    answer: Literal["refuse", "strip", "inject"], said: str, authority: Authority
) -> None:
    """Where StartTLS is refused, stripped or tampered with, nothing is sent in clear text."""
    with HostileLdap(identity=authority.issue("localhost"), start_tls=answer) as server:
        assert said in refused(server, "starttls", authority.ca_file)


def test_plain_ldap_where_ldaps_is_expected(authority: Authority) -> None:
    """A server that speaks no TLS on the port of LDAPS gets a handshake, and nothing else."""
    with HostileLdap() as server:
        said = refused(server, "ldaps", authority.ca_file)

    assert "handshake" in said


def test_no_authority_is_trusted_by_default_but_those_of_the_machine(authority: Authority) -> None:
    """Without ca_file, a certificate of an unknown authority is refused: nothing means 'trust everybody'."""
    with HostileLdap(identity=authority.issue("localhost"), tls_from_start=True) as server:
        assert "no authority known here" in refused(server, "ldaps", None)


@skip_without_slapd
def test_a_referral_is_not_followed(tmp_path: Path) -> None:
    """A referral object that names a second server: that one isn't even connected to, and the search is incomplete."""
    with HostileLdap() as second:
        referral = (
            f"dn: ou=elsewhere,{SUFFIX}\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\n"
            f"ref: ldap://127.0.0.1:{second.port}/ou=elsewhere,{SUFFIX}\n\n"
        )
        with Slapd(folder=tmp_path / "slapd").load(referral) as slapd:
            settings = ConnectionSettings.model_validate(
                {"servers": slapd.url, "bind": {"dn": slapd.reader, "password": READER_PASSWORD}}
            )
            with open_session(settings, clock=FakeClock(), breaker=BindBreaker()) as session:
                for base in (SUFFIX, f"ou=elsewhere,{SUFFIX}", f"uid=a,ou=elsewhere,{SUFFIX}"):
                    with pytest.raises(SearchFailed) as caught:
                        list(session.search(base, scope="sub", filter="(objectClass=*)", attributes=["cn"]))
                    assert caught.value.code == 10
                    assert f"ldap://127.0.0.1:{second.port}/" in str(caught.value)
                    assert "syncd follows no referral" in str(caught.value)
        assert second.connections == 0
        assert not second.heard


def test_an_injected_bind_answer_is_not_believed(authority: Authority) -> None:
    """An answer that was sent before the question, in clear text, never counts as a bind."""
    with HostileLdap(identity=authority.issue("localhost"), start_tls="inject") as server:
        refused(server, "starttls", authority.ca_file)

        assert server.connections == 1
