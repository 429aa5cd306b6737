"""The sections `http` and `log` of the configuration."""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator

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
    """Where `syncd run` answers for metrics and health; port 0 takes any free one.

    *hosts* are the names under which it may be asked when it listens beyond this machine; IP addresses
    may always be used, since DNS rebinding (`ops.md` SEC-10) needs a name.
    """

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:9780"
    hosts: tuple[str, ...] = ()


class LogSettings(Section):
    """How log lines look; *personal_data* shows names and addresses in them."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"
    personal_data: bool = False
