"""A directory that answers as its script says: pages, cookies, pieces of attributes, as servers do or shouldn't."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ldap3.protocol.rfc4511 import LDAPMessage
from pyasn1.codec.ber.decoder import decode

from syncd.sources.ldap.binding import BindBreaker
from syncd.sources.ldap.connection import Session, open_session
from syncd.sources.ldap.settings_connection import ConnectionSettings
from tests.fakes import ber
from tests.fakes.clock import FakeClock
from tests.fakes.hostile_ldap import HostileLdap

_BIND, _SEARCH, _EXTENDED = 0x60, 0x63, 0x77
_PROTOCOL_ERROR = 2
PAGED = "1.2.840.113556.1.4.319"


@dataclass(frozen=True, slots=True)
class Search:
    """One search as it was asked."""

    identity: int
    base: str
    scope: int
    attributes: tuple[str, ...]
    page_size: int
    cookie: bytes

    def end(self, code: int = 0, said: str = "", *, cookie: bytes | None = None, matched: str = "") -> bytes:
        return ber.done(self.identity, code, said, cookie=cookie, matched=matched)

    def entry(self, dn: str, **attributes: Sequence[bytes]) -> bytes:
        return ber.entry(self.identity, dn, attributes)


Answer = Callable[[Search], bytes]
ROOT_DSE = {"supportedControl": [PAGED.encode()], "vendorName": [b"a script"]}


@dataclass
class Script:
    """Answers binds with success, the root DSE with *root_dse*, and searches with *answer*."""

    answer: Answer
    root_dse: dict[str, list[bytes]] = field(default_factory=lambda: dict(ROOT_DSE))
    asked: list[Search] = field(default_factory=list)

    def __call__(self, data: bytes) -> bytes:
        identity, operation = ber.request_of(data)
        if operation == _BIND:
            return ber.bind_response(identity, 0)
        if operation == _EXTENDED:
            return ber.extended_response(identity, _PROTOCOL_ERROR, "the script knows none")
        if operation != _SEARCH:
            return b""
        search = search_of(data)
        if search.base == "" and search.scope == 0:
            return ber.entry(identity, "", self.root_dse) + search.end()
        self.asked.append(search)
        return self.answer(search)


def search_of(data: bytes) -> Search:
    """Return the search that *data* asks."""
    decoded, _ = decode(data, asn1Spec=LDAPMessage())
    request = decoded["protocolOp"]["searchRequest"]
    page_size, cookie = 0, b""
    for control in decoded["controls"] if decoded["controls"].hasValue() else ():
        if str(control["controlType"]) == PAGED:
            value, _ = decode(bytes(control["controlValue"]))
            page_size, cookie = int(value[0]), bytes(value[1])
    return Search(
        int(decoded["messageID"]),
        bytes(request["baseObject"]).decode(),
        int(request["scope"]),
        tuple(str(name) for name in request["attributes"]),
        page_size,
        cookie,
    )


@contextmanager
def session_with(script: Script, **changes: object) -> Iterator[Session]:
    """Open a session with a server that follows *script*."""
    with HostileLdap(reply=script) as server:
        settings = settings_for(server, **changes)
        with open_session(settings, clock=FakeClock(), breaker=BindBreaker()) as session:
            yield session


def settings_for(server: HostileLdap, **changes: object) -> ConnectionSettings:
    return ConnectionSettings.model_validate(
        {
            "servers": f"ldap://127.0.0.1:{server.port}",
            "bind": {"dn": "cn=reader", "password": "opens nothing"},
            "timeouts": {"connect": "2s", "receive": "2s"},
            **changes,
        }
    )
