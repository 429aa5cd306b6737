"""Each dependency down, or hanging, against each probe: a real daemon, its real parts.

         | /livez | /readyz | /startupz | /metrics
source   |  yes   |  yes    |  yes      |  yes      it is gone, or never ends
service  |  yes   |  yes    |  yes      |  yes      it answers with errors, or not at all
store    |  yes   |  no     |  no       |  yes      its file system hangs, or it is no database any more
disk     |  yes   |  yes    |  yes      |  yes      it is full: cycles fail, and say so
"""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from syncd.emulator.faults import ErrorAnswer, Fault
from tests.fakes.disks import fill, freezable_disk, frozen, small_disk
from tests.functional.conftest import Place, a_place
from tests.functional.daemon_process import RunningDaemon, running

PATHS = ("/livez", "/readyz", "/startupz", "/metrics")


@contextmanager
def source_gone(place: Place) -> Iterator[None]:
    """There are no files."""
    (place.folder / "people.csv").unlink()
    yield


@contextmanager
def source_hanging(place: Place) -> Iterator[None]:
    """A directory server takes the connection and says nothing, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place.change(
            "      type: csv\n      users: people.csv\n      groups: groups.csv",
            f"      type: ldap\n      servers: [ldap://127.0.0.1:{silent.getsockname()[1]}]\n"
            "      bind: {method: anonymous}\n      users: [{base: 'dc=planetexpress,dc=example'}]\n"
            "      groups: [{base: 'dc=planetexpress,dc=example'}]",
        )
        yield


@contextmanager
def service_failing(place: Place) -> Iterator[None]:
    """Every call is answered with a fault of the service."""
    place.server.service.set_rules([Fault(error=ErrorAnswer(code="InternalFailure", status=500))])
    yield
    place.server.service.set_rules([])


@contextmanager
def service_hanging(place: Place) -> Iterator[None]:
    """No call is answered."""
    place.server.service.set_rules([Fault(gate="for ever")])
    yield
    place.server.service.set_rules([])


@contextmanager
def store_hanging(place: Place) -> Iterator[None]:
    """The file system of the store is frozen, as by a snapshot or a dead disk: whoever touches it waits."""
    with frozen(place.folder):
        yield


@contextmanager
def store_broken(place: Place) -> Iterator[None]:
    """Something has written over the store."""
    for name in ("syncd.db", "syncd.db-wal"):
        with suppress(FileNotFoundError), (place.folder / name).open("r+b") as file:
            file.write(b"\xff" * 8192)
    yield


@contextmanager
def disk_full(place: Place) -> Iterator[None]:
    """Not a byte is free where the store is."""
    ballast = fill(place.folder)
    yield
    ballast.unlink()


ALL = (200, 200, 200, 200)
NO_STORE = (200, 503, 503, 200)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """On a small file system of its own, so that it can be filled."""
    with small_disk(tmp_path / "disk", "24m") as folder, a_place(folder) as found:
        yield found


@pytest.fixture
def freezable_place(tmp_path: Path) -> Iterator[Place]:
    """On a file system that can be frozen."""
    with freezable_disk(tmp_path / "disk", 24) as folder, a_place(folder) as found:
        yield found


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (source_gone, ALL),
        (source_hanging, ALL),
        (service_failing, ALL),
        (service_hanging, ALL),
        (store_broken, NO_STORE),
        (disk_full, ALL),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_probe_says_what_it_is_for(
    trouble: Callable[[Place], AbstractContextManager[None]], expected: tuple[int, ...], place: Place
) -> None:
    """A restart mends none of these, so it is alive; only without its store it is not ready. Metrics always answer."""
    probe(place, trouble, expected)


def test_each_probe_says_what_it_is_for_where_the_store_hangs(freezable_place: Place) -> None:
    """It is the same on a file system that is frozen: alive, and not ready."""
    probe(freezable_place, store_hanging, NO_STORE)


def probe(place: Place, trouble: Callable[[Place], AbstractContextManager[None]], expected: tuple[int, ...]) -> None:
    with running(place, every="1s") as daemon:
        daemon.wait_until(lambda: bool(daemon.log("cycle_finished")))
        with trouble(place):
            daemon.process.send_signal(signal.SIGHUP)
            watch(daemon, expected)


def watch(daemon: RunningDaemon, expected: tuple[int, ...]) -> None:
    """The probes come to say what is expected, and stay so for a dozen times."""
    tick = 0.5
    daemon.wait_until(lambda: bool(daemon.log("cycle_started")))
    daemon.wait_until(lambda: answers(daemon) == expected)
    for _ in range(12):
        assert answers(daemon) == expected, daemon.log()[-3:]
        daemon.pause(tick)
    assert daemon.process.poll() is None


def answers(daemon: RunningDaemon) -> tuple[int, ...]:
    return tuple(daemon.ask(path)[0] for path in PATHS)


def test_a_full_disk_is_told_and_room_heals(place: Place) -> None:
    """Cycles fail with the store's name in the message and nothing is sent; with room again they succeed."""
    with running(place, every="1s") as daemon:
        daemon.wait_until(lambda: bool(daemon.log("cycle_finished")))
        with disk_full(place):
            place.server.log.reset()
            daemon.wait_until(
                lambda: daemon.metric('syncd_cycle_consecutive_failures{organization="planetexpress"}') > 0
            )
            free = daemon.metric("syncd_store_free_bytes")
            changed = [name for name in place.server.log.counters() if not name.startswith(("List", "Describe", "Get"))]
        good = daemon.metric('syncd_cycles_total{organization="planetexpress",result="in_sync"}')
        daemon.wait_until(
            lambda: daemon.metric('syncd_cycles_total{organization="planetexpress",result="in_sync"}') > good
        )

    assert changed == []
    assert free >= 0
