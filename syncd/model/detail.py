"""What only a call per entity tells: of whom it is read, how it lies in the store, and what was read of it.

The three that the core itself decides by stand here; any other one stands with its page.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from syncd.model.names import EntityId, Kind
from syncd.model.state import Entity, Profile, State

V = TypeVar("V")
#: What a target stores about entities, by name: `aliases`, `profile`, `members`, ...
Thing = str
#: Gives back the one object that stands for a text: a hundred thousand rows repeat the same ids and addresses.
Same = Callable[[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec(Generic[V]):
    """How a value lies in the store as plain JSON; `decode(encode(value))` is the value."""

    encode: Callable[[V], object]
    decode: Callable[[Any, Same], V]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail(Generic[V]):
    """One kind of detail, under the name of its *thing*.

    *kinds* have it; *only_enabled* while they are ENABLED; *of_everybody* says that it is read of strangers too, since
    it matters who holds what.
    """

    thing: Thing
    codec: Codec[V]
    kinds: frozenset[Kind]
    only_enabled: bool = False
    of_everybody: bool = False

    def concerns(self, entity: Entity) -> bool:
        """Return whether *entity* has it at all (`workmail.md` B22, L)."""
        if entity.kind not in self.kinds or entity.state is State.DELETED:
            return False
        if self.only_enabled and entity.state is not State.ENABLED:
            return False
        return self.of_everybody or not entity.untouchable


@dataclass(frozen=True, slots=True)
class Details:
    """What was read per entity, thing by thing. An id that is absent was not read."""

    by_thing: Mapping[Thing, Mapping[EntityId, Any]] = field(default_factory=dict)

    def of(self, detail: Detail[V]) -> Mapping[EntityId, V]:
        """Return what was read of *detail*."""
        return self.by_thing.get(detail.thing, _NOTHING_READ)

    def replacing(self, read: Mapping[Thing, Mapping[EntityId, Any]]) -> "Details":
        """Return these details with those of the things in *read* replaced."""
        return Details({**self.by_thing, **read})


_NOTHING_READ: Mapping[EntityId, Any] = {}
_NOBODY: frozenset[str] = frozenset()


def _sorted(value: Collection[str]) -> object:
    return sorted(value)


def _as_texts(value: list[str], _: Same) -> frozenset[str]:
    return frozenset(value) if value else _NOBODY


def _as_ids(value: list[str], same: Same) -> frozenset[EntityId]:
    # Copied from a set, the table is made for its size; grown item by item it takes twice the memory.
    return frozenset({EntityId(identity) for identity in map(same, value, value)}) if value else frozenset()


def _as_they_lie(value: dict[str, str], _: Same) -> Profile:
    return value


#: The aliases of whoever is ENABLED, ours or not, without the primary address (`workmail.md` 0.2), as written.
ALIASES: Detail[frozenset[str]] = Detail(
    thing="aliases",
    codec=Codec(encode=_sorted, decode=_as_texts),
    kinds=frozenset(Kind),
    only_enabled=True,
    of_everybody=True,
)
#: The personal attributes that people and groups have.
PROFILE: Detail[Profile] = Detail(
    thing="profile",
    codec=Codec(encode=dict, decode=_as_they_lie),
    kinds=frozenset({Kind.USER, Kind.GROUP}),
)
#: The ids of a group's direct members, ENABLED and DISABLED alike.
MEMBERS: Detail[frozenset[EntityId]] = Detail(
    thing="members", codec=Codec(encode=_sorted, decode=_as_ids), kinds=frozenset({Kind.GROUP})
)
