"""A day on a compressed clock: ninety-six cycles, and nothing that grows.

Cycles, store, status page, notices and metrics live a quarter of an hour each second; the scheduler, whose clock is
the machine's own, begins one each second. Every simulated hour the directory changes.
"""

import gc
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd import wiring
from syncd.clock import SystemClock
from syncd.daemon.requests import Mailbox, Wish
from syncd.errors import Interrupted
from syncd.model.policy import WINDOWED
from syncd.settings import Loaded, OrganizationSettings, load
from syncd.wiring.daemon import ConfigReader, Service
from tests.functional.conftest import Place, a_place

#: How much faster the day passes: cycles come every 15 minutes, that is every second.
FASTER = 900
#: Caches fill, threads are made: growth is measured from this hour on.
WARM = 6
#: What a page more or less of a fragmented heap makes; a leak of 100 kB a cycle would be 7 MB.
NOISE_MIB = 4.0


class CompressedClock(SystemClock):
    """The machine's time, running *FASTER* from the moment it was made."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.time()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._began + (time.time() - self._began) * FASTER, UTC)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with a_place(tmp_path) as found:
        found.change("every: 10s", "every: 1s")
        more = "http: {listen: 127.0.0.1:0}\nreports: {folder: reports, keep: 10}\nlog: {level: error}"
        found.change("log: {level: error}", more)
        # A schedule of seconds makes holes of a quarter of an hour, and a whole day's changes come to and fro.
        limits = ", ".join(f"{name}: {{percent: 100, count: 100000}}" for name in sorted(WINDOWED - {"source_shrink"}))
        more = f"verify_within: 2h\n    removal: {{hole: 7d}}\n    guards: {{{limits}}}"
        found.change("    protected:", f"    {more}\n    protected:")
        yield found


def resident_mib() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 / 2**20


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_day_leaves_no_trace(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the sixth hour to the last neither memory nor open files grow; each change has arrived."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    loaded = load(place.config)
    clock, mailbox = CompressedClock(), Mailbox()
    reading = ConfigReader(load=lambda: load(place.config), choose=chosen, taken=lambda _: str)
    began = clock.now()
    with wiring.open_store(loaded, clock=clock) as store:
        service = Service(reading, loaded=loaded, store=store, mailbox=mailbox, clock=clock)
        daemon = threading.Thread(target=service.run)
        daemon.start()
        figures = {}
        for hour in range(1, 25):
            while clock.now() < began + timedelta(hours=hour):
                daemon.join(0.05)
                assert daemon.is_alive()
            place.day("day2" if hour % 2 else "day1")
            if hour in (WARM, 24):
                figures[hour] = (resident_mib(), descriptors(), threading.active_count())
        mailbox.ask(Wish.STOP, "test")
        daemon.join(60)
        stored = store.organization(loaded.settings.organizations[0].workmail.organization_id)
        cycles = stored.history.cycles(1000)
    lasted = clock.now() - began

    (memory, files, threads), (later, files_later, threads_later) = figures[WARM], figures[24]
    print(f"{lasted} in {len(cycles)} cycles: {memory:.1f} to {later:.1f} MiB, {files} to {files_later} descriptors")
    assert lasted >= timedelta(hours=24)
    assert len(cycles) >= 90
    assert later - memory < NOISE_MIB
    assert files_later <= files + 2
    assert threads_later <= threads + 2
    assert {cycle.summary for cycle in cycles if cycle.exit_code != Interrupted.exit_code} <= {"applied", "in_sync"}
    assert sum(cycle.summary == "applied" for cycle in cycles) >= 12
    assert len(list((place.folder / "reports").glob("*.html"))) == 10


def chosen(loaded: Loaded) -> tuple[OrganizationSettings, ...]:
    return loaded.settings.organizations
