"""Time that passes only when somebody sleeps or says so, and a wall clock that may be wrong."""

from datetime import UTC, datetime, timedelta

from tests.fakes.clock import FakeClock


class SimClock(FakeClock):
    """The machine's clock may jump, by *skew* so far; the service's, which `timestamp` tells, never does."""

    @property
    def skew(self) -> timedelta:
        """How far the machine's clock is from the true time."""
        return self.now() - self.true_now()

    def true_now(self) -> datetime:
        """Return the time as the service has it."""
        return datetime.fromtimestamp(self.timestamp(), UTC)
