"""Is the file there, may we read it, and did it stay the same while we did?"""

import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from syncd.errors import Problem

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: A named pipe without a writer must not stop the daemon (the flag doesn't matter to a regular file).
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


class Unreadable(Exception):
    """The file could not be read at all; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class _Version:
    """What changes when a file does. The inode tells that another file took its place."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Self:
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class SourceFile:
    """A regular file, open from the first check to the last row; *label* is how people know it.

    Raises:
        Unreadable: there is no such file, or it may not be read, or it is none.
    """

    def __init__(self, path: Path, label: str) -> None:
        self.path = path
        self.label = label
        self._descriptor = -1
        try:
            self._descriptor = os.open(path, _FLAGS)
            found = os.fstat(self._descriptor)
            _require_regular(label, path, found.st_mode)
            marked = os.pread(self._descriptor, 3, 0) == _BYTE_ORDER_MARK
        except OSError as error:
            self.close()
            raise Unreadable(unreadable(label, path, error)) from error
        except Unreadable:
            self.close()
            raise
        self._version = _Version.of(found)
        self.size = found.st_size
        #: Where the text begins: a byte order mark is no part of the first column (`pitfalls.md` 53).
        self.start = len(_BYTE_ORDER_MARK) if marked else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def as_bytes(self) -> io.FileIO:
        """Return the whole file, byte order mark included, from its beginning."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return io.FileIO(self._descriptor, "rb", closefd=False)

    def as_text(self) -> io.TextIOWrapper:
        """Return the text from its beginning, lines kept as they are; a byte that is no UTF-8 becomes U+FFFD."""
        os.lseek(self._descriptor, self.start, os.SEEK_SET)
        # `csv` finds line ends within quotes itself: newline="" leaves them alone.
        return open(self._descriptor, encoding="utf-8", errors="replace", newline="", closefd=False)

    def change(self) -> Problem | None:
        """Return the problem that the file is not what it was when it was opened."""
        try:
            ours, theirs = os.fstat(self._descriptor), os.stat(self.path)  # noqa: PTH116 - same call for both
        except OSError:
            return self._changed("it was removed while it was read")
        if _Version.of(ours) != self._version:
            return self._changed("it was written to while it was read")
        if _Version.of(theirs) != self._version:
            return self._changed("another file took its place while it was read")
        return None

    def _changed(self, what: str) -> Problem:
        return Problem(
            where=self.label,
            reason=what,
            remedy="the next cycle reads it again; let exports be written under another name and renamed when complete",
        )


def _require_regular(label: str, path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
        raise Unreadable(Problem(where=label, reason=f"{path} is {what}", remedy="name a CSV file"))


def unreadable(label: str, path: Path, error: OSError) -> Problem:
    """Return the problem that *error* tells about the file at *path*."""
    if isinstance(error, FileNotFoundError):
        remedy = "check the path: it is relative to the configuration file"
        return Problem(where=label, reason=f"there is no file {path}", remedy=remedy)
    if isinstance(error, PermissionError):
        remedy = f"allow the user that runs syncd (uid {os.geteuid()}) to read it, and to enter the folders above"
        return Problem(where=label, reason=f"{path} may not be read", remedy=remedy)
    reason = f"{path} can't be read: {error.strerror or error}"
    return Problem(where=label, reason=reason, remedy="check the disk or mount it is on")
