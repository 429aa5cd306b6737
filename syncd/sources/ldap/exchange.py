"""The fence around ldap3, second half: it encodes the request, and decodes whatever is no entry.

The names that it promises nobody are gathered in `Internals`. While one page is decoded, the server already works on
the next (`tests/bench/ldap_reading.py`).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import ldap3
from ldap3.protocol.rfc2696 import paged_search_control

from syncd.sources.ldap.decoder import Malformed, RawEntry
from syncd.sources.ldap.failures import SUCCESS, LdapResult
from syncd.sources.ldap.framing import Broken, MessageStream

PAGED_RESULTS = "1.2.840.113556.1.4.319"
#: LDAP control as ldap3 takes it: object identifier, criticality, value.
Control = tuple[str, bool, bytes | None]
_SCOPES = {"base": ldap3.BASE, "one": ldap3.LEVEL, "sub": ldap3.SUBTREE}
#: A page that is larger is decoded while it comes: what is kept undecoded must be kept.
_AHEAD = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Internals:
    """The names of ldap3 2.9.1 that it promises nobody."""

    search_operation: Callable[..., Any]
    decode_message: Callable[[bytes], Any]


def load_internals() -> Internals | None:
    """Return what fast reading needs of ldap3, None where this ldap3 has it no more."""
    try:
        from ldap3.operation.search import search_operation  # noqa: PLC0415 - may be missing
        from ldap3.strategy.sync import SyncStrategy  # noqa: PLC0415 - may be missing
        from ldap3.utils.asn1 import decode_message_fast  # noqa: PLC0415 - may be missing
    except ImportError:
        return None
    needed = ("receiving", "send", "decode_response_fast", "get_response")
    if not all(hasattr(SyncStrategy, name) for name in needed):
        return None
    return Internals(search_operation, decode_message_fast)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One search, as it is sent."""

    base: str
    scope: str
    filter: str
    attributes: tuple[str, ...]
    controls: tuple[Control, ...] = ()
    size_limit: int = 0
    page_size: int = 0
    #: Whether the server says that it knows pages: then it must answer in pages.
    pages_known: bool = True

    def all_controls(self, cookie: bytes) -> list[Any] | None:
        """Return the controls, that of pages among them."""
        controls: list[Any] = list(self.controls)
        if self.page_size:
            controls.append(paged_search_control(self.pages_known, self.page_size, cookie))
        return controls or None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEnd:
    """How a page ended. *cookie* is None if the server said nothing of pages, empty after the last page.

    *sent* is the number of the request for the next page, if it is on its way already.
    """

    result: LdapResult
    cookie: bytes | None
    references: tuple[str, ...]
    sent: int | None = None


class Exchange:
    """Question and answer of one search, over one connection of ldap3 and its stream of messages."""

    def __init__(self, connection: Any, stream: MessageStream, internals: Internals, request: Request) -> None:  # noqa: ANN401 - private names of it are used
        self._strategy = connection.strategy
        self._stream = stream
        self._internals = internals
        self._request = request

    def page(self, cookie: bytes, sent: int | None, *, ahead: bool) -> Generator[list[RawEntry], None, PageEnd]:
        """Send the request unless it was *sent*; yield the entries, return the end of the page."""
        identity = self._send(cookie) if sent is None else sent
        if not cookie:
            self._stream.begin_search()
        try:
            following = self._send_following(identity) if ahead else None
        except Broken:
            if entries := self._stream.gathered():
                yield entries
            raise
        references: list[str] = []
        while True:
            entries = self._stream.next_entries(identity)
            if entries:
                yield entries
                continue
            found, answer = self._decode(self._stream.next_message())
            if found != identity:
                raise _unexpected(found, answer)
            if answer["type"] == "searchResRef":
                references += [str(url) for url in answer["uri"]]
            elif answer["type"] == "searchResDone":
                self._strategy._outstanding.pop(identity, None)  # noqa: SLF001 - get_response would do it
                told = tuple(references)
                return PageEnd(result=result_of(answer), cookie=_cookie(answer), references=told, sent=following)
            elif answer["type"] != "intermediateResponse":
                raise Malformed(f"a search was answered with {answer['type']}")

    def _send_following(self, identity: int) -> int | None:
        """Wait until the page is there, if it is not too large, and ask for the one after it, if there is one."""
        message = self._stream.look_ahead(identity, _AHEAD)
        if message is None:
            return None
        found, answer = self._decode(message)
        if found != identity or answer["type"] != "searchResDone" or result_of(answer).code != SUCCESS:
            return None
        cookie = _cookie(answer)
        return self._send(cookie) if cookie else None

    def _send(self, cookie: bytes) -> int:
        request = self._request
        operation = self._internals.search_operation(
            request.base,
            request.filter,
            _SCOPES[request.scope],
            ldap3.DEREF_NEVER,
            list(request.attributes),
            request.size_limit,
            0,
            False,  # noqa: FBT003 - ldap3's signature
            auto_escape=False,
            auto_encode=True,
        )
        identity: int = self._strategy.send("searchRequest", operation, request.all_controls(cookie))
        return identity

    def _decode(self, message: bytes) -> tuple[int, dict[str, Any]]:
        try:
            decoded = self._internals.decode_message(message)
            return int(decoded["messageID"]), self._strategy.decode_response_fast(decoded)
        except Exception as error:
            # ldap3's decoder indexes whatever is there: any error of it says that this is no LDAP.
            raise Malformed(f"a message can't be decoded: {type(error).__name__}: {error}") from error


def read_by_ldap3(connection: Any, request: Request, cookie: bytes) -> Generator[list[RawEntry], None, PageEnd]:  # noqa: ANN401 - its stubs know less than is used
    """Do the same with nothing but what ldap3 promises."""
    connection.search(
        request.base,
        request.filter,
        _SCOPES[request.scope],
        dereference_aliases=ldap3.DEREF_NEVER,
        attributes=list(request.attributes),
        size_limit=request.size_limit,
        controls=request.all_controls(cookie),
    )
    answers = connection.response or []
    entries = [
        RawEntry(each["dn"], {name: list(values or ()) for name, values in each["raw_attributes"].items()})
        for each in answers
        if each["type"] == "searchResEntry"
    ]
    references = [str(url) for each in answers if each["type"] == "searchResRef" for url in each["uri"]]
    if entries:
        yield entries
    result = connection.result
    return PageEnd(result=result_of(result), cookie=_cookie(result), references=tuple(references))


def result_of(answer: dict[str, Any]) -> LdapResult:
    """Return the result that ldap3 decoded."""
    return LdapResult(
        code=int(answer["result"]),
        matched=str(answer.get("dn") or ""),
        message=str(answer.get("message") or ""),
        referrals=tuple(str(url) for url in answer.get("referrals") or ()),
    )


def _cookie(answer: dict[str, Any]) -> bytes | None:
    control = answer.get("controls", {}).get(PAGED_RESULTS)
    return None if control is None else bytes(control["value"]["cookie"] or b"")


#: Notice of disconnection (RFC 4511 4.4.1).
_DISCONNECTION = "1.3.6.1.4.1.1466.20036"


def _unexpected(identity: int, answer: dict[str, Any]) -> Exception:
    if identity == 0 and answer.get("responseName") in (_DISCONNECTION, "", None):
        return Broken(f"the server ended the connection: {result_of(answer)}")
    return Malformed(f"an answer to a request {identity} that was not sent")
