"""An entry of the server becomes an entry of the model, or a rejection that names DN and attribute.

Attributes have the mapping's spelling, whatever the server's is. Some exist in no directory:

| attribute       | says                                                                       |
|-----------------|----------------------------------------------------------------------------|
| dn              | the entry's name in the normal form of `names.py`, as members name it       |
| disabled        | "true" or "false" (`disabled.py`)                                          |
| members         | of a group: who belongs to it, by any of its ways (`members.py`)           |
| proxy_primary   | the address that `proxyAddresses` has with `SMTP:`                         |
| proxy_aliases   | the addresses that `proxyAddresses` has with `smtp:`                       |

Values that refer to others by `dn` are names in that normal form too.
"""

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from syncd.model.entry import Entry, Rejection
from syncd.model.names import Kind, make_key
from syncd.model.needs import Needs, Reference
from syncd.sources.ldap import disabled, names, values

DN = "dn"
DISABLED = "disabled"
#: No name or address is longer, in bytes.
_LONGEST_NAME = 512
MEMBERS = "members"
PROXY_PRIMARY = "proxy_primary"
PROXY_ALIASES = "proxy_aliases"
VIRTUAL = frozenset({DN, DISABLED, MEMBERS, PROXY_PRIMARY, PROXY_ALIASES})
_PROXY_ADDRESSES = "proxyaddresses"


class ReceivedEntry(Protocol):
    """An entry as it came over the wire."""

    @property
    def dn(self) -> str: ...
    @property
    def attributes(self) -> Mapping[str, Sequence[bytes]]: ...


class Folded(dict[str, str]):
    """A server's spelling -> the one that stands for all; filled when asked."""

    def __missing__(self, name: str) -> str:
        self[name] = canonical = names.canonical_type(name)
        return canonical


class Record(NamedTuple):
    """An entry, read. *identity* and *entry* are missing where they can't be used: then there is a *rejection*."""

    dn: str
    identity: str
    attributes: Mapping[str, Sequence[bytes]]
    entry: Entry | None
    rejection: Rejection | None


class Attributes(Mapping[str, tuple[str, ...]]):
    """The attributes of one entry: names are shared by all entries of a kind, a single value is kept bare.

    A dictionary of tuples for each entry takes twice the memory.
    """

    __slots__ = ("_places", "_values")

    def __init__(self, places: Mapping[str, int], values: tuple[str | tuple[str, ...] | None, ...]) -> None:
        self._places = places
        self._values = values

    def __getitem__(self, name: str) -> tuple[str, ...]:
        found = self._values[self._places[name]]
        if found is None:
            raise KeyError(name)
        return (found,) if isinstance(found, str) else found

    def get(self, name: str, default: Any = None, /) -> Any:  # noqa: ANN401 - as Mapping has it
        # Mapping's own raises and catches for each absent attribute.
        place = self._places.get(name)
        found = None if place is None else self._values[place]
        return default if found is None else (found,) if isinstance(found, str) else found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name, place in self._places.items() if self._values[place] is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Attributes({dict(self)!r})"


class _Column(NamedTuple):
    folded: str
    spelling: str
    read: Callable[[bytes], str]


def is_by_name(reference: Reference) -> bool:
    """Return whether the values of *reference* are names of entries; any others are taken as they are."""
    return reference.by.get(Kind.USER) == DN


def _name(raw: bytes) -> str:
    """Return the normal form of the name *raw*; what is no name stays as it is, and names nobody."""
    text = values.text(raw)
    try:
        return names.normalize(text)
    except names.BadName:
        return text


class EntryReader:
    """Reads entries of one *kind*. *except_for* are attributes that somebody else reads (memberships)."""

    def __init__(
        self,
        kind: Kind,
        needs: Needs,
        *,
        disabled_by: Collection[str] = (),
        now: datetime,
        except_for: Collection[str] = (),
    ) -> None:
        self._kind = kind
        self._key = names.canonical_type(needs.key)
        self._key_name = needs.key
        self._read_key = values.reader_of(needs.key)
        self._disabled_by = tuple(disabled_by)
        self._now = now
        self._proxies = bool(needs.attributes & {PROXY_PRIMARY, PROXY_ALIASES})
        others = {names.canonical_type(name) for name in except_for}
        spellings: dict[str, list[str]] = {}
        for name in sorted(needs.all - VIRTUAL):
            spellings.setdefault(names.canonical_type(name), []).append(name)
        named = {names.canonical_type(each.attribute) for each in needs.references if is_by_name(each)}
        self._columns = tuple(
            _Column(folded, written[0], _name if folded in named else values.reader_of(folded))
            for folded, written in spellings.items()
            if folded not in others and folded not in values.BINARY
        )
        # The virtual ones first; every spelling of an attribute has its place.
        self._places = {DN: 0, DISABLED: 1, PROXY_PRIMARY: 2, PROXY_ALIASES: 3}
        for place, column in enumerate(self._columns, start=len(self._places)):
            self._places |= dict.fromkeys(spellings[column.folded], place)
        self._folded = Folded()

    def read(self, raw: ReceivedEntry) -> Record:
        """Return what *raw* says."""
        folded = self._folded
        attributes = {folded[name]: found for name, found in raw.attributes.items()}
        identity, reason, remedy = self._identity(attributes)
        try:
            dn = names.normalize(raw.dn)
        except names.BadName as error:
            dn, reason, remedy = "", f"its name is no distinguished name: {error}", "rename it"
        if not reason:
            try:
                entry = Entry(self._kind, identity, raw.dn, self._attributes(identity, dn, attributes))
            except values.BadValue as error:
                reason, remedy = str(error), "correct the value in the directory"
            else:
                return Record(dn, identity, attributes, entry, None)
        key = make_key(self._kind, identity) if identity else None
        rejection = Rejection(key=key, origin=raw.dn, reason=reason, remedy=remedy, names=_texts(attributes))
        return Record(dn, identity, attributes, None, rejection)

    def identity(self, raw: ReceivedEntry) -> str:
        """Return the identity of *raw*, "" where it can't be read."""
        return self._identity({self._folded[name]: found for name, found in raw.attributes.items()})[0]

    def is_disabled(self, raw: ReceivedEntry) -> bool:
        """Return whether *raw* is a disabled account."""
        attributes = {self._folded[name]: found for name, found in raw.attributes.items()}
        return disabled.is_disabled(attributes, self._disabled_by, self._now)

    def _identity(self, attributes: Mapping[str, Sequence[bytes]]) -> tuple[str, str, str]:
        """Return the identity, or else what is wrong with it and what mends that."""
        found = attributes.get(self._key, ())
        name = self._key_name
        if len(found) != 1:
            how_many = f"has {len(found)} values" if found else "is not there or not visible"
            remedy = f"give it one {name}, or let syncd's account read it; until then nobody counts as missing"
            return "", f"it has no key: {name} {how_many}", remedy
        try:
            identity = self._read_key(found[0])
        except values.BadValue as error:
            return "", f"its key {name} {error}", "correct it in the directory; until then nobody counts as missing"
        identity = identity.strip() if identity.isascii() else unicodedata.normalize("NFC", identity.strip())
        if not identity.isprintable() or not identity:
            return "", f"its key {name} is blank or has line breaks", "correct it; until then nobody counts as missing"
        return identity, "", ""

    def _attributes(self, identity: str, dn: str, attributes: Mapping[str, Sequence[bytes]]) -> Attributes:
        """Return all attributes with the mapping's spelling. Raises BadValue, naming the attribute."""
        is_disabled = None
        if self._kind is Kind.USER:
            is_disabled = "true" if disabled.is_disabled(attributes, self._disabled_by, self._now) else "false"
        proxies = _proxy_addresses(attributes.get(_PROXY_ADDRESSES, ())) if self._proxies else {}
        found: list[str | tuple[str, ...] | None] = [
            dn,
            is_disabled,
            proxies.get(PROXY_PRIMARY),
            proxies.get(PROXY_ALIASES),
        ]
        for folded, spelling, read in self._columns:
            raws = attributes.get(folded)
            if not raws:
                found.append(None)
            elif folded == self._key:
                found.append(identity)
            else:
                try:
                    if len(raws) == 1:
                        # Nearly always.
                        found.append(text if (text := read(raws[0])).strip() else None)
                        continue
                    texts = [text for raw in raws if (text := read(raw)).strip()]
                except values.BadValue as error:
                    raise values.BadValue(f"{spelling!r} {error}") from error
                found.append(texts[0] if len(texts) == 1 else tuple(texts) or None)
        return Attributes(self._places, tuple(found))


def _texts(attributes: Mapping[str, Sequence[bytes]]) -> tuple[str, ...]:
    """Return what of an unusable entry can be read as text: a name or an address may be among it."""
    short = (value for found in attributes.values() for value in found if len(value) <= _LONGEST_NAME)
    return tuple(value.decode("utf-8", errors="replace").strip() for value in short)


def _proxy_addresses(raws: Sequence[bytes]) -> dict[str, tuple[str, ...]]:
    """Return the addresses of `proxyAddresses`: `SMTP:` marks the primary one. Others (X500:, SIP:) are no mail."""
    found: dict[str, list[str]] = {}
    for raw in raws:
        kind, _, address = raw.partition(b":")
        if kind.lower() != b"smtp" or not address.strip():
            continue
        try:
            text = values.text(address).strip()
        except values.BadValue as error:
            raise values.BadValue(f"'proxyAddresses' {error}") from error
        found.setdefault(PROXY_PRIMARY if kind == b"SMTP" else PROXY_ALIASES, []).append(text)
    return {name: tuple(texts) for name, texts in found.items()}
