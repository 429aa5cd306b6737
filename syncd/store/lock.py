"""One instance per organization: a lock that the system releases when its holder dies, however it dies."""

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from syncd.errors import Locked
from syncd.ports import Clock
from syncd.store.engine import MODE
from syncd.store.place import real_place
from syncd.store.trouble import translated


class FileLock:
    """The port `Lock`: flock on a file beside the store. The file stays: only the lock on it counts.

    Its content tells people who holds it; nobody decides by it.
    """

    def __init__(
        self, store: Path, organization: str, clock: Clock, *, claim: Callable[[], None] = lambda: None
    ) -> None:
        """*claim* is called whenever the lock was taken; who may not work with the store raises there."""
        self.path = lock_path(store, organization)
        self._organization = organization
        self._clock = clock
        self._claim = claim

    @contextmanager
    def held(self, command: str) -> Iterator[None]:
        """Hold the organization while *command* works on it.

        Raises:
            Locked: somebody else holds it, this process included.
            OtherInstance: the store is another instance's.
        """
        with translated(self.path, "take the lock"):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
        try:
            self._take(descriptor)
            with translated(self.path, "sign the lock"):
                self._sign(descriptor, command)
            try:
                self._claim()
                yield
            finally:
                # While the lock is ours: whoever takes it next finds no name of ours.
                os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)

    def _take(self, descriptor: int) -> None:
        with translated(self.path, "take the lock"):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                signed = os.pread(descriptor, 4096, 0)
            else:
                return
        raise Locked(
            f"organization {self._organization} is held by {holder_of(signed)}",
            hint="Wait until that has ended. If it hangs, end that process: the lock ends with it, in any case. "
            "No file needs to be deleted.",
        )

    def _sign(self, descriptor: int, command: str) -> None:
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "command": command,
            "since": self._clock.now().isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode() + b"\n", 0)


def lock_path(store: Path, organization: str) -> Path:
    """Return the file on which the lock of *organization* (its id) is taken: beside *store*, not beside a link."""
    place = real_place(store)
    return place.with_name(f"{place.name}.{organization}.lock")


def holder_of(signed: bytes) -> str:
    """Return who signed; between taking and signing there is nobody to name."""
    try:
        holder = json.loads(signed)
        who = f"`syncd {holder['command']}` (process {holder['pid']} on {holder['host']})"
        return f"{who} since {holder['since']}"
    except (ValueError, LookupError, TypeError):
        return "another process, which has just begun"
