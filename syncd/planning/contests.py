"""Who goes on though another entry wants the same name or address: whoever holds it already.

| the entry is contested over ...                     | and                                | then it          |
|-----------------------------------------------------|------------------------------------|------------------|
| a name that its own entity has                      | nobody can rename that one         | goes on          |
| an address that its own entity holds                | it wants nothing that isn't its    | goes on          |
| anything else of the two, or is not bound, or lost  | nothing says who is right          | stays rejected   |

Else whoever can write a group could freeze a person by giving it that person's name: she would neither be changed nor
ever leave.
"""

from collections.abc import Iterator
from dataclasses import replace

from syncd.model.detail import ALIASES
from syncd.model.memory import Memory
from syncd.model.names import Key, fold
from syncd.model.observed import Observed
from syncd.model.state import Desired, State


def with_holders(desired: Desired, observed: Observed, memory: Memory) -> Desired:
    """Return *desired* with those who hold what others want too; these others stay rejected."""
    if not desired.contested:
        return desired
    going_on = {
        key: contested.wanted
        for key, contested in desired.contested.items()
        if contested.over <= frozenset(_held(key, observed, memory))
    }
    if not going_on:
        return desired
    return replace(
        desired,
        entities={**desired.entities, **going_on},
        rejections=tuple(each for each in desired.rejections if each.key not in going_on),
        contested={key: each for key, each in desired.contested.items() if key not in going_on},
    )


def _held(key: Key, observed: Observed, memory: Memory) -> Iterator[tuple[str, str]]:
    """Yield the name of the entity of *key*, and each address that it holds, folded."""
    binding = memory.bindings.get(key)
    entity = None if binding is None else observed.entities.get(binding.entity)
    if entity is None or entity.state is State.DELETED:
        return
    yield "name", fold(entity.name)
    for address in (entity.primary, *observed.details.of(ALIASES).get(entity.id, ())):
        yield "address", fold(address)
