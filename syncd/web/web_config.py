"""The file that `http.web_config` names, as it is now: read at the start, and again whenever it changes.

A change that can't be used is logged and the old one stays. Certificates are looked at too: a renewed one is
used by the next connection, without a restart.
"""

import hashlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd.errors import ConfigurationError, SyncdError
from syncd.web.settings import HttpSettings, TlsServerSettings, WebSettings

#: Reads a web configuration strictly; raises `ConfigurationError`. The reader lives above this room.
ReadWeb = Callable[[Path], WebSettings]
#: Is told what is worth a line in the log: the name of the event, and its fields.
Event = Callable[..., None]

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_MODES = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """What is in force: who may come in, and how the server shows itself (None: without TLS)."""

    settings: WebSettings
    tls: ssl.SSLContext | None


class WebConfiguration:
    """Holds what is in force for *settings*; `refresh` looks whether a file has changed, and tells *event*."""

    def __init__(self, settings: HttpSettings, read: ReadWeb, event: Event) -> None:
        self._settings = settings
        self._read = read
        self._event = event
        self._rejected = ""
        self.now, self._seen = self._load_and_sign()

    def refresh(self) -> None:
        """Read again what has changed since the last look; safe to call often."""
        seen = self._signature(self.now.settings)
        # What was rejected may name files that are not looked at yet: it is tried until it can be used.
        if seen == self._seen and not self._rejected:
            return
        path = str(self._settings.web_config)
        self._seen = seen
        try:
            new, signature = self._load_and_sign()
            self.check_tls(new)
        except SyncdError as error:
            if str(error) != self._rejected:
                self._rejected = str(error)
                self._event("web_config_rejected", path=path, message=str(error))
            return
        self.now, self._seen, self._rejected = new, signature, ""
        self._event("web_config_reloaded", path=path)

    def _load_and_sign(self) -> tuple[Web, bytes]:
        """Return what the files say, and a signature that is not younger: no change is ever missed."""
        signature = self._signature(self._load().settings)
        return self._load(), signature

    def _load(self) -> Web:
        path = self._settings.web_config
        web = WebSettings() if path is None else self._read(path)
        refuse_exposure(self._settings, web)
        tls = None if web.tls_server_config is None else _context(web.tls_server_config)
        return Web(settings=web, tls=tls)

    def check_tls(self, new: Web) -> None:
        if (new.tls is None) != (self.now.tls is None):
            what = "tls_server_config can't be added or removed while syncd runs"
            raise ConfigurationError(what, hint="restart syncd for that; until then it answers as before")

    def _signature(self, web: WebSettings) -> bytes:
        """Return what changes when one of the files does; their content counts, however it came there."""
        tls = web.tls_server_config
        named = () if tls is None else (tls.cert_file, tls.key_file, tls.client_ca_file)
        found = hashlib.sha256()
        for path in (self._settings.web_config, *named):
            found.update(b"\0" if path is None else _content(path))
        return found.digest()


class RenewableContext(ssl.SSLContext):
    """Hands each new connection to the context that is in force then.

    asyncio and uvloop ask the context of a listening socket for each connection, with `wrap_bio`.
    """

    current: Callable[[], ssl.SSLContext]

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:  # noqa: ANN401 - as its base takes them
        return self.current().wrap_bio(*arguments, **named)


def renewable(configuration: Callable[[], WebConfiguration]) -> RenewableContext:
    """Return what a listening socket is given: it always uses what *configuration* says then."""

    def current() -> ssl.SSLContext:
        context = configuration().now.tls
        assert context is not None  # noqa: S101 - TLS can't be removed while it is served
        return context

    context = RenewableContext(ssl.PROTOCOL_TLS_SERVER)
    context.current = current
    return context


def refuse_exposure(settings: HttpSettings, web: WebSettings) -> None:
    """Refuse to show personal data, or to be acted upon, to anybody who can reach this machine.

    Raises:
        ConfigurationError: beyond this machine, with one of the two, and without authentication.
    """
    if settings.is_local or web.authenticates:
        return
    exposed = [f"http.{name}" for name in ("personal_data", "actions") if getattr(settings, name)]
    if not exposed:
        return
    both = " and ".join(exposed)
    message = (
        f"http.listen is {settings.listen}, which others can reach, {both} {'are' if len(exposed) > 1 else 'is'} "
        "true, and nobody has to say who they are"
    )
    hint = (
        "three ways out: listen on 127.0.0.1:9780; or "
        f"set {both} to false; or name a file in http.web_config with basic_auth_users, bearer_token_hashes or "
        "client certificates (client_auth_type: RequireAndVerifyClientCert)"
    )
    raise ConfigurationError(message, hint=hint)


def _context(tls: TlsServerSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[tls.min_version]
    context.verify_mode = _MODES[tls.client_auth_type]
    try:
        # Without a password a protected key would be asked for on the terminal.
        context.load_cert_chain(tls.cert_file, tls.key_file, password="")
        if tls.client_ca_file is not None:
            context.load_verify_locations(tls.client_ca_file)
    except (OSError, ValueError) as error:
        named = ", ".join(str(path) for path in (tls.cert_file, tls.key_file, tls.client_ca_file) if path)
        reason = error.strerror or getattr(error, "reason", "") if isinstance(error, OSError) else str(error)
        message = f"tls_server_config: {named} can't be used: {reason}"
        hint = "cert_file and key_file must be PEM, belong together, and be readable; the key without a password"
        raise ConfigurationError(message, hint=hint) from error
    return context


def _content(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        return str(error.errno).encode()
