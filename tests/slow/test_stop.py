"""Stopping a daemon whose call in flight never ends."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from syncd.emulator.faults import Fault
from tests.functional.conftest import Place, a_place
from tests.functional.daemon_process import SOON, running


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with a_place(tmp_path) as found:
        yield found


def open_intents(place: Place) -> int:
    """How many calls the journal knows no end of."""
    with closing(sqlite3.connect(f"file:{place.folder / 'syncd.db'}?mode=ro", uri=True)) as store:
        (count,) = store.execute("SELECT count(*) FROM journal WHERE is_open").fetchone()
    return int(count)


def test_a_stop_does_not_wait_for_a_service_that_never_answers(place: Place) -> None:
    """The call in flight stays open in the journal; the exit code is 0 and thirty seconds are not passed."""
    place.server.service.set_rules([Fault(operation="CreateGroup", gate="for ever")])
    place.change("region:", "read_timeout: 240s\n      region:")
    with running(place, every="1h") as daemon:
        place.server.service.gates.wait_for("for ever")
        daemon.wait_until(lambda: open_intents(place) > 0)
        daemon.process.send_signal(signal.SIGTERM)
        code = daemon.process.wait(SOON)
        last = daemon.log()[-1]
    place.server.service.set_rules([])
    healed = [place.syncd("sync").returncode, place.syncd("plan", "--detailed-exitcode").returncode]

    assert code == 0
    assert last["event"] == "daemon_stop_timed_out"
    assert healed == [0, 0]
