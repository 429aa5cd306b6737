"""What doctor says of the store."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from syncd.model.check import Check, Health
from syncd.store.examination import examine, examine_lock
from syncd.store.migrations import MIGRATIONS
from syncd.store.store import OrganizationStore, Store
from tests.builders import ORGANIZATION_ID, binding

MIB = 1024 * 1024
ROOMY = 100 * 1024 * MIB


def disk(
    free: int = ROOMY, inodes: int = 1_000_000, all_inodes: int = 2_000_000
) -> Callable[[Path], os.statvfs_result]:
    """A file system with *free* bytes, in blocks of 4,096."""
    return lambda _: os.statvfs_result((4096, 4096, 0, 0, free // 4096, all_inodes, 0, inodes, 0, 255))


def found(path: Path, statvfs: Callable[[Path], os.statvfs_result] | None = None) -> dict[str, Check]:
    checks = list(examine(path, instance="here", statvfs=statvfs or disk()))
    assert all(check.remedy for check in checks if check.health is not Health.OK)
    return {check.topic: check for check in checks}


def test_no_store_yet_is_fine(path: Path) -> None:
    """Nothing is made by looking: the first command that needs a store makes it."""
    checks = found(path)

    assert checks["file"].found == f"no store yet at {path}: the first plan or sync makes it"
    assert {check.health for check in checks.values()} == {Health.OK}
    assert list(path.parent.iterdir()) == []


def test_no_folder_fails(tmp_path: Path) -> None:
    """Where the folder is missing, no command could make a store: exit code 69."""
    checks = found(tmp_path / "gone" / "syncd.db")

    assert (checks["file"].health, checks["file"].exit_code) == (Health.FAIL, 69)
    assert f"mkdir -m 700 {tmp_path}/gone" in checks["file"].remedy
    assert "not looked at" in checks["disk"].found


def test_a_store_at_rest_is_left_as_it_is(store: Store, path: Path) -> None:
    """Size, schema and integrity are told; no file beside it appears or changes, not even for a moment."""
    store.close()
    before = {file: file.stat().st_mtime_ns for file in (path, path.parent)}

    checks = found(path)

    assert checks["schema"].found == f"version {MIGRATIONS[-1].version}"
    assert checks["integrity"].found == "quick_check finds nothing wrong"
    assert checks["file"].found == f"{path}: {path.stat().st_size:,} bytes, mode 0600"
    assert {check.health for check in checks.values()} == {Health.OK}
    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert list(path.parent.iterdir()) == [path]


def test_a_store_at_work_can_be_looked_at(store: Store, ours: OrganizationStore, path: Path) -> None:
    """While a daemon has it open, what it wrote last is seen too; its files stay."""
    ours.memory.bind(binding("fry"))
    assert path.with_name(f"{path.name}-wal").exists()

    checks = found(path)

    assert checks["integrity"].health is Health.OK
    assert path.with_name(f"{path.name}-wal").exists()


def test_a_log_without_its_index_is_not_touched(store: Store, path: Path) -> None:
    """A store that was copied while in use is left to the next command."""
    store.close()
    path.with_name(f"{path.name}-wal").touch()

    assert "-wal without its -shm" in found(path)["content"].found
    assert not path.with_name(f"{path.name}-shm").exists()


def test_a_damaged_store_fails(store: Store, path: Path) -> None:
    """Damage is found before a cycle stumbles over it."""
    store.close()
    content = bytearray(path.read_bytes())
    content[8192:40960] = b"\xff" * 32768
    path.write_bytes(content)

    damaged = [check for check in examine(path, instance="here", statvfs=disk()) if check.health is Health.FAIL]

    assert [check.exit_code for check in damaged] == [69]
    assert "damaged" in damaged[0].found


@pytest.mark.parametrize(
    ("statement", "topic", "told"),
    [
        ("UPDATE schema_version SET version = 99 WHERE version = 3", "schema", "version 99, written by a newer syncd"),
        ("ALTER TABLE schema_version RENAME TO another", "schema", "no store of syncd"),
    ],
)
def test_a_store_of_somebody_else_fails(store: Store, path: Path, statement: str, topic: str, told: str) -> None:
    """A newer schema, or another program's database, is told; nothing is migrated."""
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()

    check = found(path)[topic]

    assert (check.health, check.exit_code) == (Health.FAIL, 69)
    assert told in check.found


def test_what_is_no_database_fails(path: Path) -> None:
    """A file that only has the name of the store is named."""
    path.write_bytes(b"no database at all" * 100)

    assert "it is no SQLite database" in found(path)["content"].found


def test_rights_that_are_too_wide_are_told(store: Store, path: Path) -> None:
    """The store holds names and addresses of people; its folder is for syncd alone."""
    store.close()
    path.chmod(0o644)
    path.parent.chmod(0o777)
    try:
        checks = found(path)
    finally:
        path.parent.chmod(0o700)

    assert checks["file"].health is Health.WARN
    assert checks["file"].remedy == f"chmod 600 {path}"
    assert checks["folder"].health is Health.WARN


@pytest.mark.parametrize(
    ("free", "health", "code"),
    [
        (100 * MIB - 4096, Health.FAIL, 69),
        (100 * MIB, Health.WARN, 0),
        (1024 * MIB - 4096, Health.WARN, 0),
        (1024 * MIB, Health.OK, 0),
    ],
)
def test_room_on_the_disk(path: Path, free: int, health: Health, code: int) -> None:
    """Less than 1 GiB is told, less than 100 MiB fails: without room nothing can be remembered."""
    check = found(path, disk(free))["disk"]

    assert (check.health, check.exit_code) == (health, code)


@pytest.mark.parametrize(("times", "health"), [(9, Health.WARN), (11, Health.OK)])
def test_room_for_a_large_store(store: Store, path: Path, times: int, health: Health) -> None:
    """A large store needs room in proportion: ten times its size."""
    store.close()
    size = 200 * MIB
    os.truncate(path, size)

    assert found(path, disk(times * size))["disk"].health is health


@pytest.mark.parametrize(("left", "total", "told"), [(999, 5000, True), (1000, 5000, False), (0, 0, False)])
def test_inodes_run_out_too(path: Path, left: int, total: int, told: bool) -> None:
    """A disk with room and no inodes takes no file; where they aren't counted, nothing is told."""
    assert ("inodes" in found(path, disk(inodes=left, all_inodes=total))) is told


def test_who_holds_the_organization(store: Store, ours: OrganizationStore, path: Path) -> None:
    """Held, free again, and free after its holder was killed: never made by looking."""
    (unused,) = examine_lock(path, ORGANIZATION_ID)
    assert unused.found == "free: no cycle has run here yet"
    assert not ours.lock.path.exists()

    with ours.lock.held("run"):
        (held,) = examine_lock(path, ORGANIZATION_ID)
        assert held.found.startswith(f"held by `syncd run` (process {os.getpid()} on ")
        signed = ours.lock.path.read_bytes()

    (free,) = examine_lock(path, ORGANIZATION_ID)
    assert free.found == "free: no cycle is running"
    ours.lock.path.write_bytes(signed)
    (killed,) = examine_lock(path, ORGANIZATION_ID)
    assert killed.found == "free: no cycle is running"
    with ours.lock.held("sync"):
        pass
