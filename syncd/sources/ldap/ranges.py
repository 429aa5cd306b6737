"""How is an attribute read to its end that the server hands out in pieces?

Active Directory returns at most 1,500 values of an attribute at a time, as `member;range=0-1499`, and an empty `member`
beside it: to who doesn't look closer, the largest groups are empty (`pitfalls.md` 30). The rest is asked for, piece by
piece, whatever their size, until the server says `*`. Values that come and go meanwhile shift the pieces: an entry that
changed is read again from its start.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from syncd.sources.ldap.decoder import RawEntry

_OPTION = re.compile(
    r"(?P<before>[^;]+(?:;[^;]+)*?);range=(?P<first>\d+)-(?P<last>\d+|\*)(?P<after>(?:;[^;]+)*)", re.IGNORECASE
)
#: Active Directory counts this up with every change of an entry, its members included.
_VERSION = "usnchanged"
_TRIES = 3

#: Looks the attributes up in one entry, by its DN.
Fetch = Callable[[str, tuple[str, ...]], RawEntry]


class Unfinished(Exception):
    """An attribute could not be read to its end; the message says which and why."""


class _Changed(Exception):
    """The entry changed while it was read."""


@dataclass(frozen=True, slots=True)
class _Piece:
    name: str
    first: int
    last: int | None
    values: list[bytes]


def is_ranged(name: str) -> bool:
    """Return whether *name* is that of a piece."""
    return ";range=" in name.lower()


def whole(entry: RawEntry, fetch: Fetch) -> RawEntry:
    """Return *entry* with every attribute that came in pieces joined into one.

    Raises:
        Unfinished: the end was not reached, or the entry never stood still.
    """
    attributes = dict(entry.attributes)
    for key in [name for name in attributes if is_ranged(name)]:
        piece = _piece(key, attributes.pop(key), entry.dn)
        if attributes.get(piece.name):
            raise Unfinished(f"{entry.dn}: the server sent {piece.name} both whole and in pieces")
        attributes[piece.name] = _joined(entry, piece, fetch)
    return RawEntry(entry.dn, attributes)


def _joined(entry: RawEntry, piece: _Piece, fetch: Fetch) -> list[bytes]:
    version = _version(entry)
    for _ in range(_TRIES):
        try:
            return _to_the_end(entry.dn, piece, version, fetch)
        except _Changed:
            again = fetch(entry.dn, (_option(piece.name, 0), "uSNChanged"))
            version = _version(again)
            piece = _piece_of(again, piece.name, 0)
    raise Unfinished(f"{entry.dn}: {piece.name} changed {_TRIES} times while it was read; the next cycle tries again")


def _to_the_end(dn: str, piece: _Piece, version: list[bytes] | None, fetch: Fetch) -> list[bytes]:
    if piece.first != 0:
        raise Unfinished(f"{dn}: the server sent {piece.name} from value {piece.first} on, not from its start")
    values = list(piece.values)
    while piece.last is not None:
        expected = piece.last + 1
        if len(values) != expected:
            raise Unfinished(f"{dn}: {len(values)} values of {piece.name} came where the server announced {expected}")
        answer = fetch(dn, (_option(piece.name, expected), "uSNChanged"))
        if version is not None and _version(answer) != version:
            raise _Changed
        version = _version(answer)
        piece = _piece_of(answer, piece.name, expected)
        values += piece.values
    if len(set(values)) != len(values):
        raise _Changed
    return values


def _piece_of(entry: RawEntry, name: str, first: int) -> _Piece:
    for key, values in entry.attributes.items():
        if is_ranged(key):
            piece = _piece(key, values, entry.dn)
            if piece.name.lower() == name.lower():
                if piece.first != first:
                    message = (
                        f"{entry.dn}: asked for {name} from value {first} on, the server sent it from {piece.first}"
                    )
                    raise Unfinished(message)
                return piece
        elif key.lower() == name.lower() and values and first == 0:
            # It became so short meanwhile that it came whole.
            return _Piece(name, 0, None, values)
    raise Unfinished(f"{entry.dn}: {name} ended at value {first}, and the server didn't say that this is its end")


def _piece(key: str, values: list[bytes], dn: str) -> _Piece:
    match = _OPTION.fullmatch(key)
    if match is None:
        raise Unfinished(f"{dn}: the server sent {key!r}, which names no range")
    first, last = int(match["first"]), None if match["last"] == "*" else int(match["last"])
    if last is not None and last < first:
        raise Unfinished(f"{dn}: the server sent {key!r}, a range that ends before it begins")
    return _Piece(match["before"] + match["after"], first, last, values)


def _option(name: str, first: int) -> str:
    return f"{name};range={first}-*"


def _version(entry: RawEntry) -> list[bytes] | None:
    return next((values for name, values in entry.attributes.items() if name.lower() == _VERSION), None)
