"""Puts the operations of one person, group, removal or address move on one card.

Whose card an operation goes on:

    bundle holds a deregistration       the leaver's: exits, addresses and all
    bundle gives a removal up           theirs, whatever is put back
    bundle spans several subjects       one joint card: an address move happens whole or not at all
    anything else                       its subject's
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum

from syncd.model.action import Action
from syncd.model.names import Key, Kind, identity_of, kind_of
from syncd.model.operation import BundleKind, Generated, Merged, Operation, Ref
from syncd.model.page import Role
from syncd.model.plan import UNDER_WAY, Plan
from syncd.model.state import HIDDEN, PROFILE_FIELDS
from syncd.rendering.moves import farewell, is_step, move
from syncd.rendering.safe import safe
from syncd.rendering.view import Card, Line, Symbol

#: The order in which people read attributes; anything else follows, by name.
_ORDER = ("name", "display_name", "primary", "alias", *PROFILE_FIELDS, HIDDEN)
_LABELS = {"primary": "address"}
_PLURALS = {"address": "addresses", "alias": "aliases", "mailbox": "mailboxes"}
_SYMBOLS = {Action.ADD: Symbol.ADD, Action.CHANGE: Symbol.CHANGE, Action.REMOVE: Symbol.REMOVE}
_SECRETS = ("password", "secret", "token")


class Heading(Enum):
    """Under what an operation is read, in this order."""

    GIVEN_BACK = "given-back"
    GOING_ON = "going-on"
    LEAVING = "leaving"
    NEW = "new"
    CHANGES = "changes"
    MEMBERSHIPS = "memberships"


@dataclass(frozen=True, slots=True)
class Cards:
    """Makes cards of the operations of a plan, whose bundles and names are looked at as a whole."""

    leavers: Mapping[str, Key]
    restored: Mapping[str, Key]
    joint: Mapping[str, tuple[Key, ...]]
    newcomers: frozenset[Key]
    titles: Mapping[str, str]
    #: What notes say of removals and exchanges that had begun in an earlier cycle.
    under_way: Mapping[str, str]

    @classmethod
    def of(cls, plan: Plan) -> "Cards":
        everything = (*plan.operations, *plan.outside)
        subjects: dict[str, dict[Key, None]] = {}
        for operation in everything:
            subjects.setdefault(str(operation.bundle), {})[operation.subject] = None
        leavers = {str(o.bundle): o.subject for o in everything if o.ends_entity}
        restored = {str(o.bundle): Key(o.bundle.key) for o in everything if o.bundle.kind is BundleKind.ROLLBACK}
        apart = leavers.keys() | restored.keys()
        joint = {bundle: tuple(keys) for bundle, keys in subjects.items() if len(keys) > 1 and bundle not in apart}
        newcomers = frozenset(o.subject for o in plan.sendable if is_creation(o))
        under_way = {note.subject: note.text for note in plan.notes if note.code in UNDER_WAY}
        return cls(leavers, restored, joint, newcomers, _titles(plan, everything), under_way)

    def make(self, operations: Iterable[Operation], *, symbol: Symbol | None = None) -> tuple[Card, ...]:
        """Return the cards of *operations*, people first; *symbol* marks those that aren't sent."""
        owners: dict[str, list[Operation]] = {}
        for operation in operations:
            owners.setdefault(self.owner(operation), []).append(operation)
        ordered = sorted(owners.items(), key=lambda item: (*self._rank(*item), self.title(item[0]).casefold(), item[0]))
        return tuple(self._card(owner, its, symbol) for owner, its in ordered)

    def owner(self, operation: Operation) -> str:
        """Return the key, or the bundle of several, whose card *operation* goes on."""
        bundle = str(operation.bundle)
        if bundle in self.leavers:
            return self.leavers[bundle]
        if bundle in self.restored:
            return self.restored[bundle]
        return bundle if bundle in self.joint else operation.subject

    def heading(self, operation: Operation) -> Heading:
        """Return under what *operation* is read: what happens to a whole account before what changes of one."""
        if self._is_given_back(operation):
            return Heading.GIVEN_BACK
        if self._is_leaving(operation):
            return Heading.GOING_ON if operation.bundle.key in self.under_way else Heading.LEAVING
        if str(operation.bundle) in self.joint:
            return Heading.CHANGES
        if is_membership(operation):
            return Heading.MEMBERSHIPS
        return Heading.NEW if operation.subject in self.newcomers else Heading.CHANGES

    def _is_leaving(self, operation: Operation) -> bool:
        """Return whether *operation* is part of somebody's removal."""
        return str(operation.bundle) in self.leavers

    def _is_given_back(self, operation: Operation) -> bool:
        """Return whether *operation* puts back what a removal took that may not go on."""
        return operation.bundle.kind is BundleKind.ROLLBACK

    def title(self, key: str) -> str:
        """Return what people call *key*, a key or an entity id."""
        return safe(self.titles.get(key) or identity_of(Key(key)) or key)

    def _rank(self, owner: str, operations: Sequence[Operation]) -> tuple[int, bool]:
        """People before groups, and what several go through with the people; among each, what destroys first."""
        place = 0 if owner in self.joint else _PLACES[kind_of(Key(owner))]
        return place, not any(operation.destructive for operation in operations)

    def _card(self, owner: str, operations: Sequence[Operation], symbol: Symbol | None) -> Card:
        keys = self.joint.get(owner)
        reason = self._shared_reason(operations)
        lines = tuple(_merged(self._all_lines(operations, owner, reason), title=self.title(owner)))
        return Card(
            symbol=symbol or _card_symbol(operations),
            title=_enumerated([self.title(key) for key in keys]) if keys else self.title(owner),
            key="together, or not at all" if keys else safe(owner),
            reason=reason,
            lines=lines,
        )

    def _shared_reason(self, operations: Sequence[Operation]) -> str:
        """Return the one reason of *operations*, that of the coming or going where somebody does; "" if they differ."""
        if all(map(self._is_given_back, operations)):
            return safe(self.under_way.get(self.owner(operations[0]), ""))
        roots = [o for o in operations if o.ends_entity] or [o for o in operations if is_creation(o)]
        reasons = {operation.reason for operation in roots or operations}
        return safe(reasons.pop()) if len(reasons) == 1 else ""

    def _all_lines(self, operations: Sequence[Operation], owner: str, shared: str) -> Iterator[Line]:
        """Yield the lines of one card; a reason that says no more than the *shared* one isn't repeated."""
        together = owner in self.joint or any(self._is_leaving(o) for o in operations)
        steps = [operation for operation in operations if together and is_step(operation)]
        others = [operation for operation in operations if not (together and is_step(operation))]
        others.sort(key=lambda operation: not operation.ends_entity)
        rest = [line for operation in others for line in self._lines(operation, owner)]
        lines = [*move(steps, self.title), *rest] if owner in self.joint else [*rest, *farewell(steps, others)]
        for line in lines:
            yield replace(line, reason="") if shared and shared in line.reason else line

    def _lines(self, operation: Operation, owner: str) -> Iterator[Line]:
        symbol = _SYMBOLS[operation.action]
        reason = safe(operation.reason) if operation.destructive else ""
        named = {**operation.before, **operation.after}
        prefix = f"{self.title(operation.subject)}: " if owner in self.joint else ""
        if is_membership(operation) and named:
            if owner not in (operation.subject, str(operation.bundle)):
                yield Line(
                    symbol=symbol,
                    label=kind_of(operation.subject).value,
                    names=(self.title(operation.subject),),
                    reason=reason,
                )
                return
            for name in sorted(named):
                yield Line(symbol=symbol, label=prefix + name, names=self._names(named[name]), reason=reason)
        elif operation.ends_entity and operation.before.get("primary"):
            label = "mailbox" if kind_of(operation.subject) is Kind.USER else "address"
            names = self._names(operation.before["primary"])
            yield Line(symbol=symbol, label=label, names=names, reason=reason)
        elif not named or operation.proposal or operation.call is None or operation.ends_entity:
            yield Line(symbol=symbol, text=safe(operation.summary), reason=reason)
        else:
            # Being enabled is what a registration means: with the address beside it the word says nothing.
            telling = named.keys() - {"state"} or named.keys()
            for name in sorted(telling, key=_place):
                line = self._attribute(name, operation)
                yield replace(line, label=prefix + line.label, reason=reason)

    def _attribute(self, name: str, operation: Operation) -> Line:
        label = _LABELS.get(name, safe(name).replace("_", " "))
        before, after = operation.before.get(name), operation.after.get(name)
        if any(secret in name.casefold() for secret in _SECRETS):
            return Line(symbol=_SYMBOLS[operation.action], label=label, after="(hidden)")
        if before in (None, "", ()):
            return Line(symbol=Symbol.ADD, label=label, names=self._names(after))
        if after in (None, "", ()):
            return Line(symbol=Symbol.REMOVE, label=label, names=self._names(before))
        shown = ", ".join(self._names(before)), ", ".join(self._names(after))
        return Line(symbol=Symbol.CHANGE, label=label, before=shown[0], after=shown[1])

    def _names(self, value: object) -> tuple[str, ...]:
        match value:
            case Ref(key):
                return (self.title(key),)
            case Generated():
                return ("(generated when sent)",)
            case Merged():
                return ("(kept as it is)",)
            case bool():
                return ("yes" if value else "no",)
            case tuple() | list() | set() | frozenset():
                parts = [name for item in value for name in self._names(item)]
                return tuple(parts if isinstance(value, tuple | list) else sorted(parts))
            case str() if value in self.titles:
                return (self.title(value),)
            case _:
                return (_quoted(value),)


def _quoted(value: object) -> str:
    """Return *value* as shown; quotes only where its ends could not be seen without them."""
    text = safe(str(value))
    return f'"{text}"' if text != text.strip() or not text else text


def is_membership(operation: Operation) -> bool:
    return operation.verb.role is Role.JOINS


def fuse_of(operation: Operation) -> timedelta | None:
    """Return for how long what *operation* takes can be put back; None where nothing is destroyed."""
    return operation.verb.fuse.get(kind_of(operation.subject))


def is_creation(operation: Operation) -> bool:
    return operation.verb.role is Role.BEGINS


def _titles(plan: Plan, operations: Iterable[Operation]) -> Mapping[str, str]:
    """Return what people call each key: said by the plan, else by a creation, else by a pending removal."""
    titles = {str(pending.key): pending.name for pending in plan.pending}
    for operation in operations:
        name = operation.after.get("name")
        if is_creation(operation) and isinstance(name, str):
            titles[operation.subject] = name
    return titles | dict(plan.names)


_PLACES = {kind: place for place, kind in enumerate(Kind)}


def _card_symbol(operations: Sequence[Operation]) -> Symbol:
    if any(operation.ends_entity for operation in operations):
        return Symbol.REMOVE
    if any(is_creation(operation) for operation in operations):
        return Symbol.ADD
    symbols = {_SYMBOLS[operation.action] for operation in operations}
    return symbols.pop() if len(symbols) == 1 else Symbol.CHANGE


def _place(name: str) -> tuple[int, str]:
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER)), name


def _merged(lines: Iterable[Line], *, title: str) -> Iterator[Line]:
    """Join lines that differ in their names only; a newcomer's name is said by the title already."""
    buckets: dict[Line, list[str]] = {}
    for line in lines:
        buckets.setdefault(replace(line, names=()), []).extend(line.names)
    for line, names in buckets.items():
        if line.label == "name" and names == [title]:
            continue
        label = _plural(line.label) if len(names) > 1 else line.label
        yield replace(line, label=label, names=tuple(names))


def _plural(label: str) -> str:
    head, colon, word = label.rpartition(": ")
    return f"{head}{colon}{_PLURALS.get(word, word if word.endswith('s') else word + 's')}"


def _enumerated(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
