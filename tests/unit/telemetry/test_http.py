"""Metrics and health over HTTP, asked by a real client."""

import http.client
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from syncd.errors import ConfigurationError
from syncd.telemetry.http import HttpServer, make_app
from syncd.telemetry.settings import HttpSettings

Ask = Callable[..., http.client.HTTPResponse]


@pytest.fixture
def checks() -> dict[str, bool]:
    return {"configuration": True, "store": True}


@pytest.fixture
def ask(checks: dict[str, bool]) -> Iterator[Ask]:
    """A running server, as a function that asks it."""
    registry = CollectorRegistry()
    Counter("syncd_cycles", "Cycles.", registry=registry).inc()
    settings = HttpSettings(listen="127.0.0.1:0", hosts=("syncd.corp.example",))
    with ExitStack() as stack:
        server = stack.enter_context(HttpServer(make_app(registry, lambda: checks, settings), settings))

        def one(path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
            connection = http.client.HTTPConnection(server.address, timeout=5)
            stack.callback(connection.close)
            connection.request(method, path, headers=headers)
            return connection.getresponse()

        yield one


def test_it_lives(ask: Ask) -> None:
    """`/livez` says yes as long as it answers."""
    response = ask("/livez")

    assert (response.status, response.read()) == (200, b"ok\n")


def test_it_is_ready_when_everything_is_up(ask: Ask) -> None:
    """`/readyz` is 200, and lists what it looked at when asked to."""
    assert ask("/readyz").read() == b"ok\n"
    assert ask("/readyz?verbose").read() == b"[+] configuration\n[+] store\nok\n"


def test_it_is_not_ready_while_something_is_down(ask: Ask, checks: dict[str, bool]) -> None:
    """`/readyz` is 503 and names what is missing."""
    checks["store"] = False

    response = ask("/readyz")

    assert (response.status, response.read()) == (503, b"[+] configuration\n[-] store\nnot ready\n")


def test_metrics_come_as_prometheus_reads_them(ask: Ask) -> None:
    """Without a wish, the text format that promtool reads."""
    response = ask("/metrics")

    assert response.getheader("content-type", "").startswith("text/plain; version=")
    assert b"syncd_cycles_total 1.0" in response.read()


def test_metrics_come_as_openmetrics_on_request(ask: Ask) -> None:
    """A scraper that accepts OpenMetrics gets it, in a form that its parser reads."""
    response = ask("/metrics", Accept="application/openmetrics-text; version=1.0.0")

    assert response.getheader("content-type", "").startswith("application/openmetrics-text; version=1.0.0")
    families = text_string_to_metric_families(  # type: ignore[no-untyped-call]  # prometheus_client's parser
        response.read().decode()
    )
    assert [family.name for family in families] == ["syncd_cycles"]


def test_head_is_answered_without_a_body(ask: Ask) -> None:
    """HEAD gets what GET gets, without the text."""
    response = ask("/livez", method="HEAD")

    assert (response.status, response.read()) == (200, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_else_than_reading_is_possible(method: str, ask: Ask) -> None:
    """Any method that might change something is refused."""
    response = ask("/metrics", method=method)

    assert (response.status, response.getheader("allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9780", 200),
        ("127.0.0.1", 200),
        ("[::1]:9780", 200),
        ("10.2.3.4:9780", 200),
        ("syncd.corp.example", 200),
        ("SYNCD.corp.example:80", 200),
        ("rebound.example", 421),
        ("", 421),
        ("127.0.0.1.example", 421),
    ],
)
def test_a_name_that_nobody_configured_is_refused(host: str, status: int, ask: Ask) -> None:
    """A page in a browser can't read the service under a name of its own (DNS rebinding)."""
    assert ask("/metrics", Host=host).status == status


def test_an_unknown_path_is_not_there(ask: Ask) -> None:
    """Only three paths exist."""
    assert ask("/").status == 404


def test_a_taken_address_is_a_clear_error() -> None:
    """Two servers on one port: the second says which address and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = HttpSettings(listen=f"127.0.0.1:{taken.getsockname()[1]}")
        server = HttpServer(make_app(CollectorRegistry(), dict, settings), settings)

        with pytest.raises(ConfigurationError, match=r"http\.listen: 127.*in use.*\n.*another syncd"):
            server.start()


def test_after_stop_nobody_answers(checks: dict[str, bool]) -> None:
    """The port is free again."""
    settings = HttpSettings(listen="127.0.0.1:0")
    server = HttpServer(make_app(CollectorRegistry(), lambda: checks, settings), settings)
    server.start()
    was_up = server.is_up
    server.stop()

    assert (was_up, server.is_up) == (True, False)
    host, _, port = server.address.rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


@pytest.mark.parametrize("listen", ["127.0.0.1:9780", "[::1]:0", "0.0.0.0:80", "localhost:1"])
def test_an_address_and_a_port_can_be_listened_on(listen: str) -> None:
    """IPv4, IPv6 in brackets, and localhost."""
    assert HttpSettings(listen=listen).listen == listen


@pytest.mark.parametrize("listen", ["9780", "::1:9780", "example.com:80", "127.0.0.1", "127.0.0.1:x", "1.2.3.4:70000"])
def test_anything_else_is_no_address(listen: str) -> None:
    """What can't be listened on is said with an example."""
    with pytest.raises(ValueError, match=r"expected an address and a port such as 127\.0\.0\.1:9780"):
        HttpSettings(listen=listen)
