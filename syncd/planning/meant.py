"""Whom may a row mean that stands under no key, a wrong one, or one that another row has too?

| the row                                            | who doesn't count as missing                              |
|----------------------------------------------------|-----------------------------------------------------------|
| has no readable key                                | nobody who is absent does                                 |
| is rejected                                        | whoever has a name or an address that it carries          |
| is enabled, and has a key that nobody of ours has  | whoever has its name, or its primary address, as their own |

Names are the name and the display name; compared folded, and with entities of the same kind only.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from syncd.model.detail import ALIASES
from syncd.model.entry import Rejection
from syncd.model.memory import Memory
from syncd.model.names import Key, Kind, fold, kind_of
from syncd.model.observed import Observed
from syncd.model.state import Desired, Entity

#: A kind, and a folded name or address of it.
_Trait = tuple[Kind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """The row at *origin* may mean them: *why*."""

    origin: str
    why: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.why}"


def protections(memory: Memory, desired: Desired, observed: Observed) -> Mapping[Key, Protection]:
    """Return who of the bound that are absent can't be counted as missing, because of which row."""
    there, others = desired.entities, {r.key for r in desired.rejections} | desired.without_address.keys()
    absent = [k for k in memory.bindings if k not in there and k not in others and kind_of(k) in desired.read]
    if not absent:
        return {}
    unreadable = next((r for r in desired.rejections if r.key is None), None)
    if unreadable is not None:
        why = "its key can't be read, so it could be theirs"
        return dict.fromkeys(absent, Protection(origin=unreadable.origin, why=why))
    carried = dict(_carried(memory, desired))
    if not carried:
        return {}
    found: dict[Key, Protection] = {}
    for key in absent:
        entity = observed.entities.get(memory.bindings[key].entity)
        traits = () if entity is None else _traits_of(entity, observed)
        protection = next((carried[trait] for trait in traits if trait in carried), None)
        if protection is not None:
            found[key] = protection
    return found


def _carried(memory: Memory, desired: Desired) -> Iterator[tuple[_Trait, Protection]]:
    """Yield what rows carry that may stand under a wrong key; of several rows the last one is told."""
    for wanted in desired.entities.values():
        if wanted.enabled and wanted.key not in memory.bindings:
            for text in filter(None, (wanted.name, wanted.primary)):
                why = f"its key {wanted.key} is new, and it has {text!r} as they have"
                yield (wanted.kind, fold(text)), Protection(origin=wanted.origin, why=why)
    for rejection in desired.rejections:
        if rejection.key is not None:
            yield from _carried_by(rejection, kind_of(rejection.key))


def _carried_by(rejection: Rejection, kind: Kind) -> Iterator[tuple[_Trait, Protection]]:
    for text in filter(None, (*rejection.names, *rejection.addresses)):
        why = f"it is rejected, and has {text!r} as they have"
        yield (kind, fold(text)), Protection(origin=rejection.origin, why=why)


def _traits_of(entity: Entity, observed: Observed) -> Iterable[_Trait]:
    aliases = observed.details.of(ALIASES).get(entity.id, ())
    texts = (entity.name, entity.primary, *aliases, entity.display_name)
    return [(entity.kind, fold(text)) for text in texts if text]
