"""What an administrator is told: about TLS, refused binds, result codes, and how to look for oneself."""

import socket
import ssl
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from syncd.sources.ldap.binding import BindBreaker, account_of, explain_refusal, is_final
from syncd.sources.ldap.certificates import Certificate, fetch_certificate
from syncd.sources.ldap.failures import Asked, LdapResult, listed, referred, refused, result_name
from syncd.sources.ldap.ldapsearch import ldapsearch_line
from syncd.sources.ldap.servers import parse_server
from syncd.sources.ldap.settings_connection import BindSettings, ConnectionSettings
from syncd.sources.ldap.tls import explain, explain_after_handshake
from syncd.sources.ldap.transport import Insecure, Transport
from tests.fakes.clock import FakeClock
from tests.fakes.slapd import free_port

READER = BindSettings.model_validate({"dn": "cn=reader,dc=corp,dc=example", "password": "sesame"})


def untrusted(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    error.verify_message = "as OpenSSL says it"
    return error


SHOWN = Certificate(
    names=("dc1.corp.example", "ldap.corp.example"),
    issuer="Corp Root",
    not_before="Jan  1 00:00:00 2027 GMT",
    not_after="Mar 31 00:00:00 2026 GMT",
)


@pytest.mark.parametrize(
    ("code", "shown", "reason", "remedy"),
    [
        (62, SHOWN, "for dc1.corp.example, ldap.corp.example, you connected to 10.0.0.5", "use dc1.corp.example in"),
        (64, SHOWN, "you connected to 10.0.0.5", "or add the IP to the certificate"),
        (62, None, "as OpenSSL says it", "use the name in the certificate"),
        (10, SHOWN, "expired on Mar 31 00:00:00 2026 GMT", "renew it"),
        (10, None, "expired on an earlier day", "renew it"),
        (9, SHOWN, "valid only from Jan  1 00:00:00 2027 GMT on", "clock of this machine"),
        (18, SHOWN, "'Corp Root', which is no authority known here (it signed itself)", "set tls.ca_file"),
        (19, SHOWN, "issued by 'Corp Root', which is no authority known here", "set tls.ca_file"),
        (20, None, "issued by somebody, which is no authority known here", "set tls.ca_file"),
        (23, SHOWN, "was revoked", "find out why"),
        (26, SHOWN, "not made for servers", "server authentication"),
        (79, SHOWN, "is refused: as OpenSSL says it", "renew it"),
    ],
)
def test_why_a_certificate_is_refused(code: int, shown: Certificate | None, reason: str, remedy: str) -> None:
    """Every reason for which a certificate is refused has its words, with and without a look at it."""
    why = explain(untrusted(code), "10.0.0.5", shown)

    assert reason in why.reason
    assert remedy in why.remedy


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError("timed out"), "the TLS handshake took too long"),
        (ssl.SSLError(1, "[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol"), "no TLS 1.2 or newer"),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] alert"), "no TLS 1.2 or newer"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "speaks no TLS"),
        (ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]"), "demands a client certificate"),
        (ssl.SSLError(1, "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE]"), "agrees to no cipher"),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), "closed the connection within the TLS handshake"),
        (ConnectionResetError(104, "Connection reset by peer"), "closed the connection within the TLS handshake"),
        (ssl.SSLError(1, "[SSL: SOMETHING_NEW] what"), "the TLS handshake failed: "),
    ],
)
def test_why_a_handshake_failed(error: Exception, reason: str) -> None:
    """Every other failure of a handshake has its words and something to do."""
    why = explain(error, "dc1.corp.example", None)

    assert reason in why.reason
    assert why.remedy


def test_a_client_certificate_is_missed_late() -> None:
    """With TLS 1.3 a server says only after the handshake that it wants a client certificate."""
    assert "set tls.client_certificate" in explain_after_handshake("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]").remedy
    assert explain_after_handshake("the server closed the connection").reason == "the server closed the connection"


def test_no_certificate_can_be_had_from_nobody() -> None:
    """Where nothing answers, the look at the certificate is left out."""
    assert fetch_certificate("127.0.0.1", free_port(), start_tls=False, timeout=1) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("525", "there is no such account"),
        ("52e", "the password is wrong"),
        ("532", "the password has expired"),
        ("533", "the account is disabled"),
        ("701", "the account has expired"),
        ("773", "the password must be changed first"),
        ("775", "the account is locked"),
    ],
)
def test_what_active_directory_means(data: str, reason: str) -> None:
    """The number that Active Directory hides in its message is told in words."""
    said = f"80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {data}, v3839"
    why = explain_refusal(LdapResult(code=49, message=said), READER)

    assert reason in why.reason
    assert "no second try is made within a minute" in why.remedy


@pytest.mark.parametrize(
    ("code", "remedy", "final"),
    [
        (49, "check bind.dn and bind.password", True),
        (8, "use ldaps://", True),
        (13, "use ldaps://", True),
        (48, "check bind", True),
        (53, "locked or its password expired", True),
        (51, "server's log", False),
        (52, "server's log", False),
    ],
)
def test_a_refused_bind(code: int, remedy: str, final: bool) -> None:
    """Each refusal says what to do; another server is asked only where it can help."""
    result = LdapResult(code=code)

    assert remedy in explain_refusal(result, READER).remedy
    assert is_final(result) is final


def test_whose_account_it_is() -> None:
    """Accounts are told apart for people and for the breaker."""
    assert account_of(READER) == "cn=reader,dc=corp,dc=example"
    assert account_of(BindSettings(method="anonymous")) == "anonymous"
    assert account_of(BindSettings(method="gssapi")) == "whoever GSSAPI says"


def test_the_breaker_waits_a_minute_for_one_account() -> None:
    """After a refusal, the account waits a minute, whichever server is first; other accounts don't."""
    breaker = BindBreaker()
    with breaker.turn(("ldaps://dc1", "ldaps://dc2"), "cn=a") as turn:
        assert turn.blocked(100.0) is None
        turn.refused(100.0, "result 49")
    with breaker.turn(("ldaps://dc2", "ldaps://dc1"), "cn=a") as turn:
        why = turn.blocked(130.0)
        assert why is not None
        assert "was refused 30 s ago (result 49)" in why.reason
        assert "possible in 30 s" in why.remedy
        assert turn.blocked(160.0) is None
        turn.succeeded()
        assert turn.blocked(101.0) is None
    with breaker.turn(("ldaps://dc1", "ldaps://dc2"), "cn=b") as turn:
        assert turn.blocked(100.0) is None


def test_errors_name_codes_and_urls() -> None:
    """Codes have names, long lists of references are cut."""
    asked = Asked(server="ldaps://dc1", base="", scope="sub", filter="(uid=*)")

    assert (result_name(4), result_name(999)) == ("sizeLimitExceeded", "unknown")
    assert listed(("a", "b", "c", "d", "e")) == "a, b, c and 2 more"
    assert "'the root'" in str(asked)
    assert "it refers to ldap://a" in str(refused(asked, LdapResult(code=10, referrals=("ldap://a",)), "nothing came"))
    assert referred(asked, ("ldap://a",), "nothing came").code == 10


def line(**changes: object) -> str:
    said = {"servers": "ldaps://dc1.corp.example", "bind": {"dn": "cn=o'hara", "password": "sesame"}, **changes}
    return ldapsearch_line(ConnectionSettings.model_validate(said), "dc=corp", "sub", "(cn=$HOME)", ["mail"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "-H ldaps://dc1.corp.example:636 -x -D 'cn=o'\"'\"'hara' -W -a never -b dc=corp -s sub"),
        ({}, "-E pr=1000/noprompt '(cn=$HOME)' mail"),
        ({"page_size": 0}, "-s sub '(cn=$HOME)' mail"),
        ({"bind": {"method": "gssapi"}}, "-Y GSSAPI -Q"),
        ({"servers": "srv://corp.example"}, "-H ldap:///dc%3Dcorp%2Cdc%3Dexample"),
        ({"servers": "ldap://dc1", "tls": {"start_tls": True, "ca_file": "/etc/c a.pem"}}, "-ZZ"),
        ({"tls": {"ca_file": "/etc/c a.pem"}}, "LDAPTLS_CACERT='/etc/c a.pem' ldapsearch"),
        ({"tls": {"client_certificate": "/c.pem"}}, "LDAPTLS_CERT=/c.pem LDAPTLS_KEY=/c.pem ldapsearch"),
    ],
)
def test_the_line_for_a_shell(changes: dict[str, object], expected: str) -> None:
    """The line is quoted for a shell, and has no secret in it."""
    assert expected in line(**changes)
    assert "sesame" not in line(**changes)


def transport_on(peer: object) -> Transport:
    """A transport that believes to have the socket *peer*."""
    transport = Transport(
        parse_server("ldap://dc1.corp.example"),
        context=ssl.create_default_context(),
        connect_timeout=1,
        receive_timeout=1,
        monotonic=FakeClock().monotonic,
        internals=None,
    )
    transport._connection = SimpleNamespace(socket=peer)
    return transport


@pytest.mark.parametrize(("address", "allowed", "is_sent"), [("192.0.2.7", False, False), ("192.0.2.7", True, True)])
def test_where_a_name_really_leads(address: str, allowed: bool, is_sent: bool) -> None:
    """Before a bind, the address that was really connected to is looked at: a name alone proves nothing."""
    transport = transport_on(SimpleNamespace(getpeername=lambda: (address, 389)))
    check: Callable[[], None] = lambda: transport._assert_secure(plain_allowed=allowed)  # noqa: E731 - for both ways
    if is_sent:
        check()
    else:
        with pytest.raises(Insecure, match="not encrypted"):
            check()


def test_a_tls_connection_of_somebody_else_is_not_enough() -> None:
    """A TLS socket that wasn't made by the strict context is refused: nobody knows what it verified."""
    loose = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    loose.check_hostname = False
    loose.verify_mode = ssl.CERT_NONE

    left, right = socket.socketpair()
    with (
        left,
        right,
        loose.wrap_socket(left, do_handshake_on_connect=False) as secured,
        pytest.raises(Insecure, match="not made by the strict context"),
    ):
        transport_on(secured)._assert_secure(plain_allowed=True)
