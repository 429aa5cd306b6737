"""A TCP proxy that knows where LDAP messages end: it cuts, truncates, delays, splits and rewrites."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

#: Given the number of a message (from 0, over all connections) and its bytes, returns what is sent instead.
Rewrite = Callable[[int, bytes], Sequence[bytes]]


@dataclass(kw_only=True)
class ByteProxy:
    """Stands before the server on *upstream*; `with` starts and stops it.

    The connection is cut after *cut_after* messages of the server; of the next one, *truncate_to* bytes are still sent.
    *piece* sends every message in pieces of so many bytes, *delay* waits so many seconds before each message.
    Messages are counted over all connections.
    """

    upstream: int
    cut_after: int | None = None
    truncate_to: int = 0
    rewrite: Rewrite | None = None
    piece: int = 0
    delay: float = 0.0
    messages: int = 0
    from_clients: bytearray = field(default_factory=bytearray)
    _listener: socket.socket = field(init=False, repr=False)
    _open: list[socket.socket] = field(default_factory=list, repr=False)
    _threads: list[threading.Thread] = field(default_factory=list, repr=False)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

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
                server = socket.create_connection(("127.0.0.1", self.upstream))
                for each in (client, server):
                    # Or small messages wait for acknowledgements, 40 ms each.
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open += [client, server]
                self._spawn(self._upwards, client, server)
                self._spawn(self._downwards, server, client)

    def _upwards(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                self.from_clients += data
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _downwards(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            for message in _messages(server):
                number, self.messages = self.messages, self.messages + 1
                if self.delay:
                    threading.Event().wait(self.delay)
                if self.cut_after is not None and number >= self.cut_after:
                    client.sendall(message[: self.truncate_to])
                    break
                for part in self.rewrite(number, message) if self.rewrite else (message,):
                    self._send(client, part)
            client.shutdown(socket.SHUT_RDWR)

    def _send(self, client: socket.socket, message: bytes) -> None:
        size = self.piece or len(message) or 1
        for at in range(0, len(message), size):
            client.sendall(message[at : at + size])


def _messages(server: socket.socket) -> Iterator[bytes]:
    data = b""
    while received := server.recv(65536):
        data += received
        while (size := _size(data)) and len(data) >= size:
            yield data[:size]
            data = data[size:]


def _size(data: bytes) -> int:
    """The size of the message that *data* begins with, 0 if that is not there yet."""
    if len(data) < 2:
        return 0
    if data[1] < 0x80:
        return data[1] + 2
    count = data[1] & 0x7F
    return 2 + count + int.from_bytes(data[2 : 2 + count]) if len(data) >= 2 + count else 0
