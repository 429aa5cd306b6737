import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from syncd.errors import StoreError
from syncd.planning.document import dumps, loads
from syncd.store.engine import Database
from syncd.store.store import Store
from syncd.workmail.pages import PAGES
from tests.builders import ORGANIZATION_ID, binding
from tests.fakes.clock import FakeClock


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(path: Path, *, must_exist: bool = False) -> StoreError:
    """The error with which opening *path* ends."""
    with pytest.raises(StoreError) as caught:
        Store(
            path,
            clock=FakeClock(),
            encode=dumps,
            decode=partial(loads, pages=PAGES),
            details=PAGES.details,
            must_exist=must_exist,
        ).close()
    assert caught.value.exit_code == 69
    assert caught.value.hint
    return caught.value


def test_every_file_is_for_its_owner_only(store: Store, path: Path) -> None:
    """The store, what SQLite keeps beside it, and the lock have mode 0600, whatever the umask."""
    ours = store.organization(ORGANIZATION_ID)
    ours.memory.bind(binding())
    with ours.lock.held("sync"):
        modes = {each.name: oct(mode(each)) for each in path.parent.iterdir()}

    names = ["syncd.db", "syncd.db-shm", "syncd.db-wal", f"syncd.db.{ORGANIZATION_ID}.lock"]
    assert modes == dict.fromkeys(names, "0o600")


def test_rights_of_others_are_taken_away(opened: Callable[[], Store], path: Path) -> None:
    """A store that others may read is closed to them when it is opened."""
    opened().close()
    path.chmod(0o644)

    opened()

    assert mode(path) == 0o600


def test_what_was_written_outlives_the_program(opened: Callable[[], Store]) -> None:
    """A store that was closed and opened again remembers."""
    with opened() as first:
        first.organization(ORGANIZATION_ID).memory.bind(binding())

    assert opened().organization(ORGANIZATION_ID).memory.load().bindings == {binding().key: binding()}


def test_organizations_are_apart(store: Store) -> None:
    """What one organization remembers, another in the same file doesn't see."""
    store.organization("m-1").memory.bind(binding())
    store.organization("m-2").memory.record_marks({}, {})

    assert store.organization("m-2").memory.load().bindings == {}
    assert store.organizations() == ("m-1", "m-2")


def test_asking_writes_nothing(store: Store) -> None:
    """An organization is known from its first row on, not from the first question."""
    assert store.organization("m-1").memory.load().bindings == {}
    assert store.organizations() == ()


def test_writes_are_synced_to_the_disk(store: Store) -> None:
    """Each transaction is on the disk when it ends: WAL with synchronous=FULL, foreign keys on."""
    with store._database.reading("look") as connection:
        pragmas = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    assert pragmas == ["wal", 2, 1, 30000]


def test_the_facts(store: Store, path: Path) -> None:
    """The store tells its file, its size, its schema and whom it serves."""
    store.organization("m-1").memory.bind(binding())

    facts = store.facts()

    assert (facts.path, facts.schema_version, facts.organizations) == (path, 6, ("m-1",))
    assert facts.size > 4096


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    """Where the folder is missing, the error names it and how to make it."""
    error = refused(tmp_path / "missing" / "syncd.db")

    assert f"the folder {tmp_path / 'missing'} doesn't exist" in error.message
    assert f"mkdir -m 700 {tmp_path / 'missing'}" in error.hint


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """A folder in the place of the file is said to be one."""
    assert "it is a folder" in refused(tmp_path).message


@pytest.fixture
def as_somebody() -> Iterator[Path]:
    """A folder that others may look into, and no rights but an ordinary user's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        yield folder
        os.seteuid(user)
        folder.chmod(0o755)


def may(folder: Path, rights: int) -> None:
    """Give *folder* these rights, whoever we are at the moment."""
    user = os.geteuid()
    os.seteuid(os.getuid())
    folder.chmod(rights)
    os.seteuid(user)


@pytest.mark.parametrize(
    ("rights", "doing"),
    [(0o000, "can't look for the file"), (0o555, "can't create the file")],
)
def test_a_folder_without_rights_is_said(rights: int, doing: str, as_somebody: Path) -> None:
    """A folder into which this user may not look, or in which it may not write, is named with the reason."""
    may(as_somebody, rights)

    error = refused(as_somebody / "syncd.db")

    assert error.message == f"{doing} in the store {as_somebody / 'syncd.db'}: Permission denied"
    assert f"owner, mode and free space of {as_somebody}" in error.hint


def test_a_file_without_rights_is_said(as_somebody: Path) -> None:
    """A store that this user may not read is named with what to look at."""
    path = as_somebody / "syncd.db"
    user = os.geteuid()
    os.seteuid(os.getuid())
    path.touch(mode=0)
    os.seteuid(user)

    error = refused(path)

    assert "it can't be opened" in error.message
    assert "whether this user may write there" in error.hint


def test_a_command_that_only_tells_makes_no_store(path: Path) -> None:
    """Where there is no store yet, a command that needs one says so and leaves none behind."""
    error = refused(path, must_exist=True)

    assert f"there is no store at {path} yet" in error.message
    assert not path.exists()


def test_another_file_is_left_alone(path: Path) -> None:
    """A file that is no database is refused and not changed."""
    content = b"employee_id,login\n" * 400
    path.write_bytes(content)

    error = refused(path)

    assert "it is no SQLite database" in error.message
    assert path.read_bytes() == content


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    """A database without our schema version is refused, naming one of its tables."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")

    assert "no store of syncd" in refused(path).message
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]


def test_a_damaged_store_is_said(opened: Callable[[], Store], path: Path) -> None:
    """Where pages were overwritten, the error says that the store is damaged, and how to go on."""
    with opened() as store:
        for number in range(200):
            store.organization(ORGANIZATION_ID).memory.bind(binding(f"user:{number}"))
    content = bytearray(path.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096 : page * 4096 + 512] = b"\xff" * 512
    path.write_bytes(content)

    with pytest.raises(StoreError, match="it is damaged") as caught, opened() as store:
        store.organization(ORGANIZATION_ID).memory.load()

    assert "put the last `syncd store backup` in its place" in caught.value.hint


def test_a_file_that_cannot_be_written_is_said(store: Store, path: Path) -> None:
    """Where SQLite refuses to write, the error says whose rights to look at, and nothing is written."""

    @event.listens_for(store._database.engine, "checkout")
    def read_only(driver: sqlite3.Connection, *_: object) -> None:
        driver.execute("PRAGMA query_only = ON")

    ours = store.organization(ORGANIZATION_ID)
    with pytest.raises(StoreError, match="it can't be written") as caught:
        ours.memory.bind(binding())

    assert f"can't write a binding in the store {path}" in caught.value.message
    assert f"owner and mode of the file and of {path.parent}" in caught.value.hint
    assert ours.memory.load().bindings == {}


def test_a_full_disk_is_said_and_leaves_nothing_half(store: Store) -> None:
    """When no page is left, the error says so, the transaction is gone as a whole, and reading goes on."""
    ours = store.organization(ORGANIZATION_ID)
    ours.memory.bind(binding())

    @event.listens_for(store._database.engine, "checkout")
    def no_more_pages(driver: sqlite3.Connection, *_: object) -> None:
        driver.execute("PRAGMA max_page_count = 1")  # SQLite raises it to what is in use.

    long = binding(addresses=["x" * 100_000])
    with pytest.raises(StoreError, match="the disk is full") as caught:
        ours.memory.bind(long)

    assert "Free space" in caught.value.hint
    assert ours.memory.load().bindings == {binding().key: binding()}


def test_a_locked_file_is_said(path: Path, store: Store) -> None:
    """A foreign program that keeps the file locked is waited for, then named as the cause."""

    @event.listens_for(store._database.engine, "checkout")
    def impatient(driver: sqlite3.Connection, *_: object) -> None:
        driver.execute("PRAGMA busy_timeout = 50")

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program has kept it locked") as caught:
            store.organization(ORGANIZATION_ID).memory.bind(binding())

    assert "fuser" in caught.value.hint


def test_an_error_leaves_the_store_usable(store: Store) -> None:
    """After a transaction that failed, the next one works: nothing stays locked."""
    ours = store.organization(ORGANIZATION_ID)
    with pytest.raises(StoreError, match="UNIQUE"), store._database.writing("try") as connection:
        connection.execute(text("INSERT INTO organizations VALUES ('m-8', 0), ('m-9', 0), ('m-9', 0)"))

    ours.memory.bind(binding())

    assert store.organizations() == (ORGANIZATION_ID,)


def test_an_organization_must_be_known(store: Store) -> None:
    """Foreign keys hold: no row for an organization that the store doesn't know."""
    with pytest.raises(StoreError, match="FOREIGN KEY"), store._database.writing("try") as connection:
        connection.execute(text("INSERT INTO marks (organization, key, missing_cycles) VALUES ('m-9', 'k', 0)"))


def test_two_processes_may_make_it_at_once(path: Path) -> None:
    """Several programs that start on a new store at the same time all find it usable."""
    program = f"""
from pathlib import Path
from syncd.store.store import Store
from tests.fakes.clock import FakeClock
input()
for number in range(5):
    with Store(Path({str(path)!r}), clock=FakeClock(), encode=str, decode=str, details=()) as store:
        store.organization("m-1").memory.record_marks({{}}, {{}})
"""
    several = [
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for each in several:
        assert each.stdin is not None
        each.stdin.write(b"\n")
        each.stdin.flush()
    errors = [each.communicate(timeout=240)[1].decode() for each in several]

    assert errors == [""] * 4


def test_a_closed_database_keeps_no_file_beside_it(path: Path) -> None:
    """Closing leaves one file: what was in the -wal is in the store."""
    database = Database(path)
    with database.writing("write") as connection:
        connection.execute(text("CREATE TABLE t (x)"))

    database.close()

    assert [each.name for each in path.parent.iterdir()] == ["syncd.db"]


def test_no_read_walks_through_the_journal(store: Store) -> None:
    """Hundreds of thousands of old operations cost a cycle nothing: each read uses an index of its own."""
    found: dict[str, str] = {}

    @event.listens_for(store._database.engine, "before_cursor_execute")
    def explain(
        connection: Connection, cursor: sqlite3.Cursor, statement: str, parameters: tuple[object, ...], *_: object
    ) -> None:
        if "FROM journal" in statement and statement.startswith("SELECT"):
            rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            found[str(rows[0][3]).split(" (")[0].rpartition(" ")[2]] = statement

    ours = store.organization(ORGANIZATION_ID)
    ours.memory.load()
    ours.history.operations_of(binding().key)
    ours.history.operations_in("c1")

    assert set(found) == {"journal_open", "journal_by_subject", "journal_by_operation"}
