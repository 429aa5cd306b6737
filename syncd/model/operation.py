"""One change as data: what it means to people, and the one API call that makes it so."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NewType, Self

from syncd.model.action import Action
from syncd.model.names import EntityId, Key
from syncd.model.page import Count, Role, Verb
from syncd.model.state import HIDDEN

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


def ended(key: Key) -> Fact:
    """The entity of *key* is out of use: its removal is over, and nothing of it is given back any more."""
    return Fact(f"ended:{key}")


def permitted(proposal: str, key: Key) -> Fact:
    """The *proposal* (adopt, rebind, recreate, re-register) about *key* was carried out."""
    return Fact(f"{proposal}:{key}")


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


class BundleKind(StrEnum):
    """What joins the operations of a bundle."""

    REMOVAL = "removal"  # a person's or a group's whole removal
    MOVE = "move"  # one connected move of addresses among people who stay
    ROLLBACK = "rollback"  # gives back what a removal took that may not go on
    SINGLE = "single"  # nothing: it is withheld, deferred and freed by itself


@dataclass(frozen=True, slots=True)
class Bundle:
    """Operations that are withheld, deferred or freed together; *key* tells it from others of its kind.

    Its text, `removal:user:7`, is what documents show: a single one's is its key alone.
    """

    kind: BundleKind
    key: str

    def __str__(self) -> str:
        return self.key if self.kind is BundleKind.SINGLE else f"{self.kind.value}:{self.key}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the bundle whose text is *text*."""
        word, _, rest = text.partition(":")
        if word in (BundleKind.REMOVAL, BundleKind.MOVE, BundleKind.ROLLBACK):
            return cls(BundleKind(word), rest)
        return cls(BundleKind.SINGLE, text)

    @property
    def is_whole(self) -> bool:
        """Whether half of it would be worse than none."""
        return self.kind is not BundleKind.SINGLE


def removal_of(key: Key) -> Bundle:
    """Return the bundle of everything that the removal of *key* takes."""
    return Bundle(BundleKind.REMOVAL, key)


def rollback_of(key: Key) -> Bundle:
    """Return the bundle of everything that puts *key* back to where it was before its removal began."""
    return Bundle(BundleKind.ROLLBACK, key)


def single(*words: str) -> Bundle:
    """Return a bundle of one operation, told from others by *words*."""
    return Bundle(BundleKind.SINGLE, ":".join(words))


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One change. *before* and *after* hold only what this call changes: what a person sees in the diff.

    *effect* is what it comes to for whom it is done; with verb and subject it is the operation's identity: nothing
    that we ourselves change on the way (a parking address, a release) enters it. *awaits* and *gives* are
    facts; *needs* (must have succeeded) is derived from them, *follows* (must have ended, well or not)
    is set by who builds the bundle. *proposal* operations always need approval. Operations without a *call* change
    only our binding. One that *tidies* takes away only what we had put there ourselves. *stored_id* is the id under
    which an earlier version stored it.
    """

    verb: Verb
    action: Action
    subject: Key
    entity: EntityId | None
    bundle: Bundle
    summary: str
    reason: str
    call: Call | None
    effect: Change
    before: Change = field(default_factory=dict)
    after: Change = field(default_factory=dict)
    awaits: frozenset[Fact] = frozenset()
    gives: frozenset[Fact] = frozenset()
    needs: frozenset[str] = frozenset()
    follows: frozenset[str] = frozenset()
    proposal: bool = False
    tidies: bool = False
    stored_id: str = ""

    @cached_property
    def id(self) -> str:
        """16 hex digits: a hash of verb, subject, entity id and effect; never of prose, age, order or detours."""
        return self.stored_id or hashed([self.verb.name, self.subject, self.entity, plain(self.effect)])

    @property
    def kind(self) -> str:
        """The verb's name, as people and scripts read it."""
        return self.verb.name

    @property
    def destructive(self) -> bool:
        """Whether it takes something away, or changes a primary address."""
        return self.verb.destructive

    @property
    def counts_as(self) -> Count:
        """What guards count it as: what lies in a removal is that removal; giving back and tidying take nothing."""
        match self.bundle.kind:
            case BundleKind.REMOVAL:
                return Count.REMOVALS
            case BundleKind.ROLLBACK:
                return Count.NOTHING
            case _:
                return Count.NOTHING if self.tidies else self.verb.counts_as

    @property
    def overwrites(self) -> frozenset[str]:
        """The names of the values that it replaces or blanks: whatever else it sets was blank before."""
        return frozenset(name for name, value in self.before.items() if _says(value) and value != self.after.get(name))

    @property
    def blanks(self) -> frozenset[str]:
        """The names of the values that it makes blank; a yes or no isn't blank when it is no."""
        if self.verb.role is not Role.SETS:
            return frozenset()
        return frozenset(name for name in self.overwrites - {HIDDEN} if not _says(self.after.get(name)))

    @property
    def ends_entity(self) -> bool:
        """Whether it is what a removal comes to."""
        return self.verb.role is Role.ENDS

    @cached_property
    def place(self) -> str:
        """What of whom it changes, hashed: the same for whatever sets it, and for whatever sets it back.

        Of what can be there several times (an alias, a member) each one is a place of its own.
        """
        names = sorted({*self.before, *self.after})
        if Action.CHANGE in self.verb.actions:
            return hashed([self.verb.role.value, self.subject, names])
        each = [[name, plain(self.after.get(name) or self.before.get(name))] for name in names]
        return hashed([self.verb.role.value, self.subject, each])

    @property
    def row(self) -> str:
        """The key of the entry that it rests on: of a membership that is the group, within a removal the leaver."""
        return self.bundle.key if self.bundle.kind in (BundleKind.REMOVAL, BundleKind.ROLLBACK) else self.subject


def _says(value: object) -> bool:
    return value is not None and bool(str(value).strip())


def hashed(material: object) -> str:
    """Return 16 hex digits that stand for *material*, plain JSON."""
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
