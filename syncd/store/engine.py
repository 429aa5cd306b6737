"""The SQLite file: created for its owner, opened with the right pragmas, read and written in transactions.

Every write is durable when its transaction ends (WAL with synchronous=FULL: with NORMAL a power cut may
take back the last intents, although their calls were sent). Writers of this process queue on a lock of ours,
which is fair and wakes at once; SQLite's own waiting, which polls, is left for other processes.
"""

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from syncd.errors import StoreError
from syncd.store.place import real_place
from syncd.store.trouble import BUSY_TIMEOUT_S, translated

#: Owner only: the store holds names and addresses of people.
MODE = 0o600
_WRITES = "syncd_writes"
# A first read of a large organization makes a long -wal; it is cut back to this many bytes afterwards.
_WAL_LIMIT = 64 * 1024 * 1024
# So often another program may be in the way while the file gets its journal mode.
_TURNS = 50


class Database:
    """One SQLite file. Threads share it; *must_exist* is for commands that only tell what is in it."""

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        self.path = real_place(path)
        _prepare_file(self.path, must_exist=must_exist)
        self.engine = _engine(self.path)
        self._write_lock = threading.Lock()
        try:
            self._use_wal()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self, doing: str) -> Iterator[Connection]:
        """Open a transaction that sees one state of the whole file."""
        with translated(self.path, doing), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, doing: str) -> Iterator[Connection]:
        """Open a transaction that writes all or nothing; whoever comes second waits for its turn."""
        with (
            self._write_lock,
            translated(self.path, doing),
            self.engine.connect() as connection,
            connection.execution_options(**{_WRITES: True}).begin(),
        ):
            yield connection

    def close(self) -> None:
        """Close every connection; the last one empties the -wal into the file."""
        self.engine.dispose()

    def _use_wal(self) -> None:
        with translated(self.path, "open the database"), self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            if not isinstance(driver, sqlite3.Connection):  # pragma: no cover - there is only this driver
                raise TypeError(driver)
            if driver.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                return
            mode = _switch_to_wal(driver)
        if mode != "wal":
            raise StoreError(
                f"the file system of the store {self.path} can't share memory between processes "
                f"(journal mode stays {mode!r})",
                hint="Put the store on a local disk: a network file system can't carry it.",
            )


def _switch_to_wal(driver: sqlite3.Connection) -> str:
    """Return the journal mode after asking for WAL, while other programs may do the same.

    SQLite's own waiting leaves this statement out: it fails at once while another connection reads or writes. So who
    is refused waits for a turn to write, as every writer does, and asks again.
    """
    for _ in range(_TURNS):
        with suppress(sqlite3.OperationalError):
            return str(driver.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        driver.execute("BEGIN IMMEDIATE")
        driver.execute("ROLLBACK")
    return str(driver.execute("PRAGMA journal_mode = WAL").fetchone()[0])


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        # No isolation level: BEGIN is ours, since the driver's own would leave DDL and reads outside.
        connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None},
        pool_size=8,
        max_overflow=24,
    )

    @event.listens_for(engine, "connect")
    def set_pragmas(driver: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        driver.execute("PRAGMA foreign_keys = ON")
        driver.execute("PRAGMA synchronous = FULL")
        driver.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that reads first and writes later can't wait for another writer.
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _prepare_file(path: Path, *, must_exist: bool) -> None:
    """Create the file if need be, for its owner only; SQLite gives -wal and -shm the mode of the file."""
    with translated(path, "look for the file"):
        folder_exists, is_folder, exists = path.parent.is_dir(), path.is_dir(), path.exists()
    if not folder_exists:
        raise StoreError(
            f"can't open the store {path}: the folder {path.parent} doesn't exist",
            hint=f"Create it for the user that runs syncd (mkdir -m 700 {path.parent}), or change `store:`.",
        )
    if is_folder:
        raise StoreError(
            f"can't open the store {path}: it is a folder", hint="`store:` must name a file, such as syncd.db."
        )
    if must_exist and not exists:
        raise StoreError(
            f"there is no store at {path} yet",
            hint="The first `syncd plan` or `syncd sync` makes it; or look at `store:` in the configuration.",
        )
    with translated(path, "create the file"):
        create_private(path)


def create_private(path: Path) -> None:
    """Create *path* for its owner only, or take others' rights from it, whatever the umask says."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, MODE))
    if stat.S_IMODE(path.stat().st_mode) & ~MODE:
        # A file of another owner or on a read-only disk stays as it is: opening it says what is wrong.
        with suppress(OSError):
            path.chmod(MODE)
