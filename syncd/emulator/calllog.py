"""Which calls did the emulator get, and what came of them? NDJSON lines, counters, the latest calls."""

import json
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from syncd import wire
from syncd.errors import ConfigurationError, Problem
from syncd.ports import Clock

#: The outcome of a call that was answered without error; every other outcome is an error code or a cut.
OK = "ok"
_READING = ("Describe", "Get", "List")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call: *time_s* since the epoch, *params* without sensitive members, *outcome* `ok` or a code."""

    time_s: float
    organization: str
    operation: str
    params: Mapping[str, object]
    outcome: str
    took_s: float

    def as_line(self) -> str:
        moment = datetime.fromtimestamp(self.time_s, UTC).isoformat(timespec="milliseconds")
        return json.dumps(
            {
                "time": moment.replace("+00:00", "Z"),
                "organization": self.organization,
                "operation": self.operation,
                "params": self.params,
                "outcome": self.outcome,
                "took_s": round(self.took_s, 6),
            },
            ensure_ascii=False,
            separators=(",", ":"),
            default=str,
        )


class CallLog:
    """Keeps what was called: the last *keep* calls, counters by operation and outcome, and a file if wanted.

    Calls may come from several threads.
    """

    def __init__(self, clock: Clock, *, path: Path | None = None, keep: int = 1000) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: deque[CallRecord] = deque(maxlen=keep)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._changes = 0
        self._file = _open(path) if path else None

    def record(self, operation: str, params: Mapping[str, object], *, outcome: str = OK, took_s: float = 0.0) -> None:
        """Note one call that has ended."""
        record = CallRecord(
            time_s=self._clock.now().timestamp(),
            organization=str(params.get("OrganizationId", "")),
            operation=operation,
            params=_without_secrets(operation, params),
            outcome=outcome,
            took_s=took_s,
        )
        with self._lock:
            self._recent.append(record)
            self._counts[operation, outcome] += 1
            if not operation.startswith(_READING):
                self._changes += 1
            if self._file is not None:
                self._file.write(record.as_line() + "\n")

    @property
    def changes(self) -> int:
        """How many calls so far may have changed something; never goes back."""
        return self._changes

    def recent(self) -> tuple[CallRecord, ...]:
        with self._lock:
            return tuple(self._recent)

    def counters(self) -> dict[str, dict[str, int]]:
        """Return calls by operation and outcome since the start or the last reset."""
        with self._lock:
            counts = sorted(self._counts.items())
        table: dict[str, dict[str, int]] = {}
        for (operation, outcome), count in counts:
            table.setdefault(operation, {})[outcome] = count
        return table

    def reset(self) -> None:
        """Begin counting anew and forget the latest calls; the file keeps its lines."""
        with self._lock:
            self._counts.clear()
            self._recent.clear()

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def _open(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise ConfigurationError(
            "The call log can't be written.",
            [
                Problem(
                    where=str(path),
                    reason=error.strerror or str(error),
                    remedy="name a file in a writable folder",
                )
            ],
        ) from error


def _without_secrets(operation: str, params: Mapping[str, object]) -> dict[str, object]:
    try:
        secret = wire.sensitive_members(operation)
    except KeyError:
        # Nobody knows what is secret in an operation that doesn't exist.
        return {}
    return {name: value for name, value in params.items() if name not in secret}
