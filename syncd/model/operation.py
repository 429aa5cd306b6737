"""One change as data: what it means to people, and the one API call that makes it so."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NewType

from syncd.model.names import EntityId, Key

#: Something that is true of the target, which calls await and give: see the constructors below.
Fact = NewType("Fact", str)


def exists(key: Key) -> Fact:
    """The entity of *key* exists: its id is known."""
    return Fact(f"exists:{key}")


def enabled(key: Key) -> Fact:
    """The entity of *key* is ENABLED."""
    return Fact(f"enabled:{key}")


def free(address: str) -> Fact:
    """Nobody holds *address* (folded)."""
    return Fact(f"free:{address}")


def holds(key: Key, address: str) -> Fact:
    """The entity of *key* holds *address* (folded), as primary or alias."""
    return Fact(f"holds:{key}:{address}")


def demoted(key: Key, address: str) -> Fact:
    """*address* (folded) is an alias of the entity of *key*, no longer its primary."""
    return Fact(f"demoted:{key}:{address}")


def apart(group: EntityId, member: EntityId) -> Fact:
    """The entity *member* is not in the group *group* any more."""
    return Fact(f"apart:{group}:{member}")


def permitted(proposal: str, key: Key) -> Fact:
    """The *proposal* (adopt, rebind, recreate, re-register) about *key* was carried out."""
    return Fact(f"{proposal}:{key}")


class Action(StrEnum):
    """What a kind of operation does to what exists."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Ref:
    """Filled when sent: the entity id of *key*."""

    key: Key


@dataclass(frozen=True, slots=True)
class Generated:
    """Filled when sent: a fresh secret of this name (`password`). Never stored, never shown."""

    name: str


@dataclass(frozen=True, slots=True)
class Merged:
    """Filled when sent: the fields we don't manage, read just before the update (`workmail.md` B20).

    *operation* is the Describe call that reads them; the call's own parameters win.
    """

    operation: str


Parameter = str | bool | int | Ref | Generated | Merged
Change = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Call:
    """One API call; *parameters* lack OrganizationId, which the client adds."""

    operation: str
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One change. *before* and *after* hold only what this call changes: what a person sees in the diff.

    *bundle* joins operations that are withheld, deferred or freed together. *awaits* and *gives* are
    facts; *needs* (must have succeeded) is derived from them, *follows* (must have ended, well or not)
    is set by who builds the bundle. *proposal* operations always need approval. Operations without a
    *call* change only our binding.
    """

    kind: str
    action: Action
    subject: Key
    entity: EntityId | None
    bundle: str
    summary: str
    reason: str
    call: Call | None
    before: Change = field(default_factory=dict)
    after: Change = field(default_factory=dict)
    awaits: frozenset[Fact] = frozenset()
    gives: frozenset[Fact] = frozenset()
    needs: frozenset[str] = frozenset()
    follows: frozenset[str] = frozenset()
    destructive: bool = False
    proposal: bool = False

    @cached_property
    def id(self) -> str:
        """16 hex digits: a hash of kind, subject, entity id, call, before and after; never of prose, age or order."""
        call = None if self.call is None else [self.call.operation, plain(self.call.parameters)]
        material = [self.kind, self.subject, self.entity, call, plain(self.before), plain(self.after)]
        text = json.dumps(material, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def plain(value: object) -> object:
    """Return *value* in JSON form: what identity rests on, and what `planning/document.py` writes and reads back."""
    match value:
        case Ref(key):
            return {"$ref": key}
        case Generated(name):
            return {"$generated": name}
        case Merged(operation):
            return {"$merged": operation}
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case frozenset() | set():
            return sorted(str(item) for item in value)
        case tuple() | list():
            return [plain(item) for item in value]
        case _:
            return value
