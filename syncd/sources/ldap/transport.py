"""The fence around ldap3, first half: it opens, secures and binds here, and nowhere else.

What it does by default and must not: verify no certificate, follow referrals to any host with the password, wait for
ever, trust any length (`ops.md` F5, F6; `pitfalls.md` H). What it receives passes through `framing.MessageStream`,
which needs semi-private names of ldap3 2.9.1 (`exchange.Internals`); where they are missing, its own search reads,
seven times slower.
"""

import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPExceptionError, LDAPStartTLSError
from ldap3.utils.log import set_library_log_hide_sensitive_data

from syncd.sources.ldap.decoder import Malformed, RawEntry
from syncd.sources.ldap.exchange import Exchange, Internals, PageEnd, Request, read_by_ldap3, result_of
from syncd.sources.ldap.failures import LdapResult
from syncd.sources.ldap.framing import Broken, MessageStream
from syncd.sources.ldap.servers import Server, is_loopback

# ldap3 would write passwords into its log.
set_library_log_hide_sensitive_data(True)


_WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"


class Insecure(Exception):
    """The connection is not what it must be before a secret may be sent; the message says why."""


class HandshakeFailed(Exception):
    """TLS could not be established; *failure* is the error of the ssl module, which ldap3 would replace."""

    def __init__(self, failure: BaseException) -> None:
        super().__init__(str(failure))
        self.failure = failure


class _StrictTls(ldap3.Tls):
    """Hands the socket to our own context; ldap3 calls it before anything else is sent."""

    def __init__(self, context: ssl.SSLContext, host: str, timeout: float, before: Callable[[], None]) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self._host = host
        self._timeout = timeout
        self._before = before
        self.failure: BaseException | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ANN401, ARG002, FBT001, FBT002 - ldap3's signature
        plain = connection.socket
        usual = plain.gettimeout()
        try:
            self._before()
            plain.settimeout(self._timeout)
            secured = self._context.wrap_socket(plain, server_hostname=self._host)
            secured.settimeout(usual)
        except (OSError, ValueError, Insecure) as error:
            # ldap3 makes another error of it, with less to say.
            self.failure = error
            raise
        connection.socket = secured


class Transport:
    """One connection to one server, from the first byte to the last.

    *monotonic* is the clock's; *internals* None makes ldap3 read by itself.
    """

    def __init__(
        self,
        server: Server,
        *,
        context: ssl.SSLContext,
        connect_timeout: float,
        receive_timeout: float,
        monotonic: Callable[[], float],
        internals: Internals | None,
    ) -> None:
        self.server = server
        self._context = context
        self._internals = internals
        self._monotonic = monotonic
        self._limit = connect_timeout + 2 * receive_timeout
        self._tls = _StrictTls(context, server.host, connect_timeout, self._nothing_injected)
        self._connect_timeout = connect_timeout
        self._receive_timeout = max(1, round(receive_timeout))
        self._connection: Any = None
        self._stream: MessageStream | None = None

    @property
    def reads_fast(self) -> bool:
        """Whether entries are decoded here, and not by ldap3."""
        return self._stream is not None

    @property
    def met_ranges(self) -> bool:
        """Whether some attribute may have come in pieces so far."""
        return self._stream is None or self._stream.met_ranges

    @property
    def secured(self) -> ssl.SSLSocket | None:
        """The TLS connection, made by our context; None where there is none."""
        connected = self._connection.socket if self._connection is not None else None
        return connected if isinstance(connected, ssl.SSLSocket) else None

    @property
    def is_encrypted(self) -> bool:
        """Whether a TLS connection stands, made by our context."""
        return self.secured is not None

    @property
    def certificate_ends_at(self) -> datetime | None:
        """When the server's certificate ends; None without TLS."""
        connected = self._connection.socket
        shown = connected.getpeercert() if isinstance(connected, ssl.SSLSocket) else None
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC) if shown else None

    def open(self, *, start_tls: bool) -> None:
        """Connect, and secure the connection if it is LDAPS or *start_tls*; nobody is bound yet.

        Raises:
            Broken: there is no connection.
            HandshakeFailed: there is one, but not to whom it should be.
            Insecure: StartTLS was refused, or somebody interferes.
        """
        failure = Broken("the name has no address")
        for address in self._addresses():
            try:
                # ldap3 would go through the addresses itself, and leave a socket behind for each that fails.
                self._make_connection(address)
                self._connection.open(read_server_info=False)
                if start_tls:
                    self._start_tls()
            except (LDAPExceptionError, OSError, Malformed, Broken) as error:
                translated = self._translated(error)
                if not isinstance(translated, Broken):
                    raise translated from error
                failure = translated
                self.close()
            else:
                return
        raise failure

    def bind(self, *, method: str, dn: str, password: str, plain_allowed: bool) -> LdapResult:
        """Bind, and return how that ended. The connection is looked at once more before anything secret is sent.

        Raises:
            Insecure: it is neither encrypted by our context, nor local, nor *plain_allowed*.
            Broken: the server answers no more, or not usably.
        """
        self._assert_secure(plain_allowed=plain_allowed)
        connection = self._connection
        connection.authentication, connection.sasl_mechanism, connection.sasl_credentials = _AUTHENTICATION[method]
        connection.user, connection.password = (dn or None, password or None) if method == "simple" else (None, None)
        if method == "gssapi":
            # The service's name is that of the server, whatever address it has.
            connection.user, connection.sasl_credentials = dn or None, (self.server.host,)
        try:
            with _TimeLimit(self._stream, self._monotonic() + self._limit):
                connection.bind(read_server_info=False)
        except (LDAPExceptionError, OSError, Malformed, Broken) as error:
            raise self._translated(error) from error
        except Exception as error:
            # GSSAPI raises errors of its own library, and ldap3 anything on an answer that is none.
            raise Broken(f"the bind failed: {type(error).__name__}: {error}") from error
        finally:
            connection.password = None
        return result_of(connection.result)

    def who_am_i(self) -> str:
        """Return who the server takes us for (RFC 4532); "" if it doesn't say.

        Raises:
            Broken: the server answers no more, or not usably.
        """
        try:
            with _TimeLimit(self._stream, self._monotonic() + self._limit):
                self._connection.extended(_WHO_AM_I)
        except (LDAPExceptionError, OSError, Malformed, Broken) as error:
            raise self._translated(error) from error
        said = self._connection.result.get("responseValue")
        return said.decode(errors="replace") if isinstance(said, bytes) else ""

    def page(
        self, request: Request, cookie: bytes, deadline: float, *, sent: int | None = None, ahead: bool = False
    ) -> Generator[list[RawEntry], None, PageEnd]:
        """Ask for one page (all, without a page size); yield its entries as they come, return how it ended.

        *sent* is the number of the request if it is on its way already. With *ahead*, the request for the page after
        it is sent before its entries are decoded, so that the server works meanwhile.

        Raises:
            Broken: the answer was cut off.
            Malformed: it is no LDAP.
        """
        try:
            if self._stream is None or self._internals is None:
                return (yield from read_by_ldap3(self._connection, request, cookie))
            exchange = Exchange(self._connection, self._stream, self._internals, request)
            with _TimeLimit(self._stream, deadline):
                return (yield from exchange.page(cookie, sent, ahead=ahead))
        except (LDAPExceptionError, OSError) as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """End the connection; never raises."""
        connection, self._connection, self._stream = self._connection, None, None
        if connection is None:
            return
        with suppress(LDAPExceptionError, OSError, Malformed, Broken):
            connection.unbind()
        if connection.socket is not None:
            # ldap3 closes nothing that it could not open wholly.
            connection.socket.close()

    def _addresses(self) -> list[str]:
        if self.server.scheme == "ldapi":
            return [f"ldapi://{self.server.host}"]
        try:
            found = socket.getaddrinfo(self.server.host, self.server.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Broken(f"the name {self.server.host} can't be resolved ({_words(error)})") from error
        return list(dict.fromkeys(str(address[4][0]) for address in found))

    def _make_connection(self, address: str) -> None:
        server = ldap3.Server(
            address,
            port=self.server.port or None,
            use_ssl=self.server.scheme == "ldaps",
            tls=self._tls,
            get_info=ldap3.NONE,
            allowed_referral_hosts=[],
            connect_timeout=self._connect_timeout,
        )
        self._connection = ldap3.Connection(
            server,
            client_strategy=ldap3.SYNC,
            auto_bind=ldap3.AUTO_BIND_NONE,
            auto_referrals=False,
            auto_range=False,
            auto_escape=False,
            check_names=False,
            read_only=True,
            receive_timeout=self._receive_timeout,
            return_empty_attributes=False,
        )
        if self._internals is not None:
            self._stream = MessageStream(self._receive, self._monotonic)
            # Without a limit of time for each step up to the bind, a server could send a byte a minute.
            self._stream.deadline = self._monotonic() + self._limit
            self._connection.strategy.receiving = lambda stream=self._stream: [stream.next_message()]

    def _receive(self, size: int) -> bytes:
        try:
            received: bytes = self._connection.socket.recv(size)
        except TimeoutError:
            raise Broken(f"the server sent nothing for {self._receive_timeout} s") from None
        except (OSError, AttributeError) as error:
            raise Broken(f"the connection is broken: {_words(error)}") from error
        return received

    def _start_tls(self) -> None:
        self._connection.start_tls(read_server_info=False)
        if not self.is_encrypted:
            raise Insecure("StartTLS did not start TLS")

    def _nothing_injected(self) -> None:
        """What came in clear text behind the answer to StartTLS would be taken for the server's own words."""
        if self._stream is not None and self._stream.leftover:
            raise Insecure("something was sent in clear text behind the answer to StartTLS: somebody interferes")

    def _assert_secure(self, *, plain_allowed: bool) -> None:
        connected = self._connection.socket
        if isinstance(connected, ssl.SSLSocket):
            context = connected.context
            if context is self._context and context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED:
                return
            raise Insecure("the TLS connection was not made by the strict context")
        if self.server.scheme == "ldap" and (plain_allowed or is_loopback(str(connected.getpeername()[0]))):
            return
        if self.server.scheme != "ldapi":
            raise Insecure("the connection is not encrypted")

    def _translated(self, error: BaseException) -> Exception:
        """Return our own error for one of ldap3 or the system."""
        failure, self._tls.failure = self._tls.failure, None
        if isinstance(failure, Insecure):
            return failure
        if failure is not None:
            return HandshakeFailed(failure)
        if isinstance(error, Broken | Malformed):
            return Broken(str(error))
        if isinstance(error, LDAPStartTLSError):
            result = result_of(self._connection.result) if self._connection.result else None
            return Insecure(f"the server refuses StartTLS{f': {result}' if result else ''}")
        return Broken(_words(error))


class _TimeLimit:
    """Lets a stream wait until *deadline*, and not at all afterwards."""

    def __init__(self, stream: MessageStream | None, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def __enter__(self) -> None:
        if self._stream is not None:
            self._stream.deadline = self._deadline

    def __exit__(self, *exception: object) -> None:
        if self._stream is not None:
            self._stream.deadline = None


_AUTHENTICATION: dict[str, tuple[str, str | None, Any]] = {
    "simple": (ldap3.SIMPLE, None, None),
    "anonymous": (ldap3.ANONYMOUS, None, None),
    # An empty text, not None: with None, slapd waits for more (`measurements.md` 3).
    "external": (ldap3.SASL, ldap3.EXTERNAL, ""),
    "gssapi": (ldap3.SASL, ldap3.KERBEROS, None),
}


def _words(error: BaseException) -> str:
    """Return what ldap3 or the system says, without the noise around it."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    for noise in ("socket connection error while opening: ", "socket sending error", "error receiving data: "):
        text = text.replace(noise, "")
    if text.startswith("[Errno "):
        text = text.partition("] ")[2]
    return text or type(error).__name__
