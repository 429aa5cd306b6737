"""How somebody appears: what tells whether the person behind a key is still the one who was there before."""

import re
from typing import NamedTuple

from syncd.model.names import fold
from syncd.model.state import Entity, Wanted

_WORD = re.compile(r"\w+")


class Look(NamedTuple):
    """Login, display name, primary address and first name, as written; "" for what isn't known.

    A tuple, because a hundred thousand are made and compared in every cycle.
    """

    login: str
    display_name: str
    primary: str
    first_name: str = ""

    def __str__(self) -> str:
        shown = ", ".join(filter(None, (self.login, self.primary)))
        return f"{self.display_name} ({shown})" if self.display_name else shown


def look_of(wanted: Wanted) -> Look:
    """Return how the directory shows *wanted*."""
    return Look(wanted.name, wanted.display_name, wanted.primary, wanted.profile.get("first_name", ""))


def look_in_service(entity: Entity, addresses: tuple[str, ...] = ()) -> Look:
    """Return how the service shows *entity*; of one that isn't enabled, *addresses* tell what it had."""
    return Look(entity.name, entity.display_name, entity.primary or next(iter(addresses), ""))


def words(display_name: str) -> frozenset[str]:
    """Return the folded words of *display_name*: neither their order nor what stands between them is a difference."""
    return frozenset(_WORD.findall(fold(display_name)))
