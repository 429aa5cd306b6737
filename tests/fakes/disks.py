"""Small file systems of a test's own, to be filled, made read-only or frozen; only root can have one.

Where root may not mount (in most containers), or there is no loop device, the test is skipped and says so.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.fakes.debian import need, need_root


def mount(*arguments: str) -> None:
    """Mount something, or skip and say why it can't be done here."""
    done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs `mount {' '.join(arguments)}`, which says here: {done.stderr.strip()}")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a file system of *size* (`2m`) in memory at *folder*, which is made; only its owner may look into it."""
    need_root("only root can mount a small file system")
    folder.mkdir(mode=0o700)
    mount("-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def freezable_disk(folder: Path, size_mib: int) -> Iterator[Path]:
    """Mount a file system of a file beside *folder* there: unlike one in memory, it can be frozen, by a loop device."""
    need_root("only root mounts and freezes file systems")
    need("mkfs.ext4", ["e2fsprogs"])
    image = folder.with_name(f"{folder.name}.image")
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(size_mib * 2**20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    mount("-o", "loop", str(image), str(folder))
    folder.chmod(0o700)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def make_read_only(disk: Path) -> None:
    """Let nobody write to *disk* any more."""
    mount("-o", "remount,ro", str(disk))


@contextmanager
def frozen(disk: Path) -> Iterator[None]:
    """Let everybody wait who touches *disk*, as during a snapshot or when it is dead."""
    subprocess.run(["fsfreeze", "--freeze", disk], check=True)
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", disk], check=True)


def fill(disk: Path) -> Path:
    """Leave hardly a byte free; return what takes the room."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return ballast
