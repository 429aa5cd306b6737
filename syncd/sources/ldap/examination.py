"""Can this directory be read, completely and safely? What `syncd doctor` says of an LDAP source."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

from syncd.errors import SourceError, SourceIncomplete
from syncd.model.check import Check, fail, failed, not_asked, ok, warn
from syncd.model.entry import Entry, Snapshot
from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.ports import Clock
from syncd.sources.ldap.absences import is_visible
from syncd.sources.ldap.connection import Attempt, Session
from syncd.sources.ldap.entries import MEMBERS, VIRTUAL
from syncd.sources.ldap.exchange import PAGED_RESULTS
from syncd.sources.ldap.ldapsearch import ldapsearch_line
from syncd.sources.ldap.queries import Queries
from syncd.sources.ldap.reachability import examine_servers
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.source import LdapSource, check_visible

#: Attributes that people change: whoever has one as key loses the mailbox with a new name.
_CHANGING = frozenset({"uid", "cn", "mail", "samaccountname", "userprincipalname", "displayname"})
_SHOWN = 3


def examine(
    settings: LdapSettings,
    source: LdapSource,
    users: Needs,
    clock: Clock,
    attempts: Callable[[], Iterator[Attempt]],
) -> Iterator[Check]:
    """Yield one check after the other, each as soon as it is done; *attempts* tries every server."""
    session = yield from examine_servers(settings, attempts, clock)
    if session is None:
        yield not_asked("rest", "rights, canaries, pages, people and groups, since no server could be used")
        return
    with session:
        try:
            queries = source.queries(session)
        except SourceError as error:
            yield failed("flavor", error)
            yield not_asked("rest", "rights, canaries, pages, people and groups, since the flavor is not known")
            return
        yield from _flavor(settings, queries, users)
        yield _rights(session, queries)
        yield from _canaries(settings, session)
        yield _paging(settings, session, queries)
    yield from _read(source, users)
    yield from _lines(settings, queries)


def _flavor(settings: LdapSettings, queries: Queries, users: Needs) -> Iterator[Check]:
    flavor = queries.flavor
    how = "recognized" if settings.flavor == "auto" else "as configured"
    disabled = ", ".join(queries.disabled_by) or "nobody is"
    ways = ", ".join(sorted(queries.ways)) or "none are read"
    yield ok("flavor", f"{flavor.title} ({how}); members by {ways}; disabled by {disabled}")
    if users.key.lower() == flavor.key.lower():
        yield ok("key", f"{users.key}, which never changes")
    elif users.key.lower() in _CHANGING:
        remedy = f"use key: {flavor.key}; whoever gets another {users.key} is taken for another person"
        yield warn("key", f"{users.key} may change", remedy)
    else:
        yield ok("key", f"{users.key}; the server's own is {flavor.key}")


def _rights(session: Session, queries: Queries) -> Check:
    try:
        check_visible(session, queries, ())
    except SourceError as error:
        return failed("rights", error)
    bases = len({search.base for search in queries.searches})
    return ok("rights", f"{_number(bases, 'base')} to search below, visible to syncd's account")


def _canaries(settings: LdapSettings, session: Session) -> Iterator[Check]:
    if not settings.canaries:
        remedy = "name an entry that must be there (source.canaries: [DN]): its absence tells of lost rights"
        yield warn("canaries", "none is configured: a directory that hides people looks like one without them", remedy)
        return
    try:
        hidden = [canary for canary in settings.canaries if not is_visible(session, canary)]
    except SourceError as error:
        yield failed("canaries", error)
        return
    for canary in hidden:
        found = f"the canary {canary} is not there, or not visible to syncd's account, so others may be missing too"
        remedy = "check what the account may read; if the entry is gone for good, name another"
        yield fail("canaries", found, remedy, SourceIncomplete.exit_code)
    if not hidden:
        yield ok("canaries", f"{_number(len(settings.canaries), 'canary', 'canaries')}, visible to syncd's account")


def _paging(settings: LdapSettings, session: Session, queries: Queries) -> Check:
    """See that a second page comes. This ends the session: nobody waits for the answers that are left."""
    supported = next((each for name, each in session.root_dse.items() if name.lower() == "supportedcontrol"), ())
    if not settings.page_size:
        return ok("paging", "none, as configured: everything comes in one answer")
    if supported and PAGED_RESULTS.encode() not in supported:
        found = "the server doesn't know pages, so its size limit ends a search"
        return warn("paging", found, "give syncd's account no size limit, and set page_size: 0")
    asked = f"{settings.page_size} entries in one answer"
    search = queries.searches[0]
    entries = session.search(search.base, scope=search.scope, filter=search.filter, attributes=("1.1",), page_size=1)
    try:
        pages = len(list(islice(entries, 2)))
    except SourceError as error:
        return failed("paging", error)
    if pages > 1:
        return ok("paging", f"{asked}; a second page came when it was asked for")
    return ok("paging", f"{asked}; there are too few entries to see a second page")


def _read(source: LdapSource, users: Needs) -> Iterator[Check]:
    try:
        snapshot = source.read(())
    except SourceError as error:
        yield failed("read", error)
        return
    yield _people(snapshot)
    yield from _unseen(snapshot.of(Kind.USER), users)
    if Kind.GROUP in snapshot.read:
        sizes = [len(group.attributes.get(MEMBERS, ())) for group in snapshot.of(Kind.GROUP)]
        found = f"{_number(len(sizes), 'group')}, the largest of {_number(max(sizes, default=0), 'member')}"
        yield ok("groups", found)
    for rejection in snapshot.rejections[:_SHOWN]:
        yield warn("rejected", f"{rejection.origin}: {rejection.reason}", rejection.remedy)
    more = len(snapshot.rejections) - _SHOWN
    if more > 0:
        yield warn("rejected", f"and {more:,} more", "syncd plan lists all")


def _people(snapshot: Snapshot) -> Check:
    people = snapshot.of(Kind.USER)
    said = Counter(user.attributes["disabled"][0] for user in people)
    if not people:
        return warn("people", "nobody was found", "check base, scope and filter with the ldapsearch line below")
    return ok("people", f"{len(people):,}, of whom {said['true']:,} are disabled")


def _unseen(entries: tuple[Entry, ...], needs: Needs) -> Iterator[Check]:
    """A right to read is given by attribute: one that nobody has may be one that syncd is not shown."""
    wanted = {name for name in needs.attributes if name.lower() not in VIRTUAL}
    if not entries or not wanted:
        return
    seen: set[str] = set()
    for entry in entries:
        seen.update(entry.attributes)
        if wanted <= seen:
            yield ok("attributes", f"all {len(wanted)} that the mapping uses are seen in some entry")
            return
    missing = ", ".join(sorted(wanted - seen))
    remedy = "give syncd's account the right to read it, or correct the name in the mapping"
    yield warn("attributes", f"nobody has {missing}: it is filled in nowhere, or hidden from syncd's account", remedy)


def _lines(settings: LdapSettings, queries: Queries) -> Iterator[Check]:
    for search in queries.searches:
        line = ldapsearch_line(settings, search.base, search.scope, search.filter, search.attributes)
        yield ok(f"{search.kind}s as", line)


def _number(count: int, thing: str, things: str = "") -> str:
    return f"1 {thing}" if count == 1 else f"{count:,} {things or thing + 's'}"
