"""Who may come in, and how an answer leaves.

what a request is                                     what it gets
a name in Host that is not known                      421
a method other than GET and HEAD (and one POST)       405
a probe                                               let in, `known` or not
one more than the server works on at a time           503
without the password or token that is asked for       401
a password too many to compare                        429
anything else                                         let in, `known`
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncd.web.passwords import Gatekeeper, Verdict
from syncd.web.settings import HttpSettings, is_loopback
from syncd.web.web_config import WebConfiguration

#: The one thing that may be asked to happen.
SYNC = "/-/sync"
#: A kubelet has no password: these say yes or no to anybody, and more to whoever is known.
PROBES = frozenset({"/livez", "/readyz", "/startupz"})
#: Where the application finds whether whoever asks is known: `request.state.known`.
KNOWN = "known"
#: Requests that are worked on at a time, probes not counted.
MOST_AT_ONCE = 32

_HEADERS = {
    "cache-control": "no-store",
    # A page that says nothing of its own loads nothing and sends nothing.
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # Not "no-referrer": a form would then say that it comes from nowhere, and be refused.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorRules:
    """What is in force: the settings, and the file that they name."""

    settings: HttpSettings
    web: WebConfiguration

    @property
    def hosts(self) -> frozenset[str]:
        """The names that may stand in Host besides this machine's and addresses."""
        return frozenset(host.casefold() for host in self.settings.hosts)


class Door:
    """Stands before *app*; what *rules* returns may change at any time."""

    def __init__(self, app: ASGIApp, rules: Callable[[], DoorRules], gatekeeper: Gatekeeper) -> None:
        self._app = app
        self._rules = rules
        self._gatekeeper = gatekeeper
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        is_probe = scope["path"] in PROBES
        refusal = _refused(scope, self._rules().hosts)
        if refusal is None and not is_probe and self._inside >= MOST_AT_ONCE:
            refusal = PlainTextResponse("Too many requests at a time.\n", 503, headers={"retry-after": "1"})
        if refusal is not None:
            await refusal(scope, receive, dressed)
            return
        self._inside += not is_probe
        try:
            refusal = await self._recognize(scope, is_probe=is_probe)
            await (self._app if refusal is None else refusal)(scope, receive, dressed)
        finally:
            self._inside -= not is_probe

    async def _recognize(self, scope: Scope, *, is_probe: bool) -> Response | None:
        """Note in *scope* whether whoever asks is known; return the answer for who must be and isn't."""
        web = self._rules().web.now.settings
        state = scope.setdefault("state", {})
        if not web.asks:
            # With client certificates, nobody unknown comes so far.
            state[KNOWN] = web.authenticates or _is_from_here(scope)
            return None
        header = Headers(scope=scope).get("authorization", "")
        verdict = await self._gatekeeper.judge(header, web) if header else Verdict.UNKNOWN
        state[KNOWN] = verdict is Verdict.KNOWN
        if is_probe or verdict is Verdict.KNOWN:
            return None
        if verdict is Verdict.LATER:
            return PlainTextResponse("Too many attempts; ask again in a moment.\n", 429, headers={"retry-after": "2"})
        answer = PlainTextResponse("Say who you are: a name and password, or a bearer token.\n", 401)
        for scheme in _schemes(has_users=bool(web.basic_auth_users), has_tokens=bool(web.bearer_token_hashes)):
            answer.headers.append("www-authenticate", scheme)
        return answer


def _schemes(*, has_users: bool, has_tokens: bool) -> list[str]:
    basic = ['Basic realm="syncd", charset="UTF-8"'] if has_users else []
    return [*basic, 'Bearer realm="syncd"'] if has_tokens else basic


def _refused(scope: Scope, hosts: frozenset[str]) -> Response | None:
    host = without_port(Headers(scope=scope).get("host", ""))
    if not (_is_address(host) or is_loopback(host) or host.casefold() in hosts):
        return PlainTextResponse("This name is not known here; add it to http.hosts.\n", 421)
    if scope["path"] == SYNC:
        if scope["method"] != "POST":
            return PlainTextResponse("Only POST.\n", 405, headers={"allow": "POST"})
    elif scope["method"] not in ("GET", "HEAD"):
        return PlainTextResponse("Only GET and HEAD.\n", 405, headers={"allow": "GET, HEAD"})
    return None


def is_from_elsewhere(headers: Headers) -> bool:
    """Return whether a page of another site made a browser send this (`ops.md` SEC-10).

    Every current browser says with Sec-Fetch-Site where a request comes from, and names in Origin whose page
    sends a form. A program that is no browser says neither, and can't be made to.
    """
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    origin = headers.get("origin")
    if origin is None:
        return False
    return origin.partition("://")[2].casefold() != headers.get("host", "").casefold()


def without_port(host: str) -> str:
    """Return the name or address in a Host header."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_from_here(scope: Scope) -> bool:
    client = scope.get("client")
    return client is not None and is_loopback(client[0])
