"""A directory server in memory, and a real session that lets something happen between two of its searches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

from syncd.errors import SourceUnreachable
from syncd.sources.ldap import names
from syncd.sources.ldap.connection import Session
from syncd.sources.ldap.decoder import RawEntry
from syncd.sources.ldap.failures import SearchFailed
from syncd.sources.ldap.filters import Filter, Group, Item, parse

Attributes = Mapping[str, Sequence[str | bytes]]


def raw(dn: str, **attributes: str | bytes | Sequence[str | bytes]) -> RawEntry:
    """Return an entry as it comes over the wire; a single value needs no list."""
    return RawEntry(
        dn,
        {
            name: [_bytes(value) for value in ([found] if isinstance(found, str | bytes) else found)]
            for name, found in attributes.items()
        },
    )


@dataclass(kw_only=True)
class FakeSession:
    """Answers as a server would: base, scope, and filters of `=`, `&`, `|`, `!`; returns all attributes.

    *hidden* holds names that are not shown, *refuses* filters (a part of their text) -> result code. After
    *breaks_after* messages the connection is gone.
    """

    entries: list[RawEntry]
    root_dse: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    server: str = "ldap://127.0.0.1"
    hidden: set[str] = field(default_factory=set)
    refuses: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    breaks_after: int = 1_000_000

    def open(self) -> Session:
        """Return this as a source takes it."""
        return cast("Session", self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None: ...

    def search(
        self,
        base: str,
        *,
        scope: names.Scope,
        filter: str,  # noqa: A002 - the word of LDAP
        attributes: Sequence[str],
        **_: object,
    ) -> Iterator[RawEntry]:
        self.asked.append((base, filter))
        for part, code in self.refuses.items():
            if part in filter:
                raise SearchFailed(f"result {code}", code=code)
        wanted, within = parse(filter), names.normalize(base)
        for entry in list(self.entries):
            dn = names.normalize(entry.dn)
            if dn not in self.hidden and names.is_within(dn, within, scope) and _fits(entry, wanted):
                self._one_more()
                yield entry
        self._one_more()

    def _one_more(self) -> None:
        """Count a message; the end of a search is one too."""
        if self.breaks_after == 0:
            raise SourceUnreachable("the connection is gone")
        self.breaks_after -= 1

    def lookup(self, base: str, attributes: Sequence[str]) -> RawEntry | None:
        self._one_more()
        self.asked.append((base, ""))
        wanted = names.normalize(base)
        found = [entry for entry in self.entries if names.normalize(entry.dn) == wanted]
        return found[0] if found and wanted not in self.hidden else None


class Interrupted:
    """A real *session* during which *happens* is called before the search number *before*, counted from 0."""

    def __init__(self, session: Session, before: int, happens: Callable[[], None]) -> None:
        self._session = session
        self._before = before
        self._happens = happens
        self._count = 0

    def __enter__(self) -> Self:
        self._session.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._session.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def search(self, base: str, **options: Any) -> Iterator[RawEntry]:  # noqa: ANN401 - handed on
        if self._count == self._before:
            self._happens()
        self._count += 1
        return self._session.search(base, **options)


def _fits(entry: RawEntry, wanted: Filter) -> bool:
    if isinstance(wanted, Group):
        each = [_fits(entry, inner) for inner in wanted.inner]
        return {"&": all(each), "|": any(each), "!": not each[0]}[wanted.sign]
    return _has(entry, wanted)


def _has(entry: RawEntry, wanted: Item) -> bool:
    folded = {names.canonical_type(name): values for name, values in entry.attributes.items()}
    found = folded.get(names.canonical_type(wanted.attribute), [])
    if wanted.values == (b"", b""):
        return bool(found) or wanted.attribute.lower() == "objectclass"
    return wanted.values[0].lower() in [value.lower() for value in found]


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
