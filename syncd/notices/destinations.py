"""Where notices may go: https anywhere but to link-local and metadata addresses; http to this machine only.

The addresses of a name are looked at when it is used, and the one that was looked at is the one connected to:
a name can't point elsewhere in between (`ops.md` UX-13). Networks that are merely private are where most
receivers stand, so they are allowed.
"""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_PORTS = {"https": 443, "http": 80, "smtps": 465, "smtp": 587}
#: Metadata services that aren't link-local: of AWS over IPv6, of Alibaba Cloud, of Oracle Cloud.
_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192")))
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Returns the addresses of a host: as `socket.getaddrinfo` finds them.
Resolver = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A URL taken apart. What follows the host is kept out of sight: it often is the secret."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)

    @property
    def authority(self) -> str:
        """The host as a `Host` header names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Forbidden(ValueError):
    """Nothing may be sent there."""


def parse_destination(url: str, *, schemes: tuple[str, ...] = ("https", "http")) -> Destination:
    """Return the parts of *url*.

    Raises:
        ValueError: no such URL, or nothing may be sent there; the message doesn't repeat the URL.
    """
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        message = f"must be a URL that begins with {wanted}"
        raise ValueError(message) from None  # the first error may repeat the URL
    host = parts.hostname or ""
    if parts.scheme not in schemes or not host or not url.isascii() or not url.isprintable() or " " in url:
        message = f"must be a URL in ASCII that begins with {wanted} and names a host"
        raise ValueError(message)
    if parts.username is not None or parts.fragment:
        message = "must hold neither user@ nor #fragment"
        raise ValueError(message)
    destination = Destination(
        scheme=parts.scheme,
        host=host,
        port=_PORTS[parts.scheme] if port is None else port,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )
    if parts.scheme == "http" and not is_loopback(host):
        message = "http would show the notice to the network: it is for this machine only, write https"
        raise Forbidden(message)
    literal = _literal(host)
    if literal is not None:
        refuse(literal)
    return destination


def is_loopback(host: str) -> bool:
    """Return whether *host* names this machine."""
    literal = _literal(host)
    return host == "localhost" if literal is None else literal.is_loopback


def refuse(address: _Address) -> None:
    """Let through what a receiver may have.

    Raises:
        Forbidden: a link-local, metadata, multicast, unspecified or reserved address.
    """
    bare = _bare(address)
    if (
        bare.is_link_local
        or bare.is_multicast
        or bare.is_unspecified
        or (bare.is_reserved and not bare.is_loopback)
        or bare in _METADATA
    ):
        message = "is a link-local, metadata or reserved address: no receiver of notices has one"
        raise Forbidden(message)


def resolve(destination: Destination, resolver: "Resolver | None" = None) -> list[str]:
    """Return the addresses of *destination*, each of them allowed.

    Raises:
        Forbidden: one of them isn't.
        OSError: the name has none.
    """
    found = list(dict.fromkeys((resolver or _resolve)(destination.host, destination.port)))
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        refuse(address)
        if destination.scheme == "http" and not _bare(address).is_loopback:
            message = "http goes to this machine only, and its name leads elsewhere"
            raise Forbidden(message)
    return found


def _resolve(host: str, port: int) -> list[str]:
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _bare(address: _Address) -> _Address:
    """Return the IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _literal(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
