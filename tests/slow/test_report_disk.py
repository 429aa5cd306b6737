"""Report files on a disk that is full, on a real file system."""

import errno
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.unit.notices.test_report_files import Desk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir(mode=0o700)
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"only root can mount a small file system: {error}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_loses_the_report_and_nothing_else(disk: Path) -> None:
    """What doesn't fit is told and leaves no half file; what was there stays; with room the next one is written."""
    desk = Desk(disk / "reports")
    desk.hears("applied", cycle_id="a1")
    before = desk.names()
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    desk.hears("applied", cycle_id="a2")

    assert desk.names() == before
    assert [(name, error.errno) for name, error in desk.lost] == [("planetexpress", errno.ENOSPC)]
    ballast.unlink()
    desk.hears("applied", cycle_id="a3")
    assert len(desk.names()) == 4
