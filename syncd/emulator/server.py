"""How the emulator is served: in this process on a free port for tests, or as a command until stopped."""

import contextlib
import ipaddress
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from syncd.clock import SystemClock
from syncd.emulator.calllog import CallLog
from syncd.emulator.control import Control
from syncd.emulator.documents import read_document
from syncd.emulator.faults import Fault, FaultyService, parse_rules
from syncd.emulator.http import CONNECTION, SILENT, create_app
from syncd.emulator.persistence import DataFile
from syncd.emulator.seed import plant
from syncd.emulator.service import Emulator
from syncd.errors import ConfigurationError, Problem, UsageError
from syncd.ports import Clock

#: How often a running command saves what changed.
SAVE_EVERY_S = 30.0
#: How long a stopping server waits for answers under way.
STOP_WITHIN_S = 2
_START_WITHIN_S = 30.0


class EmulatorServer:
    """Serves an emulator from a thread of this process, on a free port of the loopback interface.

        with EmulatorServer(emulator, faults=[...]) as server:
            client = boto3.client("workmail", endpoint_url=server.endpoint_url, ...)

    With *credentials* (access key id -> secret) signatures are verified.
    """

    def __init__(
        self,
        emulator: Emulator,
        faults: Sequence[Fault] = (),
        *,
        clock: Clock | None = None,
        log: CallLog | None = None,
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self.emulator = emulator
        self.log = log or CallLog(clock)
        self.service = FaultyService(emulator, faults, clock=clock, log=self.log)
        self._app = create_app(self.service, self.log, clock, Control(self.service, self.log), credentials=credentials)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._port = 0

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def connections(self) -> int:
        """How many connections of clients are open; of who has none, every call has had its effect."""
        return len(self._server.server_state.connections) if self._server is not None else 0

    def __enter__(self) -> Self:
        listener = _bind("127.0.0.1", 0)
        self._port = listener.getsockname()[1]
        self._server = _Server(self._app, stopping=self.service.gates.stop)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="emulator", daemon=True)
        self._thread.start()
        if not self._server.ready.wait(_START_WITHIN_S):
            raise TimeoutError(f"the emulator did not start within {_START_WITHIN_S:.0f} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()


def run_emulator(
    listen: str,
    data: Path | None = None,
    seed: Path | None = None,
    faults: Path | None = None,
    log: Path | None = None,
    *,
    allow_remote: bool = False,
    credentials: Mapping[str, str] | None = None,
    ready: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve an emulator until SIGTERM or SIGINT; *ready* gets the endpoint's URL once it answers.

    *data* is loaded if it is there, and written on changes and at the end; *seed* fills an emulator that
    has no data yet; *faults* are rules; *log* gets a line for each call.

    Raises:
        UsageError: *listen* is no address to serve on.
        ConfigurationError: a file can't be used.
    """
    host, port = parse_listen(listen, allow_remote=allow_remote)
    clock = SystemClock()
    emulator = Emulator()
    with contextlib.closing(CallLog(clock, path=log)) as calls:
        kept = DataFile(data, emulator, calls) if data else None
        if not (kept and kept.load()) and seed:
            plant(emulator, read_document(seed), str(seed))
        if kept:
            # Better refused now than after a day's work.
            kept.save()
        rules = parse_rules(read_document(faults), str(faults)) if faults else ()
        service = FaultyService(emulator, rules, clock=clock, log=calls)
        app = create_app(service, calls, clock, Control(service, calls, kept), credentials=credentials)
        listener = _bind(host, port)
        with _saving(kept):
            _Server(app, ready=lambda: ready(_url(listener)), stopping=service.gates.stop).run([listener])


def parse_listen(listen: str, *, allow_remote: bool = False) -> tuple[str, int]:
    """Split `HOST:PORT`; the emulator asks nobody for a password, so others than this machine are refused.

    Raises:
        UsageError: it is not of that form, or the host is not the loopback and that isn't allowed.
    """
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - the last port there is
        raise UsageError(f"{listen!r} is no address to listen on.", hint="Write HOST:PORT, for example 127.0.0.1:8625.")
    if not (allow_remote or _is_loopback(host)):
        raise UsageError(
            f"The emulator would listen on {host}, where other machines can change what it holds.",
            hint="Listen on 127.0.0.1, or allow it explicitly.",
        )
    return host, int(port)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(socket.SOMAXCONN)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            "The emulator can't be served.",
            [
                Problem(
                    where=f"{host}:{port}",
                    reason=error.strerror or str(error),
                    remedy="choose another port, or stop what listens there",
                )
            ],
        ) from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def _saving(data: DataFile | None) -> Iterator[None]:
    if data is None:
        yield
        return
    stop = threading.Event()
    saver = threading.Thread(target=_save_often, args=(data, stop), name="emulator-data", daemon=True)
    saver.start()
    try:
        yield
    finally:
        stop.set()
        saver.join()
        data.save()


def _save_often(data: DataFile, stop: threading.Event) -> None:
    took = 0.0
    # Calls wait while the state is copied, seconds for a large organization: never more than a small share.
    while not stop.wait(max(SAVE_EVERY_S, 20 * took)):
        started = time.monotonic()
        # A full disk may have room again before the end, where the last saving says what is wrong.
        with contextlib.suppress(ConfigurationError):
            data.save()
        took = time.monotonic() - started


class _Server(uvicorn.Server):
    """Uvicorn, telling when it answers and when it stops, and ending without raising the signal again."""

    def __init__(self, app: ASGIApp, ready: Callable[[], None] = lambda: None, *, stopping: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,  # calls are answered by the emulator's own clock
                timeout_keep_alive=75,
                timeout_graceful_shutdown=STOP_WITHIN_S,
            )
        )
        self.ready = threading.Event()
        self._tell = ready
        self._tell_the_end = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
        self._tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Requests that a fault rule holds or leaves without answer would be waited for.
        self._tell_the_end()
        for connection in list(self.server_state.connections):
            if isinstance(connection, _Protocol):
                connection.abort_if_silent()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


class _Protocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, which lets the application break the connection of a request."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: {"abort": self.transport.abort}}

    def abort_if_silent(self) -> None:
        # No request may have come in yet on this connection.
        if getattr(self, "scope", None) and SILENT in self.scope["extensions"][CONNECTION]:
            self.transport.abort()
