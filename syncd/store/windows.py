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
    connection: Connection, scope: Scope, counted: Collection[Tally], *, cycle_id: str, operation: str
) -> None:
    """Write as what *operation* was counted, with its intent: one whose outcome never becomes known counts."""
    if counted:
        connection.execute(
            _ADD,
            [
                {
                    "organization": scope.organization,
                    "cycle_id": cycle_id,
                    "operation": operation,
                    "counted_as": one.count.value,
                    "scope": one.scope,
                    "counted": one.row,
                    "weight": one.weight,
                    "freed": one.freed,
                    "at": scope.clock.now(),
                }
                for one in counted
            ],
        )


def take_back_tallies(connection: Connection, organization: str, *, cycle_id: str, operation: str) -> None:
    """Forget as what *operation* was counted: it had no effect."""
    connection.execute(_TAKE_BACK, {"of": organization, "within": cycle_id, "what": operation})


def tallies_since(connection: Connection, organization: str, now: datetime) -> tuple[Tallied, ...]:
    """Return what was counted in the last week, the last first."""
    table = tallies.c
    query = select(table.counted_as, table.counted, table.scope, table.weight, table.freed, table.at)
    query = query.where(table.organization == organization, table.at > now - LONGEST).order_by(table.at.desc())
    known = {count.value for count in Count}
    return tuple(
        Tallied(tally=Tally(count=Count(count), row=row, scope=scope, weight=weight, freed=freed), at=at)
        for count, row, scope, weight, freed, at in connection.execute(query)
        if count in known
    )


def reads_since(connection: Connection, organization: str, now: datetime) -> tuple[GoodRead, ...]:
    """Return the good reads of the last week that were the largest since."""
    table = source_reads.c
    query = select(table.kind, table.at, table.entries)
    rows = connection.execute(query.where(table.organization == organization, table.at > now - LONGEST))
    return tuple(GoodRead(kind=Kind(kind), at=at, entries=entries) for kind, at, entries in rows)


def is_settled(connection: Connection, organization: str) -> bool:
    """Return whether the first load is over."""
    query = select(organizations.c.settled_at).where(organizations.c.id == organization)
    return connection.execute(query).scalar() is not None


def add_reads(scope: Scope, counts: Mapping[Kind, int], *, anew: Collection[Kind]) -> None:
    """Add a good read; forget those that no window needs: too old, not larger than this one, or of the kinds *anew*."""
    organization, now, table = scope.organization, scope.clock.now(), source_reads.c
    with scope.writing("record how much was read") as connection:
        old = (table.organization == organization, table.at <= now - LONGEST)
        connection.execute(delete(source_reads).where(*old))
        for kind, entries in counts.items():
            of_kind = (table.organization == organization, table.kind == kind.value)
            smaller = () if kind in anew else (table.entries <= entries,)
            connection.execute(delete(source_reads).where(*of_kind, *smaller))
            row = {"organization": organization, "kind": kind.value, "at": now, "entries": entries}
            connection.execute(_READ.on_conflict_do_nothing(), row)


def settle(scope: Scope) -> None:
    """Note that the first load is over."""
    with scope.writing("record that the first load is over") as connection:
        of = organizations.c.id == scope.organization
        connection.execute(update(organizations).where(of).values(settled_at=scope.clock.now()))


def forget_tallies(connection: Connection, scope: Scope) -> None:
    """Forget what no window needs any more."""
    old = (tallies.c.organization == scope.organization, tallies.c.at <= scope.clock.now() - LONGEST)
    connection.execute(delete(tallies).where(*old))
