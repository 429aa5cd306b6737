"""Whether the files of a source have changed, and kept still since: asked again and again, on any file system.

Asking is chosen over being told by the kernel: that doesn't hear of changes on NFS, or of a mounted ConfigMap whose
link is swapped.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

Signature = tuple[object, ...]


class Watch:
    """Remembers what *paths* were like. *look* returns what tells two states of a file apart."""

    def __init__(self, paths: Sequence[Path], look: Callable[[Path], object] | None = None) -> None:
        self._paths = tuple(paths)
        self._look = look or _signature
        self._seen = self._now()
        self._before = self._seen

    def changed(self) -> bool:
        """Return whether the files are others than at the last yes, and the same as when last asked.

        A file that is still being written differs from one time to the next, and is waited for; so is one that is gone.
        """
        now = self._now()
        still, self._before = now == self._before, now
        if not still or now == self._seen or None in now:
            return False
        self._seen = now
        return True

    def _now(self) -> Signature:
        return tuple(self._look(path) for path in self._paths)


def _signature(path: Path) -> object:
    """Return identity, size and time of change, None for a file that can't be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
