"""Calls that are held until a test has seen what it wanted to see."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from syncd.emulator import Emulator
from syncd.emulator.faults import ConnectionDropped, ErrorAnswer, Fault, FaultyService
from syncd.emulator.gates import PATIENCE_S, Gates
from syncd.emulator.server import EmulatorServer
from syncd.errors import UsageError
from tests.fakes.clock import FakeClock

SIGNED = {
    "authorization": "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/eu-west-1/workmail/aws4_request, "
    "SignedHeaders=host, Signature=0123456789abcdef",
    "content-type": "application/x-amz-json-1.1",
}
LISTING = Fault(operation="ListOrganizations", gate="listing")


@pytest.fixture
def others() -> Iterator[ThreadPoolExecutor]:
    """Threads that ask what this one doesn't wait for."""
    with ThreadPoolExecutor(8) as threads:
        yield threads


def ask(url: str, operation: str = "ListOrganizations") -> int:
    target = {"x-amz-target": f"WorkMailService.{operation}"}
    return httpx.post(url, content=b"{}", headers={**SIGNED, **target}, timeout=PATIENCE_S).status_code


def asking(others: ThreadPoolExecutor, server: EmulatorServer, times: int) -> list[Future[int]]:
    return [others.submit(ask, server.endpoint_url) for _ in range(times)]


def test_a_call_is_held_until_its_gate_is_opened(server: EmulatorServer, others: ThreadPoolExecutor) -> None:
    """Whoever waits for two knows when they have come; others aren't held up; opened, all are answered."""
    server.service.set_rules([LISTING])
    held = asking(others, server, 2)

    server.service.gates.wait_for("listing", 2)
    assert ask(server.endpoint_url, "ListUsers") == 400
    assert not any(each.done() for each in held)
    assert server.service.gates.held() == {"listing": 2}

    assert server.service.gates.open("listing") == 2
    assert [each.result() for each in held] == [200, 200]
    assert ask(server.endpoint_url) == 200
    assert server.service.gates.held() == {}


def test_other_processes_ask_over_http(http: httpx.Client, server: EmulatorServer, others: ThreadPoolExecutor) -> None:
    """Rules with a gate are put, a call is waited for, and its gate is opened, by the control API alone."""
    assert http.put("/-/faults", json=[{"operation": "ListOrganizations", "gate": "listing"}]).json()["faults"] == [
        {"operation": "ListOrganizations", "gate": "listing"}
    ]
    arrival = others.submit(httpx.get, f"{server.endpoint_url}/-/gates/listing?calls=3", timeout=PATIENCE_S)
    held = asking(others, server, 3)

    assert (arrival.result().status_code, arrival.result().json()) == (200, {"listing": 3})
    assert http.get("/-/gates").json() == {"listing": 3}
    assert http.post("/-/gates/listing/open").json() == {"held": 3}
    assert [each.result() for each in held] == [200, 200, 200]
    assert http.get("/-/gates/listing").status_code == 409


@pytest.mark.parametrize("path", ["/-/gates/listng", "/-/gates/listing?calls=many"])
def test_a_wrong_question_is_refused(path: str, http: httpx.Client, server: EmulatorServer) -> None:
    """A gate that no rule has, and a number that is none, are said instead of waited for."""
    server.service.set_rules([LISTING])

    assert http.get(path).status_code == 400


def test_a_wrong_gate_is_not_waited_for() -> None:
    """Nobody waits for calls at a gate that no rule has, or that is open."""
    gates = Gates()
    gates.put(["here"])
    gates.open("here")

    with pytest.raises(UsageError, match="No rule in force has a gate 'there'"):
        gates.wait_for("there")
    with pytest.raises(UsageError, match="Gate 'here' is open: no 2 calls"):
        gates.wait_for("here", 2)


def test_other_rules_let_go_on_who_is_held(server: EmulatorServer, others: ThreadPoolExecutor) -> None:
    """A gate ends with its rule: calls held there are carried out, and whoever waited for more of them is told."""
    server.service.set_rules([LISTING])
    held = asking(others, server, 1)
    server.service.gates.wait_for("listing")
    more = server.service.gates.arrival("listing", 2)

    server.service.set_rules([])

    assert held[0].result() == 200
    assert not more.result(0)


def test_a_server_that_stops_leaves_nobody_at_a_gate(others: ThreadPoolExecutor) -> None:
    """Calls held there end without effect and with a broken connection, who waits is told, and no thread is left."""
    before = threading.enumerate()
    with EmulatorServer(Emulator(), [LISTING, Fault(operation="ListUsers", gate="users")]) as server:
        held = asking(others, server, 2)
        server.service.gates.wait_for("listing", 2)
        more = server.service.gates.arrival("users")
        threads = [thread for thread in threading.enumerate() if thread not in before]

    for each in held:
        with pytest.raises(httpx.TransportError):
            each.result()
    assert server.log.counters() == {"ListOrganizations": {"connection dropped before the effect": 2}}
    assert not more.result(0)
    assert [thread.is_alive() for thread in threads if thread.name == "emulator"] == [False]


def test_a_thread_is_held_without_http(others: ThreadPoolExecutor) -> None:
    """The plain object holds its caller too; what a later rule says happens once the gate is open, or not at all."""
    busy = Fault(operation="ListUsers", error=ErrorAnswer(code="ServiceUnavailable", status=503))
    service = FaultyService(Emulator(), [Fault(gate="all"), busy], clock=FakeClock())
    through = others.submit(service.call, "ListUsers", {})
    service.gates.wait_for("all")
    service.gates.open("all")

    assert "ServiceUnavailable" in str(through.exception())

    service.set_rules([Fault(gate="all")])
    cut = others.submit(service.call, "ListOrganizations", {})
    service.gates.wait_for("all")
    service.gates.stop()

    assert isinstance(cut.exception(), ConnectionDropped)
