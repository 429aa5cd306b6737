"""Which servers are asked, and in which order?

Addresses are `ldaps://host[:port]`, `ldap://host[:port]`, `ldapi:///path/of/socket` and `srv://domain`, which asks DNS
for SRV records (RFC 2782). dnspython asks: the standard library knows no SRV, and what a parser of DNS answers needs
(compression, TCP after truncation, search of several name servers) is no business of a directory sync.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

_PORTS = {"ldap": 389, "ldaps": 636}
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?")
_EXPECTED = "expected ldaps://host[:port], ldap://host[:port], ldapi:///path/of/socket or srv://domain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One address. *host* is the path of the socket for `ldapi`, the domain for `srv`."""

    scheme: str
    host: str
    port: int = 0

    @property
    def host_text(self) -> str:
        """The host as it stands in an address."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine, as far as its name says."""
        return self.scheme == "ldapi" or is_loopback(self.host)

    def __str__(self) -> str:
        if self.scheme == "ldapi":
            return f"ldapi://{quote(self.host, safe='')}"
        return f"{self.scheme}://{self.host_text}" + (f":{self.port}" if self.port else "")


@dataclass(frozen=True, slots=True)
class SrvRecord:
    """One answer of DNS."""

    priority: int
    weight: int
    port: int
    host: str


#: Asks for the SRV records of a name such as `_ldap._tcp.corp.example`; none is an empty list.
SrvQuery = Callable[[str], Sequence[SrvRecord]]


class NotFound(Exception):
    """DNS names no server; the message says why and what to do."""


def parse_server(text: str) -> Server:
    """Return the address that *text* is.

    Raises:
        ValueError: it is none; the message says what is expected.
    """
    scheme, separator, rest = text.strip().partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in (*_PORTS, "ldapi", "srv"):
        message = f"{text!r} is no address of a server: {_EXPECTED}"
        raise ValueError(message)
    if scheme == "ldapi":
        path = unquote(rest)
        if not path.startswith("/"):
            message = f"{text!r} names no socket: write ldapi:///path/of/socket"
            raise ValueError(message)
        return Server(scheme=scheme, host=path)
    host, port = _host_and_port(rest.rstrip("/"), text)
    if scheme == "srv" and port:
        message = f"{text!r}: the ports come from DNS, leave :{port} out"
        raise ValueError(message)
    return Server(scheme=scheme, host=host, port=port or _PORTS.get(scheme, 0))


def _host_and_port(rest: str, text: str) -> tuple[str, int]:
    bracketed = re.fullmatch(r"\[(?P<host>[0-9A-Fa-f:.]+)\](?::(?P<port>\d+))?", rest)
    plain = re.fullmatch(r"(?P<host>[^:/?#@\[\]]+)(?::(?P<port>\d+))?", rest)
    match = bracketed or plain
    if match is None:
        message = f"{text!r} is no address of a server: {_EXPECTED}; a DN is no part of it"
        raise ValueError(message)
    host, port = match["host"], int(match["port"] or 0)
    if not _is_host(host):
        message = f"{text!r}: {host!r} is neither a host name nor an address"
        raise ValueError(message)
    if port > 65535:  # noqa: PLR2004 - the largest port
        message = f"{text!r}: there is no port {port}"
        raise ValueError(message)
    return host, port


def _is_host(host: str) -> bool:
    if ":" in host or re.fullmatch(r"[0-9.]+", host):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True
    return _HOST.fullmatch(host) is not None


def is_loopback(host: str) -> bool:
    """Return whether *host*, a name or an address, is this machine."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower().rstrip(".") in ("localhost", "localhost.localdomain", "ip6-localhost")


def unquoted_dn(url: str) -> str:
    """Return the DN in an LDAP URL (RFC 4516), such as a referral."""
    return unquote(url.partition("://")[2].partition("/")[2].partition("?")[0])


def discover(domain: str, *, start_tls: bool, query: SrvQuery) -> list[Server]:
    """Return the servers that DNS names for *domain*: lowest priority first, then highest weight.

    `_ldaps._tcp` is asked first; where there is none, as in Active Directory, the hosts of `_ldap._tcp` are used by
    LDAPS on its usual port. With *start_tls*, `_ldap._tcp` as it stands. Nobody signs these answers, so a host
    outside *domain* is refused: it may have a perfectly valid certificate of its own.

    Raises:
        NotFound: there is no record, or one that leads out of the domain.
    """
    scheme = "ldap" if start_tls else "ldaps"
    asked = [f"_{scheme}._tcp.{domain}"]
    records = list(query(asked[0]))
    if not records and not start_tls:
        asked.append(f"_ldap._tcp.{domain}")
        records = [
            SrvRecord(
                each.priority, each.weight, _PORTS["ldaps"] if each.port == _PORTS["ldap"] else each.port, each.host
            )
            for each in query(asked[1])
        ]
    records = [record for record in records if record.host.rstrip(".")]
    if not records:
        message = f"DNS has no SRV record {' or '.join(asked)}; check the domain, or list the servers themselves"
        raise NotFound(message)
    inside = "." + domain.lower().rstrip(".")
    for record in records:
        if not record.host.lower().rstrip(".").endswith(inside):
            message = (
                f"DNS says that {record.host.rstrip('.')} is a server of {domain}, outside of it, and nobody signs "
                "that answer; if it is right, list the servers themselves"
            )
            raise NotFound(message)
    records.sort(key=lambda record: (record.priority, -record.weight, record.host.lower(), record.port))
    return [Server(scheme=scheme, host=record.host.rstrip("."), port=record.port) for record in records]


def query_dns(name: str, *, lifetime: float = 10.0, nameservers: Sequence[tuple[str, int]] = ()) -> list[SrvRecord]:
    """Ask DNS; *nameservers* (address and port) instead of those of the machine.

    Raises:
        NotFound: no name server answered.
    """
    import dns.exception  # noqa: PLC0415 - loaded only where srv:// is used
    import dns.nameserver  # noqa: PLC0415 - loaded only where srv:// is used
    import dns.resolver  # noqa: PLC0415 - loaded only where srv:// is used

    try:
        resolver = dns.resolver.Resolver(configure=not nameservers)
        if nameservers:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in nameservers]
        answer = resolver.resolve(name, "SRV", lifetime=lifetime, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as error:
        message = f"DNS can't be asked for {name}: {error}; check /etc/resolv.conf, or list the servers themselves"
        raise NotFound(message) from error
    return [SrvRecord(each.priority, each.weight, each.port, str(each.target)) for each in answer]
