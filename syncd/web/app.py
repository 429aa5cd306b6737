"""What is answered: metrics, health, the status page; and one thing that may be asked to happen.

Nothing here asks the source, the service or the store: a scrape never waits for them (`ops.md` OPS-5). The
handlers are given what knows the answers (metrics, probes, pages), and what they call must not block.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from syncd.errors import ConfigurationError
from syncd.model.status import Shown
from syncd.web.door import KNOWN, SYNC, Door, DoorRules, is_from_elsewhere
from syncd.web.passwords import Gatekeeper
from syncd.web.settings import HttpSettings
from syncd.web.web_config import Event, ReadWeb, WebConfiguration

#: Name of a thing that must be so -> whether it is. Must not block.
Checks = Callable[[], Mapping[str, bool]]
#: Asks for a cycle of the organization of that name, or of each; returns the names. KeyError: there is none.
Sync = Callable[[str | None], tuple[str, ...]]
#: Returns all metrics and their content type, in the format that an Accept header asks for.
Metrics = Callable[[str], tuple[bytes, str]]
#: The largest form that is read, in bytes: one name.
MOST_BODY = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What `/livez`, `/readyz` and `/startupz` look at."""

    live: Checks
    ready: Checks
    started: Checks


class StatusPages(Protocol):
    """The status page: HTML for people. Nothing here may block."""

    @property
    def names(self) -> tuple[str, ...]:
        """The organizations that have a page."""
        ...

    def overview(self, shown: Shown) -> str:
        """Return the page over all organizations."""
        ...

    def organization(self, name: str, shown: Shown) -> str | None:
        """Return the page of the organization *name*; None: there is none."""
        ...

    def asked(self, names: Sequence[str], shown: Shown) -> str:
        """Return the page that answers whoever asked for a cycle of *names*."""
        ...

    def policy(self, *, actions: bool) -> str:
        """Return the Content-Security-Policy of each page."""
        ...

    def icon(self, light: str) -> str | None:
        """Return the picture of *light* as SVG; None: there is no such light."""
        ...


class Application:
    """The ASGI application; made by `make_app`. *event* is told what is worth a line in the log."""

    def __init__(self, answers: "_Answers", rules: DoorRules, read_web: ReadWeb, event: Event) -> None:
        self.event = event
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
        web = WebConfiguration(settings, self._read_web, self.event)
        self.web.check_tls(web.now)
        rules = DoorRules(settings=settings, web=web)

        def swap() -> None:
            self._rules = rules
            self._answers.settings = settings

        return swap


def make_app(
    settings: HttpSettings,
    probes: Probes,
    *,
    metrics: Metrics,
    pages: StatusPages,
    sync: Sync | None,
    read_web: ReadWeb,
    event: Event,
) -> Application:
    """Return the application; *read_web* reads the file that `http.web_config` names, *event* writes the log.

    Raises:
        ConfigurationError: that file can't be used, or too much would be shown to strangers.
    """
    rules = DoorRules(settings=settings, web=WebConfiguration(settings, read_web, event))
    return Application(_Answers(settings, probes, metrics, pages, sync), rules, read_web, event)


class _Answers:
    """The handlers. What takes a moment to write (metrics, pages) is written on a worker thread, by Starlette."""

    def __init__(
        self, settings: HttpSettings, probes: Probes, metrics: Metrics, pages: StatusPages, sync: Sync | None
    ) -> None:
        self.settings = settings
        self._probes = probes
        self._metrics = metrics
        self._pages = pages
        self._sync = sync

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
        text, content_type = self._metrics(request.headers.get("accept", ""))
        return Response(text, headers={"content-type": content_type})

    def overview(self, _request: Request) -> Response:
        return self._page(self._pages.overview(self._shown()))

    def organization(self, request: Request) -> Response:
        text = self._pages.organization(request.path_params["name"], self._shown())
        if text is None:
            raise HTTPException(404, "There is no organization of this name here; / shows all.\n")
        return self._page(text)

    def icon(self, request: Request) -> Response:
        text = self._pages.icon(request.path_params["light"])
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
            near = get_close_matches(name or "", self._pages.names, 1)
            hint = f"did you mean {near[0]}?" if near else "/ shows all."
            return PlainTextResponse(f"There is no organization of this name here; {hint}\n", 404)
        if "text/html" in request.headers.get("accept", ""):
            return self._page(self._pages.asked(names, self._shown()), 202)
        return PlainTextResponse("".join(f"{each}\n" for each in names), 202)

    def _shown(self) -> Shown:
        checks = (self._probes.live(), self._probes.ready(), self._probes.started())
        return Shown(
            personal_data=self.settings.personal_data,
            actions=self.settings.actions and self._sync is not None,
            missing=tuple(dict.fromkeys(name for state in checks for name, good in state.items() if not good)),
        )

    def _page(self, text: str, status: int = 200) -> Response:
        headers = {"content-security-policy": self._pages.policy(actions=self.settings.actions)}
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
