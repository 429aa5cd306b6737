"""The settings of the connection: servers, TLS, bind, time limits, page size.

Nothing here may import ldap3: the configuration is read without it.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from syncd.model.durations import Duration
from syncd.model.policy import Section
from syncd.sources.ldap.servers import Server, parse_server


def _as_list(value: Any) -> Any:  # noqa: ANN401 - whatever the file says
    # A tuple: where nothing is converted (strict), a list is none.
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


class TlsSettings(Section):
    """How the server proves who it is, and syncd too if it has a client certificate.

    Without *ca_file* the authorities of the machine are trusted.
    """

    ca_file: Path | None = None
    start_tls: bool = False
    client_certificate: Path | None = None
    client_key: Path | None = None

    @model_validator(mode="after")
    def _key_has_certificate(self) -> "TlsSettings":  # noqa: N804 - an "after" validator is given the instance
        if self.client_key is not None and self.client_certificate is None:
            message = "client_key needs client_certificate beside it"
            raise ValueError(message)
        return self


class BindSettings(Section):
    """Who syncd is to the server.

    *method* `simple` is a DN (Active Directory also takes `reader@corp.example`) and a password, `external` the client
    certificate or, over ldapi, the user that syncd runs as, `gssapi` a Kerberos ticket. `anonymous` must be said.
    """

    method: Literal["simple", "external", "gssapi", "anonymous"] = "simple"
    dn: Annotated[str, Field(min_length=1)] | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _complete(self) -> "BindSettings":  # noqa: N804 - an "after" validator is given the instance
        if self.method == "simple":
            if self.dn is None or self.password is None or not self.password.get_secret_value():
                # RFC 4513 5.1.2: a bind with a name and no password succeeds, as nobody.
                message = "a simple bind needs dn and password; without an account write {method: anonymous}"
                raise ValueError(message)
        elif self.password is not None:
            message = f"a bind by {self.method} has no password"
            raise ValueError(message)
        return self


class TimeoutSettings(Section):
    """How long syncd waits: for a connection, for the next bytes, for the whole of one search."""

    connect: Duration = timedelta(seconds=10)
    receive: Duration = timedelta(seconds=60)
    search: Duration = timedelta(hours=1)

    @model_validator(mode="after")
    def _a_second_at_least(self) -> "TimeoutSettings":  # noqa: N804 - an "after" validator is given the instance
        for name in ("connect", "receive", "search"):
            if getattr(self, name) < timedelta(seconds=1):
                message = f"{name} must be at least 1s"
                raise ValueError(message)
        return self


class ConnectionSettings(Section):
    """How to reach the directory: the servers in order, or `srv://corp.example` for those that DNS names.

    *page_size* 0 asks for everything at once, for servers that know no pages.
    """

    servers: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
    tls: TlsSettings = TlsSettings()
    bind: BindSettings
    timeouts: TimeoutSettings = TimeoutSettings()
    page_size: Annotated[int, Field(ge=0, le=100_000)] = 1000
    allow_plaintext: bool = False

    @field_validator("servers")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            parse_server(text)
        return value

    @model_validator(mode="after")
    def _encrypted(self) -> "ConnectionSettings":  # noqa: N804 - an "after" validator is given the instance
        for text in self.servers:
            server = parse_server(text)
            if server.scheme == "ldap" and not self.is_secured(server) and not self._may_be_plain(server):
                message = (
                    f"{text} would carry the password in clear text: write ldaps://{server.host_text}, "
                    "or tls: {start_tls: true}, or allow_plaintext: true if the network itself is encrypted"
                )
                raise ValueError(message)
        return self

    def is_secured(self, server: Server) -> bool:
        """Return whether the connection to *server* is encrypted, by LDAPS or by StartTLS."""
        return server.scheme == "ldaps" or (server.scheme == "ldap" and self.tls.start_tls)

    def _may_be_plain(self, server: Server) -> bool:
        return self.allow_plaintext or server.is_loopback
