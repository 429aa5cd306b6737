"""Signals do nothing but leave a word; the work is done elsewhere.

The signals are blocked and a thread waits for them. A handler in the main thread could come in the middle of waiting
for a lock, which it would then wait for in vain.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

STOPPING = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def taking_signals(actions: Mapping[signal.Signals, Callable[[str], None]]) -> Iterator[None]:
    """Call what *actions* says of a signal, with its name, on a thread of its own.

    Threads that begin within inherit that the signals are blocked: begin with this.
    """
    ended = threading.Event()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, actions.keys())

    def watch() -> None:
        while True:
            number = signal.Signals(signal.sigwait(actions.keys()))
            if ended.is_set():
                return
            actions[number](number.name)

    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        if watcher.ident is not None:
            signal.pthread_kill(watcher.ident, next(iter(actions)))
        watcher.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def stopping_on_signals(
    stop: threading.Event, *, told: Callable[[str], None], abandon: Callable[[], None]
) -> Iterator[None]:
    """Let SIGTERM and SIGINT set *stop* and tell their name; a second one calls *abandon*."""

    def asked(name: str) -> None:
        if stop.is_set():
            abandon()
        told(name)
        stop.set()

    with taking_signals(dict.fromkeys(STOPPING, asked)):
        yield
