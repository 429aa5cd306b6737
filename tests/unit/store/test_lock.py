import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.errors import Locked, StoreError
from syncd.store.lock import FileLock
from syncd.store.store import OrganizationStore, Store
from tests.builders import ORGANIZATION_ID
from tests.fakes.clock import FakeClock

HOLDER = """
import sys
from pathlib import Path
from syncd.store.lock import FileLock
from tests.fakes.clock import FakeClock

with FileLock(Path(sys.argv[1]), sys.argv[2], FakeClock()).held("run"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the organization until its standard input ends."""
    command = [sys.executable, "-c", HOLDER, str(path), ORGANIZATION_ID]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


def test_the_holder_is_named(ours: OrganizationStore, path: Path) -> None:
    """Who comes second learns the command, the process and since when, and what to do; exit code 75."""
    with another_process(path) as process, pytest.raises(Locked) as caught, ours.lock.held("sync"):
        pass

    host = os.uname().nodename
    assert caught.value.exit_code == 75
    assert caught.value.message == (
        f"organization {ORGANIZATION_ID} is held by `syncd run` (process {process.pid} on {host}) "
        "since 2026-03-02T08:00:00+00:00"
    )
    assert "Wait until that has ended" in caught.value.hint


def test_a_killed_holder_holds_nothing(ours: OrganizationStore, path: Path) -> None:
    """After SIGKILL the lock is free at once, although the holder's name still stands in the file."""
    with another_process(path) as process:
        process.kill()
        process.wait()
    assert json.loads(ours.lock.path.read_text())["pid"] == process.pid

    with ours.lock.held("sync"):
        assert json.loads(ours.lock.path.read_text())["pid"] == os.getpid()


def test_a_holder_that_left_is_not_named(ours: OrganizationStore) -> None:
    """Leaving empties the file, also by an error."""
    with pytest.raises(ZeroDivisionError), ours.lock.held("sync"):
        raise ZeroDivisionError

    assert ours.lock.path.read_text() == ""


def test_this_process_is_another_one_too(ours: OrganizationStore) -> None:
    """A process can't hold an organization twice: two jobs of a daemon keep out of each other's way."""
    with ours.lock.held("run"), pytest.raises(Locked, match=f"process {os.getpid()} on"), ours.lock.held("run"):
        pass


def test_organizations_don_t_wait_for_each_other(store: Store) -> None:
    """The lock is per organization."""
    with store.organization("m-1").lock.held("sync"), store.organization("m-2").lock.held("sync"):
        names = sorted(each.name for each in store.path.parent.glob("*.lock"))

    assert names == ["syncd.db.m-1.lock", "syncd.db.m-2.lock"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 1}', b"\xff\xfe"])
def test_an_unsigned_lock_holds_too(content: bytes, ours: OrganizationStore) -> None:
    """Whatever stands in the file, the lock counts; between taking and signing there is no name."""
    with ours.lock.held("run"):
        ours.lock.path.write_bytes(content)
        with pytest.raises(Locked, match="another process, which has just begun"), ours.lock.held("sync"):
            pass


def test_a_lock_that_can_t_be_made_is_said(tmp_path: Path) -> None:
    """Where the lock file can't be made, the error names it."""
    lock = FileLock(tmp_path / "missing" / "syncd.db", "m-1", FakeClock())

    with pytest.raises(StoreError, match=r"can't take the lock in the store .*m-1\.lock"), lock.held("sync"):
        pass
