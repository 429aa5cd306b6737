"""Whom do the values of a reference name?

A value is looked for among the users, then among the groups, by the attribute of each that the reference says; where
one of that attribute's values is an address, all are compared folded. What names nobody is counted, never rejected:
directories name people outside what we read. What names two is a fault of the entry that says it: guessing would let
the wrong one in.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from syncd.mapping.values import clean, shown
from syncd.model.entry import Entry
from syncd.model.names import Key, Kind, identity_of, kind_of, make_key
from syncd.model.needs import Needs, Reference

#: What the index says of a value besides a key: it names someone who is disabled, or two at once.
_DISABLED, _SHARED = Key(""), Key("*")
#: How many values that name nobody are remembered of a group, to be shown.
MOST_OUTSIDERS = 20


@dataclass(slots=True)
class Named:
    """Whom the values of a reference name in one entry."""

    people: frozenset[Key]
    groups: tuple[Key, ...] = ()
    #: Values that name nobody: how many, and the first of them.
    outside: int = 0
    outsiders: tuple[str, ...] = ()
    fault: str = ""


@dataclass(slots=True)
class _Index:
    """Value -> whom it names."""

    keys: dict[str, Key] = field(default_factory=dict)
    folds: bool = False

    def add(self, value: str, key: Key) -> None:
        value = clean(value)
        if self.keys.setdefault(value, key) != key:
            self.keys[value] = _SHARED

    def settle(self) -> None:
        """Fold all values if one is an address."""
        self.folds = any("@" in value for value in self.keys)
        if not self.folds:
            return
        unfolded, self.keys = self.keys, {}
        for value, key in unfolded.items():
            folded = value.casefold()
            if self.keys.setdefault(folded, key) != key:
                self.keys[folded] = _SHARED

    def find(self, value: str) -> Key | None:
        return self.keys.get(value.casefold() if self.folds else value)


class Resolver:
    """Resolves the values of *reference*, of which any kind of *needs* may be named.

    *disabled* are those whom nobody wants to name; *unread* are entries known by key only.
    """

    def __init__(
        self,
        reference: Reference,
        needs: Mapping[Kind, Needs],
        entries: Mapping[Kind, Iterable[Entry]],
        *,
        disabled: frozenset[Key],
        unread: Iterable[Key],
    ) -> None:
        self._reference = reference
        self._needs = needs
        self._known: dict[Key, Key] = {}
        self._indexes = {kind: _Index() for kind in reference.by if kind in needs}
        for kind in self._indexes:
            self._fill(kind, entries[kind], disabled)
        for key in unread:
            self._known[key] = key
            if self.finds_unread(kind_of(key)):
                self._indexes[kind_of(key)].add(identity_of(key), key)
        for index in self._indexes.values():
            index.settle()
        # Nearly every value names one of these.
        self._first = next(iter(self._indexes.values()))

    def finds_unread(self, kind: Kind) -> bool:
        """Return whether an entry of *kind* of which only the key is known can be named by a value."""
        return kind in self._indexes and self._reference.by[kind] == self._needs[kind].key

    def _fill(self, kind: Kind, entries: Iterable[Entry], disabled: frozenset[Key]) -> None:
        index, by, is_key = self._indexes[kind], self._reference.by[kind], self.finds_unread(kind)
        for entry in entries:
            own = make_key(entry.kind, entry.identity)
            meant = _DISABLED if own in disabled else own
            self._known[own] = meant
            if is_key:
                index.keys[entry.identity] = meant
            else:
                for value in entry.attributes.get(by) or ():
                    index.add(value, meant)

    def resolve(self, entry: Entry) -> Named:
        """Return whom *entry* names."""
        values = entry.attributes.get(self._reference.attribute) or ()
        get: Callable[[str], Key | None] = self._first.keys.get
        found = frozenset(map(get, map(str.casefold, values) if self._first.folds else values))
        if None in found or _DISABLED in found or _SHARED in found:
            return self._resolve_closely(values)
        return Named(found)  # type: ignore[arg-type]  # None was ruled out

    def _resolve_closely(self, values: Iterable[str]) -> Named:
        people: set[Key] = set()
        groups: dict[Key, None] = {}
        outsiders: list[str] = []
        outside, fault = 0, ""
        for text in values:
            value = clean(text)
            key = self._find(value)
            if key is None:
                outside += bool(value)
                if value and len(outsiders) < MOST_OUTSIDERS:
                    outsiders.append(value)
            elif key == _SHARED:
                fault = fault or f"the {self._reference.name} {shown(value)} names more than one entry"
            elif key == _DISABLED:
                continue
            elif kind_of(key) is Kind.GROUP:
                groups[key] = None
            else:
                people.add(key)
        return Named(frozenset(people), tuple(groups), outside, tuple(outsiders), fault)

    def _find(self, value: str) -> Key | None:
        for index in self._indexes.values():
            found = index.find(value)
            if found is not None:
                return found
        return self._known.get(Key(value))
