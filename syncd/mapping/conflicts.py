"""Which entries want the same name, or the same address?

Users and groups share one namespace for names and one for addresses (`workmail.md` B2, B9). Who shares is rejected,
all of them: nothing says who is right. What a rejected entry wants stays taken, so that one rejection frees nothing
for another entry. A disabled entry wants no address; its name it keeps, as nobody can rename (`workmail.md` 0.7).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from syncd.model.entry import Rejection
from syncd.model.names import Key

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """What one entry wants."""

    key: Key
    origin: str
    name: str
    addresses: tuple[str, ...]


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

    def contested(self) -> dict[Key, list[tuple[str, str, list[Key]]]]:
        """Return, for each key in a conflict, what is wanted and by whom else."""
        found: dict[Key, list[tuple[str, str, list[Key]]]] = {}
        for (what, text), keys in self._contested.items():
            for key in keys:
                others = sorted({other for other in keys if other != key})
                if others:
                    found.setdefault(key, []).append((what, text, others))
        return found


def rejection_of(
    key: Key, origin: str, conflicts: list[tuple[str, str, list[Key]]], origins: dict[Key, str]
) -> Rejection:
    """Return the rejection of *key*, naming everyone it shares with."""
    reasons = []
    for what, text, others in sorted(conflicts):
        names = ", ".join(f"{other} ({origins[other]})" for other in others[:_NAMED])
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        reasons.append(f"the {what} {text!r} is wanted by {names}{more} too")
    remedy = "give it to one of them; nothing of them is changed until then"
    return Rejection(key=key, origin=origin, reason="; ".join(reasons), remedy=remedy)
