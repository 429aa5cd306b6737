"""A sync whose store is on a disk that is full or read-only, on a real file system: WorkMail is left alone."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.emulator.faults import Fault
from tests.fakes.disks import fill, make_read_only, small_disk
from tests.functional.places import Site, planetexpress


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    with small_disk(tmp_path / "disk", "2m") as found:
        yield found


@pytest.fixture
def site(tmp_path: Path, disk: Path) -> Iterator[Site]:
    """Planet Express; its store is on the small disk, and knows a plan already."""
    folder = tmp_path / "site"
    folder.mkdir()
    with planetexpress(folder) as found:
        found.change("sqlite:///syncd.db", f"sqlite:///{disk}/syncd.db")
        assert found.syncd("plan").code == 0
        found.server.log.reset()
        yield found


def test_without_a_journal_nothing_is_sent(site: Site, disk: Path) -> None:
    """No room for the intent: exit code 69, the disk is named, WorkMail is as before; with room all of it is done."""
    held = site.held()
    ballast = fill(disk)

    full = site.syncd("sync")
    assert full.code == 69
    assert f"{disk}/syncd.db" in full.err
    assert "the disk is full" in full.err or "free space" in full.err.lower()
    assert "Free space on the file system of" in full.err or str(disk) in full.err
    assert site.sent() == 0
    assert site.held() == held

    ballast.unlink()
    assert site.syncd("sync").code == 0
    assert "No changes" in site.syncd("plan").last


def test_a_disk_that_fills_up_midway_stops_the_sending(site: Site, disk: Path) -> None:
    """Nothing is sent after the first intent that can't be recorded; with room, the next syncs do the rest."""
    site.faults(*(Fault(operation=name, gate="creating") for name in ("CreateUser", "CreateGroup")))
    with subprocess.Popen(
        site.command("sync"),
        cwd=site.folder,
        env=site.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        site.server.service.gates.wait_for("creating")
        ballast = fill(disk)
        site.server.service.gates.open("creating")
        said, _ = process.communicate()
    site.faults()

    assert process.returncode == 69, said
    assert "the disk is full" in said
    assert "Traceback" not in said
    # Those under way when it happened, and at most one more for each that ended before the others knew.
    assert site.sent() <= 16

    ballast.unlink()
    first, second = site.syncd("sync"), site.syncd("sync")
    assert first.code in {0, 4}, first.out + first.err
    assert second.code == 0, second.out
    assert "Waiting for approval" not in first.out + second.out
    assert "No changes" in site.syncd("plan").last


def test_a_store_that_is_read_only_ends_with_69(site: Site, disk: Path) -> None:
    """A disk that was mounted read-only: nothing is sent, and what to look at is said."""
    make_read_only(disk)
    held = site.held()

    refused = site.syncd("sync")
    status = site.syncd("status")

    assert refused.code == 69
    assert str(disk) in refused.err
    assert "read-only" in refused.err.lower() or "owner" in refused.err
    assert site.sent() == 0
    assert site.held() == held
    assert status.code in {0, 69}
