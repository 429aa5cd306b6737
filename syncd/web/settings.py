"""The section `http` of the configuration, and the file that `http.web_config` names."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from syncd.model.policy import Section

#: Names that always mean this machine.
LOOPBACK_NAMES = frozenset({"localhost"})
_HIGHEST_PORT = 65_535


def split_listen(listen: str) -> tuple[str, int]:
    """Return host and port of `127.0.0.1:9780` or `[::1]:9780`.

    Raises:
        ValueError: not of that form.
    """
    host, colon, port = listen.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    try:
        if bare not in LOOPBACK_NAMES:
            ipaddress.ip_address(bare)
        number = int(port)
    except ValueError:
        number = -1
    if not colon or (":" in bare) != host.startswith("[") or not 0 <= number <= _HIGHEST_PORT:
        message = f"expected an address and a port such as 127.0.0.1:9780 or [::1]:9780, got {listen!r}"
        raise ValueError(message)
    return bare, number


def is_loopback(host: str) -> bool:
    """Return whether *host* (a name or an IP address) is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() in LOOPBACK_NAMES


def _listen(text: str) -> str:
    split_listen(text)
    return text


class HttpSettings(Section):
    """Where `syncd run` answers: metrics, health and the status page; port 0 takes any free one.

    *hosts* are the names under which it may be asked when it listens beyond this machine; IP addresses
    may always be used, since DNS rebinding (`ops.md` SEC-10) needs a name. *web_config* is a file of
    `WebSettings`. *personal_data* shows names and addresses on the status page, *actions* lets it be asked for
    a cycle; beyond this machine both need authentication.
    """

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:9780"
    hosts: tuple[str, ...] = ()
    web_config: Path | None = None
    personal_data: bool = False
    actions: bool = False

    @property
    def is_local(self) -> bool:
        """Whether only this machine can ask."""
        return is_loopback(split_listen(self.listen)[0])


#: Modular crypt form of bcrypt: version, cost, 22 characters of salt and 31 of hash.
_BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{53}")
#: 2^14 rounds take more than a second; dearer ones only help whoever wants to keep this machine busy.
_COSTS = range(4, 15)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _bcrypt_hash(text: str) -> str:
    found = _BCRYPT.fullmatch(text)
    if found is None:
        # What was found isn't repeated: it may be the password itself.
        message = "this is no bcrypt hash; make one with: htpasswd -nBC 10 NAME"
        raise ValueError(message)
    if int(found["cost"]) not in _COSTS:
        message = f"the cost {found['cost']} is not between {_COSTS[0]:02} and {_COSTS[-1]}: 10 to 12 is usual"
        raise ValueError(message)
    return text


def _token_hash(text: str) -> str:
    if _SHA256.fullmatch(text) is None:
        message = "this is no SHA-256 in 64 small hex digits; make one with: printf %s TOKEN | sha256sum"
        raise ValueError(message)
    return text


class TlsServerSettings(Section):
    """The server's certificate, and whether clients must show one of theirs.

    Prometheus' RequestClientCert and RequireAnyClientCert look at no signature, so they protect nothing: there
    is no such choice here.
    """

    cert_file: Path
    key_file: Path
    client_auth_type: Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] = "NoClientCert"
    client_ca_file: Path | None = None
    min_version: Literal["TLS12", "TLS13"] = "TLS12"

    @model_validator(mode="after")
    def _whose_clients(self) -> "TlsServerSettings":  # noqa: N804 - an "after" validator is given the instance
        if (self.client_auth_type == "NoClientCert") != (self.client_ca_file is None):
            message = "client_ca_file and a client_auth_type that verifies belong together: write both or none"
            raise ValueError(message)
        return self


class WebSettings(Section):
    """TLS and authentication, in the file and under the names of Prometheus' web configuration.

    *basic_auth_users* maps names to bcrypt hashes of passwords. *bearer_token_hashes* is syncd's own: it maps
    names to the SHA-256 of a token. A token is random and long, so that there is nothing to guess for which a
    slow hash would help; it costs nothing to check, and what stands in the file lets nobody in.
    """

    tls_server_config: TlsServerSettings | None = None
    basic_auth_users: dict[str, Annotated[str, AfterValidator(_bcrypt_hash)]] = Field(default_factory=dict)
    bearer_token_hashes: dict[str, Annotated[str, AfterValidator(_token_hash)]] = Field(default_factory=dict)

    @property
    def authenticates(self) -> bool:
        """Whether nobody unknown gets in."""
        tls = self.tls_server_config
        mutual = tls is not None and tls.client_auth_type == "RequireAndVerifyClientCert"
        return mutual or self.asks

    @property
    def asks(self) -> bool:
        """Whether a request must carry a password or a token."""
        return bool(self.basic_auth_users or self.bearer_token_hashes)
