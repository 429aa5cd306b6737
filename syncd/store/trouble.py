"""What SQLite says, in the words of an operator: what failed, where, why, and what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from syncd.errors import StoreError

#: How long a writer waits for another program's transaction.
BUSY_TIMEOUT_S = 30.0


class _Cause(NamedTuple):
    says: str
    hint: str


# The first whose name begins SQLite's own (SQLITE_IOERR_FSYNC, SQLITE_READONLY_DIRECTORY, ...) speaks.
_CAUSES = {
    "SQLITE_FULL": _Cause(
        "the disk is full",
        "Free space on the file system of {folder}, then run the same command again: the store is whole, and what was "
        "begun (`syncd status` names who is half removed) is finished or given back.",
    ),
    "SQLITE_READONLY": _Cause(
        "it can't be written",
        "syncd writes to this file and beside it (-wal, -shm): look at the owner and mode of the file and of "
        "{folder}, and whether that is mounted read-only.",
    ),
    "SQLITE_BUSY": _Cause(
        f"another program has kept it locked for more than {BUSY_TIMEOUT_S:.0f} seconds",
        "End what has the file open (fuser {path}), such as a database browser or a backup that copies it; "
        "`syncd store backup` copies without locking.",
    ),
    "SQLITE_LOCKED": _Cause(
        "it is locked within this program",
        "Run the same command again; if it happens twice, it is a defect of syncd: please report it.",
    ),
    "SQLITE_NOTADB": _Cause(
        "it is no SQLite database",
        "Look at `store:` in the configuration: it must name syncd's own file, or a new one.",
    ),
    "SQLITE_CORRUPT": _Cause(
        "it is damaged",
        "Stop syncd, move the file and its -wal and -shm aside, and put the last `syncd store backup` in its "
        "place. Without a backup start with a new file: then nothing is owned, so nothing is changed before "
        "you adopt it.",
    ),
    "SQLITE_CANTOPEN": _Cause(
        "it can't be opened",
        "Look whether {folder} exists, whether this user may write there, and whether it is mounted read-only.",
    ),
    "SQLITE_IOERR": _Cause(
        "the file system failed",
        "Look at the disk (dmesg, its SMART values) and at the free space of {folder}. A network file system "
        "can't carry the store.",
    ),
}
_UNKNOWN = _Cause("SQLite refused", "If it happens again, it is a defect of syncd: please report it.")


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Turn an error of the database or the file system, met while *doing*, into a `StoreError`."""
    try:
        yield
    except DBAPIError as error:
        raise store_error(path, doing, error.orig or error) from error
    except (sqlite3.Error, OSError) as error:
        raise store_error(path, doing, error) from error
    except PoolTimeout as error:
        raise StoreError(f"can't {doing} in the store {path}: no connection came free: {error}") from error


def store_error(path: Path, doing: str, error: BaseException) -> StoreError:
    """Return the `StoreError` that tells of *error*."""
    if isinstance(error, OSError):
        reason = f"{error.strerror or error}"
        hint = f"Look at the owner, mode and free space of {path.parent}."
        return StoreError(f"can't {doing} in the store {path}: {reason}", hint=hint)
    name = getattr(error, "sqlite_errorname", "")
    says, hint = next((cause for known, cause in _CAUSES.items() if name.startswith(known)), _UNKNOWN)
    detail = f"{name}: {error}" if name else f"{error}"
    return StoreError(
        f"can't {doing} in the store {path}: {says} ({detail})",
        hint=hint.format(path=path, folder=path.parent),
    )
