"""One back-off for everyone who calls."""

import threading

from syncd.workmail.pace import Backoff
from tests.fakes.clock import FakeClock


def test_after_a_throttle_callers_go_one_by_one() -> None:
    """Everyone waits; then each passes after a gap of its own, so that they don't all call at the same moment."""
    clock = FakeClock()
    backoff = Backoff(clock)
    begun = clock.monotonic()

    backoff.throttled(None)
    passed = []
    for _ in range(3):
        backoff.pause()
        passed.append(round(clock.monotonic() - begun, 3))

    assert passed == [0.5, 0.55, 0.6]


def test_success_eases_wait_and_gap_to_nothing() -> None:
    """After enough successes calls go without any wait again."""
    clock = FakeClock()
    backoff = Backoff(clock)
    backoff.throttled(None)
    backoff.pause()
    for _ in range(60):
        backoff.succeeded()
    backoff.pause()
    before = clock.monotonic()

    backoff.pause()
    backoff.pause()

    assert clock.monotonic() == before


def test_the_service_may_ask_for_more() -> None:
    """What the service says to wait is waited, and answers to calls sent before don't double it."""
    clock = FakeClock()
    backoff = Backoff(clock)
    begun = clock.monotonic()

    for _ in range(8):
        backoff.throttled(7.0)
    assert backoff.pause() == 7.0

    assert clock.monotonic() - begun == 7.0


def test_a_stop_ends_the_wait() -> None:
    """A clock that is told to stop wakes at once, and so does who waits."""

    class Stopped(FakeClock):
        def sleep(self, seconds: float) -> None:
            threading.Event().wait(0)

    backoff = Backoff(Stopped())
    backoff.throttled(3600.0)

    backoff.pause()


def test_without_a_throttle_nobody_waits() -> None:
    """A pause that wasn't needed takes no time, and says so."""
    assert Backoff(FakeClock()).pause() == 0.0
