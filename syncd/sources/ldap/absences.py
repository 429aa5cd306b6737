"""What became of somebody we know who is not there? Looked up by key, outside bases and filters.

| the entry with this key                  | is                     |
|------------------------------------------|------------------------|
| fits one of the searches after all       | read (it moved while we read) |
| is there, and a disabled account         | disabled               |
| is there, elsewhere or of another kind   | moved out of scope     |
| is not there, and we see the whole tree  | gone                   |
| must not be looked up (result 50)        | not visible to us      |
| can't be told (tree not visible, errors) | missing                |
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from syncd.model.entry import Absence
from syncd.model.names import Key, Kind, identity_of, kind_of, make_key
from syncd.sources.ldap import disabled, names
from syncd.sources.ldap.connection import Session
from syncd.sources.ldap.entries import ReceivedEntry
from syncd.sources.ldap.failures import BaseNotFound, SearchFailed
from syncd.sources.ldap.flavors import naming_contexts
from syncd.sources.ldap.queries import filter_for
from syncd.sources.ldap.reading import Reading

#: Keys in one search, and in one read: the rest are simply missing. Where the key is not indexed, each search walks
#: through the whole directory.
_BATCH = 100
_AT_MOST = 2000
_NO_ACCESS = 50


@dataclass(slots=True)
class Absences:
    """Looks up keys over the session of *reading*."""

    reading: Reading
    found: dict[Key, Absence] = field(default_factory=dict)
    _visible: bool | None = None

    def look_up(self, known: Collection[Key]) -> Mapping[Key, Absence]:
        """Return what became of each *known* key that was not read; of those not in it nothing can be told."""
        for kind in self.reading.readers:
            missing = sorted(self._missing(kind, known))[:_AT_MOST]
            for start in range(0, len(missing), _BATCH):
                self._look_up_batch(kind, missing[start : start + _BATCH])
        return self.found

    def _missing(self, kind: Kind, known: Collection[Key]) -> Iterator[str]:
        """Yield the identities of *known* keys of *kind* that no search has shown."""
        found = self.reading.found.get(kind)
        if found is None:
            return
        refused = {rejection.key for rejection in found.rejections}
        for key in known:
            if kind_of(key) is kind and key not in refused and identity_of(key) not in found.entries:
                yield identity_of(key)

    def _look_up_batch(self, kind: Kind, identities: Sequence[str]) -> None:
        reader = self.reading.readers[kind]
        left = dict.fromkeys(identities)
        try:
            # All of them first: each is looked at with further searches, and a session reads one at a time.
            for raw in list(self._entries(kind, identities)):
                identity = reader.identity(raw)
                if identity in left:
                    del left[identity]
                    self._judge(kind, identity, raw)
        except SearchFailed as error:
            if error.code == _NO_ACCESS:
                self.found |= {make_key(kind, identity): Absence.NOT_VISIBLE for identity in left}
            return
        if left and self._sees_everything():
            self.found |= {make_key(kind, identity): Absence.GONE for identity in left}

    def _judge(self, kind: Kind, identity: str, raw: ReceivedEntry) -> None:
        """Say of an entry that is there why it was not read; or read it after all."""
        if self._read_after_all(kind, raw):
            return
        is_disabled = kind is Kind.USER and self.reading.readers[kind].is_disabled(raw)
        self.found[make_key(kind, identity)] = Absence.DISABLED if is_disabled else Absence.MOVED

    def _read_after_all(self, kind: Kind, raw: ReceivedEntry) -> bool:
        """Read an entry that a search should have shown: it was moved from one to the next while we read."""
        try:
            dn = names.normalize(raw.dn)
        except names.BadName:
            return False
        for search in self.reading.queries.of(kind):
            if names.is_within(dn, search.within, search.scope):
                again = self.reading.session.search(
                    raw.dn, scope="base", filter=search.filter, attributes=search.attributes
                )
                for entry in _unless_gone(again):
                    self.reading.add(search, entry)
                    return True
        return False

    def _entries(self, kind: Kind, identities: Sequence[str]) -> Iterator[ReceivedEntry]:
        """Yield the entries with these keys, wherever they are."""
        plan, session = self.reading.queries, self.reading.session
        needs = self.reading.needs[kind]
        attributes = sorted({needs.key, *disabled.attributes_for(plan.disabled_by)})
        if needs.key.lower() == "objectguid":
            for identity in identities:
                raw = session.lookup(f"<GUID={identity}>", attributes)
                if raw is not None:
                    yield raw
            return
        wanted = filter_for(needs.key, *identities)
        for base in naming_contexts(session.root_dse):
            yield from session.search(base, scope="sub", filter=wanted, attributes=attributes)

    def _sees_everything(self) -> bool:
        """Return whether the tops of all trees are visible: only then is what we don't see not there."""
        if self._visible is None:
            session = self.reading.session
            tops = naming_contexts(session.root_dse)
            self._visible = bool(tops) and all(is_visible(session, top) for top in tops)
        return self._visible


def is_visible(session: Session, dn: str) -> bool:
    """Return whether syncd's account sees the entry called *dn*."""
    try:
        return session.lookup(dn, ("1.1",)) is not None
    except SearchFailed:
        return False


def _unless_gone(entries: Iterator[ReceivedEntry]) -> Iterator[ReceivedEntry]:
    """Yield *entries* until the server says that there is no such name any more."""
    try:
        yield from entries
    except BaseNotFound:
        return
