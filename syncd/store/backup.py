"""A copy of the store while others go on writing to it: one consistent state, whole or not there."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from syncd.errors import StoreError, UsageError
from syncd.store.engine import create_private
from syncd.store.trouble import BUSY_TIMEOUT_S, translated


def back_up(source: Path, target: Path, *, force: bool = False) -> None:
    """Copy the store *source* to *target*.

    Raises:
        UsageError: *target* exists and *force* is not set, or *target* is the store itself.
    """
    target = target.absolute()
    if target.exists() and (target.is_dir() or target.samefile(source)):
        what = "is a folder" if target.is_dir() else "is the store itself"
        raise UsageError(f"can't back up to {target}: it {what}", hint="Name another file.")
    if target.exists() and not force:
        raise UsageError(f"{target} exists already", hint="Name another file, or add --force to replace it.")
    copy_database(source, target)


def copy_database(source: Path, target: Path) -> None:
    """Copy *source* to *target*, which is replaced in one step."""
    if not target.parent.is_dir():
        raise StoreError(
            f"can't copy the store to {target}: the folder {target.parent} doesn't exist",
            hint="Create it, or name another place.",
        )
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    with translated(target, "write a copy of the store"):
        try:
            create_private(unfinished)
            _copy(source, unfinished)
            _sync(unfinished)
            unfinished.replace(target)
            _sync(target.parent)
        finally:
            with suppress(FileNotFoundError):
                unfinished.unlink()


def _copy(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(source, timeout=BUSY_TIMEOUT_S)) as old,
        closing(sqlite3.connect(target, isolation_level=None)) as new,
    ):
        # In one step: in steps, each foreign write would start it anew.
        old.backup(new, pages=-1)
        # One file that needs no -wal beside it; opening it as a store switches back.
        new.execute("PRAGMA journal_mode = DELETE")
        found = new.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        raise StoreError(
            f"the copy of {source} is damaged, hence the store is: {found}",
            hint="Keep the backup you have; `syncd store backup` wrote none.",
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
