"""What systemd is told; the other end is a socket as systemd opens one."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.daemon.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def heard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The address that systemd would name, and its end of it."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    name = str(tmp_path / "notify") if request.param == "path" else f"\0syncd-test-{os.getpid()}"
    listener.bind(name)
    listener.settimeout(1)
    yield name.replace("\0", "@"), listener
    listener.close()


def test_each_message_is_one_datagram(heard: tuple[str, socket.socket]) -> None:
    """As sd_notify(3) says, on a path as well as in the abstract name space."""
    address, listener = heard
    notifier = Notifier({"NOTIFY_SOCKET": address})

    notifier.ready()
    notifier.reloading(12.5)
    notifier.status("2 organizations: 2 in sync")
    notifier.alive()
    notifier.stopping()

    assert [listener.recv(200).decode() for _ in range(5)] == [
        "READY=1",
        "RELOADING=1\nMONOTONIC_USEC=12500000",
        "STATUS=2 organizations: 2 in sync",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_a_status_is_said_once_and_fits_a_row(heard: tuple[str, socket.socket]) -> None:
    """The same line again says nothing; a long one is cut."""
    address, listener = heard
    notifier = Notifier({"NOTIFY_SOCKET": address})

    notifier.status("x" * 200)
    notifier.status("x" * 200)
    notifier.status("short")

    assert listener.recv(500).decode() == f"STATUS={'x' * 99}…"
    assert listener.recv(500).decode() == "STATUS=short"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_nobody_who_listens_is_no_trouble(environment: dict[str, str]) -> None:
    """Without systemd, or when it is gone, nothing happens."""
    Notifier(environment).ready()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_meant_for_one_process(environment: dict[str, str], seconds: float | None) -> None:
    """What is for a parent of ours is not for us."""
    assert Notifier(environment).watchdog_s == seconds
