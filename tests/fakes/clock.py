"""A clock that moves only when it is told to, or when somebody sleeps."""

from datetime import UTC, datetime, timedelta

from syncd.model.moments import Boot

#: A net against hanging, within the 300 s that pytest allows a quick test; nothing waits for it to pass.
PATIENCE_S = 240.0


class FakeClock:
    """Starts on a Monday; *sleep* passes at once and is remembered in *slept*."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)) -> None:
        self._now = self._true = start
        self._monotonic = 1000.0
        self._boot, self._booted_at = 1, 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def boot(self) -> Boot | None:
        return Boot(id=f"boot {self._boot}", seconds=self._monotonic - self._booted_at)

    def reboot(self) -> None:
        """Let the machine begin anew: how long it was up before says nothing about now."""
        self._boot, self._booted_at = self._boot + 1, self._monotonic

    def jump(self, *, hours: float = 0, days: float = 0) -> None:
        """Set the wall clock ahead, or back: no time passes."""
        self._now += timedelta(hours=hours, days=days)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds=seconds)

    def advance(self, *, seconds: float = 0, hours: float = 0, days: float = 0) -> None:
        span = timedelta(seconds=seconds, hours=hours, days=days)
        self._now += span
        self._true += span
        self._monotonic += span.total_seconds()

    def timestamp(self) -> float:
        """Return what a clock says that nobody sets: the service's."""
        return self._true.timestamp()
