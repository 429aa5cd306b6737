import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from syncd.clock import SystemClock
from syncd.emulator import Emulator
from syncd.emulator.calllog import CallLog
from syncd.emulator.faults import Fault
from syncd.emulator.persistence import DataFile
from syncd.emulator.server import EmulatorServer, parse_listen, run_emulator
from syncd.errors import ConfigurationError, UsageError

SIGNED = {
    "authorization": "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/eu-west-1/workmail/aws4_request, "
    "SignedHeaders=host, Signature=0123456789abcdef",
    "content-type": "application/x-amz-json-1.1",
}
PROGRAM = """
import sys
from pathlib import Path
from syncd.emulator.server import run_emulator
files = {name: Path(path) for name, path in (option.split("=") for option in sys.argv[1:])}
run_emulator("127.0.0.1:0", **files, ready=lambda url: print(url, flush=True))
"""


class Command:
    """The emulator as a process of its own."""

    def __init__(self, **files: Path) -> None:
        options = [f"{name}={path}" for name, path in files.items()]
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def ask(self, operation: str, **params: object) -> httpx.Response:
        target = {"x-amz-target": f"WorkMailService.{operation}"}
        return httpx.post(self.url, json=params, headers={**SIGNED, **target}, timeout=60)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


@pytest.fixture
def commands() -> Iterator[list[Command]]:
    """The commands a test started; what still runs at its end is ended."""
    started: list[Command] = []
    yield started
    for command in started:
        with command.process:
            command.process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_emulator_begins_where_it_ended(
    tmp_path: Path, commands: list[Command], number: signal.Signals
) -> None:
    """A signal ends the command cleanly, and the next one on the same data has the same state."""
    data, seed = tmp_path / "data.json", tmp_path / "seed.json"
    seed.write_text('{"organizations": [{"alias": "planetexpress"}]}', encoding="utf-8")
    first = Command(data=data, seed=seed)
    commands.append(first)
    (organization,) = first.ask("ListOrganizations").json()["OrganizationSummaries"]
    named = {"OrganizationId": organization["OrganizationId"]}
    first.ask("CreateGroup", Name="crew", **named)

    assert first.stop(number) == (0, "")

    second = Command(data=data, seed=seed)
    commands.append(second)
    assert [group["Name"] for group in second.ask("ListGroups", **named).json()["Groups"]] == ["crew"]
    assert len(second.ask("ListOrganizations").json()["OrganizationSummaries"]) == 1
    assert data.stat().st_mode & 0o777 == 0o600


def test_a_silent_call_does_not_hold_up_the_end(tmp_path: Path, commands: list[Command]) -> None:
    """A call that a rule leaves without answer is broken off when the emulator stops."""
    faults, log = tmp_path / "faults.json", tmp_path / "calls.ndjson"
    faults.write_text('{"faults": [{"timeout": "before"}]}', encoding="utf-8")
    command = Command(faults=faults, log=log)
    commands.append(command)
    host, _, port = command.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as waiting:
        headers = {**SIGNED, "host": "emulator", "content-length": "2", "x-amz-target": "WorkMailService.ListUsers"}
        lines = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", "{}"]
        waiting.sendall("\r\n".join(lines).encode())
        while not httpx.get(f"{command.url}/-/counters").json():
            assert command.process.poll() is None

        # Where it had to break off an answer after a time, it would say so.
        assert command.stop() == (0, "")

    (line,) = log.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["outcome"] == "no answer, stopped before the effect"


def test_control_saves_at_once(tmp_path: Path, commands: list[Command]) -> None:
    """What the control API changed is in the file before the answer, whatever ends the process then."""
    data = tmp_path / "data.json"
    command = Command(data=data)
    commands.append(command)

    httpx.post(f"{command.url}/-/organizations", json={"alias": "momcorp"})
    command.process.kill()

    assert "momcorp" in data.read_text(encoding="utf-8")


def test_several_servers_are_apart() -> None:
    """Servers in one process have ports and states of their own."""
    with EmulatorServer(Emulator()) as one, EmulatorServer(Emulator()) as two:
        one.emulator.create_organization(alias="planetexpress")
        sizes = [len(httpx.get(f"{server.endpoint_url}/-/snapshot").text) for server in (one, two)]

    assert one.endpoint_url != two.endpoint_url
    assert sizes[0] > sizes[1]


def test_the_service_can_be_asked_without_http() -> None:
    """The service of a server answers calls of this process too, with the same faults, on the machine's time."""
    server = EmulatorServer(Emulator(), [Fault(delay_s=0.05)])
    started = time.monotonic()

    assert server.service.call("ListOrganizations", {}) == {"OrganizationSummaries": []}

    assert time.monotonic() - started >= 0.05


def test_a_left_server_answers_no_more() -> None:
    """After the block the port is closed."""
    with EmulatorServer(Emulator(), [Fault(delay_s=0)]) as server:
        assert server.service.rules == (Fault(delay_s=0),)

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.endpoint_url}/-/livez")


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:8625", ("127.0.0.1", 8625)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:8625", ("::1", 8625)),
        ("127.8.8.8:1", ("127.8.8.8", 1)),
    ],
)
def test_an_address_is_host_and_port(listen: str, address: tuple[str, int]) -> None:
    """An address to listen on is a loopback host and a port."""
    assert parse_listen(listen) == address


@pytest.mark.parametrize("listen", ["8625", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", ":1", ""])
def test_what_is_no_address_is_refused(listen: str) -> None:
    """What is not HOST:PORT is a usage error that shows an example."""
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:8625"):
        parse_listen(listen)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "[::]", "emulator.example"])  # noqa: S104 - must be refused
def test_other_machines_are_let_in_only_on_demand(host: str) -> None:
    """The emulator, which asks for no password, listens to other machines only if told so."""
    with pytest.raises(UsageError, match="other machines can change"):
        parse_listen(f"{host}:8625")

    assert parse_listen(f"{host}:8625", allow_remote=True) == (host.strip("[]"), 8625)


def test_a_port_in_use_is_said() -> None:
    """A port that another program has is refused with its number and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{port}: .*in use; choose another port"):
            run_emulator(f"127.0.0.1:{port}")


@pytest.mark.parametrize("content", ['{"half": ', "[]", '{"organizations": 3}', ""])
def test_damaged_data_is_not_overwritten(tmp_path: Path, content: str) -> None:
    """With data that can't be read the emulator doesn't start, and leaves the file as it is."""
    data = tmp_path / "data.json"
    data.write_text(content, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"data\.json"):
        run_emulator("127.0.0.1:0", data=data)

    assert data.read_text(encoding="utf-8") == content


def test_data_that_can_not_be_kept_is_no_start(tmp_path: Path) -> None:
    """An emulator that could not save what it is told doesn't start."""
    with pytest.raises(ConfigurationError, match=r"data\.json: No such file or directory"):
        run_emulator("127.0.0.1:0", data=tmp_path / "nowhere" / "data.json")


def test_data_is_written_only_after_changes(tmp_path: Path) -> None:
    """Saving again without a change in between leaves the file alone."""
    path, log, emulator = tmp_path / "data.json", CallLog(SystemClock()), Emulator()
    data = DataFile(path, emulator, log)
    data.save()
    path.unlink()

    data.save()
    assert not path.exists()

    log.record("CreateUser", {"OrganizationId": "m-1"})
    data.save()
    assert json.loads(path.read_text(encoding="utf-8")) == emulator.snapshot()


def test_data_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    """Where the data can't be written, the error names the file, and no half-written one is left behind."""
    path = tmp_path / "data.json"
    path.mkdir()

    with pytest.raises(ConfigurationError, match=r"data\.json: .*; free space"):
        DataFile(path, Emulator(), CallLog(SystemClock())).save()

    assert list(tmp_path.iterdir()) == [path]
