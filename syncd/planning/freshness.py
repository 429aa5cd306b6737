"""Which details to read: those never read, this cycle's share of the rotation, and what a draft touches."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b

from syncd.model.names import EntityId, Kind
from syncd.model.operation import Operation
from syncd.model.policy import Manage
from syncd.model.standing import ProposalKind
from syncd.model.state import DETAILS, Detail, Entity, State

#: One detail of one entity.
Item = tuple[Detail, EntityId]

_BY_FAMILY: Mapping[str, Detail] = {
    "member": "members",
    "profile": "profile",
    "alias": "aliases",
    "primary": "aliases",
    "address": "aliases",
    "register": "aliases",
    "deregister": "aliases",
}


def managed_details(manage: Manage, *, profile_fields: bool, groups: bool) -> tuple[Detail, ...]:
    """Return the kinds of details worth reading: aliases always (who holds what), the rest where managed."""
    wanted = {"aliases": True, "profile": manage.profile and profile_fields, "members": groups}
    return tuple(detail for detail in DETAILS if wanted[detail])


def concerns(detail: Detail, entity: Entity) -> bool:
    """Return whether *entity* has this detail at all (`workmail.md` B22, L)."""
    if entity.state is State.DELETED or entity.untouchable:
        return detail == "aliases" and entity.state is State.ENABLED
    if detail == "aliases":
        return entity.state is State.ENABLED
    if detail == "members":
        return entity.kind is Kind.GROUP
    return entity.kind is not Kind.RESOURCE


def due(
    entities: Mapping[EntityId, Entity],
    details: Collection[Detail],
    owned: Collection[EntityId],
    read_at: Mapping[Detail, Mapping[EntityId, datetime]],
    *,
    now: datetime,
    verify_within: timedelta,
    refresh: bool = False,
) -> dict[Detail, list[Entity]]:
    """Return what to read now, in a fixed order.

    Each entity has its own moment within the second half of *verify_within*, by a hash of its id: so
    the re-reads spread over the cycles, and none is older than *verify_within* plus one interval.
    Profiles and members are read of owned entities only: nobody else's are compared.
    """
    chosen: dict[Detail, list[Entity]] = {}
    span = verify_within.total_seconds()
    for detail in details:
        known = read_at.get(detail, {})
        rows = []
        for identity, entity in entities.items():
            if not concerns(detail, entity) or (detail != "aliases" and identity not in owned):
                continue
            at = known.get(identity)
            if refresh or at is None or (now - at).total_seconds() > span / 2 * (1 + _share(identity)):
                rows.append(entity)
        chosen[detail] = sorted(rows, key=lambda entity: entity.id)
    return chosen


def _share(identity: EntityId) -> float:
    return blake2b(identity.encode(), digest_size=2).digest()[0] / 256


def touched(operations: Iterable[Operation], entities: Mapping[EntityId, Entity]) -> dict[Item, Entity]:
    """Return the details that *operations* rest on, of entities that exist."""
    found: dict[Item, Entity] = {}
    for operation in operations:
        entity = entities.get(operation.entity) if operation.entity is not None else None
        if entity is None:
            continue
        for detail in _rests_on(operation):
            if concerns(detail, entity):
                found[detail, entity.id] = entity
    return found


def _rests_on(operation: Operation) -> Collection[Detail]:
    """Of whoever is to become ours nothing was compared so far: an adoption rests on everything."""
    if operation.kind == ProposalKind.ADOPT:
        return DETAILS
    detail = _BY_FAMILY.get(operation.kind.partition(".")[0])
    return () if detail is None else (detail,)
