"""Time that passes only when somebody sleeps or says so, and a wall clock that may be wrong."""

from datetime import UTC, datetime, timedelta

from tests.fakes.clock import FakeClock


class SimClock(FakeClock):
    """The machine's clock may jump (*skew*); the service's, which `timestamp` tells, never does."""

    def __init__(self) -> None:
        super().__init__()
        self.skew = timedelta()

    def now(self) -> datetime:
        return super().now() + self.skew

    def jump(self, hours: float) -> None:
        """Let the machine's wall clock be that much further on, or back."""
        self.skew += timedelta(hours=hours)

    def true_now(self) -> datetime:
        """Return the time as the service has it."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def timestamp(self) -> float:
        return super().now().timestamp()
