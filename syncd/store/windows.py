"""What guards count over a day and a week: what was sent, and how much the source had."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from syncd.model.names import Kind
from syncd.model.page import Count
from syncd.model.tally import GoodRead, Tallied, Tally
from syncd.model.window import LONGEST
from syncd.store.schema import organizations, source_reads, tallies
from syncd.store.scope import Scope

# Statements are built once: building one costs more than running it.
_ADD = insert(tallies)
_TAKE_BACK = delete(tallies).where(
    tallies.c.organization == bindparam("of"),
    tallies.c.cycle_id == bindparam("within"),
    tallies.c.operation == bindparam("what"),
)
_READ = upsert(source_reads)


def add_tallies(
    connection: Connection, organization: str, counted: Collection[Tallied], *, cycle_id: str, operation: str
) -> None:
    """Write as what *operation* was counted, with its intent: one whose outcome never becomes known counts."""
    if counted:
        connection.execute(
            _ADD,
            [
                {
                    "organization": organization,
                    "cycle_id": cycle_id,
                    "operation": operation,
                    "counted_as": one.tally.count.value,
                    "scope": one.tally.scope,
                    "counted": one.tally.row,
                    "weight": one.tally.weight,
                    "freed": one.tally.freed,
                    "at": one.at,
                }
                for one in counted
            ],
        )


def take_back_tallies(connection: Connection, organization: str, *, cycle_id: str, operation: str) -> None:
    """Forget as what *operation* was counted: it had no effect."""
    connection.execute(_TAKE_BACK, {"of": organization, "within": cycle_id, "what": operation})


def kept_tallies(connection: Connection, organization: str) -> tuple[Tallied, ...]:
    """Return what was counted and may be within a window, the last first."""
    table = tallies.c
    query = select(table.counted_as, table.counted, table.scope, table.weight, table.freed, table.at)
    query = query.where(table.organization == organization).order_by(table.at.desc())
    known = {count.value for count in Count}
    return tuple(
        Tallied(tally=Tally(count=Count(count), row=row, scope=scope, weight=weight, freed=freed), at=at)
        for count, row, scope, weight, freed, at in connection.execute(query)
        if count in known
    )


def kept_reads(connection: Connection, organization: str) -> tuple[GoodRead, ...]:
    """Return the good reads that may be within a window, and were the largest since."""
    table = source_reads.c
    query = select(table.kind, table.at, table.entries)
    rows = connection.execute(query.where(table.organization == organization))
    return tuple(GoodRead(kind=Kind(kind), at=at, entries=entries) for kind, at, entries in rows)


def is_settled(connection: Connection, organization: str) -> bool:
    """Return whether the first load is over."""
    query = select(organizations.c.settled_at).where(organizations.c.id == organization)
    return connection.execute(query).scalar() is not None


def add_reads(scope: Scope, counts: Mapping[Kind, int], *, at: datetime, anew: Collection[Kind]) -> None:
    """Add a good read; forget those that no window needs: too old, not larger than this one, or of the kinds *anew*.

    So is forgotten what was counted: by *at*, since this machine's own clock may have been set ahead.
    """
    organization, table = scope.organization, source_reads.c
    with scope.writing("record how much was read") as connection:
        for old in (source_reads, tallies):
            connection.execute(delete(old).where(old.c.organization == organization, old.c.at <= at - LONGEST))
        for kind, entries in counts.items():
            of_kind = (table.organization == organization, table.kind == kind.value)
            smaller = () if kind in anew else (table.entries <= entries,)
            connection.execute(delete(source_reads).where(*of_kind, *smaller))
            row = {"organization": organization, "kind": kind.value, "at": at, "entries": entries}
            connection.execute(_READ.on_conflict_do_nothing(), row)


def settle(scope: Scope) -> None:
    """Note that the first load is over."""
    with scope.writing("record that the first load is over") as connection:
        of = organizations.c.id == scope.organization
        connection.execute(update(organizations).where(of).values(settled_at=scope.clock.now()))
