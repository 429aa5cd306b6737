"""Makes the calls of what facets decide: how each names an entity, and what it answers. No other file makes one."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any

from syncd.model.names import EntityId, Kind
from syncd.model.operation import Call, Operation, Parameter, Ref
from syncd.model.page import Role, Verb
from syncd.workmail.pages import CREATE

#: Members that name the entity that a call changes; a membership's call has the group's, and `MemberId`.
_CHANGED = ("EntityId", "UserId", "GroupId", "ResourceId")
#: Members that name an entity, changed or not.
NAMING = (*_CHANGED, "MemberId", "GranteeId")
_CREATIONS = frozenset(call for verb in CREATE.values() for call in verb.calls.values())


def make(verb: Verb, kind: Kind, target: EntityId | Ref | None, /, **members: Parameter) -> Call:
    """Return the call of *verb* that changes *target*, of *kind*; a creation has none.

    Raises:
        KeyError: the verb has no call for that kind.
    """
    operation = verb.calls[kind]
    if verb.role is Role.BEGINS or target is None:
        return Call(operation, members)
    return Call(operation, {_names_target(operation): target, **members})


def named(operation: Operation, member: str) -> object:
    """Return what the call of *operation* names in *member*, None where it has no call or no such member."""
    return None if operation.call is None else operation.call.parameters.get(member)


def created_by(call: Call, answer: Mapping[str, Any]) -> EntityId | None:
    """Return the id of what *call* made; None for a call that makes nothing, and where the answer doesn't say."""
    if call.operation not in _CREATIONS:
        return None
    identity = answer.get(_names_made(call.operation))
    return EntityId(str(identity)) if identity else None


@cache
def _names_target(operation: str) -> str:
    return _first_of(_CHANGED, _model().input_members(operation))


@cache
def _names_made(operation: str) -> str:
    return _first_of(_CHANGED, _model().output_members(operation))


def _first_of(names: Sequence[str], present: Collection[str]) -> str:
    return next(name for name in names if name in present)


def _model() -> ModuleType:
    from syncd import wire  # noqa: PLC0415 - who only shows what the pages say needs no service model

    return wire
