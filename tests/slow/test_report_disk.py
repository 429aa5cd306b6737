"""Report files on a disk that is full, on a real file system."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.disks import fill, small_disk
from tests.unit.notices.test_report_files import Desk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    with small_disk(tmp_path / "disk", "2m") as found:
        yield found


def test_a_full_disk_loses_the_report_and_nothing_else(disk: Path) -> None:
    """What doesn't fit is told and leaves no half file; what was there stays; with room the next one is written."""
    desk = Desk(disk / "reports")
    desk.hears("applied", cycle_id="a1")
    before = desk.names()
    ballast = fill(disk)
    desk.hears("applied", cycle_id="a2")

    assert desk.names() == before
    assert [(name, error.errno) for name, error in desk.lost] == [("planetexpress", errno.ENOSPC)]
    ballast.unlink()
    desk.hears("applied", cycle_id="a3")
    assert len(desk.names()) == 4
