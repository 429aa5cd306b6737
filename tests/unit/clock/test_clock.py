"""The machine's clock."""

import threading
from datetime import UTC

from syncd.clock import SystemClock


def test_the_clock_knows_its_zone() -> None:
    """Times are aware, in UTC."""
    assert SystemClock().now().tzinfo is UTC


def test_a_stop_wakes_who_sleeps() -> None:
    """Waiting for ten years ends when the process is told to stop."""
    stop = threading.Event()
    clock = SystemClock(stop)
    begun = clock.monotonic()
    threading.Timer(0.05, stop.set).start()

    clock.sleep(10 * 365 * 86_400)

    assert stop.is_set()
    assert clock.monotonic() >= begun


def test_the_clock_knows_its_boot() -> None:
    """Linux says which boot this is, and for how long, sleep included; two answers are of one boot."""
    clock = SystemClock()
    first, second = clock.boot(), clock.boot()

    assert first is not None
    assert second is not None
    assert (first.id, len(first.id)) == (second.id, 36)
    assert 0 < first.seconds <= second.seconds
