"""What time is it? The machine's clock: the one place that asks it, and that waits."""

import threading
import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `ports.Clock` with the machine's time; waiting ends early when *stop* is set."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop or threading.Event()

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)
