"""What the probes and the watchdog ask. Nothing here waits: what may hang is asked elsewhere, and its last answer kept.

                 | main loop ticks | scheduler fires | no cycle wedged | configuration | store answers | not stopping
    /livez       |        x        |        x        |        x        |               |               |
    /readyz      |                 |                 |                 |       x       |       x       |      x
    /startupz    |                 |                 |                 |       x       |       x       |
    watchdog     |        x        |        x        |        x        |               |               |

The source and the service are in none of them: a restart doesn't mend a directory (`ops.md` K8-3).
"""

import threading
from collections.abc import Collection, Mapping

from syncd.ports import Clock

#: Neither the main loop nor the scheduler is ever silent for so long, unless the machine stands still.
SILENT_S = 45.0
#: The store is asked every few seconds; an answer older than this is none.
STORE_SILENT_S = 60.0


class LifeSigns:
    """The signs of life of one daemon; any thread may read or write."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        now = clock.monotonic()
        self._loop = self._scheduler = self._store = now
        self._store_good = True
        self._stalled: frozenset[str] = frozenset()
        self._started = self._stopping = False

    def started(self) -> None:
        """Note that configuration, store and HTTP are there."""
        self._started = True

    def stopping(self) -> None:
        """Note that the end has begun."""
        self._stopping = True

    def loop_ticked(self, stalled: Collection[str]) -> None:
        """Note that the main loop came by, and which organizations' cycles it found wedged."""
        with self._lock:
            self._loop = self._clock.monotonic()
            self._stalled = frozenset(stalled)

    def scheduler_fired(self) -> None:
        """Note that the scheduler does what it is there for."""
        self._scheduler = self._clock.monotonic()

    def store_answered(self, *, good: bool) -> None:
        """Note what came of asking the store."""
        with self._lock:
            self._store, self._store_good = self._clock.monotonic(), good

    def live(self) -> Mapping[str, bool]:
        """Return what would be mended by a restart."""
        now = self._clock.monotonic()
        return {
            "main loop": now - self._loop < SILENT_S,
            "scheduler": now - self._scheduler < SILENT_S,
            "no cycle wedged": not self._stalled,
        }

    def ready(self) -> Mapping[str, bool]:
        """Return whether it can do its work and be asked about it."""
        return {**self.start(), "not stopping": not self._stopping}

    def start(self) -> Mapping[str, bool]:
        """Return whether the start is over. That it is asked at all shows that the HTTP server answers."""
        answered = self._clock.monotonic() - self._store < STORE_SILENT_S
        return {"configuration": self._started, "store": self._started and self._store_good and answered}

    @property
    def trouble(self) -> str:
        """Return why the watchdog is not fed, "" while it is."""
        missing = [name for name, good in self.live().items() if not good]
        return ", ".join([*missing, *sorted(self._stalled)]) if missing else ""
