import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from syncd.errors import StoreError, UsageError
from syncd.model.report import Result
from syncd.store.store import Store
from tests.builders import ORGANIZATION_ID, binding

WRITER = Path(__file__).with_name("writer.py")
ROOT = WRITER.parents[3]
Opener = Callable[[], Store]


@pytest.fixture
def filled(store: Store) -> Store:
    store.organization(ORGANIZATION_ID).memory.bind(binding())
    return store


def bound_keys(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [key for (key,) in database.execute("SELECT key FROM bindings ORDER BY key")]


def test_a_backup_is_one_whole_file(filled: Store, tmp_path: Path) -> None:
    """The backup holds what the store holds, for its owner only, with nothing beside it."""
    target = tmp_path / "backups" / "store.backup"
    target.parent.mkdir()

    filled.back_up(target)

    assert [each.name for each in target.parent.iterdir()] == ["store.backup"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert bound_keys(target) == ["user:fry"]


def test_a_backup_can_be_put_in_place(filled: Store, opened: Opener, path: Path, tmp_path: Path) -> None:
    """A store that was lost is back once its backup lies in its place."""
    filled.back_up(tmp_path / "store.backup")
    filled.close()
    path.unlink()
    (tmp_path / "store.backup").rename(path)

    assert opened().organization(ORGANIZATION_ID).memory.load().bindings == {binding().key: binding()}


def test_a_backup_is_made_while_others_write(store: Store, opened: Opener, path: Path, tmp_path: Path) -> None:
    """Made amid another process's writing, a backup is one state: each outcome in it has its intent."""
    command = [sys.executable, "-u", str(WRITER), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}) as process:
        assert process.stdout is not None
        sizes = []
        for number in range(5):
            process.stdout.readline()
            store.back_up(tmp_path / f"{number}.backup")
            sizes.append(len(bound_keys(tmp_path / f"{number}.backup")))
        assert process.poll() is None
        process.kill()
    store.close()
    path.unlink()
    (tmp_path / "4.backup").rename(path)

    ours = opened().organization(ORGANIZATION_ID)
    operations = ours.history.operations_in("c1")
    assert sizes == sorted(sizes)
    assert len(operations) == len(ours.memory.load().bindings) == sizes[-1] > 0
    assert {each.result for each in operations[:-1]} <= {Result.APPLIED.value}


def test_an_existing_file_is_not_replaced(filled: Store, tmp_path: Path) -> None:
    """A backup replaces a file only when it is told to."""
    target = tmp_path / "store.backup"
    target.write_text("yesterday")

    with pytest.raises(UsageError, match="exists already") as caught:
        filled.back_up(target)
    assert "--force" in caught.value.hint
    assert target.read_text() == "yesterday"

    filled.back_up(target, force=True)
    assert bound_keys(target) == ["user:fry"]


@pytest.mark.parametrize("force", [False, True])
def test_the_store_is_no_place_for_its_backup(force: bool, filled: Store, tmp_path: Path) -> None:
    """The store itself, under whatever name, and a folder are refused, forced or not."""
    other_name = tmp_path / "link.db"
    other_name.symlink_to(filled.path)

    for target in (filled.path, other_name, tmp_path):
        with pytest.raises(UsageError, match="can't back up to"):
            filled.back_up(target, force=force)

    assert filled.organization(ORGANIZATION_ID).memory.load().bindings


def test_a_missing_folder_is_said(filled: Store, tmp_path: Path) -> None:
    """A backup into a folder that doesn't exist names the folder."""
    with pytest.raises(StoreError, match="missing doesn't exist"):
        filled.back_up(tmp_path / "missing" / "store.backup")


def test_a_damaged_store_gives_no_backup(filled: Store, tmp_path: Path) -> None:
    """A copy is looked through before it replaces the last good one."""
    ours = filled.organization(ORGANIZATION_ID)
    for number in range(200):
        ours.memory.bind(binding(f"user:{number}"))
    filled.close()
    content = bytearray(filled.path.read_bytes())
    for page in range(len(content) // 8192, len(content) // 4096):
        content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    filled.path.write_bytes(content)
    (tmp_path / "store.backup").write_text("yesterday's")

    with pytest.raises(StoreError, match="damaged"):
        filled.back_up(tmp_path / "store.backup", force=True)

    assert (tmp_path / "store.backup").read_text() == "yesterday's"


def test_a_failed_backup_leaves_nothing(filled: Store, tmp_path: Path) -> None:
    """When the copy can't be put in its place, nothing half is left, and the error says where."""
    target = tmp_path / "taken"
    target.mkdir()
    (target / "file").touch()
    filled.close()
    os.truncate(filled.path, 6000)

    with pytest.raises(StoreError, match="store"):
        filled.back_up(tmp_path / "store.backup")

    assert not list(tmp_path.glob("*.unfinished"))
    assert not (tmp_path / "store.backup").exists()
