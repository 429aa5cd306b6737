"""What systemd is told: one datagram on the socket that `NOTIFY_SOCKET` names (sd_notify(3)).

The protocol is a few lines of text; a library for it would be more code than this (`ops.md` SD-9).
"""

import os
import socket
from collections.abc import Mapping

#: systemd shows so much of a status line in one row.
_LONGEST_STATUS = 100
_MICRO = 1_000_000


class Notifier:
    """Tells systemd how the daemon is; silent where nobody asked to be told."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # An address that begins with @ lies in the abstract name space, whose names begin with NUL.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._status = ""
        #: Seconds between two signs of life that systemd wants; None: it watches nothing.
        self.watchdog_s = _watchdog_s(environment)

    def ready(self) -> None:
        """Say that the daemon works; also the end of a reload."""
        self._send("READY=1")

    def reloading(self, monotonic: float) -> None:
        """Say that the configuration is being read again; *monotonic* is now, by CLOCK_MONOTONIC.

        Without that time, systemd >= 253 waits for a message that never comes (`ops.md` F3).
        """
        self._send(f"RELOADING=1\nMONOTONIC_USEC={int(monotonic * _MICRO)}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Give a sign of life."""
        self._send("WATCHDOG=1")

    def status(self, line: str) -> None:
        """Say in *line* how things are, unless it was said last."""
        short = line if len(line) <= _LONGEST_STATUS else line[: _LONGEST_STATUS - 1] + "…"
        if short != self._status:
            self._status = short
            self._send(f"STATUS={short}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
                speaker.settimeout(1)
                speaker.sendto(message.encode(), self._address)
        except OSError:
            # Whoever listens sees by the silence that something is wrong; the cycles go on.
            return


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """Return the watchdog's time, if it is for this process and not for one that started it."""
    given, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not given.isdigit() or int(given) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(given) / _MICRO
