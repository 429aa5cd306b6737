"""Which entries want the same name, or the same address?

Users and groups share one namespace for names and one for addresses (`workmail.md` B2, B9). Who shares is rejected,
all of them: nothing says who is right. What a rejected entry wants stays taken, so that one rejection frees nothing
for another entry. Who holds it already goes on all the same (`planning/contests.py`). A disabled entry wants no
address; its name it keeps, as nobody can rename (`workmail.md` 0.7).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from syncd.model.entry import Rejection
from syncd.model.names import Key

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Conflict:
    """*what* (a name, an address) several *keys* want; *text* is folded."""

    what: str
    text: str
    keys: tuple[Key, ...]


class Claims:
    """Collects who wants what: `take` for each entry, then `rejections`."""

    def __init__(self) -> None:
        self._names: dict[str, Key] = {}
        self._addresses: dict[str, Key] = {}
        self._contested: dict[tuple[str, str], list[Key]] = {}

    def take(self, key: Key, name: str, addresses: Iterable[str]) -> None:
        """Note that *key* wants *name* and *addresses*."""
        folded = name.casefold()
        first = self._names.setdefault(folded, key)
        if first is not key and name:
            self._contested.setdefault(("name", folded), [first]).append(key)
        for address in addresses:
            folded = address.casefold()
            first = self._addresses.setdefault(folded, key)
            if first is not key:
                self._contested.setdefault(("address", folded), [first]).append(key)

    def contested(self) -> dict[Key, list[Conflict]]:
        """Return, for each key in a conflict, what is wanted and by whom."""
        found: dict[Key, list[Conflict]] = {}
        for (what, text), keys in sorted(self._contested.items()):
            conflict = Conflict(what, text, tuple(sorted(set(keys))))
            for key in conflict.keys:
                found.setdefault(key, []).append(conflict)
        return found


def rejection_of(key: Key, conflicts: list[Conflict], origins: Mapping[Key, str]) -> Rejection:
    """Return the rejection of *key*, naming whom it shares with: all may want the same, so the first few."""
    reasons = []
    for conflict in conflicts:
        others = [other for other in conflict.keys[: _NAMED + 1] if other != key][:_NAMED]
        names = ", ".join(f"{other} ({origins[other]})" for other in others)
        more = len(conflict.keys) - 1 - len(others)
        names += f" and {more} more" if more else ""
        reasons.append(f"the {conflict.what} {conflict.text!r} is wanted by {names} too")
    remedy = "give it to one of them; until then only who holds it goes on, and the others stay as they are"
    return Rejection(key=key, origin=origins[key], reason="; ".join(reasons), remedy=remedy)
