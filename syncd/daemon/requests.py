"""What the daemon is asked for from outside: a mailbox that signals, HTTP and changed files write to."""

import queue
from dataclasses import dataclass
from enum import StrEnum


class Wish(StrEnum):
    """What is wanted."""

    STOP = "stop"
    RELOAD = "reload"
    SYNC = "sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """*wish*, why (`signal`, `http`, `file`, `decision`), and of which organization; None: of all."""

    wish: Wish
    reason: str
    organization: str | None = None


class Mailbox:
    """Requests in the order in which they came; asking never waits."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Request] = queue.SimpleQueue()

    def ask(self, wish: Wish, reason: str, organization: str | None = None) -> None:
        """Leave a request."""
        self._queue.put(Request(wish=wish, reason=reason, organization=organization))

    def next(self, within_s: float) -> Request | None:
        """Return the next request, None when none came within *within_s* seconds."""
        try:
            return self._queue.get(timeout=within_s)
        except queue.Empty:
            return None
