"""The store on disks that are full, read-only, or lose their writer; on real file systems."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from syncd.errors import StoreError
from syncd.model.detail import ALIASES
from syncd.model.names import EntityId
from syncd.model.operation import Call, Operation
from syncd.planning.document import dumps, loads
from syncd.store.store import Store
from syncd.workmail.pages import PAGES
from tests.builders import ORGANIZATION_ID, binding, operation
from tests.fakes.clock import FakeClock
from tests.fakes.disks import fill, make_read_only, small_disk

WRITER = Path(__file__).parents[1] / "unit" / "store" / "writer.py"
ROOT = Path(__file__).parents[2]
ENTITIES = 20_000


def opened(path: Path) -> Store:
    return Store(path, clock=FakeClock(), encode=dumps, decode=partial(loads, pages=PAGES), details=PAGES.details)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    with small_disk(tmp_path / "disk", "2m") as found:
        yield found


def change(number: int) -> Operation:
    call = Call("CreateAlias", {"EntityId": f"id-{number}", "Alias": f"{number}@planetexpress.example"})
    return operation("alias.add", f"user:{number}", call=call)


def test_a_full_disk_takes_nothing_back(disk: Path) -> None:
    """Every intent that was recorded before the disk was full is there, the refused one isn't; with room it goes on."""
    with opened(disk / "syncd.db") as store:
        ours = store.organization(ORGANIZATION_ID)
        ours.details.keep(
            [("aliases", EntityId(f"id-{number}"), frozenset()) for number in range(500)],
            read_at=FakeClock().now(),
        )
        ballast = fill(disk)
        journal = ours.journal("c1")
        numbers = iter(range(500))

        def record_all() -> None:
            for number in numbers:
                journal.intend(change(number), change(number).call, binding=binding(f"user:{number}"))

        with pytest.raises(StoreError, match="the disk is full") as caught:
            record_all()
        recorded = next(numbers) - 1

        assert caught.value.exit_code == 69
        intents = {each.subject for each in ours.history.operations_in("c1")}
        details, _ = ours.details.load(valid=PAGES.details)
        assert intents == set(ours.memory.load().bindings) == {f"user:{number}" for number in range(recorded)}
        assert set(details.of(ALIASES)) == {f"id-{number}" for number in range(recorded, 500)}

        ballast.unlink()
        journal.intend(change(recorded), change(recorded).call)
        assert len(ours.history.operations_in("c1")) == recorded + 1


def test_a_backup_on_a_full_disk_leaves_nothing(disk: Path, tmp_path: Path) -> None:
    """A backup for which there is no room is refused, and nothing half of it stays."""
    with opened(tmp_path / "syncd.db") as store:
        store.organization(ORGANIZATION_ID).memory.bind(binding())
        fill(disk)

        with pytest.raises(StoreError, match="can't write a copy of the store"):
            store.back_up(disk / "store.backup")

    assert [each.name for each in disk.iterdir()] == ["ballast"]


def test_a_store_cannot_be_made_on_a_full_disk(disk: Path) -> None:
    """Where there is no room for a new store, that is said; with room it is made."""
    ballast = fill(disk)
    with pytest.raises(StoreError) as caught:
        opened(disk / "syncd.db").close()
    assert "full" in str(caught.value) or "free space" in str(caught.value)

    ballast.unlink()

    opened(disk / "syncd.db").close()


def test_a_read_only_disk_is_said(disk: Path) -> None:
    """A store on a disk that was mounted read-only is refused with what to look at."""
    with opened(disk / "syncd.db") as store:
        store.organization(ORGANIZATION_ID).memory.bind(binding())
    make_read_only(disk)

    with pytest.raises(StoreError) as caught, opened(disk / "syncd.db") as store:
        store.organization(ORGANIZATION_ID).memory.bind(binding())

    assert str(disk) in caught.value.hint
    assert "owner and mode" in caught.value.hint or "may write there" in caught.value.hint


def test_thirty_killed_writers_leave_nothing_half(tmp_path: Path) -> None:
    """SIGKILL at thirty random moments: after each, intents, bindings and dropped details agree."""
    chance = random.Random(20260301)
    path = tmp_path / "syncd.db"
    with opened(path) as store:
        rows = [("aliases", EntityId(f"id-{number}"), frozenset[str]()) for number in range(ENTITIES)]
        store.organization(ORGANIZATION_ID).details.keep(rows, read_at=FakeClock().now())

    longest = 0
    for _ in range(30):
        with subprocess.Popen(
            [sys.executable, "-u", str(WRITER), str(path)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0, 0.05))  # noqa: TID251 - the moment of the kill is what is tried
            process.kill()
            said = process.stdout.read().split()
        longest = max(longest, len(said))

        with opened(path) as store:
            ours = store.organization(ORGANIZATION_ID)
            intents = {each.subject.partition(":")[2] for each in ours.history.operations_in("c1")}
            bound = {key.partition(":")[2] for key in ours.memory.load().bindings}
            details, _ = ours.details.load(valid=PAGES.details)
            gone = {str(number) for number in range(ENTITIES) if EntityId(f"id-{number}") not in details.of(ALIASES)}
            assert intents == bound == gone
            assert {line.decode() for line in said} <= intents
    assert longest > 0
