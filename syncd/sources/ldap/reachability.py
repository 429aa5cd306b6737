"""Does each server answer, prove who it is, and let syncd in? The first half of what `syncd doctor` says of LDAP."""

from collections.abc import Callable, Generator, Iterator
from datetime import datetime, timedelta

from syncd.errors import ConfigurationError, SourceUnreachable
from syncd.model.check import Check, Health, clock_skew, fail, failed, ok, warn
from syncd.ports import Clock
from syncd.sources.ldap.certificates import Certificate, trusted_chain
from syncd.sources.ldap.connection import Attempt, Session
from syncd.sources.ldap.servers import parse_server
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.values import BadValue, generalized_time

_SOON, _TOO_SOON = timedelta(days=30), timedelta(days=3)
_RENEW = "renew it in time: when it has expired, syncd reads nothing"


def examine_servers(
    settings: LdapSettings, attempts: Callable[[], Iterator[Attempt]], clock: Clock
) -> Generator[Check, None, Session | None]:
    """Yield what each server is like; return a session with the first that works, which the caller closes.

    A server that doesn't work is a failure only if no other does.
    """
    first: Session | None = None
    waiting: list[Attempt] = []
    try:
        for attempt in attempts():
            session = attempt.session
            if session is None:
                waiting.append(attempt)
            else:
                yield from _server(settings, session, clock)
                first = first or session
                if session is not first:
                    session.close()
            if first is not None:
                yield from (_unusable(each, Health.WARN) for each in waiting)
                waiting.clear()
    except ConfigurationError as error:
        yield failed("tls", error)
    yield from (_unusable(each, Health.FAIL) for each in waiting)
    return first


def _unusable(attempt: Attempt, health: Health) -> Check:
    problem = attempt.problem
    where, reason, remedy = (problem.where, problem.reason, problem.remedy) if problem else ("", "it is unusable", "")
    remedy = remedy or "look into the server's log"
    if health is Health.WARN:
        return warn(attempt.stage, f"{where}: {reason}", f"{remedy}; until then the other servers are asked")
    return fail(attempt.stage, f"{where}: {reason}", remedy, SourceUnreachable.exit_code)


def _server(settings: LdapSettings, session: Session, clock: Clock) -> Iterator[Check]:
    named = "" if len(settings.servers) == 1 and parse_server(settings.servers[0]).scheme != "srv" else session.server
    prefix = f"{named}: " if named else ""
    yield ok("connection", f"{session.server} answers")
    yield from _tls(settings, session, prefix, clock.now())
    yield _bind(settings, session, prefix)
    yield from _clock(settings, session, clock.now())


def _tls(settings: LdapSettings, session: Session, prefix: str, now: datetime) -> Iterator[Check]:
    server = parse_server(session.server)
    if session.secured is None:
        if server.scheme == "ldap" and not server.is_loopback:
            remedy = "use ldaps://, or tls: {start_tls: true}"
            yield warn("tls", f"{prefix}the password travels in clear text", remedy)
        else:
            yield ok("tls", f"{prefix}not needed: nothing leaves this machine")
        return
    chain = trusted_chain(session.secured)
    by = f"the authorities in {settings.tls.ca_file}" if settings.tls.ca_file else "the authorities of this machine"
    yield _certificate(chain[0], f"; {session.secured.version()}, verified by {by}", prefix, now)
    yield from _above(chain, prefix, now)


def _certificate(shown: Certificate, how: str, prefix: str, now: datetime) -> Check:
    until = shown.expires
    ends = f", until {until:%Y-%m-%d}" if until else ""
    found = f"{prefix}the certificate is for {shown.named}, by {shown.issuer or 'somebody'}{ends}{how}"
    return _in_time(found, until, now)


def _above(chain: tuple[Certificate, ...], prefix: str, now: datetime) -> Iterator[Check]:
    """The authorities that signed it: nobody looks at them, and they end too."""
    for each in chain[1:]:
        until = each.expires
        if until is not None and until - now < _SOON:
            yield _in_time(f"{prefix}the authority {each.named} ends on {until:%Y-%m-%d}", until, now)


def _in_time(found: str, until: datetime | None, now: datetime) -> Check:
    if until is None or until - now >= _SOON:
        return ok("tls", found)
    if until - now >= _TOO_SOON:
        return warn("tls", found, _RENEW)
    return fail("tls", found, "renew it now: when it has expired, syncd reads nothing", SourceUnreachable.exit_code)


def _bind(settings: LdapSettings, session: Session, prefix: str) -> Check:
    bind = settings.bind
    if bind.method == "anonymous":
        remedy = "bind as an account that may read all that syncd needs, and nothing else"
        return warn("bind", f"{prefix}as nobody: servers show strangers little", remedy)
    try:
        seen = session.who_am_i()
    except SourceUnreachable as error:
        return failed("bind", error)
    found = f"{prefix}as {bind.dn}" if bind.dn else f"{prefix}by {bind.method}"
    same = seen.lower().replace(" ", "") == f"dn:{bind.dn}".lower().replace(" ", "")
    return ok("bind", found if same or not seen else f"{found}; the server calls it {seen}")


def _clock(settings: LdapSettings, session: Session, now: datetime) -> Iterator[Check]:
    """Only Active Directory tells its time."""
    told = next((each for name, each in session.root_dse.items() if name.lower() == "currenttime"), ())
    try:
        theirs = generalized_time(told[0].decode()) if told else None
    except (BadValue, UnicodeDecodeError):
        theirs = None
    if theirs is not None:
        # Kerberos refuses tickets beyond 5 minutes; other binds don't care.
        refused = SourceUnreachable.exit_code if settings.bind.method == "gssapi" else 0
        yield clock_skew("clock", session.server, now - theirs, exit_code=refused)
