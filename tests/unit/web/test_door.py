"""Who may come in."""

import asyncio
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from syncd.web.door import MOST_AT_ONCE, Door, DoorRules
from syncd.web.passwords import Gatekeeper
from syncd.web.settings import HttpSettings
from syncd.web.web_config import WebConfiguration
from syncd.wiring import read_web_settings
from tests.fakes.apps import AskedApp, basic, bearer, log, web_file


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
        ("syncd.corp.example.evil.example", 421),
    ],
)
@pytest.mark.parametrize("path", ["/metrics", "/livez", "/"])
def test_a_name_that_nobody_configured_is_refused(host: str, status: int, path: str) -> None:
    """A page in a browser can't read the service under a name of its own (DNS rebinding)."""
    assert AskedApp(hosts=("syncd.corp.example",)).get(path, {"host": host}).status_code == status


@pytest.mark.parametrize("path", ["/", "/metrics", "/organizations/planetexpress", "/icon/failing.svg", "/nowhere"])
def test_with_authentication_only_who_is_known_comes_in(path: str, tmp_path: Path) -> None:
    """A password and a token open; without either, the answer says which of the two is taken."""
    app = AskedApp(web_config=web_file(tmp_path))

    refused = app.get(path)
    assert refused.status_code == 401
    assert refused.headers.get_list("www-authenticate") == [
        'Basic realm="syncd", charset="UTF-8"',
        'Bearer realm="syncd"',
    ]
    assert "planetexpress" not in refused.text
    assert app.get(path, basic()).status_code != 401
    assert app.get(path, bearer()).status_code != 401


@pytest.mark.parametrize(
    "header",
    [
        basic(password="wrong"),
        basic(name="eve"),
        basic(name="", password=""),
        bearer("wrong"),
        bearer(""),
        {"authorization": "Basic"},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic YWRh"},
        {"authorization": "Basic /////w=="},
        {"authorization": "Digest username=ada"},
        {"authorization": "bearer\t"},
    ],
)
def test_anything_else_stays_outside(header: dict[str, str], tmp_path: Path) -> None:
    """A wrong password, a name nobody has, a header that is none: 401, and never an error of ours."""
    assert AskedApp(web_config=web_file(tmp_path)).get("/", header).status_code == 401


def test_a_token_alone_asks_for_no_password(tmp_path: Path) -> None:
    """Where only tokens are configured, a browser isn't made to ask for a name."""
    path = web_file(tmp_path, f"bearer_token_hashes: {{ci: {'0' * 64}}}\n")

    refused = AskedApp(web_config=path).get()

    assert refused.headers.get_list("www-authenticate") == ['Bearer realm="syncd"']


def test_too_much_at_a_time_is_put_off_but_probes_are_not() -> None:
    """Requests beyond what is worked on at a time get 503 at once; a probe among them is answered."""
    asked = AskedApp()
    settings = HttpSettings()
    rules = DoorRules(settings=settings, web=WebConfiguration(settings, read_web_settings, log))
    asked.asgi = Door(Held(), lambda: rules, Gatekeeper())
    pages = [("GET", "/", None, b"")] * (MOST_AT_ONCE + 8)

    answers = asked.ask_together(*pages, ("GET", "/livez", None, b""))
    again = asked.get()

    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(503)) == (MOST_AT_ONCE + 1, 8)
    assert (statuses[-1], again.status_code) == (200, 200)


class Held:
    """An application that answers nobody before it was asked whether it is alive."""

    def __init__(self) -> None:
        self._probed = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/livez":
            self._probed.set()
        await self._probed.wait()
        await PlainTextResponse("done")(scope, receive, send)
