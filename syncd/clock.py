"""What time is it? The machine's clock: the one place that asks it, and that waits."""

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from syncd.model.moments import Boot

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """Implements `ports.Clock` with the machine's time; waiting ends early when *stop* is set."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop or threading.Event()

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def boot(self) -> Boot | None:
        clock = getattr(time, "CLOCK_BOOTTIME", None)
        with suppress(OSError):
            if clock is not None:
                return Boot(id=_BOOT_ID.read_text(encoding="ascii").strip(), seconds=time.clock_gettime(clock))
        return None

    def sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)
