"""How fast we call: one back-off, shared by everyone who calls."""

import threading

from syncd.ports import Clock

_FIRST_S = 0.5
_LONGEST_S = 30.0
_EASE = 0.5
_FIRST_GAP_S = 0.05
_LONGEST_GAP_S = 5.0
_GAP_EASE = 0.95
_NO_GAP_S = 0.005


class Backoff:
    """Keeps all callers still for a while after a throttle, then lets them go one by one.

    Both the wait and the gap between calls double with each throttle and ease with success. Without the gap everyone
    who waited would call at the same moment, and all but one would be throttled again.
    """

    def __init__(self, clock: Clock) -> None:
        """Start without a wait; *clock* tells and passes the time."""
        self._clock = clock
        self._lock = threading.Lock()
        self._wait = 0.0
        self._gap = 0.0
        self._until = 0.0

    def pause(self) -> float:
        """Wait until calls are welcome again; return the seconds for which it waited."""
        waited = 0.0
        while True:
            with self._lock:
                before = self._clock.monotonic()
                left = self._until - before
                if left <= 0:
                    if self._gap:
                        self._until = before + self._gap
                    return waited
            self._clock.sleep(left)
            passed = self._clock.monotonic() - before
            waited += passed
            if passed < left / 2:
                return waited  # told to stop

    def throttled(self, retry_after: float | None) -> None:
        """Note a throttle: everyone waits, at least *retry_after* seconds when the service said so."""
        with self._lock:
            now = self._clock.monotonic()
            if now < self._until - self._gap:
                return  # the answer to a call sent before the others' wait began
            self._wait = min(max(self._wait * 2, _FIRST_S), _LONGEST_S)
            self._gap = min(max(self._gap * 2, _FIRST_GAP_S), _LONGEST_GAP_S)
            self._until = now + max(self._wait, retry_after or 0.0)

    def succeeded(self) -> None:
        """Note a success."""
        if self._gap:
            with self._lock:
                self._wait = self._wait * _EASE if self._wait > _FIRST_S else 0.0
                self._gap = self._gap * _GAP_EASE if self._gap > _NO_GAP_S else 0.0
