"""Which details to read: those never read, this cycle's share of the rotation, and what a draft touches."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from syncd.model.detail import Detail, Thing
from syncd.model.moments import in_future
from syncd.model.names import EntityId
from syncd.model.operation import Operation
from syncd.model.page import EVERYTHING, Pages
from syncd.model.state import Entity

#: One detail of one entity.
Item = tuple[Thing, EntityId]


def due(
    entities: Mapping[EntityId, Entity],
    details: Iterable[Detail[Any]],
    owned: Collection[EntityId],
    read_at: Mapping[Thing, Mapping[EntityId, datetime]],
    *,
    now: datetime,
    verify_within: timedelta,
    refresh: bool = False,
) -> dict[Thing, list[Entity]]:
    """Return what to read now, in a fixed order.

    Each entity has its own moment within the second half of *verify_within*, by a hash of its id: so
    the re-reads spread over the cycles, and none is older than *verify_within* plus one interval.
    Most details are read of owned entities only: nobody else's are compared.
    """
    chosen: dict[Thing, list[Entity]] = {}
    span = verify_within.total_seconds()
    for detail in details:
        known = read_at.get(detail.thing, {})
        rows = []
        for identity, entity in entities.items():
            if not detail.concerns(entity) or not (detail.of_everybody or identity in owned):
                continue
            at = known.get(identity)
            if refresh or at is None or in_future(at, now) or _age_s(at, now) > span / 2 * (1 + _share(identity)):
                rows.append(entity)
        chosen[detail.thing] = sorted(rows, key=lambda entity: entity.id)
    return chosen


def _age_s(at: datetime, now: datetime) -> float:
    return (now - at).total_seconds()


def _share(identity: EntityId) -> float:
    return blake2b(identity.encode(), digest_size=2).digest()[0] / 256


def touched(operations: Iterable[Operation], entities: Mapping[EntityId, Entity], pages: Pages) -> dict[Item, Entity]:
    """Return the details that *operations* rest on, of entities that exist."""
    found: dict[Item, Entity] = {}
    for operation in operations:
        entity = entities.get(operation.entity) if operation.entity is not None else None
        if entity is None:
            continue
        for detail in _rests_on(operation, pages):
            if detail.concerns(entity):
                found[detail.thing, entity.id] = entity
    return found


def _rests_on(operation: Operation, pages: Pages) -> Iterator[Detail[Any]]:
    for read in operation.verb.rests_on:
        if isinstance(read, Detail):
            yield read
        elif read == EVERYTHING:
            yield from pages.details
