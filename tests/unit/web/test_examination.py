"""What doctor says of the HTTP address."""

import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.model.check import Health
from syncd.web.examination import examine
from syncd.web.settings import HttpSettings
from tests.fakes.authority import Authority, Identity
from tests.fakes.slapd import free_port


@contextmanager
def serving(text: str, status: int = 200, identity: Identity | None = None) -> Iterator[str]:
    """Answer every GET with *text*, over TLS if there is an *identity*."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the name it has there

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        if identity is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(identity.certificate, identity.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_free_address_is_given_back() -> None:
    """It is taken to see that it can be, and free again afterwards."""
    listen = f"127.0.0.1:{free_port()}"

    for _ in range(2):
        (check,) = examine(HttpSettings(listen=listen))
        assert (check.health, check.found) == (Health.OK, f"{listen} is free: no syncd run is at work here")


@pytest.mark.parametrize(
    ("text", "status", "health", "told"),
    [
        ('syncd_build_info{version="1"} 1.0\n', 200, Health.OK, "held by a running syncd, which answers"),
        ("", 401, Health.OK, "a running syncd, probably"),
        ("Apache", 200, Health.FAIL, "held by something that is no syncd"),
    ],
)
def test_who_holds_the_address_is_asked(text: str, status: int, health: Health, told: str) -> None:
    """A running syncd is as it should be; anything else keeps `syncd run` from its start."""
    with serving(text, status) as listen:
        (check,) = examine(HttpSettings(listen=listen))

    assert check.health is health
    assert told in check.found
    assert check.exit_code == (78 if health is Health.FAIL else 0)


def test_a_syncd_with_tls_is_recognized(tmp_path: Path) -> None:
    """Whoever signed its certificate: nothing is told to it, and nothing rests on what it says."""
    identity = Authority(tmp_path).issue("syncd.corp.example")
    with serving("syncd_cycles_total 1\n", identity=identity) as listen:
        (check,) = examine(HttpSettings(listen=listen))

    assert check.found == f"{listen} is held by a running syncd, which answers"


def test_who_says_nothing_is_not_waited_for() -> None:
    """A process that hangs with the address in its hand is told when its time is over."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (check,) = examine(HttpSettings(listen=f"127.0.0.1:{silent.getsockname()[1]}"), timeout_s=0.2)

    assert "or by one that hangs" in check.found


def test_an_address_of_somebody_else_fails() -> None:
    """Only an address of this machine can be listened on (192.0.2.1 is nobody's)."""
    address, reach = examine(HttpSettings(listen="192.0.2.1:9780"))

    assert (address.health, address.exit_code) == (Health.FAIL, 78)
    assert reach.health is Health.WARN
    assert "from other machines" in reach.found
