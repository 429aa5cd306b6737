"""Users, then groups, from one session: every entry once, members by the names under which they were read.

Groups are read after users, so that a newcomer's membership never comes before the newcomer. An entry that two searches
find counts once. A member who was renamed between the two is looked up again (`pitfalls.md` C17).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from syncd.errors import SourceIncomplete
from syncd.model.entry import Entry, Rejection
from syncd.model.names import Kind, make_key
from syncd.model.needs import Needs
from syncd.sources.ldap import names
from syncd.sources.ldap.connection import Session
from syncd.sources.ldap.entries import MEMBERS, EntryReader, ReceivedEntry, Record
from syncd.sources.ldap.members import Memberships, named_by
from syncd.sources.ldap.queries import EntrySearch, Queries, listed_by_name

#: Renamed members are looked up one by one up to here; beyond, asking for everybody's name once more is cheaper.
_LOOKUPS = 200
#: So many entries without key and not one with it: the key's name is wrong, not the entries.
_SURELY_WRONG = 10


@dataclass(slots=True)
class Found:
    """The entries of one kind: by identity, the names they have, and what can't be used."""

    entries: dict[str, Entry] = field(default_factory=dict)
    #: Normal form of the name -> identity.
    identities: dict[str, str] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    #: Names of entries that were rejected: a second search that finds them again adds nothing.
    refused: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Reading:
    """One read over *session*."""

    session: Session
    queries: Queries
    needs: Mapping[Kind, Needs]
    now: datetime
    memberships: Memberships = field(default_factory=Memberships)
    found: dict[Kind, Found] = field(default_factory=dict)
    readers: dict[Kind, EntryReader] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind, needs in self.needs.items():
            member = listed_by_name(needs)
            apart = named_by(self.queries.ways) | {"memberUid", member.attribute} if member else ()
            self.readers[kind] = EntryReader(
                kind, needs, disabled_by=self.queries.disabled_by, now=self.now, except_for=apart
            )

    def read_entries(self) -> None:
        """Read users and groups.

        Raises:
            SourceIncomplete: a search didn't end with success.
            SourceUnreachable: the connection is gone.
        """
        for search in self.queries.searches:
            self._read_search(search)

    def add(self, search: EntrySearch, raw: ReceivedEntry) -> Record:
        """Take in the entry *raw*, found by *search*."""
        found = self.found.setdefault(search.kind, Found())
        record = self.readers[search.kind].read(raw)
        dn, identity = record.dn, record.identity
        if record.rejection is not None:
            if raw.dn not in found.refused:
                found.refused.add(raw.dn)
                found.rejections.append(record.rejection)
            return record
        assert record.entry is not None  # noqa: S101 - there is an entry where there is no rejection
        if found.identities.get(dn) == identity:
            return record
        self._file(found, record)
        if self.queries.ways:
            self.memberships.add_member(search.kind, dn, record.attributes)
            if search.kind is Kind.GROUP:
                self.memberships.add_group(dn, record.attributes, search.ways)
        return record

    def _read_search(self, search: EntrySearch) -> None:
        found = self.found.setdefault(search.kind, Found())
        without_key, before = 0, len(found.entries)
        for raw in self._entries(search, search.attributes):
            rejection = self.add(search, raw).rejection
            without_key += rejection is not None and rejection.key is None
        if without_key > _SURELY_WRONG and len(found.entries) == before:
            raise self._no_key(search, without_key, found.rejections[-1])

    def _entries(self, search: EntrySearch, attributes: Iterable[str]) -> Iterator[ReceivedEntry]:
        return self.session.search(
            search.base,
            scope=search.scope,
            filter=search.filter,
            attributes=tuple(attributes),
        )

    def _no_key(self, search: EntrySearch, count: int, example: Rejection) -> SourceIncomplete:
        key = self.needs[search.kind].key
        return SourceIncomplete(
            f"none of the {count} {search.kind}s below {search.base} has a usable key {key!r}: {example}",
            hint=f"on {self.queries.flavor.title} the key is {self.queries.flavor.key}; let syncd's account read it",
        )

    def _file(self, found: Found, record: Record) -> None:
        """Add an entry that is new, moved between two searches, or shares its key with another one."""
        dn, identity, entry = record.dn, record.identity, record.entry
        assert entry is not None  # noqa: S101 - the caller has looked
        namesake = found.entries.get(found.identities.get(dn, ""))
        if namesake is not None:
            del found.entries[namesake.identity]
            found.rejections += (_shared_name(namesake, entry), _shared_name(entry, namesake))
            return
        other = found.entries.get(identity)
        found.identities[dn] = identity
        if other is None:
            found.entries[identity] = entry
        elif self._is_given_by_server(entry.kind):
            # The same entry under another name: it was moved between two searches, and the later one is right.
            found.identities.pop(other.attributes["dn"][0], None)
            found.entries[identity] = entry
        else:
            found.rejections.append(_shared_key(entry, other.origin))

    def _is_given_by_server(self, kind: Kind) -> bool:
        return self.needs[kind].key.lower() in ("entryuuid", "objectguid", "nsuniqueid", "objectsid")

    def finish(self) -> None:
        """Refuse entries that can't be told apart, and give each group its members."""
        for kind, found in self.found.items():
            _refuse_shared_keys(kind, found)
        listing = [(kind, reference) for kind in self.found if (reference := listed_by_name(self.needs[kind]))]
        if not listing:
            return
        self.memberships.finish()
        known = {name for found in self.found.values() for name in found.identities}
        self.memberships.renamed(self._renamed(self.memberships.unknown(known, self.queries.covers)))
        for kind, reference in listing:
            entries = self.found[kind].entries
            for identity, entry in entries.items():
                members = self.memberships.of(entry.attributes["dn"][0])
                if members:
                    attributes = {**entry.attributes, MEMBERS: members, reference.attribute: members}
                    entries[identity] = replace(entry, attributes=attributes)

    def _renamed(self, unknown: set[str]) -> Mapping[str, str]:
        """Return, of names that no search has shown, those that entries we know have now -> the known name."""
        present = self._names_now() if len(unknown) > _LOOKUPS else self._looked_up(sorted(unknown))
        return {
            name: self.found[kind].entries[identity].attributes["dn"][0]
            for name, kind, identity in present
            if name in unknown and identity in self.found[kind].entries
        }

    def _looked_up(self, unknown: Iterable[str]) -> Iterator[tuple[str, Kind, str]]:
        keys = sorted({self.needs[kind].key for kind in self.readers})
        for name in unknown:
            raw = self.session.lookup(name, keys)
            if raw is not None:
                for kind, reader in self.readers.items():
                    yield name, kind, reader.identity(raw)

    def _names_now(self) -> Iterator[tuple[str, Kind, str]]:
        for search in self.queries.searches:
            reader = self.readers[search.kind]
            for raw in self._entries(search, (self.needs[search.kind].key,)):
                try:
                    yield names.normalize(raw.dn), search.kind, reader.identity(raw)
                except names.BadName:
                    continue


def _refuse_shared_keys(kind: Kind, found: Found) -> None:
    """Refuse every entry whose key another one has too: nobody can say which one is meant."""
    shared = {r.key for r in found.rejections if r.key is not None}
    for identity in [identity for identity in found.entries if make_key(kind, identity) in shared]:
        entry = found.entries.pop(identity)
        origins = [r.origin for r in found.rejections if r.key == make_key(kind, identity)]
        found.rejections.append(_shared_key(entry, ", ".join(origins)))


def _shared_key(entry: Entry, others: str) -> Rejection:
    return Rejection(
        key=make_key(entry.kind, entry.identity),
        origin=entry.origin,
        reason=f"its key {entry.identity!r} is that of {others} too",
        remedy="let one entry have each key",
        entry=entry,
    )


def _shared_name(entry: Entry, other: Entry) -> Rejection:
    return Rejection(
        key=make_key(entry.kind, entry.identity),
        origin=entry.origin,
        reason=f"its name can't be told from {other.origin!r}, whose key is {other.identity!r}",
        remedy="rename one of them; if it was renamed just now, the next cycle will do",
        entry=entry,
    )
