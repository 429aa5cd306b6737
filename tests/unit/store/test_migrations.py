import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, create_engine, insert, inspect, select

from syncd.errors import StoreError
from syncd.store.engine import Database
from syncd.store.migrations import MIGRATIONS, Migration, backup_path, migrate
from syncd.store.schema import metadata, schema_version
from syncd.store.store import Store
from tests.builders import NOW, ORGANIZATION_ID, binding

Opener = Callable[[], Store]


def add_a_column(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE bindings ADD COLUMN note TEXT NOT NULL DEFAULT 'none'")


def fail_half_way(connection: Connection) -> None:
    add_a_column(connection)
    connection.exec_driver_sql("ALTER TABLE no_such_table ADD COLUMN note TEXT")


NEWEST = MIGRATIONS[-1].version
SECOND = (*MIGRATIONS, Migration(NEWEST + 1, add_a_column))


@pytest.fixture
def filled(opened: Opener, path: Path) -> Path:
    """A store of today's version with one binding, closed."""
    with opened() as store:
        store.organization(ORGANIZATION_ID).memory.bind(binding())
    return path


def columns(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Each table's columns, keys and indexes, in a form that can be compared."""
    look = inspect(connection)
    found: dict[str, list[tuple[object, ...]]] = {}
    for table in look.get_table_names():
        found[table] = [
            *((each["name"], str(each["type"]), each["nullable"]) for each in look.get_columns(table)),
            ("key", *look.get_pk_constraint(table)["constrained_columns"]),
            *sorted(("unique", *each["column_names"]) for each in look.get_unique_constraints(table)),
            *sorted(("index", each["name"], *each["column_names"]) for each in look.get_indexes(table)),
            # From, to, table and what a deletion does: inspect() reads no rule behind a column.
            *sorted(
                ("foreign", key[3], key[4], key[2], key[6])
                for key in connection.exec_driver_sql(f"PRAGMA foreign_key_list({table})")
            ),
        ]
    return found


def test_the_migrations_make_the_schema(path: Path) -> None:
    """A migrated store has the tables, columns, keys and indexes that schema.py speaks of."""
    database = Database(path)
    migrate(database, now=NOW)
    with database.reading("look") as connection:
        migrated = columns(connection)
    database.close()

    wanted = create_engine("sqlite://")
    metadata.create_all(wanted)
    with wanted.connect() as connection:
        assert migrated == columns(connection)
    wanted.dispose()


def test_a_migration_keeps_the_rows(filled: Path) -> None:
    """One version on: the rows are there, with the new column; the version says so."""
    database = Database(filled)

    assert migrate(database, now=NOW, migrations=SECOND) == NEWEST + 1

    with database.reading("look") as connection:
        rows = connection.exec_driver_sql("SELECT key, entity, note FROM bindings").all()
        versions = connection.execute(select(schema_version.c.version)).scalars().all()
    database.close()
    assert (rows, versions) == ([("user:fry", "id-fry", "none")], [*range(1, NEWEST + 2)])


def test_a_store_is_copied_before_it_is_migrated(filled: Path) -> None:
    """The copy is beside the store, for its owner only, whole, and of the version before."""
    database = Database(filled)
    migrate(database, now=NOW, migrations=SECOND)
    database.close()

    copy = backup_path(filled, NEWEST)
    assert copy.name == f"syncd.db.v{NEWEST}.backup"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as old:
        assert old.execute("SELECT max(version) FROM schema_version").fetchone() == (NEWEST,)
        assert old.execute("SELECT key FROM bindings").fetchall() == [("user:fry",)]


def test_a_new_store_is_not_copied(path: Path) -> None:
    """Where there was nothing, there is nothing to copy."""
    database = Database(path)
    migrate(database, now=NOW, migrations=SECOND)
    database.close()

    assert [each.name for each in path.parent.iterdir()] == ["syncd.db"]


def test_a_failed_migration_changes_nothing(filled: Path, opened: Opener) -> None:
    """A step that fails takes all of it back: the old program goes on with the old store."""
    database = Database(filled)
    with pytest.raises(StoreError, match="can't migrate the schema"):
        migrate(database, now=NOW, migrations=(*MIGRATIONS, Migration(NEWEST + 1, fail_half_way)))
    database.close()

    ours = opened().organization(ORGANIZATION_ID)
    assert ours.memory.load().bindings == {binding().key: binding()}
    with ours.scope.reading("look") as connection:
        reflected = MetaData()
        reflected.reflect(connection)
    assert "note" not in reflected.tables["bindings"].c


def test_a_newer_store_is_refused(filled: Path, opened: Opener) -> None:
    """A store of a newer syncd is not touched; the error says both versions and what to do."""
    database = Database(filled)
    with database.writing("pretend") as connection:
        connection.execute(insert(schema_version).values(version=99, applied_at=NOW, program="9.0"))
    database.close()
    before = filled.read_bytes()

    with pytest.raises(StoreError, match=rf"schema version 99; this syncd \(.*\) knows up to {NEWEST}") as caught:
        opened()

    assert "Upgrade syncd" in caught.value.hint
    assert filled.read_bytes() == before


def test_migrating_twice_is_once(filled: Path) -> None:
    """A store that is up to date is left alone."""
    database = Database(filled)
    migrate(database, now=NOW, migrations=SECOND)
    migrate(database, now=NOW, migrations=SECOND)
    with database.reading("look") as connection:
        assert connection.execute(select(schema_version.c.version)).scalars().all() == [*range(1, NEWEST + 2)]
    database.close()
