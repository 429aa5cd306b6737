"""Keeps the emulator's state in a file: whole or not at all, whatever interrupts the writing."""

import json
import os
import threading
from pathlib import Path

from pydantic import TypeAdapter

from syncd.emulator.calllog import CallLog
from syncd.emulator.documents import read_document
from syncd.emulator.service import Emulator
from syncd.errors import ConfigurationError, Problem


class DataFile:
    """One file with one snapshot; *log* tells whether anything may have changed since the last saving."""

    def __init__(self, path: Path, emulator: Emulator, log: CallLog) -> None:
        self._path = path
        self._emulator = emulator
        self._log = log
        self._saved_at: int | None = None
        self._lock = threading.Lock()

    def load(self) -> bool:
        """Load the file into the emulator; False when there is none yet.

        Raises:
            ConfigurationError: the file is there, but not a snapshot that can be used.
        """
        if not self._path.exists():
            return False
        load_snapshot(self._emulator, read_document(self._path), str(self._path))
        self._saved_at = self._log.changes
        return True

    def save(self, *, anyway: bool = False) -> None:
        """Write the file if a call may have changed something since it was last written, or *anyway*.

        Raises:
            ConfigurationError: the file can't be written.
        """
        with self._lock:
            changes = self._log.changes
            if changes == self._saved_at and not anyway:
                return
            try:
                write_whole(self._path, json.dumps(self._emulator.snapshot(), separators=(",", ":")).encode())
            except OSError as error:
                raise ConfigurationError(
                    "The emulator's state can't be saved.",
                    [
                        Problem(
                            where=str(self._path),
                            reason=error.strerror or str(error),
                            remedy="free space, or name a file in a writable folder",
                        )
                    ],
                ) from error
            self._saved_at = changes


def load_snapshot(emulator: Emulator, state: object, where: str) -> None:
    """Load *state* into the emulator.

    Raises:
        ConfigurationError: it is no snapshot of an emulator, or of another version.
    """
    try:
        emulator.load(TypeAdapter(dict[str, object]).validate_python(state, strict=True))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(
            f"{where} can't be loaded.",
            [
                Problem(
                    where=where,
                    reason=f"is no snapshot of this emulator ({type(error).__name__}: {error})",
                    remedy="take one with GET /-/snapshot, or remove the file to begin anew",
                )
            ],
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file so that a reader, or the next start after a crash, sees the old or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
