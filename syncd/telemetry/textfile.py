"""Metrics of a run that is over, in a file for the textfile collector of node_exporter (`ops.md` OPS-14).

A reader sees the old file or the new one, whole: it is written beside its place, brought to the disk, and renamed.
prometheus_client's own `write_to_textfile` leaves the mode to the umask, and writes through whatever link bears the
name of its unfinished file: that name can be guessed, and the folder belongs to others too.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from syncd.errors import UsageError

#: Others read it: the collector runs as a user of its own.
_MODE = 0o644


def ensure_writable(path: Path) -> None:
    """Find out now, and not after an hour of work, whether *path* can be written.

    Raises:
        UsageError: it can't.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        handle, name = _beside(path)
        os.close(handle)
        Path(name).unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file *path* by *content*, at once.

    Raises:
        UsageError: it can't be written; what was there stays.
    """
    name = ""
    try:
        handle, name = _beside(path)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), _MODE)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(name).unlink()
        raise _unwritable(path, error) from error
    _sync_folder(path.parent)


def _beside(path: Path) -> tuple[int, str]:
    # The collector reads *.prom: the unfinished file must not be called so.
    return tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk; a file system that can't is no reason to fail."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _unwritable(path: Path, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    hint = "name a file in a folder that this user may write to; node_exporter reads files called *.prom"
    return UsageError(f"--metrics-file {path} can't be written: {reason}", hint=hint)
