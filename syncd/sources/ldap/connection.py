"""Which server answers, and is everything that it says of a search there?

`open_session` goes through the servers in order, and returns a session with the first that can be reached, proves who
it is and lets syncd in. A wrong password ends that at once: the other servers would say the same, and count it too.
"""

import importlib.util
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

from syncd.errors import ConfigurationError, Problem, SourceUnreachable
from syncd.ports import Clock
from syncd.sources.ldap import binding, servers, tls
from syncd.sources.ldap.binding import BREAKER, BindBreaker, NoPassword, Password
from syncd.sources.ldap.certificates import fetch_certificate
from syncd.sources.ldap.decoder import RawEntry
from syncd.sources.ldap.exchange import PAGED_RESULTS, Control, Internals, Request, load_internals
from syncd.sources.ldap.failures import SUCCESS, BaseNotFound, NotVisible, SearchFailed
from syncd.sources.ldap.framing import Broken
from syncd.sources.ldap.ldapsearch import ldapsearch_line
from syncd.sources.ldap.reader import Search
from syncd.sources.ldap.servers import Server, SrvQuery, parse_server
from syncd.sources.ldap.settings_connection import ConnectionSettings
from syncd.sources.ldap.transport import HandshakeFailed, Insecure, Transport

Scope = Literal["sub", "one", "base"]
#: How far one got with a server that can't be used.
Stage = Literal["connection", "tls", "bind"]


class Event(Protocol):
    """Told of what deserves a log line; `ports.Observer.event` is one."""

    def __call__(self, name: str, **fields: object) -> None: ...


def _silent(name: str, **fields: object) -> None:
    """Tell nobody."""


class Session:
    """One bound and secured connection; a context manager.

    One search at a time. A search that is given up before its end closes the session, since its answer is on the way.
    """

    def __init__(self, transport: Transport, settings: ConnectionSettings, clock: Clock, event: Event) -> None:
        self._transport = transport
        self._settings = settings
        self._clock = clock
        self._event = event
        self._running = False
        self._closed_by = ""
        self.server = str(transport.server)
        self.root_dse: Mapping[str, tuple[bytes, ...]] = {}

    @property
    def secured(self) -> ssl.SSLSocket | None:
        """The TLS connection, None where there is none."""
        return self._transport.secured

    def who_am_i(self) -> str:
        """Return who syncd is to the server, in the server's own words; "" if it doesn't say.

        Raises:
            SourceUnreachable: the connection broke.
        """
        try:
            return self._transport.who_am_i()
        except Broken as error:
            raise SourceUnreachable(f"the session with {self.server} is over: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session."""
        self._closed_by = self._closed_by or "it was ended"
        self._transport.close()

    def search(
        self,
        base: str,
        *,
        scope: Scope,
        filter: str,  # noqa: A002 - the word of LDAP
        attributes: Sequence[str],
        controls: Sequence[Control] = (),
        size_limit: int = 0,
        page_size: int | None = None,
    ) -> Iterator[RawEntry]:
        """Yield every entry, read in pages where the server can; attributes that come in pieces are joined.

        The server's limit of *size_limit* entries is no error if the caller asked for it; then there are no pages.

        Raises:
            SearchFailed: a `SourceIncomplete`: unless the search ended with success and the last page was read.
            SourceUnreachable: the session has ended.
        """
        line = ldapsearch_line(self._settings, base, scope, filter, attributes)
        self._event("ldap_search_sent", server=self.server, ldapsearch=line)
        wanted = self._settings.page_size if page_size is None else page_size
        request = Request(
            base=base,
            scope=scope,
            filter=filter,
            attributes=tuple(attributes),
            controls=tuple(controls),
            size_limit=size_limit,
            page_size=wanted if not size_limit and self._may_page() else 0,
            pages_known=self._knows_pages(),
        )
        return self._entries(request)

    def lookup(self, base: str, attributes: Sequence[str]) -> RawEntry | None:
        """Return the entry *base*, a DN or what else the server takes for one (`<GUID=…>`); None if there is none.

        Raises:
            NotVisible: the server reports success and shows nothing.
            SearchFailed: it could not be told.
        """
        request = Request(base=base, scope="base", filter="(objectClass=*)", attributes=tuple(attributes))
        try:
            found = list(self._entries(request))
        except BaseNotFound:
            return None
        if not found:
            message = f"{self.server} reports success for {base!r}, and shows nothing"
            hint = "the account that syncd binds as may not read this entry: give it the right to"
            raise NotVisible(message, code=SUCCESS, hint=hint)
        return found[0]

    def read_root_dse(self) -> None:
        """Read what the server says of itself; a server that hides it is taken as it comes."""
        try:
            entry = self.lookup("", ("*", "+"))
        except SearchFailed:
            if self._closed_by:
                raise
            entry = None
        if entry is not None:
            self.root_dse = {name: tuple(values) for name, values in entry.attributes.items()}

    def _entries(self, request: Request) -> Iterator[RawEntry]:
        if self._closed_by:
            raise SourceUnreachable(f"the session with {self.server} is over: {self._closed_by}")
        if self._running:
            message = f"a search on {self.server} was begun while another is read: one at a time over one session"
            raise RuntimeError(message)
        deadline = self._clock.monotonic() + self._settings.timeouts.search.total_seconds()
        search = Search(self._transport, request, deadline=deadline, harmless=self._is_harmless)
        self._running = True
        try:
            yield from search.entries()
        finally:
            self._running = False
            if search.is_pending:
                self._closed_by = "a search was not read to its end"
                self.close()

    def _may_page(self) -> bool:
        """Whether paging is worth a try: a server that lists its controls and not this one knows no pages."""
        return not self._values("supportedControl") or self._knows_pages()

    def _knows_pages(self) -> bool:
        return PAGED_RESULTS.encode() in self._values("supportedControl")

    def _values(self, name: str) -> tuple[bytes, ...]:
        return next((values for key, values in self.root_dse.items() if key.lower() == name.lower()), ())

    def _is_harmless(self, url: str) -> bool:
        """Return whether a reference leads to where nobody lives.

        Active Directory refers everybody who searches a domain to its configuration and its DNS zones.
        """
        configuration = b"".join(self._values("configurationNamingContext")).decode(errors="replace").lower()
        if not configuration:
            return False
        dn = servers.unquoted_dn(url).lower()
        return dn == configuration or dn.startswith(("dc=domaindnszones,dc=", "dc=forestdnszones,dc="))


def open_session(
    settings: ConnectionSettings,
    *,
    clock: Clock,
    password: Password | None = None,
    event: Event = _silent,
    query: SrvQuery = servers.query_dns,
    breaker: BindBreaker = BREAKER,
    internals: Callable[[], Internals | None] = load_internals,
) -> Session:
    """Return a session with the first server that works.

    *password* is asked before each bind, so that a rotated one is used; without it, that of the settings is.
    *internals* finds what fast reading needs of ldap3.

    Raises:
        ConfigurationError: a file of the TLS settings can't be used, or the package for GSSAPI is missing.
        SourceUnreachable: no server could be used; every one that was tried is listed with the reason.
    """
    opening = _Opening(settings, clock, password, event, breaker, internals())
    problems: list[Problem] = []
    for server, peer in _in_order(settings, query, problems):
        try:
            return opening.session(server, peer)
        except _Unusable as error:
            problems.append(error.problem)
            event("ldap_server_failed", server=str(server), reason=error.problem.reason)
            if error.is_final:
                break
    raise SourceUnreachable("no LDAP server could be used: nothing was changed", problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of one server: a session, or a problem and the stage at which it was met."""

    session: Session | None = None
    problem: Problem | None = None
    stage: Stage = "connection"


def try_each(
    settings: ConnectionSettings,
    *,
    clock: Clock,
    password: Password | None = None,
    query: SrvQuery = servers.query_dns,
    breaker: BindBreaker = BREAKER,
) -> Iterator[Attempt]:
    """Try every server, not only the first that works; the caller closes each session.

    A refused bind is the last one: the servers that follow are connected to, and not asked to let syncd in.

    Raises:
        ConfigurationError: as `open_session`.
    """
    problems: list[Problem] = []
    opening = _Opening(settings, clock, password, _silent, breaker, load_internals())
    for server, peer in _in_order(settings, query, problems):
        try:
            yield Attempt(session=opening.session(server, peer))
        except _Unusable as error:
            yield Attempt(problem=error.problem, stage=error.stage)
    for problem in problems:
        yield Attempt(problem=problem)


def _in_order(settings: ConnectionSettings, query: SrvQuery, problems: list[Problem]) -> Iterator[tuple[Server, str]]:
    """Yield each server, and what the configuration calls it: of those that DNS names, the domain."""
    for text in settings.servers:
        server = parse_server(text)
        if server.scheme != "srv":
            yield server, f"{server.host_text}:{server.port}"
            continue
        try:
            for found in servers.discover(server.host, start_tls=settings.tls.start_tls, query=query):
                yield found, server.host
        except servers.NotFound as error:
            reason, _, remedy = str(error).partition("; ")
            problems.append(Problem(where=text, reason=reason, remedy=remedy))


class _Unusable(Exception):
    """One server can't be used; *is_final* if no other is to be tried."""

    def __init__(self, server: Server, stage: Stage, reason: str, remedy: str = "", *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.problem = Problem(where=str(server), reason=reason, remedy=remedy)
        self.stage = stage
        self.is_final = is_final


class _Opening:
    """What is the same for every server."""

    def __init__(
        self,
        settings: ConnectionSettings,
        clock: Clock,
        password: Password | None,
        event: Event,
        breaker: BindBreaker,
        internals: Internals | None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._password = password
        self._event = event
        self._breaker = breaker
        self._internals = internals
        self._context = tls.make_context(settings.tls)
        if settings.bind.method == "gssapi" and importlib.util.find_spec("gssapi") is None:
            problem = Problem(
                where="bind.method", reason="gssapi is not installed", remedy="pip install 'syncd[gssapi]'"
            )
            raise ConfigurationError("the LDAP source can't bind by Kerberos", [problem])

    def session(self, server: Server, peer: str) -> Session:
        """Return a session with *server*, which the configuration calls *peer*, or raise `_Unusable`."""
        timeouts = self._settings.timeouts
        transport = Transport(
            server,
            context=self._context,
            connect_timeout=timeouts.connect.total_seconds(),
            receive_timeout=timeouts.receive.total_seconds(),
            monotonic=self._clock.monotonic,
            internals=self._internals,
        )
        try:
            self._connect(transport)
            if (until := transport.certificate_ends_at) is not None:
                self._event("ldap_certificate_seen", peer=peer, expires_at=until)
            self._bind(transport)
            session = Session(transport, self._settings, self._clock, self._event)
            session.read_root_dse()
        except SearchFailed as error:
            transport.close()
            raise _Unusable(server, "connection", error.message, error.hint) from error
        except BaseException:
            transport.close()
            raise
        if not transport.reads_fast:
            self._event("ldap_fast_reading_unavailable", server=str(server), reason="this ldap3 is not the known one")
        return session

    def _connect(self, transport: Transport) -> None:
        server = transport.server
        start_tls = server.scheme == "ldap" and self._settings.tls.start_tls
        try:
            transport.open(start_tls=start_tls)
        except HandshakeFailed as error:
            shown = None
            if isinstance(error.failure, ssl.SSLCertVerificationError):
                limit = self._settings.timeouts.connect.total_seconds()
                shown = fetch_certificate(server.host, server.port, start_tls=start_tls, timeout=limit)
            why = tls.explain(error.failure, server.host, shown)
            raise _Unusable(server, "tls", why.reason, why.remedy) from error
        except Insecure as error:
            remedy = "switch StartTLS on in the server, or use ldaps://; nothing secret was sent"
            raise _Unusable(server, "tls", str(error), remedy) from error
        except Broken as error:
            remedy = "check name and port, that the server runs, and firewalls"
            raise _Unusable(server, "connection", str(error), remedy) from error

    def _bind(self, transport: Transport) -> None:
        settings, server = self._settings.bind, transport.server
        allowed = self._settings.allow_plaintext
        if server.scheme == "ldap" and not transport.is_encrypted and not server.is_loopback:
            self._event("ldap_plaintext_used", server=str(server))
        with self._breaker.turn(self._settings.servers, binding.account_of(settings)) as turn:
            blocked = turn.blocked(self._clock.monotonic())
            if blocked is not None:
                raise _Unusable(server, "bind", blocked.reason, blocked.remedy, is_final=True)
            try:
                secret = self._secret()
                result = transport.bind(
                    method=settings.method, dn=settings.dn or "", password=secret, plain_allowed=allowed
                )
            except NoPassword as error:
                raise _Unusable(server, "bind", str(error), "write the password into it", is_final=True) from error
            except Insecure as error:
                remedy = "use ldaps:// or tls: {start_tls: true}; nothing secret was sent"
                raise _Unusable(server, "tls", str(error), remedy) from error
            except Broken as error:
                why = tls.explain_after_handshake(str(error))
                raise _Unusable(server, "bind", why.reason, why.remedy) from error
            if result.code == SUCCESS:
                turn.succeeded()
                return
            why = binding.explain_refusal(result, settings)
            final = binding.is_final(result)
            if final:
                turn.refused(self._clock.monotonic(), str(result))
            raise _Unusable(server, "bind", why.reason, why.remedy, is_final=final)

    def _secret(self) -> str:
        if self._settings.bind.method != "simple":
            return ""
        stored = self._settings.bind.password
        secret = self._password() if self._password is not None else stored.get_secret_value() if stored else ""
        if not secret:
            # RFC 4513 5.1.2: a name and no password is a bind as nobody, and succeeds.
            message = "the password is empty"
            raise NoPassword(message)
        return secret
