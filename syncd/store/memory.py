"""Bindings, marks, counts and approvals: what a cycle knows before it looks at anything."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from syncd.collector import uncollected
from syncd.errors import StoreError
from syncd.model.look import Look
from syncd.model.memory import REVOKED, Approval, Binding, Hold, Mark, Memory, OpenIntent, Pause
from syncd.model.moments import TOLERANCE
from syncd.model.names import EntityId, Key, Kind, kind_of
from syncd.store.marks import mark_row, read_mark
from syncd.store.schema import (
    approvals,
    approved_operations,
    bindings,
    holds,
    journal,
    marks,
    organizations,
    source_counts,
)
from syncd.store.scope import Scope
from syncd.store.windows import add_reads, is_settled, kept_reads, kept_tallies, settle


class StoredMemory:
    """The port `MemoryStore` over one organization's rows."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def load(self) -> Memory:
        """Return everything remembered, as of one moment."""
        organization = self._scope.organization
        with self._scope.reading("read the memory") as connection, uncollected():
            return Memory(
                bindings=_bindings(connection, organization),
                marks=_marks(connection, organization),
                approvals=unspent_approvals(connection, organization, self._scope.clock.now()),
                revoked=_revoked_operations(connection, organization),
                holds=holds_in_force(connection, organization, self._scope.clock.now()),
                pause=pause_in_force(connection, organization, self._scope.clock.now()),
                counts=_counts(connection, organization),
                open_intents=_open_intents(connection, organization),
                tallies=kept_tallies(connection, organization),
                reads=kept_reads(connection, organization),
                settled=is_settled(connection, organization),
            )

    def record_marks(self, marks_now: Mapping[Key, Mark], counts: Mapping[Kind, int]) -> None:
        """Replace all marks, and the last good counts unless *counts* is empty."""
        organization = self._scope.organization
        with self._scope.writing("record who is missing") as connection:
            # Only whoever holds the organization adds marks; but any read that sees somebody clears theirs.
            here = marks.c.organization == organization
            still = set(connection.execute(select(marks.c.key).where(here)).scalars())
            connection.execute(delete(marks).where(here))
            kept = [mark for mark in marks_now.values() if mark.key in still or mark.is_first]
            if kept:
                connection.execute(insert(marks), [{"organization": organization, **mark_row(mark)} for mark in kept])
            if counts:
                connection.execute(delete(source_counts).where(source_counts.c.organization == organization))
                connection.execute(
                    insert(source_counts),
                    [
                        {"organization": organization, "kind": kind.value, "entries": entries}
                        for kind, entries in counts.items()
                    ],
                )

    def clear_marks(self, keys: Collection[Key]) -> None:
        """Forget the marks of *keys*: they were seen."""
        with self._scope.writing("forget who was missing") as connection:
            connection.execute(_CLEAR, [{"of": self._scope.organization, "whose": key} for key in keys])

    def record_reads(self, counts: Mapping[Kind, int], *, at: datetime, anew: Collection[Kind] = ()) -> None:
        """Add a good read to those of the last week; of the kinds *anew* forget the ones before."""
        add_reads(self._scope, counts, at=at, anew=anew)

    def end_first_load(self) -> None:
        """Note that the first load is over."""
        settle(self._scope)

    def bind(self, binding: Binding, *, replaces: Key | None = None) -> None:
        """Write *binding*; remove the one of *replaces*."""
        with self._scope.writing("write a binding") as connection:
            write_binding(connection, self._scope.organization, binding, replaces=replaces)

    def note_enabled(self, keys: Collection[Key]) -> None:
        """Remember that the entities of *keys* were seen ENABLED as ours."""
        if keys:
            with self._scope.writing("note who is enabled") as connection:
                connection.execute(_SEEN, [{"of": self._scope.organization, "whose": key} for key in keys])

    def record_looks(self, looks: Mapping[Key, Look]) -> None:
        """Note how those in *looks* appear; the binding of nobody else changes."""
        if not looks:
            return
        rows = [{"of": self._scope.organization, "whose": key, **_look_row(look)} for key, look in looks.items()]
        with self._scope.writing("record how people appear") as connection:
            connection.execute(_NOTE_LOOK, rows)

    def unbind(self, key: Key) -> None:
        """Forget the binding of *key*."""
        with self._scope.writing("forget a binding") as connection:
            connection.execute(_UNBIND, {"of": self._scope.organization, "whose": key})

    def binding(self, key: Key) -> Binding | None:
        """Return the binding of *key*, None where there is none."""
        with self._scope.reading("read a binding") as connection:
            return _bindings(connection, self._scope.organization, bindings.c.key == key).get(key)

    def begun(self) -> Mapping[Key, Binding]:
        """Return the bindings of those whose removal has begun and is not over."""
        with self._scope.reading("read whose removal has begun") as connection:
            return _bindings(connection, self._scope.organization, bindings.c.began_at.is_not(None))

    def mark(self, key: Key) -> Mark | None:
        """Return the mark of *key*, None where there is none."""
        with self._scope.reading("read a mark") as connection:
            return _marks(connection, self._scope.organization, key).get(key)

    def marks(self) -> Mapping[Key, Mark]:
        """Return all marks."""
        with self._scope.reading("read the marks") as connection:
            return _marks(connection, self._scope.organization)

    def approvals(self) -> tuple[Approval, ...]:
        """Return the approvals that still free something."""
        with self._scope.reading("read the approvals") as connection:
            return unspent_approvals(connection, self._scope.organization, self._scope.clock.now())


_BINDING = tuple(column for column in bindings.c if column.name != "organization")


def write_binding(connection: Connection, organization: str, binding: Binding, *, replaces: Key | None = None) -> None:
    """Write *binding* within the transaction of *connection*; a creation of its key is open no more.

    Raises:
        StoreError: another key owns the entity: two would take it for theirs.
    """
    at_key = {"of": organization, "whose": binding.key}
    if replaces is not None and replaces != binding.key:
        connection.execute(_UNBIND, {"of": organization, "whose": replaces})
    owner = connection.execute(_OTHER_OWNER, at_key | {"what": binding.entity}).scalar()
    if owner is not None:
        raise StoreError(
            f"can't bind {binding.key} to entity {binding.entity} of {organization}: {owner} is bound to it",
            hint="Nothing was written. If it happens again, it is a defect of syncd: please report it.",
        )
    connection.execute(_BIND, _row(organization, binding))
    # Else an old creation could claim, later and unasked, an entity that somebody else made.
    connection.execute(_CLOSE, at_key)


def write_bindings(
    connection: Connection, organization: str, written: Iterable[Binding], *, replaces: Collection[Key]
) -> None:
    """Write *written* in the place of those of *replaces*, who may have exchanged their entities."""
    rows = [_row(organization, binding) for binding in written]
    if replaces:
        connection.execute(_UNBIND, [{"of": organization, "whose": key} for key in sorted(replaces)])
    if rows:
        connection.execute(_BIND, rows)
        connection.execute(_CLOSE, [{"of": organization, "whose": row["key"]} for row in rows])


def _row(organization: str, binding: Binding) -> dict[str, Any]:
    return {
        "organization": organization,
        "key": binding.key,
        "entity": binding.entity,
        "source": binding.source,
        "adopted": binding.adopted,
        "since": binding.since,
        "addresses": list(binding.addresses) or None,
        "removed_at": binding.removed_at,
        "groups": list(binding.groups) or None,
        "began_at": binding.began_at,
        "approval": binding.approval,
        "stuck": binding.stuck,
        "stuck_under": binding.stuck_under,
        "exchange": list(binding.exchange) or None,
        "seen_enabled": binding.seen_enabled,
        **_look_row(binding.look),
        "members_managed": binding.members_managed,
    }


def _look_row(look: Look | None) -> dict[str, str | None]:
    return dict(zip(_LOOK, look or (None,) * len(_LOOK), strict=True))


_LOOK = ("look_login", "look_display_name", "look_primary", "look_first_name")
# Statements are built once: building one costs more than running it.
_NOTE_LOOK = (
    update(bindings)
    .where(bindings.c.organization == bindparam("of"), bindings.c.key == bindparam("whose"))
    .values({name: bindparam(name) for name in _LOOK})
)
_UNBIND = delete(bindings).where(bindings.c.organization == bindparam("of"), bindings.c.key == bindparam("whose"))
_CLEAR = delete(marks).where(marks.c.organization == bindparam("of"), marks.c.key == bindparam("whose"))
_OTHER_OWNER = select(bindings.c.key).where(
    bindings.c.organization == bindparam("of"),
    bindings.c.entity == bindparam("what"),
    bindings.c.key != bindparam("whose"),
)
_NEW = insert(bindings)
_BIND = _NEW.on_conflict_do_update(
    index_elements=["organization", "key"],
    set_={
        column.name: _NEW.excluded[column.name]
        for column in bindings.c
        # What a cycle has seen is noted at its end, of all: a binding that was loaded before doesn't know it.
        if not column.primary_key and column.name != "seen_enabled"
    },
)
_SEEN = (
    update(bindings)
    .where(bindings.c.organization == bindparam("of"), bindings.c.key == bindparam("whose"))
    .values(seen_enabled=True)
)
_CLOSE = (
    update(journal)
    .where(journal.c.organization == bindparam("of"), journal.c.is_open, journal.c.subject == bindparam("whose"))
    .values(is_open=False)
)


def unspent_approvals(connection: Connection, organization: str, now: datetime) -> tuple[Approval, ...]:
    """Return what was approved, hasn't expired at *now*, and is not wholly spent; of each, what is left."""
    rows = connection.execute(
        select(
            approvals.c.id,
            approvals.c.digest,
            approvals.c.approved_by,
            approvals.c.expires_at,
            approvals.c.why,
            approvals.c.approved_at,
            approved_operations.c.operation,
        )
        .join(approved_operations, approved_operations.c.approval == approvals.c.id)
        .where(
            approvals.c.organization == organization,
            approvals.c.expires_at > now,
            approvals.c.approved_at <= now + TOLERANCE,  # what was approved in the future isn't believed
            approvals.c.revoked_at.is_(None),
            approved_operations.c.spent_at.is_(None),
        )
        .order_by(approvals.c.id)
    )
    left: dict[int, set[str]] = {}
    given: dict[int, Approval] = {}
    for number, digest, by, expires_at, why, at, operation in rows:
        if number not in given:
            given[number] = Approval(
                number=number, digest=digest, operations=frozenset(), by=by, expires_at=expires_at, why=why, at=at
            )
        left.setdefault(number, set()).add(operation)
    return tuple(replace(given[number], operations=frozenset(operations)) for number, operations in left.items())


def holds_in_force(connection: Connection, organization: str, now: datetime) -> dict[Key, Hold]:
    """Return the holds that are in force at *now*."""
    rows = connection.execute(
        select(holds).where(holds.c.organization == organization, or_(holds.c.until.is_(None), holds.c.until > now))
    )
    return {
        Key(row.key): Hold(key=Key(row.key), by=row.held_by, at=row.held_at, why=row.why, until=row.until)
        for row in rows
    }


def pause_in_force(connection: Connection, organization: str, now: datetime) -> Pause | None:
    """Return the pause that is in force at *now*, None where there is none."""
    row = connection.execute(_PAUSE, {"of": organization}).first()
    if row is None or row.paused_at is None or (row.paused_until is not None and row.paused_until <= now):
        return None
    return Pause(by=row.paused_by, at=row.paused_at, why=row.paused_why, until=row.paused_until)


_PAUSE = select(
    organizations.c.paused_at, organizations.c.paused_until, organizations.c.paused_by, organizations.c.paused_why
).where(organizations.c.id == bindparam("of"))


def _revoked_operations(connection: Connection, organization: str) -> frozenset[str]:
    query = select(approved_operations.c.operation).join(approvals, approved_operations.c.approval == approvals.c.id)
    # What had expired before was no yes any more, so that nothing was taken back.
    query = query.where(approvals.c.organization == organization, approvals.c.revoked_at < approvals.c.expires_at)
    return frozenset(connection.execute(query.where(approved_operations.c.spent_at.is_(None))).scalars())


def _bindings(
    connection: Connection, organization: str, which: ColumnElement[bool] | None = None
) -> dict[Key, Binding]:
    query = select(*_BINDING).where(bindings.c.organization == organization)
    rows = connection.execute(query if which is None else query.where(which))
    found = {
        Key(key): Binding(
            key=Key(key),
            entity=EntityId(entity),
            source=source,
            adopted=adopted,
            since=since,
            addresses=tuple(addresses or ()),
            removed_at=removed_at,
            groups=tuple(groups or ()),
            began_at=began,
            approval=approval,
            stuck=stuck,
            stuck_under=under,
            exchange=tuple(exchange or ()),
            seen_enabled=seen_enabled,
            look=None if login is None else Look(login, shown, primary, first),
            members_managed=members_managed,
        )
        # Unpacked as the table has them: a look by name costs several a column, of a hundred thousand rows a cycle.
        for (
            key,
            entity,
            source,
            adopted,
            since,
            addresses,
            removed_at,
            groups,
            began,
            stuck,
            approval,
            under,
            exchange,
            seen_enabled,
            login,
            shown,
            primary,
            first,
            members_managed,
        ) in rows
    }
    for key in found.keys() & _revoked_removals(connection, organization):
        found[key] = replace(found[key], stuck=REVOKED, stuck_under="")
    return found


def _revoked_removals(connection: Connection, organization: str) -> set[Key]:
    """Return whose removal has begun under an approval that was revoked since."""
    query = select(bindings.c.key).join(approvals, approvals.c.id == bindings.c.approval)
    query = query.where(bindings.c.organization == organization, bindings.c.began_at.is_not(None))
    return {Key(key) for key in connection.execute(query.where(approvals.c.revoked_at.is_not(None))).scalars()}


def _marks(connection: Connection, organization: str, key: Key | None = None) -> dict[Key, Mark]:
    query = select(marks).where(marks.c.organization == organization)
    if key is not None:
        query = query.where(marks.c.key == key)
    return {mark.key: mark for mark in map(read_mark, connection.execute(query))}


def _counts(connection: Connection, organization: str) -> dict[Kind, int]:
    query = select(source_counts.c.kind, source_counts.c.entries)
    rows = connection.execute(query.where(source_counts.c.organization == organization))
    return {Kind(kind): entries for kind, entries in rows}


def _open_intents(connection: Connection, organization: str) -> tuple[OpenIntent, ...]:
    """Return the creations without a known outcome, oldest first; a binding written since has closed them.

    One of a key that is bound may be among them: the creation of a successor to an entity that is lost.
    """
    query = select(journal.c.operation, journal.c.subject, journal.c.name, journal.c.at, journal.c.after)
    query = query.where(journal.c.organization == organization, journal.c.is_open).order_by(journal.c.id)
    return tuple(
        OpenIntent(
            operation=operation,
            key=Key(subject),
            kind=kind_of(Key(subject)),
            name=name,
            at=at,
            display_name=str((after or {}).get("display_name", "")),
        )
        for operation, subject, name, at, after in connection.execute(query)
    )
