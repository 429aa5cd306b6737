"""`syncd run`, as systemd and Kubernetes run it."""

import json
import signal

import pytest

from syncd.emulator.faults import Fault
from tests.functional.conftest import Place
from tests.functional.daemon_process import SOON, running

ORGANIZATION = '{organization="planetexpress"}'
SUCCESS = f"syncd_cycle_last_success_timestamp_seconds{ORGANIZATION}"
IN_SYNC = 'syncd_cycles_total{organization="planetexpress",result="in_sync"}'


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_syncs_by_itself_and_ends_when_told(number: signal.Signals, place: Place) -> None:
    """First cycle at once, then by interval; metrics and health while it runs; exit code 0 after a signal."""
    with running(place) as daemon:
        daemon.wait_until(lambda: daemon.metric(IN_SYNC) >= 1)
        health = [daemon.ask("/livez"), daemon.ask("/readyz"), daemon.ask("/readyz?verbose")]
        success = daemon.metric(SUCCESS)
        daemon.process.send_signal(number)
        code = daemon.process.wait(SOON)
        log = daemon.log()

    assert code == 0
    assert [status for status, _ in health] == [200, 200, 200]
    assert health[2][1] == "[+] configuration\n[+] store\n[+] not stopping\nok\n"
    assert success > 0
    finished = [line for line in log if line["event"] == "cycle_finished"]
    assert finished[0]["result"] == "applied"
    assert finished[0]["applied"] == finished[0]["add"] > 0
    assert finished[1]["result"] == "in_sync"
    assert len({line["cycle_id"] for line in finished}) == len(finished)
    assert log[-1]["event"] == "daemon_stopped"
    assert [line["signal"] for line in log if line["event"] == "stop_requested"] == [number.name]


def test_every_line_is_json_without_names(place: Place) -> None:
    """Each log line is an object with time, level and event; no address and no name is in it."""
    with running(place) as daemon:
        daemon.wait_until(lambda: daemon.metric(IN_SYNC) >= 1)
        daemon.process.terminate()
        daemon.process.wait(SOON)
        log = daemon.log()

    assert all({"timestamp", "level", "event"} <= line.keys() for line in log)
    text = json.dumps(log, ensure_ascii=False)
    assert "Farnsworth" not in text
    assert "@planetexpress.example" not in text
    assert place.env()["AWS_SECRET_ACCESS_KEY"] not in text


def test_a_change_of_the_directory_arrives(place: Place) -> None:
    """What changes in the files is in WorkMail after the next interval."""
    applied = 'syncd_operations_total{action="change",organization="planetexpress",outcome="applied"}'
    with running(place) as daemon:
        daemon.wait_until(lambda: daemon.metric(IN_SYNC) >= 1)
        before = daemon.metric(applied)
        place.day("day2")
        daemon.wait_until(lambda: daemon.metric(applied) > before)


def test_a_broken_directory_does_not_end_it(place: Place) -> None:
    """A cycle that can't read is counted, and the next one comes."""
    failed = 'syncd_cycles_total{organization="planetexpress",result="failed"}'
    with running(place) as daemon:
        daemon.wait_until(lambda: daemon.metric(IN_SYNC) >= 1)
        whole = (place.folder / "people.csv").read_text(encoding="utf-8")
        (place.folder / "people.csv").write_text(whole.rstrip("\n"), encoding="utf-8")
        daemon.wait_until(lambda: daemon.metric(failed) >= 1)
        synced = daemon.metric(IN_SYNC)
        (place.folder / "people.csv").write_text(whole, encoding="utf-8")
        daemon.wait_until(lambda: daemon.metric(IN_SYNC) > synced)


def test_a_second_daemon_is_refused_its_address(place: Place) -> None:
    """The port is taken: the second one says so and ends with 78."""
    with running(place) as daemon:
        daemon.wait_until(lambda: daemon.ask("/livez")[0] == 200)
        result = place.syncd("run")

    assert result.returncode == 78
    assert "can't be used" in result.stderr


def test_the_configuration_is_checked_at_the_start(place: Place) -> None:
    """A daemon with a wrong configuration ends at once with 78, which systemd doesn't restart."""
    place.change("mode: full", "mode: everything")

    assert place.syncd("run").returncode == 78


def test_a_signal_ends_a_long_apply_after_the_calls_in_flight(place: Place) -> None:
    """A stop in the middle of applying loses nothing: what was sent is known, the rest is a smaller plan."""
    place.server.service.set_rules([Fault(operation="CreateUser", gate="creating")])
    with running(place) as daemon:
        place.server.service.gates.wait_for("creating")
        daemon.tell_to_stop()
        place.server.service.gates.open("creating")
        code = daemon.process.wait(SOON)
        log = daemon.log()
    place.server.service.set_rules([])
    rest = place.syncd("sync")
    clean = place.syncd("plan", "--detailed-exitcode")

    (finished,) = [line for line in log if line["event"] == "cycle_finished"]
    assert (code, rest.returncode, clean.returncode) == (0, 0, 0)
    assert 0 < finished["applied"] < finished["add"]
    assert finished["skipped"] > 0


def test_a_signal_ends_a_long_read(place: Place) -> None:
    """Reading is given up at the next call: of some forty entities only those under way are asked for."""
    place.syncd("sync")
    place.server.log.reset()
    place.server.service.set_rules([Fault(operation="ListAliases", gate="reading")])
    place.change("    protected:", "    verify_within: 0s\n    apply: {workers: 2}\n    protected:")
    with running(place) as daemon:
        place.server.service.gates.wait_for("reading", 2)
        daemon.tell_to_stop()
        place.server.service.gates.open("reading")
        code = daemon.process.wait(SOON)
    asked = sum(place.server.log.counters()["ListAliases"].values())

    assert code == 0
    assert asked == 2


def test_the_last_success_survives_a_restart(place: Place) -> None:
    """An alert on the age of the last success doesn't fire because somebody restarted the daemon."""
    place.syncd("sync")
    (place.folder / "people.csv").unlink()
    with running(place) as daemon:
        daemon.wait_until(lambda: daemon.ask("/livez")[0] == 200)
        success = daemon.metric(SUCCESS)

    assert success > 0


def test_a_second_signal_ends_at_once(place: Place) -> None:
    """Whoever asks twice doesn't want to wait."""
    place.server.service.set_rules([Fault(operation="CreateUser", gate="creating")])
    with running(place) as daemon:
        place.server.service.gates.wait_for("creating")
        daemon.process.send_signal(signal.SIGINT)
        daemon.wait_until(lambda: any(line["event"] == "stop_requested" for line in daemon.log()))
        daemon.process.send_signal(signal.SIGINT)
        code = daemon.process.wait(SOON)

    assert code == 130
