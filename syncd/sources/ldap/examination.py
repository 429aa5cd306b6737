"""Can this directory be read, completely and safely? What `syncd doctor` says of an LDAP source."""

import ssl
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from syncd.errors import SourceError
from syncd.model.check import Check, Health
from syncd.model.entry import Snapshot
from syncd.model.needs import Needs
from syncd.ports import Clock
from syncd.sources.ldap.certificates import fetch_certificate
from syncd.sources.ldap.connection import Session
from syncd.sources.ldap.ldapsearch import ldapsearch_line
from syncd.sources.ldap.queries import Plan
from syncd.sources.ldap.servers import parse_server
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.source import LdapSource, check_visible

_PAGED_RESULTS = b"1.2.840.113556.1.4.319"
_SOON = timedelta(days=30)
#: Attributes that people change: whoever has one as key loses the mailbox with a new name.
_CHANGING = frozenset({"uid", "cn", "mail", "samaccountname", "userprincipalname", "displayname"})
_SHOWN = 3


def examine(settings: LdapSettings, source: LdapSource, users: Needs, clock: Clock) -> Iterator[Check]:
    """Yield one check after the other, each as soon as it is done; after a failure that ends all, no more."""
    try:
        session = source.connect()
    except SourceError as error:
        yield _failed("connection", error)
        return
    with session:
        yield from _connected(settings, session, clock)
        try:
            plan = source.plan(session)
        except SourceError as error:
            yield _failed("flavor", error)
            return
        yield from _flavor(settings, plan, users)
        yield _paging(settings, session)
        yield _visible(settings, session, plan)
    yield from _read(source)
    yield from _lines(settings, plan)


def _connected(settings: LdapSettings, session: Session, clock: Clock) -> Iterator[Check]:
    server = parse_server(session.server)
    yield _ok("connection", f"{session.server} answers")
    if server.scheme == "ldapi" or not settings.is_secured(server):
        if server.scheme == "ldap" and not server.is_loopback:
            remedy = "use ldaps://, or tls: {start_tls: true}"
            yield Check(topic="tls", health=Health.WARN, found="the password travels in clear text", remedy=remedy)
        else:
            yield _ok("tls", "not needed: nothing leaves this machine")
    else:
        limit = settings.timeouts.connect.total_seconds()
        shown = fetch_certificate(server.host, server.port, start_tls=server.scheme == "ldap", timeout=limit)
        ends = shown.not_after if shown else ""
        yield _certificate(shown.named if shown else server.host, shown.issuer if shown else "", ends, clock.now())
    bind = settings.bind
    if bind.method == "anonymous":
        remedy = "bind as an account that may read all that syncd needs, and nothing else"
        yield Check(topic="bind", health=Health.WARN, found="as nobody: servers show strangers little", remedy=remedy)
    else:
        yield _ok("bind", f"as {bind.dn}" if bind.dn else f"by {bind.method}")


def _certificate(named: str, issuer: str, ends: str, now: datetime) -> Check:
    found = f"the certificate is for {named}, by {issuer}"
    if not ends:
        return _ok("tls", f"the certificate of {named} is trusted")
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
    found = f"{found}, until {until:%Y-%m-%d}"
    if until - now < _SOON:
        remedy = "renew it in time: when it has expired, syncd reads nothing"
        return Check(topic="tls", health=Health.WARN, found=found, remedy=remedy)
    return _ok("tls", found)


def _flavor(settings: LdapSettings, plan: Plan, users: Needs) -> Iterator[Check]:
    flavor = plan.flavor
    how = "recognized" if settings.flavor == "auto" else "as configured"
    disabled = ", ".join(plan.disabled_by) or "nobody is"
    ways = ", ".join(sorted(plan.ways)) or "none are read"
    yield _ok("flavor", f"{flavor.title} ({how}); members by {ways}; disabled by {disabled}")
    if users.key.lower() == flavor.key.lower():
        yield _ok("key", f"{users.key}, which never changes")
    elif users.key.lower() in _CHANGING:
        remedy = f"use key: {flavor.key}; whoever gets another {users.key} is taken for another person"
        yield Check(topic="key", health=Health.WARN, found=f"{users.key} may change", remedy=remedy)
    else:
        yield _ok("key", f"{users.key}; the server's own is {flavor.key}")


def _paging(settings: LdapSettings, session: Session) -> Check:
    supported = next((each for name, each in session.root_dse.items() if name.lower() == "supportedcontrol"), ())
    if not settings.page_size:
        return _ok("paging", "none, as configured: everything comes in one answer")
    if not supported or _PAGED_RESULTS in supported:
        return _ok("paging", f"{settings.page_size} entries in one answer")
    return Check(
        topic="paging",
        health=Health.WARN,
        found="the server doesn't know pages, so its size limit ends a search",
        remedy="give syncd's account no size limit, and set page_size: 0",
    )


def _visible(settings: LdapSettings, session: Session, plan: Plan) -> Check:
    try:
        check_visible(session, plan, settings.canaries)
    except SourceError as error:
        return _failed("visible", error)
    bases = len({search.base for search in plan.searches})
    found = f"{_number(bases, 'base')}, {_number(len(settings.canaries), 'canary', 'canaries')}"
    if settings.canaries:
        return _ok("visible", found)
    remedy = "name an entry that must be there (canaries: [dn]): its absence tells of lost rights"
    return Check(topic="visible", health=Health.WARN, found=found, remedy=remedy)


def _read(source: LdapSource) -> Iterator[Check]:
    try:
        snapshot = source.read(())
    except SourceError as error:
        yield _failed("read", error)
        return
    yield _people(snapshot)
    if snapshot.groups_read:
        sizes = [len(group.attributes.get("members", ())) for group in snapshot.groups]
        found = f"{_number(len(sizes), 'group')}, the largest of {_number(max(sizes, default=0), 'member')}"
        yield _ok("groups", found)
    for rejection in snapshot.rejections[:_SHOWN]:
        found = f"{rejection.origin}: {rejection.reason}"
        yield Check(topic="rejected", health=Health.WARN, found=found, remedy=rejection.remedy)
    more = len(snapshot.rejections) - _SHOWN
    if more > 0:
        yield Check(topic="rejected", health=Health.WARN, found=f"and {more:,} more", remedy="syncd plan lists all")


def _people(snapshot: Snapshot) -> Check:
    said = Counter(user.attributes["disabled"][0] for user in snapshot.users)
    if not snapshot.users:
        remedy = "check base, scope and filter with the ldapsearch line below"
        return Check(topic="people", health=Health.WARN, found="nobody was found", remedy=remedy)
    return _ok("people", f"{len(snapshot.users):,}, of whom {said['true']:,} are disabled")


def _lines(settings: LdapSettings, plan: Plan) -> Iterator[Check]:
    for search in plan.searches:
        line = ldapsearch_line(settings, search.base, search.scope, search.filter, search.attributes)
        yield _ok(f"{search.kind}s as", line)


def _ok(topic: str, found: str) -> Check:
    return Check(topic=topic, health=Health.OK, found=found)


def _failed(topic: str, error: SourceError) -> Check:
    found = "\n".join([error.message, *map(str, error.problems)])
    return Check(topic=topic, health=Health.FAIL, found=found, remedy=error.hint, exit_code=error.exit_code)


def _number(count: int, thing: str, things: str = "") -> str:
    return f"1 {thing}" if count == 1 else f"{count:,} {things or thing + 's'}"
