"""`/metrics`, `/livez` and `/readyz` over HTTP, read-only, on a thread of its own.

Nothing here asks the source, the service or the store: a scrape never waits for them (`ops.md` OPS-5).
A name in the Host header must be known, so that a page in somebody's browser can't read this service by
pointing a name of its own at it (`ops.md` SEC-10).
"""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import uvicorn
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from syncd.errors import ConfigurationError
from syncd.telemetry.settings import HttpSettings, is_loopback, split_listen

#: Name of a thing that must be up -> whether it is.
Checks = Callable[[], Mapping[str, bool]]
_START_SECONDS = 10.0
_STOP_SECONDS = 5.0


def make_app(registry: CollectorRegistry, checks: Checks, settings: HttpSettings) -> ASGIApp:
    """Return the application; *checks* decide whether `/readyz` says yes."""

    def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=None, headers={"content-type": content_type})

    def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    def ready(request: Request) -> Response:
        state = checks()
        good = all(state.values())
        text = "ok\n" if good else "not ready\n"
        if "verbose" in request.query_params or not good:
            lines = [f"[{'+' if up else '-'}] {name}\n" for name, up in state.items()]
            text = "".join([*lines, text])
        return PlainTextResponse(text, status_code=200 if good else 503)

    routes = [Route("/metrics", metrics), Route("/livez", alive), Route("/readyz", ready)]
    return _Door(Starlette(routes=routes), settings.hosts)


class _Door:
    """Lets in who may come in: GET and HEAD, under a known name."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self._app = app
        self._hosts = frozenset(host.casefold() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = _without_port(Headers(scope=scope).get("host", ""))
        if not (_is_address(host) or is_loopback(host) or host.casefold() in self._hosts):
            text = "This name is not known here; add it to http.hosts.\n"
            await PlainTextResponse(text, status_code=421)(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            answer = PlainTextResponse("Only GET and HEAD.\n", status_code=405, headers={"allow": "GET, HEAD"})
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, UnicodeError):
            continue
        return True
    return False


class HttpServer:
    """Serves an application on a thread, from `start` to `stop`; also a context manager."""

    def __init__(self, app: ASGIApp, settings: HttpSettings) -> None:
        self._listen = settings.listen
        self._app = app
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
        host, port = self._socket.getsockname()[:2]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_keep_alive=5,
            limit_concurrency=64,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
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

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _bind(self) -> socket.socket:
        host, port = split_listen(self._listen)
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            return socket.create_server(address, family=family, backlog=64)
        except OSError as error:
            message = f"http.listen: {self._listen} can't be used: {error.strerror}"
            hint = "another syncd may run here; choose another port, or 127.0.0.1:0 for any free one"
            raise ConfigurationError(message, hint=hint) from error
