"""What wiring makes itself: a clock and passwords."""

import string
import threading
import time
from datetime import UTC

from syncd.wiring import SystemClock, make_password


def test_a_password_satisfies_the_strictest_policy() -> None:
    """Between 8 and 63 characters of plain ASCII, with each kind among them, and never the same twice."""
    passwords = {make_password() for _ in range(200)}

    assert len(passwords) == 200
    for password in passwords:
        assert 8 <= len(password) < 64
        assert password.isascii()
        assert password.isprintable()
        for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
            assert set(password) & set(kind)
        assert set(password) - set(string.ascii_letters + string.digits)


def test_the_clock_knows_its_zone() -> None:
    """Times are aware, in UTC."""
    assert SystemClock().now().tzinfo is UTC


def test_a_stop_wakes_who_sleeps() -> None:
    """Waiting an hour ends when the process is told to stop."""
    stop = threading.Event()
    clock = SystemClock(stop)
    begun = time.monotonic()
    threading.Timer(0.05, stop.set).start()

    clock.sleep(3600)

    assert clock.monotonic() >= begun
