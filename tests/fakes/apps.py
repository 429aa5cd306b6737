"""The HTTP application with everything it reads at hand, asked in memory."""

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bcrypt
import httpx
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.exposition import choose_encoder
from starlette.types import ASGIApp

from syncd.status.board import Board
from syncd.status.pages import StatusPages
from syncd.telemetry.logs import get_logger, log_event
from syncd.web.app import Application, Probes, make_app
from syncd.web.settings import HttpSettings
from syncd.wiring import read_web_settings
from tests.fakes.boards import board_of, in_sync

#: Method, path, headers, and a body or a form.
Request = tuple[str, str, Mapping[str, str] | None, Mapping[str, str] | bytes]
PASSWORD = "correct horse battery staple"
TOKEN = "t0ken-1f2e3d4c5b6a"


def bcrypt_hash(password: str = PASSWORD) -> str:
    """The cheapest hash of *password*: a test has no time."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def web_file(folder: Path, text: str = "", *, name: str = "web.yml") -> Path:
    """A web configuration: *text*, or one user (ada) and one token."""
    path = folder / name
    token = hashlib.sha256(TOKEN.encode()).hexdigest()
    path.write_text(
        text or f"basic_auth_users: {{ada: {bcrypt_hash()}}}\nbearer_token_hashes: {{grafana: {token}}}\n",
        encoding="utf-8",
    )
    return path


def basic(name: str = "ada", password: str = PASSWORD) -> dict[str, str]:
    """The header with which a browser says who asks."""
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def bearer(token: str = TOKEN) -> dict[str, str]:
    """The header with which a program says who asks."""
    return {"authorization": f"Bearer {token}"}


def log(name: str, **fields: object) -> None:
    """Log what a server says, as syncd does."""
    log_event(get_logger(), name, **fields)


class AskedApp:
    """An application of *settings* over *board*; `get` and `post` ask it from the address *client*.

    *checks* is what all three probes look at, *asked* collects what a cycle was asked for.
    """

    def __init__(self, board: Board | None = None, *, client: str = "127.0.0.1", **settings: Any) -> None:  # noqa: ANN401 - those of HttpSettings
        self.checks = {"configuration": True, "store": True}
        self.asked: list[str | None] = []
        self.board = board or board_of(in_sync())
        self.registry = CollectorRegistry()
        Counter("syncd_cycles", "Cycles.", registry=self.registry).inc()
        self.app: Application = make_app(
            HttpSettings(**settings),
            Probes(live=lambda: self.checks, ready=lambda: self.checks, started=lambda: self.checks),
            metrics=self.exposition,
            pages=StatusPages(self.board),
            sync=self.sync,
            read_web=read_web_settings,
            event=log,
        )
        #: What is asked: the application, or what a test puts in its place.
        self.asgi: ASGIApp = self.app
        self._client = client

    def exposition(self, accept: str) -> tuple[bytes, str]:
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def sync(self, name: str | None) -> tuple[str, ...]:
        self.asked.append(name)
        names = tuple(one.name for one in self.board.snapshot().organizations)
        if name is not None and name not in names:
            raise KeyError(name)
        return names if name is None else (name,)

    def get(self, path: str = "/", headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.ask("GET", path, headers)

    def post(
        self, path: str = "/-/sync", headers: Mapping[str, str] | None = None, data: Mapping[str, str] | bytes = b""
    ) -> httpx.Response:
        return self.ask("POST", path, headers, data)

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, data: Mapping[str, str] | bytes = b""
    ) -> httpx.Response:
        (answer,) = self.ask_together((method, path, headers, data))
        return answer

    def ask_together(self, *requests: Request) -> list[httpx.Response]:
        """Send all *requests* at the same time; return their answers in the same order."""

        async def send() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.asgi, client=(self._client, 50_000))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9780") as client:
                return list(await asyncio.gather(*(client.send(_request(client, *each)) for each in requests)))

        return asyncio.run(send())


def _request(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    headers: Mapping[str, str] | None,
    data: Mapping[str, str] | bytes,
) -> httpx.Request:
    if isinstance(data, bytes):
        return client.build_request(method, path, headers=headers, content=data)
    return client.build_request(method, path, headers=headers, data=data)
