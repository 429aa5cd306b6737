"""Is the HTTP address free, or does a running syncd hold it? What `syncd doctor` says of `http.listen`."""

import errno
import http.client
import socket
import ssl
from collections.abc import Iterator

from syncd.errors import ConfigurationError
from syncd.model.check import Check, fail, ok, warn
from syncd.web.settings import HttpSettings, is_loopback, split_listen

_CODE = ConfigurationError.exit_code


def examine(settings: HttpSettings, *, timeout_s: float = 2.0) -> Iterator[Check]:
    """Yield whether the address can be had: it is taken for a moment. Who holds it has *timeout_s* to answer."""
    host, port = split_listen(settings.listen)
    yield _address(settings.listen, host, port, timeout_s)
    if not is_loopback(host):
        remedy = "listen on 127.0.0.1:9780, or let a firewall or NetworkPolicy admit only who reads the metrics"
        yield warn("reach", f"{settings.listen} can be asked from other machines", remedy)


def _address(listen: str, host: str, port: int, timeout_s: float) -> Check:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.create_server(address, family=family):
            return ok("listen", f"{listen} is free: no syncd run is at work here")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _held(listen, _asked(host), port, timeout_s)
        remedy = "choose an address of this machine, and a port above 1023, in http.listen"
        return fail("listen", f"{listen} can't be used: {error.strerror}", remedy, _CODE)


def _asked(host: str) -> str:
    """Where to ask what listens on every address."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on


def _held(listen: str, host: str, port: int, timeout_s: float) -> Check:
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    for connection in (
        http.client.HTTPConnection(host, port, timeout=timeout_s),
        # Nothing is sent that anybody may not see, and the answer decides nothing.
        http.client.HTTPSConnection(host, port, timeout=timeout_s, context=unverified),
    ):
        status, text = _get(connection, "/metrics")
        if "syncd_build_info" in text or "syncd_cycles" in text:
            return ok("listen", f"{listen} is held by a running syncd, which answers")
        if status in (401, 403):
            return ok("listen", f"{listen} is held by something that asks for a password: a running syncd, probably")
    remedy = "find it with: ss -ltnp; end it, or choose another port in http.listen"
    return fail("listen", f"{listen} is held by something that is no syncd, or by one that hangs", remedy, _CODE)


def _get(connection: http.client.HTTPConnection, path: str) -> tuple[int, str]:
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(1024 * 1024).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()
