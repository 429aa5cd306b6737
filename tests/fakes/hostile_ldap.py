"""A server that nobody should talk to: it notes everything that it hears, and lies as it is told."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from tests.fakes.authority import Identity
from tests.fakes.ber import bind_response, extended_response, request_of

START_TLS = b"1.3.6.1.4.1.1466.20037"


@dataclass(kw_only=True)
class HostileLdap:
    """Answers every bind with success.

    *identity* is its certificate. *start_tls* says how it answers StartTLS: by TLS, by refusing it, by `strip`ping it
    (success, and then it goes on in clear text), by `inject`ing another answer behind the success. *newest* limits the
    version of TLS. *reply* answers everything else than StartTLS. *heard* is every byte of an
    application that came, in clear text or decrypted.
    """

    identity: Identity | None = None
    tls_from_start: bool = False
    start_tls: Literal["tls", "refuse", "strip", "inject"] = "tls"
    newest: ssl.TLSVersion | None = None
    reply: Callable[[bytes], bytes] | None = None
    heard: bytearray = field(default_factory=bytearray)
    connections: int = 0
    _listener: socket.socket = field(init=False, repr=False)
    _open: list[socket.socket] = field(default_factory=list, repr=False)
    _threads: list[threading.Thread] = field(default_factory=list, repr=False)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._spawn(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(timeout=5)
        for each in self._open:
            each.close()

    def _spawn(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                self._open.append(client)
                self._spawn(self._talk, client)

    def _talk(self, client: socket.socket) -> None:
        with suppress(OSError):
            if self.tls_from_start:
                client = self._secured(client)
            while data := client.recv(65536):
                self.heard += data
                if data[:1] != b"0":
                    # No LDAP: a handshake where none was agreed on.
                    continue
                identity, _ = request_of(data)
                if START_TLS in data:
                    client = self._started(client, identity)
                elif self.reply is not None:
                    client.sendall(self.reply(data))
                else:
                    client.sendall(bind_response(identity, 0))

    def _started(self, client: socket.socket, identity: int) -> socket.socket:
        if self.start_tls == "refuse":
            client.sendall(extended_response(identity, 2, "no StartTLS here"))
            return client
        answer = extended_response(identity, 0)
        if self.start_tls == "inject":
            answer += bind_response(identity + 1, 0)
        client.sendall(answer)
        return client if self.start_tls == "strip" else self._secured(client)

    def _secured(self, client: socket.socket) -> socket.socket:
        if self.identity is None:
            return client
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.identity.certificate, self.identity.key)
        if self.newest is not None:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = self.newest
        secured = context.wrap_socket(client, server_side=True)
        self._open.append(secured)
        return secured
