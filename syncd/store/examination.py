"""Can the store be read and written, and for how long? What `syncd doctor` says of it, without changing it."""

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from syncd.errors import OtherInstance, StoreError
from syncd.model.check import Check, fail, failed, not_asked, ok, warn
from syncd.store.engine import MODE
from syncd.store.lock import holder_of, lock_path
from syncd.store.migrations import MIGRATIONS
from syncd.store.place import real_place
from syncd.store.trouble import store_error

_MIB = 1024 * 1024
_FULL, _SCARCE, _TIMES = 100 * _MIB, 1024 * _MIB, 10
_FEW_INODES = 1000
_INTEGRITY_S = 20.0
_CODE = StoreError.exit_code


def examine(
    path: Path, *, instance: str = "", statvfs: Callable[[Path], os.statvfs_result] = os.statvfs
) -> Iterator[Check]:
    """Yield what can be said of the store *path* and of the disk it is on; *instance* is who asks."""
    try:
        path = real_place(path)
    except StoreError as error:
        yield failed("file", error)
        return
    folder = path.parent
    try:
        is_folder, exists = folder.is_dir(), path.exists()
    except OSError as error:
        yield failed("file", store_error(path, "look for the file", error))
        return
    if not is_folder:
        remedy = f"create it for the user that runs syncd (mkdir -m 700 {folder}), or change `store:`"
        yield fail("file", f"{path}: the folder {folder} doesn't exist", remedy, _CODE)
        yield not_asked("disk", "there is no folder")
        return
    size = 0
    if exists:
        size = _size(path)
        yield _file(path, size)
        yield from _content(path, instance)
    else:
        yield ok("file", f"no store yet at {path}: the first plan or sync makes it")
    yield _folder(folder)
    yield from _disk(path, size, statvfs)


def examine_lock(path: Path, organization: str) -> Iterator[Check]:
    """Yield who works on *organization* (its id) just now."""
    lock = path
    try:
        lock = lock_path(path, organization)
        with lock.open("rb") as stream:
            signed = stream.read(4096)
            # Who ended well has taken the signature away. Only a holder that was killed is met by this try, which
            # is given back at once.
            if signed and not _is_free(stream.fileno()):
                yield ok("lock", f"held by {holder_of(signed)}")
                return
    except FileNotFoundError:
        yield ok("lock", "free: no cycle has run here yet")
    except StoreError as error:
        yield failed("lock", error)
    except OSError as error:
        yield failed("lock", store_error(lock, "look at the lock", error))
    else:
        yield ok("lock", "free: no cycle is running")


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _size(path: Path) -> int:
    files = (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")))
    return sum(file.stat().st_size for file in files if file.exists())


def _file(path: Path, size: int) -> Check:
    found = path.stat()
    text = f"{path}: {size:,} bytes, mode {stat.S_IMODE(found.st_mode):04o}"
    if not os.access(path, os.R_OK | os.W_OK):
        remedy = f"let uid {os.geteuid()}, or the user that runs syncd, write it; look at mounts and at chattr"
        return fail("file", f"{text}: it can't be written", remedy, _CODE)
    if stat.S_IMODE(found.st_mode) & ~MODE & 0o077:
        return warn("file", f"{text}: names and addresses of people are open to others", f"chmod {MODE:o} {path}")
    return ok("file", text)


def _folder(folder: Path) -> Check:
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not os.access(folder, os.W_OK | os.X_OK):
        remedy = "syncd writes beside its file too (-wal, -shm, .lock): look at owner, mode and mount of the folder"
        return fail("folder", f"{folder} can't be written", remedy, _CODE)
    if mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX:
        return warn("folder", f"{folder}: others can put files here (mode {mode:04o})", f"chmod go-w {folder}")
    return ok("folder", f"{folder}, mode {mode:04o}")


def _content(path: Path, instance: str) -> Iterator[Check]:
    """Look into the file without changing it: not even the files beside it are made."""
    # With nothing beside the file, nobody writes to it; "immutable" then keeps SQLite from making a -shm.
    has_log, has_index = (path.with_name(path.name + end).exists() for end in ("-wal", "-shm"))
    if has_log and not has_index:
        yield not_asked("content", "a -wal without its -shm lies beside the file; the next command reads both")
        return
    way = "mode=ro" if has_log else "immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?{way}", uri=True, timeout=2.0)) as connection:
            yield _schema(path, connection)
            yield from _owner(connection, instance)
            yield _integrity(path, connection)
    except sqlite3.Error as error:
        yield failed("content", store_error(path, "read", error))


def _schema(path: Path, connection: sqlite3.Connection) -> Check:
    newest = MIGRATIONS[-1].version
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return ok("schema", f"none yet: the next command makes version {newest}")
    if "schema_version" not in tables:
        remedy = "look at `store:` in the configuration: it must name syncd's own file, or a new one"
        return fail("schema", f"{path} is a database, but no store of syncd", remedy, _CODE)
    version = connection.execute("SELECT max(version) FROM schema_version").fetchone()[0] or 0
    if version > newest:
        found = f"version {version}, written by a newer syncd; this one knows up to {newest}"
        return fail("schema", found, "upgrade syncd on this machine: a store can't go back", _CODE)
    if version < newest:
        return ok("schema", f"version {version}; the next command brings it to {newest}, and keeps a copy")
    return ok("schema", f"version {version}")


def _owner(connection: sqlite3.Connection, instance: str) -> Iterator[Check]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'instance'").fetchone():
        return
    owner = (connection.execute("SELECT name FROM instance").fetchone() or [""])[0]
    if not instance:
        remedy = "set `instance:` in the configuration: then a copy of the store on another machine is noticed"
        yield warn("instance", "this machine has no /etc/machine-id, and the configuration no instance", remedy)
    elif owner in ("", instance):
        yield ok("instance", f"{instance}, whose the store {'is' if owner else 'will be'}")
    else:
        remedy = "stop syncd there for good, then `syncd store accept` here"
        found = f"the store belongs to {owner!r}, and this one is {instance!r}"
        yield fail("instance", found, remedy, OtherInstance.exit_code)


def _integrity(path: Path, connection: sqlite3.Connection) -> Check:
    give_up = time.monotonic() + _INTEGRITY_S
    connection.set_progress_handler(lambda: time.monotonic() > give_up, 10_000)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "") != "SQLITE_INTERRUPT":
            raise
        remedy = "syncd store backup checks it wholly"
        return warn("integrity", f"not looked at to its end within {_INTEGRITY_S:.0f} s", remedy)
    finally:
        connection.set_progress_handler(None, 0)
    if found == "ok":
        return ok("integrity", "quick_check finds nothing wrong")
    remedy = "stop syncd, move the file with its -wal and -shm aside, and put the last `syncd store backup` there"
    return fail("integrity", f"{path} is damaged: {found}", remedy, _CODE)


def _disk(path: Path, size: int, statvfs: Callable[[Path], os.statvfs_result]) -> Iterator[Check]:
    folder = path.parent
    try:
        found = statvfs(folder)
    except OSError as error:
        yield failed("disk", store_error(path, "look at the disk", error))
        return
    free = found.f_bavail * found.f_frsize
    text = f"{_bytes(free)} free on the file system of {folder}"
    remedy = f"free some, or move the store: a first read of many people makes it grow ({_bytes(size)} now)"
    if free < _FULL:
        yield fail("disk", text, "free some: without room nothing can be remembered, so nothing is done", _CODE)
    elif free < max(_SCARCE, _TIMES * size):
        yield warn("disk", text, remedy)
    else:
        yield ok("disk", text)
    # Some file systems (btrfs) make them as they are needed, and say 0.
    if found.f_files and found.f_favail < _FEW_INODES:
        yield warn("inodes", f"{found.f_favail:,} files can still be made there", "delete what nobody needs")


def _bytes(number: int) -> str:
    for unit, size in (("GiB", 1024 * _MIB), ("MiB", _MIB), ("KiB", 1024)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number} bytes"
