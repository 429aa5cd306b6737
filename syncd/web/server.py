"""Serves the application on a thread of its own, and lets nobody hold it up.

Every connection has a deadline in whatever it does: to send its request, to be answered, to take the answer.
"""

import asyncio
import logging
import socket
import threading
import time
from functools import partial
from types import TracebackType
from typing import Any, Self

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from syncd.errors import ConfigurationError
from syncd.web.app import Application
from syncd.web.settings import split_listen
from syncd.web.web_config import renewable

#: The largest head of a request, in bytes.
MOST_HEAD = 16_384
#: Open connections; what comes beyond is closed at once.
MOST_CONNECTIONS = 256
#: How long a request may take to arrive, in seconds.
REQUEST_WITHIN = 10.0
#: How long an answer may take to be made and to be taken.
ANSWER_WITHIN = 60.0
_START_SECONDS = 10.0
_STOP_SECONDS = 5.0
#: How often the files of the web configuration are looked at.
_REFRESH_SECONDS = 2


class Punctual(H11Protocol):
    """HTTP/1.1, with a deadline for each thing that a connection may do.

    uvicorn's own only covers the time between two requests; without these, a few hundred clients that send a
    byte a minute would keep everybody else out.
    """

    def __init__(self, *arguments: Any, request_within: float, **named: Any) -> None:  # noqa: ANN401 - its base's own
        super().__init__(*arguments, **named)
        self._request_within = request_within
        self._deadline: asyncio.TimerHandle | None = None
        self._receiving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base has it
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
        else:
            self._until(self._request_within)

    def data_received(self, data: bytes) -> None:
        if not self._receiving:
            self._receiving = True
            self._until(self._request_within)
        super().data_received(data)
        if self._receiving and self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._receiving = False
            self._until(ANSWER_WITHIN)

    def on_response_complete(self) -> None:
        self._receiving = False
        self._until(ANSWER_WITHIN)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _until(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)


class HttpServer:
    """Serves *app* on a thread, from `start` to `stop`; also a context manager.

    A request must arrive within *request_within* seconds.
    """

    def __init__(self, app: Application, *, request_within: float = REQUEST_WITHIN) -> None:
        self._app = app
        self._protocol: Any = partial(Punctual, request_within=request_within)
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        #: Host and port that answer, known after `start`.
        self.address = ""

    def start(self) -> None:
        """Begin to answer.

        Raises:
            ConfigurationError: the address can't be had.
        """
        self._socket = self._bind()
        settings, web = self._app.settings, self._app.web.now
        if web.settings.asks and web.tls is None and not settings.is_local:
            reason = "passwords and tokens travel without TLS: set tls_server_config in http.web_config"
            self._app.event("http_plaintext_allowed", listen=settings.listen, reason=reason)
        host, port = self._socket.getsockname()[:2]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._server = uvicorn.Server(self._config())
        arguments = {"sockets": [self._socket]}
        self._thread = threading.Thread(target=self._server.run, kwargs=arguments, name="http", daemon=True)
        self._thread.start()
        give_up = time.monotonic() + _START_SECONDS
        while not self._server.started and self._thread.is_alive() and time.monotonic() < give_up:
            self._thread.join(0.005)

    def stop(self) -> None:
        """End, and wait for that."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_STOP_SECONDS)
        if self._socket is not None:
            self._socket.close()

    @property
    def is_up(self) -> bool:
        """Whether it answers."""
        return self._server is not None and self._server.started and not self._server.should_exit

    @property
    def scheme(self) -> str:
        """`https` with a certificate, else `http`."""
        return "http" if self._app.web.now.tls is None else "https"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _config(self) -> uvicorn.Config:
        more: dict[str, Any] = {}
        if self._app.web.now.tls is not None:
            more["ssl_context_factory"] = lambda _config, _default: renewable(lambda: self._app.web)
        return uvicorn.Config(
            self._app,
            http=self._protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            # What strangers send wrongly is no news: a line for each would fill the log.
            log_level=logging.ERROR,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=MOST_HEAD,
            callback_notify=self._refresh,
            timeout_notify=_REFRESH_SECONDS,
            **more,
        )

    async def _refresh(self) -> None:
        try:
            await asyncio.to_thread(self._app.refresh)
        except Exception as error:  # noqa: BLE001 - a defect here must not end the server
            self._app.event("web_config_rejected", error_type=type(error).__name__, exc_info=error)

    def _bind(self) -> socket.socket:
        listen = self._app.settings.listen
        host, port = split_listen(listen)
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            return socket.create_server(address, family=family, backlog=64)
        except OSError as error:
            message = f"http.listen: {listen} can't be used: {error.strerror}"
            hint = "another syncd may run here; choose another port, or 127.0.0.1:0 for any free one"
            raise ConfigurationError(message, hint=hint) from error
