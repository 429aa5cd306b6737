import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from syncd.sources.ldap.servers import (
    NotFound,
    SrvQuery,
    SrvRecord,
    discover,
    is_loopback,
    parse_server,
    query_dns,
    unquoted_dn,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ldaps://dc1.corp.example", "ldaps://dc1.corp.example:636"),
        ("LDAP://dc1.corp.example:3268/", "ldap://dc1.corp.example:3268"),
        ("ldaps://[::1]:636", "ldaps://[::1]:636"),
        ("ldaps://10.0.0.5", "ldaps://10.0.0.5:636"),
        ("ldapi:///run/slapd/ldapi", "ldapi://%2Frun%2Fslapd%2Fldapi"),
        ("ldapi://%2Frun%2Fslapd%2Fldapi", "ldapi://%2Frun%2Fslapd%2Fldapi"),
        ("srv://corp.example", "srv://corp.example"),
    ],
)
def test_an_address_is_understood(text: str, expected: str) -> None:
    """Every form of address is read, and shown in one form."""
    assert str(parse_server(text)) == expected
    assert parse_server(expected) == parse_server(text)


@pytest.mark.parametrize(
    "text",
    [
        "dc1.corp.example",
        "https://dc1.corp.example",
        "ldaps://",
        "ldaps://a b",
        "ldaps://user@dc1",
        "ldaps://dc1:port",
        "ldaps://dc1:70000",
        "ldaps://dc1/dc=corp",
        "ldaps://::1",
        "ldaps://1.2.3",
        "ldaps://-dc1",
        "ldapi://",
        "srv://corp.example:636",
        "srv://",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Anything else is refused, and the message quotes it."""
    with pytest.raises(ValueError, match="'") as caught:
        parse_server(text)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("localhost.corp.example", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback_is_this_machine(host: str, expected: bool) -> None:
    """Only names and addresses of this machine may be talked to in clear text."""
    assert is_loopback(host) is expected


def asking(answers: dict[str, list[SrvRecord]], asked: list[str]) -> SrvQuery:
    def query(name: str) -> Sequence[SrvRecord]:
        asked.append(name)
        return answers.get(name, [])

    return query


def found(answers: dict[str, list[SrvRecord]], *, start_tls: bool = False) -> list[str]:
    return [str(server) for server in discover("corp.example", start_tls=start_tls, query=asking(answers, []))]


def test_servers_come_in_their_order() -> None:
    """Lowest priority first, then highest weight."""
    records = [
        SrvRecord(20, 0, 636, "dc3.corp.example."),
        SrvRecord(10, 5, 636, "dc2.corp.example."),
        SrvRecord(10, 90, 1636, "dc1.corp.example."),
    ]

    assert found({"_ldaps._tcp.corp.example": records}) == [
        "ldaps://dc1.corp.example:1636",
        "ldaps://dc2.corp.example:636",
        "ldaps://dc3.corp.example:636",
    ]


def test_active_directory_lists_ldap_only() -> None:
    """Where only _ldap._tcp is listed, its hosts are used by LDAPS on its usual port; with StartTLS as they are."""
    answers = {"_ldap._tcp.corp.example": [SrvRecord(0, 100, 389, "dc1.corp.example.")]}

    assert found(answers) == ["ldaps://dc1.corp.example:636"]
    assert found(answers, start_tls=True) == ["ldap://dc1.corp.example:389"]


@pytest.mark.parametrize("host", ["dc1.evil.example.", "evilcorp.example.", "corp.example.evil."])
def test_a_host_outside_the_domain_is_refused(host: str) -> None:
    """Nobody signs DNS: a host elsewhere may have a perfectly valid certificate, and be somebody else's."""
    with pytest.raises(NotFound, match="outside of it, and nobody signs that answer"):
        found({"_ldaps._tcp.corp.example": [SrvRecord(0, 0, 636, host)]})


@pytest.mark.parametrize("records", [[], [SrvRecord(0, 0, 0, ".")]])
def test_no_record_is_said(records: list[SrvRecord]) -> None:
    """No record, or the one that says that there is no such service, names what was asked for."""
    with pytest.raises(NotFound, match=r"no SRV record _ldaps\._tcp\.corp\.example"):
        found({"_ldaps._tcp.corp.example": records})


@contextmanager
def name_server(*records: str, code: int = dns.rcode.NOERROR) -> Iterator[int]:
    """A name server on loopback that answers every question with *records*."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(120)

        def answer() -> None:
            with suppress(OSError):
                while True:
                    data, client = server.recvfrom(4096)
                    if not data:
                        return
                    question = dns.message.from_wire(data)
                    reply = dns.message.make_response(question)
                    reply.flags |= dns.flags.RA
                    reply.set_rcode(dns.rcode.Rcode(code))
                    if records:
                        reply.answer.append(dns.rrset.from_text(question.question[0].name, 60, "IN", "SRV", *records))
                    server.sendto(reply.to_wire(), client)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", server.getsockname())
        thread.join(timeout=5)


def test_dns_is_asked() -> None:
    """The records of a real name server are read."""
    with name_server("10 5 636 dc1.corp.example.", "20 0 1636 dc2.corp.example.") as port:
        records = query_dns("_ldaps._tcp.corp.example", nameservers=[("127.0.0.1", port)])

    assert sorted((each.priority, each.weight, each.port, each.host) for each in records) == [
        (10, 5, 636, "dc1.corp.example."),
        (20, 0, 1636, "dc2.corp.example."),
    ]


@pytest.mark.parametrize("code", [dns.rcode.NXDOMAIN, dns.rcode.NOERROR])
def test_no_record_is_an_empty_list(code: int) -> None:
    """A name that doesn't exist, or has no such record, is no error of DNS."""
    with name_server(code=code) as port:
        assert query_dns("_ldaps._tcp.corp.example", nameservers=[("127.0.0.1", port)]) == []


def test_a_name_server_that_fails_is_said() -> None:
    """A name server that can't answer is not the answer that there is nothing."""
    with name_server(code=dns.rcode.SERVFAIL) as port, pytest.raises(NotFound, match="DNS can't be asked for"):
        query_dns("_ldaps._tcp.corp.example", nameservers=[("127.0.0.1", port)], lifetime=1)


@pytest.mark.parametrize(
    ("url", "dn"),
    [
        ("ldap://dc2.corp.example/ou=a,dc=corp", "ou=a,dc=corp"),
        ("ldap://dc2.corp.example/ou=a%20b,dc=corp?base?sub", "ou=a b,dc=corp"),
        ("ldap://dc2.corp.example", ""),
    ],
)
def test_the_dn_of_a_referral(url: str, dn: str) -> None:
    """The DN is found in an LDAP URL, unquoted."""
    assert unquoted_dn(url) == dn
