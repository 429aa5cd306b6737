"""What does a certificate say of itself?

A trusted one is read from its connection. A refused one is asked for only after a handshake failed, on connections of
their own, over which nothing else is ever sent: Python shows the contents of a certificate only if it was verified; so
it is fetched unverified, then verified against itself.
"""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

#: What X509_VERIFY_PARAM_set_flags calls NO_CHECK_TIME and PARTIAL_CHAIN; the ssl module names only the second.
_NO_CHECK_TIME, _PARTIAL_CHAIN = 0x200000, 0x80000
#: LDAPMessage 1, extendedReq 1.3.6.1.4.1.1466.20037 (RFC 4511 4.14.1).
_START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a certificate says: whose it is, by whom, until when."""

    names: tuple[str, ...]
    issuer: str
    not_before: str
    not_after: str

    @property
    def expires(self) -> datetime | None:
        """When it ends, None if it doesn't say."""
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(self.not_after), UTC) if self.not_after else None

    @property
    def named(self) -> str:
        """Its names, as one text."""
        return ", ".join(self.names[:5]) + (", …" if len(self.names) > 5 else "") or "nobody"  # noqa: PLR2004 - a line


def fetch_certificate(host: str, port: int, *, start_tls: bool, timeout: float) -> Certificate | None:
    """Return the certificate that *host* shows, None if it can't be had: it is only for an error text."""
    try:
        der = _shown(lambda: _connect(host, port, start_tls=start_tls, timeout=timeout))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=der)
        context.verify_flags = ssl.VerifyFlags(int(context.verify_flags) | _NO_CHECK_TIME | _PARTIAL_CHAIN)
        with _connect(host, port, start_tls=start_tls, timeout=timeout) as plain, context.wrap_socket(plain) as secured:
            return read_certificate(secured.getpeercert() or {})
    except (OSError, ValueError):
        return None


def trusted_chain(secured: ssl.SSLSocket) -> tuple[Certificate, ...]:
    """Return the certificates from the server's own to the authority's, as they were verified.

    The ssl module of Python 3.11 and 3.12 has this behind a private name only; where that is missing, the server's own
    certificate is all.
    """
    ask = getattr(getattr(secured, "_sslobj", None), "get_verified_chain", None)
    found = [each.get_info() for each in ask() or ()] if ask is not None else []
    return tuple(read_certificate(fields) for fields in found or [secured.getpeercert() or {}])


def read_certificate(fields: Any) -> Certificate:  # noqa: ANN401 - nested tuples as the ssl module makes them
    """Return the parts of `SSLSocket.getpeercert()` that people need."""
    names = tuple(str(value) for kind, value in fields.get("subjectAltName", ()) if kind in ("DNS", "IP Address"))
    subject = tuple(value for part in fields.get("subject", ()) for key, value in part if key == "commonName")
    issuer = {key: value for part in fields.get("issuer", ()) for key, value in part}
    return Certificate(
        names=names or subject,
        issuer=issuer.get("commonName") or issuer.get("organizationName") or "",
        not_before=fields.get("notBefore", ""),
        not_after=fields.get("notAfter", ""),
    )


def _shown(connect: Callable[[], socket.socket]) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with connect() as plain, context.wrap_socket(plain) as secured:
        return secured.getpeercert(binary_form=True) or b""


def _connect(host: str, port: int, *, start_tls: bool, timeout: float) -> socket.socket:
    plain = socket.create_connection((host, port), timeout=timeout)
    try:
        if start_tls:
            plain.sendall(_START_TLS)
            plain.recv(4096)
    except OSError:
        plain.close()
        raise
    return plain
