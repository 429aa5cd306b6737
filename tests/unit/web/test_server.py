"""The server itself, asked over a real connection."""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncd.errors import ConfigurationError
from syncd.web import server
from syncd.web.server import HttpServer
from syncd.web.settings import HttpSettings
from tests.fakes.apps import AskedApp, web_file
from tests.fakes.authority import Authority, Identity
from tests.fakes.clock import PATIENCE_S

Serve = Callable[[AskedApp], HttpServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers, and stops them in the end."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(HttpServer(app.app))


def local(**settings: Any) -> AskedApp:  # noqa: ANN401 - those of HttpSettings
    return AskedApp(listen="127.0.0.1:0", **settings)


def connect(served: HttpServer) -> socket.socket:
    host, _, port = served.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


def status_of(served: HttpServer, path: str = "/livez", context: ssl.SSLContext | None = None) -> int:
    connection = (
        http.client.HTTPConnection(served.address, timeout=PATIENCE_S)
        if context is None
        else http.client.HTTPSConnection(served.address, timeout=PATIENCE_S, context=context)
    )
    with closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status


def test_it_answers_on_a_free_port(serve: Serve) -> None:
    """Pages, metrics and probes come over a real connection, several over one."""
    served = serve(local())
    connection = http.client.HTTPConnection(served.address, timeout=PATIENCE_S)
    with closing(connection):
        for path in ("/livez", "/", "/metrics", "/readyz?verbose"):
            connection.request("GET", path)
            response = connection.getresponse()
            assert (response.status, bool(response.read())) == (200, True)

    assert served.scheme == "http"


def test_a_taken_address_is_a_clear_error() -> None:
    """Two servers on one port: the second says which address and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        app = AskedApp(listen=f"127.0.0.1:{taken.getsockname()[1]}")

        with pytest.raises(ConfigurationError, match=r"http\.listen: 127.*in use.*\n.*another syncd"):
            HttpServer(app.app).start()


@pytest.mark.parametrize(("listen", "warnings"), [("0.0.0.0:0", ["http_plaintext_allowed"]), ("127.0.0.1:0", [])])
def test_passwords_without_tls_are_worth_a_warning(listen: str, warnings: list[str], tmp_path: Path) -> None:
    """Beyond this machine, passwords that travel in the clear are told in the log, and still work."""
    app = AskedApp(listen=listen, web_config=web_file(tmp_path))
    with structlog.testing.capture_logs() as log, HttpServer(app.app):
        pass

    assert [line["event"] for line in log] == warnings


def test_after_stop_nobody_answers() -> None:
    """The port is free again."""
    served = HttpServer(local().app)
    served.start()
    was_up = served.is_up
    served.stop()

    assert (was_up, served.is_up) == (True, False)
    with pytest.raises(ConnectionRefusedError):
        connect(served)


def test_a_head_without_end_is_cut_off(serve: Serve) -> None:
    """Headers beyond what any client needs end the connection."""
    with connect(serve(local())) as stream:
        stream.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        stream.sendall(b"x" * (server.MOST_HEAD + 1000))
        answer = stream.recv(1000)

    assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"\x16\x03\x01\x00\x00",
        b"GET\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(request_line: bytes, serve: Serve) -> None:
    """No Host, two Hosts, a TLS greeting, half a line: an error, and the server goes on."""
    served = serve(local())
    with connect(served) as stream:
        stream.sendall(request_line)
        stream.shutdown(socket.SHUT_WR)
        answer = stream.recv(1000)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert status_of(served) == 200


def test_one_who_dawdles_is_dropped() -> None:
    """A request that doesn't arrive within its time loses its connection; nobody else waits."""
    with HttpServer(local().app, request_within=0.3) as served:
        with connect(served) as silent, connect(served) as slow, connect(served) as later:
            later.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert later.recv(1000).startswith(b"HTTP/1.1 200")
            later.sendall(b"GET /li")
            slow.sendall(b"GET / HTTP/1.1\r\n")
            for stream in (silent, slow, later):
                assert until_the_end(stream) == b""
        assert status_of(served) == 200


def until_the_end(stream: socket.socket) -> bytes:
    """What comes over a connection until the other side ends it."""
    found = b""
    try:
        while part := stream.recv(1000):
            found += part
    except ConnectionResetError:
        pass
    return found


def test_connections_are_counted(serve: Serve) -> None:
    """More connections than allowed are closed at once; when others end, there is room again."""
    served = serve(local())
    with ExitStack() as stack:
        held = [stack.enter_context(connect(served)) for _ in range(server.MOST_CONNECTIONS + 4)]
        give_up = time.monotonic() + PATIENCE_S
        closed = 0
        while closed < 4 and time.monotonic() < give_up:
            closed = sum(is_closed(stream) for stream in held)
        assert closed == 4
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        try:
            assert status_of(served) == 200
            break
        except OSError:
            continue


def is_closed(stream: socket.socket) -> bool:
    stream.setblocking(False)
    try:
        return stream.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def tls_file(folder: Path, identity: Identity, more: str = "") -> Path:
    text = f"tls_server_config: {{cert_file: {identity.certificate}, key_file: {identity.key}{more}}}\n"
    return web_file(folder, text)


def trusting(authority: Authority, client: Identity | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.ca_file)
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    return context


def shown_by(served: HttpServer, context: ssl.SSLContext) -> int:
    """The serial number of the certificate that the server shows to a new connection."""
    with connect(served) as stream, context.wrap_socket(stream, server_hostname="127.0.0.1") as wrapped:
        found = wrapped.getpeercert()
        assert found is not None
        return int(str(found["serialNumber"]), 16)


def test_it_speaks_tls(serve: Serve, tmp_path: Path) -> None:
    """With a certificate there is TLS of at least 1.2, and nothing else."""
    authority = Authority(tmp_path)
    served = serve(local(web_config=tls_file(tmp_path, authority.issue("127.0.0.1"))))

    assert served.scheme == "https"
    assert status_of(served, context=trusting(authority)) == 200
    with pytest.raises((OSError, http.client.HTTPException)):
        status_of(served)


def test_a_renewed_certificate_is_used_without_a_restart(serve: Serve, tmp_path: Path) -> None:
    """The next connection after the files changed sees the new certificate; one that is open goes on."""
    authority = Authority(tmp_path / "ca")
    first, second = authority.issue("127.0.0.1"), authority.issue("127.0.0.1")
    used = Identity(tmp_path / "tls.crt", tmp_path / "tls.key")
    app = local(web_config=tls_file(tmp_path, copied(first, used)))
    served, context = serve(app), trusting(authority)
    before = shown_by(served, context)
    connection = http.client.HTTPSConnection(served.address, timeout=PATIENCE_S, context=context)
    with closing(connection):
        connection.request("GET", "/livez")
        connection.getresponse().read()
        copied(second, used)
        app.app.refresh()
        after = shown_by(served, context)
        connection.request("GET", "/livez")
        assert connection.getresponse().status == 200

    assert before != after


def copied(identity: Identity, to: Identity) -> Identity:
    to.certificate.write_bytes(identity.certificate.read_bytes())
    to.key.write_bytes(identity.key.read_bytes())
    return to


def test_a_client_must_show_its_certificate(serve: Serve, tmp_path: Path) -> None:
    """With RequireAndVerifyClientCert only who has a certificate of that authority is answered."""
    authority = Authority(tmp_path)
    client = authority.issue("ada", usages=[ExtendedKeyUsageOID.CLIENT_AUTH])
    more = f", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {authority.ca_file}"
    path = tls_file(tmp_path, authority.issue("127.0.0.1"), more)
    served = serve(AskedApp(listen="127.0.0.1:0", actions=True, web_config=path))

    assert status_of(served, "/", trusting(authority, client)) == 200
    with pytest.raises((OSError, http.client.HTTPException)):
        status_of(served, "/", trusting(authority))


def test_files_are_looked_at_by_themselves(serve: Serve, tmp_path: Path) -> None:
    """Nobody has to say that a file has changed: within seconds the new one is in force."""
    path = web_file(tmp_path)
    app = local(web_config=path)
    served = serve(app)
    before = app.app.web.now
    web_file(tmp_path)
    give_up = time.monotonic() + PATIENCE_S
    while app.app.web.now is before and time.monotonic() < give_up:
        assert status_of(served) == 200

    assert app.app.web.now is not before


@pytest.mark.parametrize("listen", ["127.0.0.1:9780", "[::1]:0", "0.0.0.0:80", "localhost:1"])
def test_an_address_and_a_port_can_be_listened_on(listen: str) -> None:
    """IPv4, IPv6 in brackets, and localhost."""
    assert HttpSettings(listen=listen).listen == listen


@pytest.mark.parametrize("listen", ["9780", "::1:9780", "example.com:80", "127.0.0.1", "127.0.0.1:x", "1.2.3.4:70000"])
def test_anything_else_is_no_address(listen: str) -> None:
    """What can't be listened on is said with an example."""
    with pytest.raises(ValueError, match=r"expected an address and a port such as 127\.0\.0\.1:9780"):
        HttpSettings(listen=listen)
