"""The filters of listings: one at a time, prefixes without case (`workmail.md` C)."""

from collections.abc import Callable, Mapping
from typing import Any

from syncd.emulator import fault
from syncd.emulator.entities import Entity
from syncd.emulator.world import Call

Field = Callable[[Call, Any], str | None]
Accepts = Callable[[Entity], bool]


def chosen_filter(call: Call, prefixes: Mapping[str, Field]) -> Accepts:
    """Turn the filter of a call into a test of entities; *prefixes* says which field each prefix is of."""
    filters: Mapping[str, str] = call.params.get("Filters") or {}
    if len(filters) > 1:
        raise fault.invalid_parameter("Filters: only one filter can be used in a request")
    for name, value in filters.items():
        if name == "State":
            return lambda entity: entity.state == value
        field, prefix = prefixes[name], value.lower()
        return lambda entity: (field(call, entity) or "").lower().startswith(prefix)
    return _everything


def _everything(_entity: Entity) -> bool:
    return True


def by_name(_call: Call, entity: Entity) -> str | None:
    return entity.name


def by_primary_address(call: Call, entity: Entity) -> str | None:
    return call.shown_email(entity)
