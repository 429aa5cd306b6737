"""Which calls are held at a gate until somebody opens it: a test waits for an event here, never for a clock.

    what happens                     calls at the gate       calls that come later     who waits for N calls
    a rule names the gate            -                       are held                  waits until N are held
    the gate is opened               go on                   go on                     is told at once
    other rules are put in force     go on                   as the new rules say      is told at once
    the server stops                 end without effect      go on                     is told at once

Whoever waits, waits for a future: an event loop awaits it and a thread blocks on it, so no gate has a thread.
"""

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from syncd.errors import UsageError

#: A net for tests that would hang, far above what any machine needs.
PATIENCE_S = 300.0


@dataclass(slots=True)
class _Gate:
    is_open: bool = False
    held: list[Future[bool]] = field(default_factory=list)
    #: Who waits until so many calls are held.
    waiting: list[tuple[int, Future[bool]]] = field(default_factory=list)


class Gates:
    """The gates of the rules in force, each by its name; may be asked from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gates: dict[str, _Gate] = {}

    def put(self, names: Iterable[str]) -> None:
        """Close the gates called *names*, all anew; those from before are opened."""
        with self._lock:
            before, self._gates = self._gates, {name: _Gate() for name in names}
            for gate in before.values():
                _open(gate)

    def enter(self, name: str) -> Future[bool]:
        """Return what is done when the call may go on: True, or False where it ends without effect."""
        with self._lock:
            gate = self._named(name)
            call = _future()
            if gate.is_open:
                call.set_result(True)
                return call
            gate.held.append(call)
            reached = [each for each in gate.waiting if each[0] <= len(gate.held)]
            gate.waiting = [each for each in gate.waiting if each not in reached]
            for _, waiter in reached:
                waiter.set_result(True)
            return call

    def arrival(self, name: str, calls: int = 1) -> Future[bool]:
        """Return what is done once so many *calls* are held: True, or False if the gate is opened before.

        Raises:
            UsageError: no rule in force names that gate.
        """
        with self._lock:
            gate = self._named(name)
            waiter = _future()
            if gate.is_open or len(gate.held) >= calls:
                waiter.set_result(not gate.is_open)
            else:
                gate.waiting.append((calls, waiter))
            return waiter

    def wait_for(self, name: str, calls: int = 1) -> None:
        """Block until so many *calls* are held at the gate.

        Raises:
            UsageError: no rule in force names that gate, or it is open.
            TimeoutError: they didn't come within minutes.
        """
        if not self.arrival(name, calls).result(PATIENCE_S):
            raise UsageError(f"Gate {name!r} is open: no {calls} calls are held there.")

    def open(self, name: str) -> int:
        """Let go on who is held at the gate, and who comes later; return how many were held.

        Raises:
            UsageError: no rule in force names that gate.
        """
        with self._lock:
            return _open(self._named(name))

    def stop(self) -> None:
        """Open all gates; the calls held there end without effect, as a stopping server's calls do."""
        with self._lock:
            for gate in self._gates.values():
                _open(gate, goes_on=False)

    def held(self) -> dict[str, int]:
        """Return how many calls each gate that is closed holds now."""
        with self._lock:
            return {name: len(gate.held) for name, gate in self._gates.items() if not gate.is_open}

    def _named(self, name: str) -> _Gate:
        if name not in self._gates:
            raise UsageError(f"No rule in force has a gate {name!r}.", hint='Put one first: {"gate": "NAME"}.')
        return self._gates[name]


def _open(gate: _Gate, *, goes_on: bool = True) -> int:
    held, waiting = gate.held, gate.waiting
    gate.is_open, gate.held, gate.waiting = True, [], []
    for call in held:
        call.set_result(goes_on)
    for _, waiter in waiting:
        waiter.set_result(False)
    return len(held)


def _future() -> Future[bool]:
    """Return a future that nobody can cancel: who waits for it may leave, and it is done all the same."""
    made: Future[bool] = Future()
    made.set_running_or_notify_cancel()
    return made
