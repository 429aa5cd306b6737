"""One HTTP request: over checked TLS, to the address that was looked at, nowhere else, and over in time."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Self

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from syncd import __version__
from syncd.notices.destinations import Destination, Forbidden, parse_destination, resolve

#: Seconds: for a connection, for the next bytes, and for the whole of one attempt.
CONNECT_S = 5.0
RECEIVE_S = 10.0
ATTEMPT_S = 20.0
_OK = range(200, 300)
_REDIRECTS = range(300, 400)
#: Statuses of a receiver that may take the same notice later.
_LATER = frozenset({408, 425, 429, *range(500, 600)})
#: What a receiver may ask us to wait, in seconds, and still be asked again.
_LONGEST_WAIT = 300.0


class Undelivered(Exception):
    """A notice didn't get through. *reason* names no URL; *again* says whether another attempt makes sense."""

    def __init__(self, reason: str, *, again: bool, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.after_s = after_s


def post(
    url: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    ca_file: Path | None = None,
    attempt_s: float = ATTEMPT_S,
) -> None:
    """Send one request and look at its status; *attempt_s* seconds are all it gets.

    Raises:
        Undelivered: no answer, or not the right one. No error has the URL in it: it often is the secret.
    """
    with translated(), Lifeline(attempt_s) as lifeline:
        destination = parse_destination(url)
        sent = {
            "Host": destination.authority,
            "User-Agent": f"syncd/{__version__}",
            "Accept": "*/*",
            "Connection": "close",
            **(headers or {}),
        }
        connection = connect(destination, ca_file, lifeline)
        with closing(connection):
            connection.timeout = RECEIVE_S
            if connection.sock is not None:
                connection.sock.settimeout(RECEIVE_S)
            connection.request(method, destination.path, body=body or None, headers=sent)
            answer = connection.getresponse()
            status, wait = answer.status, answer.headers.get("Retry-After", "")
    _judge(status, wait)


def connect(destination: Destination, ca_file: Path | None, lifeline: "Lifeline") -> HTTPConnection:
    """Return an open connection to *destination*, TLS checked; the first address that answers is taken.

    Raises:
        OSError, HTTPError: none of its addresses answers, or not as who it should be.
        Forbidden: one of its addresses is no receiver's.
    """
    last: Exception = socket.gaierror("the name has no address")
    for address in resolve(destination):
        connection = _connection(destination, address, ca_file)
        connection.lifeline = lifeline
        try:
            connection.connect()
        except (OSError, HTTPError) as error:
            connection.close()
            last = error
        else:
            return connection
    raise last


class Lifeline:
    """Ends what goes on over the sockets it holds after a time: who sends a byte now and then trips no timeout."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._held: list[socket.socket] = []
        self.is_cut = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for twin in self._held:
                twin.close()
            self._held.clear()

    def hold(self, sock: socket.socket) -> None:
        """Watch over *sock*, by a twin: TLS takes the first one apart."""
        with self._lock:
            self._held.append(sock.dup())

    def _cut(self) -> None:
        with self._lock:
            self.is_cut = True
            for twin in self._held:
                with suppress(OSError):  # it ended by itself meanwhile
                    twin.shutdown(socket.SHUT_RDWR)


class _Held:
    """A connection whose socket is on a lifeline from its first moment."""

    lifeline: Lifeline | None = None

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]  # of the class it is mixed into
        if self.lifeline is not None:
            self.lifeline.hold(sock)
        return sock


class _Plain(_Held, HTTPConnection):
    pass


class _Secure(_Held, HTTPSConnection):
    pass


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return what checks a server's certificate and name: against *ca_file*, else the machine's authorities.

    Raises:
        OSError: *ca_file* can't be read.
    """
    context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def translated() -> Iterator[None]:
    """Turn what goes wrong on the way into `Undelivered`, without the words of libraries: they repeat URLs."""
    try:
        yield
    except Forbidden as error:
        raise Undelivered(str(error), again=False) from None
    except (OSError, HTTPError, http.client.HTTPException) as error:
        raise of_transport(error) from None


def of_transport(error: Exception) -> Undelivered:
    """Return what a connection that broke, or never was, comes to."""
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Undelivered(f"its certificate isn't accepted: {cause.verify_message}", again=False)
        if isinstance(cause, ssl.SSLError):
            return Undelivered(f"no TLS: {cause.reason or 'handshake failed'}", again=True)
        if isinstance(cause, socket.gaierror):
            return Undelivered("its name has no address", again=True)
        if isinstance(cause, TimeoutError):
            return Undelivered("no answer in time", again=True)
        if isinstance(cause, OSError) and cause.strerror:
            return Undelivered(cause.strerror.lower(), again=True)
    return Undelivered("the connection broke, or what answered doesn't speak the protocol", again=True)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _connection(destination: Destination, address: str, ca_file: Path | None) -> _Plain | _Secure:
    if destination.scheme == "http":
        return _Plain(address, port=destination.port, timeout=CONNECT_S)
    return _Secure(
        address,
        port=destination.port,
        timeout=CONNECT_S,
        server_hostname=destination.host,
        ssl_context=tls_context(ca_file),
    )


def _judge(status: int, wait: str) -> None:
    if status in _OK:
        return
    if status in _REDIRECTS:
        raise Undelivered(f"HTTP {status}: it has moved, and nobody is followed: write the new URL", again=False)
    after_s = min(float(wait), _LONGEST_WAIT) if wait.isdigit() else 0.0
    raise Undelivered(f"HTTP {status}", again=status in _LATER, after_s=after_s)
