"""What is answered: metrics, health, the status page; and one thing that may be asked to happen.

Nothing here asks the source, the service or the store: a scrape never waits for them (`ops.md` OPS-5). The
handlers read the board, the probes and the registry, and what they call must not block.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import parse_qs

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from syncd.errors import ConfigurationError
from syncd.telemetry.board import Board
from syncd.telemetry.http.door import KNOWN, SYNC, Door, Rules, is_from_elsewhere
from syncd.telemetry.http.lamps import icon
from syncd.telemetry.http.page import Shown, policy, render_asked, render_organization, render_overview
from syncd.telemetry.http.passwords import Gatekeeper
from syncd.telemetry.http.web import ReadWeb, WebConfiguration
from syncd.telemetry.settings import HttpSettings

#: Name of a thing that must be so -> whether it is. Must not block.
Checks = Callable[[], Mapping[str, bool]]
#: Asks for a cycle of the organization of that name, or of each; returns the names. KeyError: there is none.
Sync = Callable[[str | None], tuple[str, ...]]
#: The largest form that is read, in bytes: one name.
MOST_BODY = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What `/livez`, `/readyz` and `/startupz` look at."""

    live: Checks
    ready: Checks
    started: Checks


class Application:
    """The ASGI application; made by `make_app`."""

    def __init__(self, answers: "_Answers", rules: Rules, read_web: ReadWeb) -> None:
        self._answers = answers
        self._rules = rules
        self._read_web = read_web
        self._door = Door(Starlette(routes=answers.routes()), lambda: self._rules, Gatekeeper())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door(scope, receive, send)

    @property
    def settings(self) -> HttpSettings:
        """The settings that are in force."""
        return self._rules.settings

    @property
    def web(self) -> WebConfiguration:
        """TLS and authentication that are in force."""
        return self._rules.web

    def refresh(self) -> None:
        """Look whether a file of the web configuration has changed."""
        self._rules.web.refresh()

    def prepare(self, settings: HttpSettings) -> Callable[[], None]:
        """Check *settings* of a reload; return what brings them into force.

        Raises:
            ConfigurationError: they can't be used, or not without a restart.
        """
        if settings.listen != self.settings.listen:
            message = f"http.listen can't change while syncd runs: it answers on {self.settings.listen}"
            raise ConfigurationError(message, hint=f"restart syncd to answer on {settings.listen}")
        web = WebConfiguration(settings, self._read_web)
        self.web.check_tls(web.now)
        rules = Rules(settings=settings, web=web)

        def swap() -> None:
            self._rules = rules
            self._answers.settings = settings

        return swap


def make_app(
    registry: CollectorRegistry,
    probes: Probes,
    settings: HttpSettings,
    *,
    board: Board,
    sync: Sync | None,
    read_web: ReadWeb,
) -> Application:
    """Return the application; *read_web* reads the file that `http.web_config` names.

    Raises:
        ConfigurationError: that file can't be used, or too much would be shown to strangers.
    """
    rules = Rules(settings=settings, web=WebConfiguration(settings, read_web))
    return Application(_Answers(registry, probes, settings, board, sync), rules, read_web)


class _Answers:
    """The handlers. What takes a moment to write (metrics, pages) is written on a worker thread, by Starlette."""

    def __init__(
        self, registry: CollectorRegistry, probes: Probes, settings: HttpSettings, board: Board, sync: Sync | None
    ) -> None:
        self._registry = registry
        self._probes = probes
        self._board = board
        self._sync = sync
        self.settings = settings

    def routes(self) -> list[Route]:
        return [
            Route("/livez", self.live),
            Route("/readyz", self.ready),
            Route("/startupz", self.started),
            Route("/metrics", self.metrics),
            Route("/", self.overview),
            Route("/organizations/{name:path}", self.organization),
            Route("/icon/{light}.svg", self.icon),
            Route(SYNC, self.sync, methods=["POST"]),
        ]

    async def live(self, request: Request) -> Response:
        return _probe(self._probes.live(), request, "not alive")

    async def ready(self, request: Request) -> Response:
        return _probe(self._probes.ready(), request, "not ready")

    async def started(self, request: Request) -> Response:
        return _probe(self._probes.started(), request, "not started")

    def metrics(self, request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self._registry), headers={"content-type": content_type})

    def overview(self, _request: Request) -> Response:
        return self._page(render_overview(self._board.snapshot(), self._shown()))

    def organization(self, request: Request) -> Response:
        status = self._board.snapshot()
        name = request.path_params["name"]
        found = next((one for one in status.organizations if one.name == name), None)
        if found is None:
            raise HTTPException(404, "There is no organization of this name here; / shows all.\n")
        return self._page(render_organization(found, self._shown()))

    def icon(self, request: Request) -> Response:
        text = icon(request.path_params["light"])
        if text is None:
            raise HTTPException(404)
        return Response(text, media_type="image/svg+xml")

    async def sync(self, request: Request) -> Response:
        if not self.settings.actions or self._sync is None:
            text = "Nothing can be asked of syncd here. To allow it, set http.actions to true; or: syncd sync\n"
            return PlainTextResponse(text, 404)
        if is_from_elsewhere(request.headers):
            return PlainTextResponse("This was sent by a page of another site, so nothing was done.\n", 403)
        name = await _organization(request)
        try:
            names = self._sync(name)
        except KeyError:
            known = [one.name for one in self._board.snapshot().organizations]
            near = get_close_matches(name or "", known, 1)
            hint = f"did you mean {near[0]}?" if near else "/ shows all."
            return PlainTextResponse(f"There is no organization of this name here; {hint}\n", 404)
        if "text/html" in request.headers.get("accept", ""):
            return self._page(render_asked(names, self._shown(), self._board.snapshot().as_of), 202)
        return PlainTextResponse("".join(f"{each}\n" for each in names), 202)

    def _shown(self) -> Shown:
        checks = (self._probes.live(), self._probes.ready(), self._probes.started())
        return Shown(
            personal_data=self.settings.personal_data,
            actions=self.settings.actions and self._sync is not None,
            missing=tuple(dict.fromkeys(name for state in checks for name, good in state.items() if not good)),
        )

    def _page(self, text: str, status: int = 200) -> Response:
        headers = {"content-security-policy": policy(actions=self.settings.actions)}
        return Response(text, status, headers=headers, media_type="text/html")


def _probe(state: Mapping[str, bool], request: Request, otherwise: str) -> Response:
    good = all(state.values())
    lines = [f"[{'+' if up else '-'}] {name}\n" for name, up in state.items()]
    details = getattr(request.state, KNOWN, False) and ("verbose" in request.query_params or not good)
    text = "ok\n" if good else f"{otherwise}\n"
    return PlainTextResponse("".join([*lines, text]) if details else text, 200 if good else 503)


async def _organization(request: Request) -> str | None:
    """Return the name in the form or the query; None: there is none, so all are meant."""
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MOST_BODY:
                raise HTTPException(413, f"The form is larger than {MOST_BODY} bytes.\n")
    except ClientDisconnect:
        raise HTTPException(400) from None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if body and kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "Send application/x-www-form-urlencoded, or organization=NAME in the query.\n")
    try:
        form = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=8)
    except ValueError:
        raise HTTPException(400, "This is no form.\n") from None
    names = [*form.get("organization", ()), *request.query_params.getlist("organization")]
    if len(set(names)) > 1 or set(form) - {"organization"}:
        raise HTTPException(400, "Write organization=NAME once, or leave it out for all.\n")
    return names[0] if names else None
