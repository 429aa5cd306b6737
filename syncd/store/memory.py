"""Bindings, marks, counts and approvals: what a cycle knows before it looks at anything."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from syncd.collector import uncollected
from syncd.errors import StoreError
from syncd.model.memory import REVOKED, Approval, Binding, Mark, Memory, OpenIntent
from syncd.model.names import EntityId, Key, Kind, kind_of
from syncd.store.schema import approvals, approved_operations, bindings, journal, marks, source_counts
from syncd.store.scope import Scope


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
                counts=_counts(connection, organization),
                open_intents=_open_intents(connection, organization),
            )

    def record_marks(self, marks_now: Mapping[Key, Mark], counts: Mapping[Kind, int]) -> None:
        """Replace all marks, and the last good counts unless *counts* is empty."""
        organization = self._scope.organization
        with self._scope.writing("record who is missing") as connection:
            connection.execute(delete(marks).where(marks.c.organization == organization))
            if marks_now:
                connection.execute(
                    insert(marks),
                    [
                        {
                            "organization": organization,
                            "key": key,
                            "missing_since": mark.missing_since,
                            "missing_cycles": mark.missing_cycles,
                            "disabled_since": mark.disabled_since,
                        }
                        for key, mark in marks_now.items()
                    ],
                )
            if counts:
                connection.execute(delete(source_counts).where(source_counts.c.organization == organization))
                connection.execute(
                    insert(source_counts),
                    [
                        {"organization": organization, "kind": kind.value, "entries": entries}
                        for kind, entries in counts.items()
                    ],
                )

    def bind(self, binding: Binding, *, replaces: Key | None = None) -> None:
        """Write *binding*; remove the one of *replaces*."""
        with self._scope.writing("write a binding") as connection:
            write_binding(connection, self._scope.organization, binding, replaces=replaces)

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
    row = {
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
        "members_managed": binding.members_managed,
    }
    connection.execute(_BIND, row)
    # Else an old creation could claim, later and unasked, an entity that somebody else made.
    connection.execute(_CLOSE, at_key)


# Statements are built once: building one costs more than running it.
_UNBIND = delete(bindings).where(bindings.c.organization == bindparam("of"), bindings.c.key == bindparam("whose"))
_OTHER_OWNER = select(bindings.c.key).where(
    bindings.c.organization == bindparam("of"),
    bindings.c.entity == bindparam("what"),
    bindings.c.key != bindparam("whose"),
)
_NEW = insert(bindings)
_BIND = _NEW.on_conflict_do_update(
    index_elements=["organization", "key"],
    set_={column.name: _NEW.excluded[column.name] for column in bindings.c if not column.primary_key},
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
            approved_operations.c.operation,
        )
        .join(approved_operations, approved_operations.c.approval == approvals.c.id)
        .where(
            approvals.c.organization == organization,
            approvals.c.expires_at > now,
            approvals.c.revoked_at.is_(None),
            approved_operations.c.spent_at.is_(None),
        )
        .order_by(approvals.c.id)
    )
    left: dict[tuple[int, str, str, datetime], set[str]] = {}
    for number, digest, by, expires_at, operation in rows:
        left.setdefault((number, digest, by, expires_at), set()).add(operation)
    return tuple(
        Approval(number=number, digest=digest, operations=frozenset(operations), by=by, expires_at=expires_at)
        for (number, digest, by, expires_at), operations in left.items()
    )


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
    table = marks.c
    query = select(table.key, table.missing_since, table.missing_cycles, table.disabled_since)
    query = query.where(table.organization == organization)
    if key is not None:
        query = query.where(table.key == key)
    return {
        Key(name): Mark(key=Key(name), missing_since=missing, missing_cycles=cycles, disabled_since=disabled)
        for name, missing, cycles, disabled in connection.execute(query)
    }


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
