"""What `syncd run` does when it is asked: signals, a new configuration, changed files; and what it tells systemd."""

import http.client
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncd.emulator.faults import ErrorAnswer, Fault
from tests.functional.conftest import Place
from tests.functional.daemon_process import SOON, RunningDaemon, running


class Systemd:
    """The socket on which systemd listens, and what it has heard."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.messages: list[str] = []

    def hear(self) -> list[str]:
        """Return everything said so far."""
        while True:
            try:
                self.messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self.messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systemd]:
    found = Systemd(tmp_path_factory.mktemp("run") / "notify")
    yield found
    found.close()


def address(systemd: Systemd) -> str:
    return str(systemd._socket.getsockname())


def cycles(daemon: RunningDaemon) -> int:
    return len(daemon.log("cycle_finished"))


def has_said(daemon: RunningDaemon, event: str, times: int = 1) -> Callable[[], bool]:
    return lambda: len(daemon.log(event)) >= times


def test_a_signal_asks_for_a_cycle_now(place: Place) -> None:
    """SIGUSR1 doesn't wait for the hour."""
    with running(place, every="1h") as daemon:
        daemon.wait_until(lambda: cycles(daemon) == 1)
        daemon.process.send_signal(signal.SIGUSR1)
        daemon.wait_until(lambda: cycles(daemon) == 2)
        reasons = [line["reason"] for line in daemon.log("cycle_requested")]

    assert reasons == ["start", "signal"]


def test_a_changed_file_is_synced_without_being_asked(place: Place) -> None:
    """Day 2 arrives a few seconds after its files do."""
    with running(place, every="1h") as daemon:
        daemon.wait_until(lambda: cycles(daemon) == 1)
        place.day("day2")
        daemon.wait_until(lambda: cycles(daemon) == 2)
        finished = daemon.log("cycle_finished")[-1]

    assert finished["applied"] > 0


def post(daemon: RunningDaemon, **headers: str) -> int:
    """Ask for a cycle over HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=SOON)
    connection.request("POST", "/-/sync", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_post_asks_for_a_cycle_where_it_may(place: Place) -> None:
    """It is off until the configuration says otherwise, also by a reload; a page of another site is always refused."""
    with running(place, every="1h") as daemon:
        daemon.wait_until(lambda: cycles(daemon) == 1)
        off = post(daemon)
        place.change(f"{{listen: 127.0.0.1:{daemon.port}}}", f"{{listen: 127.0.0.1:{daemon.port}, actions: true}}")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_until(has_said(daemon, "configuration_reloaded"))
        foreign = post(daemon, **{"Sec-Fetch-Site": "cross-site"})
        on = post(daemon)
        daemon.wait_until(lambda: cycles(daemon) == 2)
        reasons = [line["reason"] for line in daemon.log("cycle_requested")]

    assert (off, foreign, on) == (404, 403, 202)
    assert reasons == ["start", "http"]


def test_a_new_configuration_is_taken_over(place: Place) -> None:
    """SIGHUP reads it again: a new log level and a new mode hold, without a restart."""
    with running(place, every="1h") as daemon:
        daemon.wait_until(lambda: cycles(daemon) == 1)
        place.change("mode: full", "mode: observe")
        place.day("day2")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_until(has_said(daemon, "configuration_reloaded"))
        daemon.process.send_signal(signal.SIGUSR1)
        daemon.wait_until(lambda: cycles(daemon) >= 2)
        finished = daemon.log("cycle_finished")[-1]
        told = daemon.log("configuration_reloaded")[0]

    assert (told["added"], told["removed"], told["changed"]) == (0, 0, 1)
    assert finished["applied"] == 0
    assert finished["outside"] > 0


@pytest.mark.parametrize("mode", ["observe", "full"])
def test_a_tighter_policy_ends_the_cycle_that_runs(place: Place, mode: str) -> None:
    """From `full` to `observe` by SIGHUP in the middle of applying: nothing is begun any more, by whatever plan."""
    place.server.service.set_rules([Fault(operation="CreateUser", gate="creating")])
    old, new = ("mode: full", "mode: observe") if mode == "observe" else ('"postmaster@*"', '"postmaster@*", "b*"')
    with running(place, every="1h") as daemon:
        place.server.service.gates.wait_for("creating")
        place.change(old, new)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_until(has_said(daemon, "cycle_interrupted"))
        place.server.service.gates.open("creating")
        daemon.wait_until(lambda: cycles(daemon) == 2)
        first, second = daemon.log("cycle_finished")

    assert first["skipped"] > first["applied"] > 0
    assert first["applied"] < 20
    assert (second["applied"] == 0) is (mode == "observe")


def test_a_broken_configuration_is_refused_and_the_old_one_goes_on(place: Place) -> None:
    """It says which line is wrong, on the metrics too, and cycles go on as before."""
    reloaded = "syncd_config_last_reload_successful"
    with running(place, every="1h") as daemon:
        daemon.wait_until(lambda: cycles(daemon) == 1)
        good = daemon.metric(reloaded)
        place.change("mode: full", "mode: ful")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_until(has_said(daemon, "configuration_rejected"))
        refused = daemon.log("configuration_rejected")[0]
        bad = daemon.metric(reloaded)
        daemon.process.send_signal(signal.SIGUSR1)
        daemon.wait_until(lambda: cycles(daemon) == 2)
        ready = daemon.ask("/readyz")[0]
        place.change("mode: ful", "mode: full")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_until(has_said(daemon, "configuration_reloaded"))
        again = daemon.metric(reloaded)

    assert "organizations[0].mode" in refused["message"]
    assert (good, bad, again) == (1, 0, 1)
    assert ready == 200


def test_what_needs_a_restart_is_named(place: Place) -> None:
    """The store and the address of HTTP are not swapped under a running daemon."""
    with running(place, every="1h") as daemon:
        daemon.wait_until(lambda: cycles(daemon) == 1)
        place.change("sqlite:///syncd.db", "sqlite:///another.db")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_until(has_said(daemon, "configuration_needs_restart"))
        keys = daemon.log("configuration_needs_restart")[0]["keys"]

    assert keys == ["store"]
    assert not (place.folder / "another.db").exists()


def test_systemd_hears_how_it_is(place: Place, systemd: Systemd) -> None:
    """READY once HTTP answers, a status line, signs of life, a reload with its time, and the end."""
    with running(place, every="1h", NOTIFY_SOCKET=address(systemd), WATCHDOG_USEC="300000", WATCHDOG_PID="") as daemon:
        daemon.wait_until(lambda: "READY=1" in systemd.hear())
        answered = daemon.ask("/startupz")[0] if daemon.port else 0
        daemon.wait_until(lambda: cycles(daemon) == 1)
        daemon.wait_until(lambda: "1 in sync" in "".join(systemd.hear()))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_until(lambda: systemd.hear().count("READY=1") == 2)
        daemon.wait_until(lambda: systemd.hear().count("WATCHDOG=1") > 2)
        code = daemon.end()
    heard = systemd.hear()

    assert (answered, code) == (200, 0)
    assert any(message.startswith("RELOADING=1\nMONOTONIC_USEC=") for message in heard)
    assert heard[-1] == "STOPPING=1"
    assert any(message.startswith("STATUS=1 organization: 1 in sync; last ok ") for message in heard)


def test_it_is_ready_while_nobody_answers(place: Place, systemd: Systemd) -> None:
    """AWS and the directory may be down: it starts, says so, and goes on trying."""
    place.change("people.csv", "nowhere.csv")
    place.server.service.set_rules(
        [Fault(operation="DescribeOrganization", error=ErrorAnswer(code="InternalFailure", status=500))]
    )
    with running(place, every="1s", NOTIFY_SOCKET=address(systemd)) as daemon:
        daemon.wait_until(lambda: "READY=1" in systemd.hear())
        daemon.wait_until(lambda: cycles(daemon) >= 1)
        probes = [daemon.ask(path)[0] for path in ("/livez", "/readyz", "/startupz")]

    assert probes == [200, 200, 200]


def test_a_wedged_cycle_gets_no_food_for_the_watchdog(place: Place, systemd: Systemd) -> None:
    """A service that never answers stops all signs of life, after the time that was set; `/livez` says no."""
    place.change("jitter: 0s", "jitter: 0s, stalled_after: 1s")
    place.server.service.set_rules([Fault(operation="DescribeOrganization", gate="for ever")])
    with running(place, every="1h", NOTIFY_SOCKET=address(systemd), WATCHDOG_USEC="300000", WATCHDOG_PID="") as daemon:
        daemon.wait_until(lambda: daemon.ask("/livez")[0] == 503)
        daemon.wait_until(has_said(daemon, "watchdog_withheld"))
        before = systemd.hear().count("WATCHDOG=1")
        status, text = daemon.ask("/metrics")
        after = systemd.hear().count("WATCHDOG=1")
        reason = daemon.log("watchdog_withheld")[0]["reason"]
        daemon.wait_until(lambda: "wedged" in "".join(systemd.hear()))

    assert before == after
    assert (status, "syncd_build_info" in text) == (200, True)
    assert "planetexpress" in reason


def test_a_second_one_on_the_same_store_is_told_who_holds_it(place: Place) -> None:
    """`syncd sync` beside a daemon in a cycle ends with 75."""
    place.server.service.set_rules([Fault(operation="DescribeOrganization", gate="in a cycle")])
    with running(place, every="1h") as daemon:
        place.server.service.gates.wait_for("in a cycle")
        result = place.syncd("sync")

    assert result.returncode == 75
    assert str(daemon.process.pid) in result.stderr
    assert os.getpid() != daemon.process.pid
