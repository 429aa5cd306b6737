"""Brings a store to the schema of this program: forward only, all steps in one transaction.

A step never changes once it was released: it says in its own words what to do, and does not look at
`schema.py`, which says what the tables are today.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, insert, inspect, select

from syncd import __version__
from syncd.errors import StoreError
from syncd.store.backup import copy_database
from syncd.store.engine import Database
from syncd.store.schema import schema_version


@dataclass(frozen=True, slots=True)
class Migration:
    """The step to *version* from the one before."""

    version: int
    apply: Callable[[Connection], None]


def _run(connection: Connection, statements: str) -> None:
    for statement in statements.split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)


def _first(connection: Connection) -> None:
    _run(connection, _FIRST)


def migrate(database: Database, *, now: datetime, migrations: Sequence[Migration] = ()) -> int:
    """Bring *database* to the newest of *migrations* (all known ones by default); return the version it has.

    An existing store is first copied to `NAME.vN.backup` beside it.

    Raises:
        StoreError: the file belongs to a newer program, or to another one altogether.
    """
    steps = migrations or MIGRATIONS
    newest = steps[-1].version
    with database.reading("read the schema version") as connection:
        if _version(connection, database.path, newest) == newest:
            return newest
    with database.writing("migrate the schema") as connection:
        # Asked again: another process may have been faster.
        version = _version(connection, database.path, newest)
        if 0 < version < newest:
            # No one else can write now, and what we change is not visible before the end.
            copy_database(database.path, backup_path(database.path, version))
        for step in steps:
            if step.version > version:
                step.apply(connection)
                row = {"version": step.version, "applied_at": now, "program": __version__}
                connection.execute(insert(schema_version).values(row))
    return newest


def backup_path(path: Path, version: int) -> Path:
    """Return where the store *path* is copied to before it leaves schema *version*."""
    return path.with_name(f"{path.name}.v{version}.backup")


def _version(connection: Connection, path: Path, newest: int) -> int:
    tables = inspect(connection).get_table_names()
    if schema_version.name not in tables:
        if tables:
            raise StoreError(
                f"{path} is a database, but no store of syncd: it has no schema version, but a table {tables[0]!r}",
                hint="Look at `store:` in the configuration: it must name syncd's own file, or a new one.",
            )
        return 0
    version = connection.execute(select(func.max(schema_version.c.version))).scalar() or 0
    if version > newest:
        raise StoreError(
            f"the store {path} has schema version {version}; this syncd ({__version__}) knows up to {newest}",
            hint="Upgrade syncd on this machine to the version that wrote the store. A store can't go back; "
            f"the copy made before the upgrade is beside it ({path.name}.vN.backup).",
        )
    return version


_FIRST = """
CREATE TABLE schema_version (
    version INTEGER NOT NULL PRIMARY KEY,
    applied_at BIGINT NOT NULL,
    program TEXT NOT NULL
);
CREATE TABLE organizations (
    id TEXT NOT NULL PRIMARY KEY,
    first_seen_at BIGINT NOT NULL
);
CREATE TABLE bindings (
    organization TEXT NOT NULL REFERENCES organizations (id),
    key TEXT NOT NULL,
    entity TEXT NOT NULL,
    source TEXT NOT NULL,
    adopted BOOLEAN NOT NULL,
    since BIGINT NOT NULL,
    addresses TEXT,
    removed_at BIGINT,
    PRIMARY KEY (organization, key),
    UNIQUE (organization, entity)
);
CREATE TABLE marks (
    organization TEXT NOT NULL REFERENCES organizations (id),
    key TEXT NOT NULL,
    missing_since BIGINT,
    missing_cycles INTEGER NOT NULL,
    disabled_since BIGINT,
    PRIMARY KEY (organization, key)
);
CREATE TABLE source_counts (
    organization TEXT NOT NULL REFERENCES organizations (id),
    kind TEXT NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (organization, kind)
);
CREATE TABLE approvals (
    id INTEGER NOT NULL PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    digest TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    approved_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE approved_operations (
    approval INTEGER NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
    operation TEXT NOT NULL,
    organization TEXT NOT NULL REFERENCES organizations (id),
    spent_at BIGINT,
    PRIMARY KEY (approval, operation)
);
CREATE INDEX approved_operations_by_operation ON approved_operations (organization, operation);
CREATE TABLE details (
    organization TEXT NOT NULL REFERENCES organizations (id),
    detail TEXT NOT NULL,
    entity TEXT NOT NULL,
    value TEXT NOT NULL,
    read_at BIGINT NOT NULL,
    PRIMARY KEY (organization, detail, entity)
) WITHOUT ROWID;
CREATE TABLE journal (
    id INTEGER NOT NULL PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    cycle_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    kind TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    entity TEXT,
    touches TEXT,
    name TEXT NOT NULL,
    summary TEXT NOT NULL,
    reason TEXT NOT NULL,
    call TEXT,
    before TEXT,
    after TEXT,
    at BIGINT NOT NULL,
    is_open BOOLEAN NOT NULL,
    settled_at BIGINT,
    result TEXT,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created TEXT NOT NULL
);
CREATE INDEX journal_by_subject ON journal (organization, subject);
CREATE INDEX journal_by_operation ON journal (organization, cycle_id, operation);
CREATE INDEX journal_by_entity ON journal (organization, touches);
CREATE INDEX journal_by_time ON journal (organization, at);
CREATE INDEX journal_open ON journal (organization) WHERE is_open = 1;
CREATE TABLE cycles (
    organization TEXT NOT NULL REFERENCES organizations (id),
    cycle_id TEXT NOT NULL,
    command TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    summary TEXT NOT NULL,
    exit_code INTEGER NOT NULL,
    error TEXT NOT NULL,
    digest TEXT,
    counts TEXT NOT NULL,
    results TEXT NOT NULL,
    calls TEXT NOT NULL,
    took TEXT NOT NULL,
    oldest_detail_s FLOAT NOT NULL,
    PRIMARY KEY (organization, cycle_id)
);
CREATE INDEX cycles_by_time ON cycles (organization, started_at);
CREATE TABLE plans (
    id INTEGER NOT NULL PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (id),
    digest TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    operations INTEGER NOT NULL,
    document BLOB NOT NULL,
    UNIQUE (organization, digest)
);
CREATE INDEX plans_in_order ON plans (organization, id)
"""


def _void_approvals(connection: Connection) -> None:
    """Operation ids changed: what was approved under the old ones can't recur, and must not seem to be in force."""
    connection.exec_driver_sql("DELETE FROM approved_operations WHERE spent_at IS NULL")


def _removals_under_way(connection: Connection) -> None:
    """A removal that began and didn't end left its addresses with the binding: from now on it is known as such."""
    connection.exec_driver_sql("ALTER TABLE bindings ADD COLUMN groups TEXT")
    connection.exec_driver_sql("ALTER TABLE bindings ADD COLUMN began_at BIGINT")
    connection.exec_driver_sql("ALTER TABLE bindings ADD COLUMN stuck TEXT NOT NULL DEFAULT ''")
    connection.exec_driver_sql(
        "UPDATE bindings SET began_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000000 "
        "WHERE addresses IS NOT NULL AND removed_at IS NULL"
    )


def _revocations(connection: Connection) -> None:
    """An approval can be revoked, and a removal remembers under which one it began, an exchange what it took."""
    connection.exec_driver_sql("ALTER TABLE bindings ADD COLUMN approval INTEGER")
    connection.exec_driver_sql("ALTER TABLE bindings ADD COLUMN stuck_under TEXT NOT NULL DEFAULT ''")
    connection.exec_driver_sql("ALTER TABLE bindings ADD COLUMN exchange TEXT")
    connection.exec_driver_sql("ALTER TABLE approvals ADD COLUMN revoked_at BIGINT")
    connection.exec_driver_sql("ALTER TABLE approvals ADD COLUMN revoked_by TEXT NOT NULL DEFAULT ''")
    connection.exec_driver_sql("CREATE INDEX bindings_begun ON bindings (organization) WHERE began_at IS NOT NULL")
    connection.exec_driver_sql("CREATE INDEX details_by_entity ON details (organization, entity)")


_DECISIONS = """
ALTER TABLE organizations ADD COLUMN decisions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE organizations ADD COLUMN paused_at BIGINT;
ALTER TABLE organizations ADD COLUMN paused_until BIGINT;
ALTER TABLE organizations ADD COLUMN paused_by TEXT NOT NULL DEFAULT '';
ALTER TABLE organizations ADD COLUMN paused_why TEXT NOT NULL DEFAULT '';
CREATE TABLE holds (
    organization TEXT NOT NULL REFERENCES organizations (id),
    key TEXT NOT NULL,
    held_by TEXT NOT NULL,
    held_at BIGINT NOT NULL,
    why TEXT NOT NULL,
    until BIGINT,
    PRIMARY KEY (organization, key)
);
ALTER TABLE bindings ADD COLUMN seen_enabled BOOLEAN NOT NULL DEFAULT 0;
ALTER TABLE approvals ADD COLUMN why TEXT NOT NULL DEFAULT '';
ALTER TABLE journal ADD COLUMN place TEXT NOT NULL DEFAULT '';
CREATE INDEX journal_by_place ON journal (organization, place) WHERE place <> '';
ALTER TABLE plans ADD COLUMN restricted BOOLEAN NOT NULL DEFAULT 0
"""


def _decisions(connection: Connection) -> None:
    """People hold, pause, and give reasons; findings are approved by whom they count, and not by numbers any more."""
    _run(connection, _DECISIONS)
    connection.exec_driver_sql("DELETE FROM approved_operations WHERE spent_at IS NULL AND operation LIKE 'finding:%'")


def _looks(connection: Connection) -> None:
    """A binding remembers how its entity appeared; where nothing is remembered yet, the service's own names tell it."""
    for column in ("login", "display_name", "primary", "first_name"):
        connection.exec_driver_sql(f"ALTER TABLE bindings ADD COLUMN look_{column} TEXT")


def _reads_in_a_row(connection: Connection) -> None:
    """A mark knows its last read; those without any begin anew, since nobody knows what was between their reads."""
    connection.exec_driver_sql("ALTER TABLE marks ADD COLUMN counted BIGINT NOT NULL DEFAULT 0")
    connection.exec_driver_sql("ALTER TABLE marks ADD COLUMN last_at BIGINT")
    connection.exec_driver_sql("ALTER TABLE marks ADD COLUMN last_boot TEXT")
    connection.exec_driver_sql("ALTER TABLE marks ADD COLUMN last_boot_s FLOAT")
    connection.exec_driver_sql("ALTER TABLE marks ADD COLUMN last_service_at BIGINT")
    connection.exec_driver_sql("ALTER TABLE marks ADD COLUMN hole BIGINT")
    connection.exec_driver_sql("ALTER TABLE marks ADD COLUMN anew TEXT NOT NULL DEFAULT ''")


def _windows(connection: Connection) -> None:
    """Guards count over a day and a week; who is bound already is no first load."""
    connection.exec_driver_sql("ALTER TABLE organizations ADD COLUMN settled_at BIGINT")
    connection.exec_driver_sql(
        "UPDATE organizations SET settled_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000000 "
        "WHERE id IN (SELECT organization FROM bindings)"
    )
    connection.exec_driver_sql(
        "CREATE TABLE source_reads (organization TEXT NOT NULL REFERENCES organizations (id), kind TEXT NOT NULL, "
        "at BIGINT NOT NULL, entries INTEGER NOT NULL, PRIMARY KEY (organization, kind, at))"
    )
    connection.exec_driver_sql(
        "CREATE TABLE tallies (organization TEXT NOT NULL REFERENCES organizations (id), cycle_id TEXT NOT NULL, "
        "operation TEXT NOT NULL, counted_as TEXT NOT NULL, scope TEXT NOT NULL, counted TEXT NOT NULL, "
        "weight INTEGER NOT NULL, freed BOOLEAN NOT NULL, at BIGINT NOT NULL, "
        "PRIMARY KEY (organization, cycle_id, operation, counted_as))"
    )
    connection.exec_driver_sql("CREATE INDEX tallies_by_time ON tallies (organization, at)")


def _managed_members(connection: Connection) -> None:
    """A group remembers that its members were found in order; of those of before nobody knows yet."""
    connection.exec_driver_sql("ALTER TABLE bindings ADD COLUMN members_managed BOOLEAN NOT NULL DEFAULT 0")


def _instance(connection: Connection) -> None:
    """The store knows whose it is, from its next cycle on."""
    connection.exec_driver_sql(
        "CREATE TABLE instance (id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, since BIGINT NOT NULL)"
    )


MIGRATIONS = (
    Migration(1, _first),
    Migration(2, _void_approvals),
    Migration(3, _removals_under_way),
    Migration(4, _revocations),
    Migration(5, _decisions),
    Migration(6, _looks),
    Migration(7, _reads_in_a_row),
    Migration(8, _windows),
    Migration(9, _managed_members),
    Migration(10, _instance),
)
