"""Receivers of notices on this machine: an HTTP server and a mail server, well-behaved or not."""

import base64
import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, cast

from tests.fakes.authority import Identity

Manner = Literal["answer", "hang", "drip", "refuse"]


@dataclass(frozen=True, slots=True)
class Got:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """What came, and how the next requests are answered: *statuses* in turn, the last one for ever."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    statuses: list[int] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    manner: Manner = "answer"
    ended: threading.Event = field(default_factory=threading.Event)

    def status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


class _Http(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        receiver: Receiver = cast("Any", self.server).receiver
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        receiver.got.append(Got(self.command, self.path, dict(self.headers.items()), body))
        if receiver.manner == "hang":
            receiver.ended.wait(30)
            return
        if receiver.manner == "drip":
            for character in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 600:
                if receiver.ended.wait(0.05):
                    return
                self.wfile.write(bytes([character]))
            return
        self.send_response(receiver.status())
        for name, value in receiver.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(receiver.body)))
        self.end_headers()
        self.wfile.write(receiver.body)

    do_GET = _answer  # noqa: N815 - http.server's name
    do_POST = _answer  # noqa: N815 - http.server's name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is what some tests want."""


@contextmanager
def receiver(identity: Identity | None = None, *, host: str = "127.0.0.1") -> Iterator[Receiver]:
    """Serve HTTP, with TLS where there is an *identity*, until the end of the block."""
    with _Server((host, 0), _Http) as server:
        if identity is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(identity.certificate, identity.key)
            # Shaken hands within the handler's thread: who never finishes stops nobody else.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.receiver = Receiver(url=f"{'https' if identity else 'http'}://localhost:{server.server_port}/hook")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.receiver
        finally:
            server.receiver.ended.set()
            server.shutdown()


@contextmanager
def nobody() -> Iterator[int]:
    """A port on which nobody listens, held so that nobody else gets it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


@contextmanager
def silence() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield int(held.getsockname()[1])


@dataclass(slots=True)
class Mailbox:
    """What came by mail, and how the server behaves."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    offers_starttls: bool = True
    recipient_code: int = 250
    login_code: int = 235


class _Smtp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = cast("_MailServer", self.server)
        with contextlib.suppress(OSError, ssl.SSLError):
            if server.implicit:
                self._encrypt(server.context)
            self._talk(server)
        self.rfile.close()
        self.connection.close()

    def _talk(self, server: "_MailServer") -> None:
        box = server.box
        self._say("220 mail.planetexpress.example")
        while line := self.rfile.readline().decode().strip():
            verb = line.partition(" ")[0].upper()
            if verb == "EHLO":
                offers = ["STARTTLS"] if box.offers_starttls and not self._is_encrypted else []
                lines = ["mail.planetexpress.example", "AUTH PLAIN", *offers]
                for each in lines[:-1]:
                    self._say(f"250-{each}")
                self._say(f"250 {lines[-1]}")
            elif verb == "STARTTLS":
                self._say("220 go ahead")
                self._encrypt(server.context)
            elif verb == "AUTH":
                box.logins.append(base64.b64decode(line.split()[-1]).decode())
                self._say(f"{box.login_code} as you say")
            elif verb == "RCPT":
                self._say(f"{box.recipient_code} for {line}")
            elif verb == "DATA":
                self._say("354 go on")
                self._take(box)
                self._say("250 taken")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _take(self, box: Mailbox) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        box.mails.append(b"".join(lines))
        box.was_encrypted.append(self._is_encrypted)

    def _encrypt(self, context: ssl.SSLContext | None) -> None:
        assert context is not None
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")

    def _say(self, text: str) -> None:
        self.connection.sendall(f"{text}\r\n".encode())

    @property
    def _is_encrypted(self) -> bool:
        return isinstance(self.connection, ssl.SSLSocket)


class _MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    box: Mailbox
    context: ssl.SSLContext | None = None
    implicit = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is what some tests want."""


@contextmanager
def mail_server(identity: Identity | None = None, *, implicit: bool = False) -> Iterator[Mailbox]:
    """Serve SMTP; *implicit* TLS from the first byte on, else STARTTLS where there is an *identity*."""
    with _MailServer(("127.0.0.1", 0), _Smtp) as server:
        server.box = Mailbox(port=server.server_address[1], offers_starttls=identity is not None)
        server.implicit = implicit
        if identity is not None:
            server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.context.load_cert_chain(identity.certificate, identity.key)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server.box
        finally:
            server.shutdown()
