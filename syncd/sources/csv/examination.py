"""Are the files there, fresh, and only for those who should see and write them? What `syncd doctor` says of CSV."""

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from syncd.errors import SourceError, SourceUnreachable
from syncd.model.check import Check, fail, failed, ok, warn
from syncd.model.durations import format_duration
from syncd.model.names import Kind
from syncd.ports import Clock
from syncd.sources.csv.file import unreadable
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.source import CsvSource

#: An export that is older than a week is no export any more.
_OLD = timedelta(days=7)
_SKEW = timedelta(minutes=5)
_SHOWN = 3
_CALLED = {Kind.USER: "people", Kind.GROUP: "groups"}


def examine(settings: CsvSettings, source: CsvSource, folder: Path, clock: Clock) -> Iterator[Check]:
    """Yield what can be said of the files of *settings*, relative to *folder*; then read them."""
    for kind, label in settings.files.items():
        yield from _file(f"{kind}s file", label, folder / Path(label).expanduser(), clock.now())
    yield from _read(source)


def _file(topic: str, label: str, path: Path, now: datetime) -> Iterator[Check]:
    try:
        found = path.stat()
        if not os.access(path, os.R_OK):
            raise PermissionError
    except OSError as error:
        problem = unreadable(label, path, error)
        yield fail(topic, f"{problem.where}: {problem.reason}", problem.remedy, SourceUnreachable.exit_code)
        return
    age = now - datetime.fromtimestamp(found.st_mtime, UTC)
    mode = stat.S_IMODE(found.st_mode)
    text = (
        f"{path}: {found.st_size:,} bytes, written {_ago(age)}, "
        f"of {_user(found.st_uid)}:{_group(found.st_gid)}, mode {mode:04o}"
    )
    writers = mode & stat.S_IWOTH
    if writers or _open_to_others(path.parent, stat.S_IWOTH):
        remedy = f"let only the export write here (chmod o-w {path} {path.parent})"
        yield warn(topic, f"{text}: everybody on this machine can write it, and so decide who has a mailbox", remedy)
    elif mode & stat.S_IROTH and _is_reachable_by_others(path):
        remedy = f"chmod o-r {path}, and give syncd the group {_group(found.st_gid)} (SupplementaryGroups=)"
        yield warn(topic, f"{text}: everybody on this machine can read names and addresses", remedy)
    else:
        yield ok(topic, f"{text}; {_readers(mode, found)} can read it")
    if age > _OLD:
        remedy = "look whether the export still runs; leavers keep their mailboxes until it does"
        yield warn("age", f"{label} was written {_ago(age)}", remedy)
    elif age < -_SKEW:
        yield warn("age", f"{label} was written in the future", "set the clock of whoever writes it")


def _read(source: CsvSource) -> Iterator[Check]:
    try:
        snapshot = source.read(())
    except SourceError as error:
        yield failed("read", error)
        return
    found = ", ".join(f"{len(snapshot.of(kind)):,} {called}" for kind, called in _CALLED.items())
    counts = f"{found}, {len(snapshot.rejections):,} rejected"
    if not snapshot.rejections:
        yield ok("read", counts)
        return
    yield warn("read", counts, "mend the rows below; until then these people stay as they are")
    for rejection in snapshot.rejections[:_SHOWN]:
        yield warn("rejected", f"{rejection.origin}: {rejection.reason}", rejection.remedy)
    more = len(snapshot.rejections) - _SHOWN
    if more > 0:
        yield warn("rejected", f"and {more:,} more", "syncd plan lists all")


def _ago(age: timedelta) -> str:
    return f"{format_duration(age)} ago" if age >= timedelta(seconds=1) else "just now"


def _readers(mode: int, found: os.stat_result) -> str:
    group = f" and group {_group(found.st_gid)}" if mode & stat.S_IRGRP else ""
    return f"{_user(found.st_uid)}{group}"


def _is_reachable_by_others(path: Path) -> bool:
    """Whether every folder above lets everybody through."""
    return all(_open_to_others(folder, stat.S_IXOTH) for folder in path.resolve().parents)


def _open_to_others(folder: Path, right: int) -> bool:
    mode = folder.stat().st_mode
    return bool(mode & right) and not (right == stat.S_IWOTH and mode & stat.S_ISVTX)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
