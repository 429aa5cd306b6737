"""A network of its own for servers whose ports are fixed: a namespace with nothing but loopback."""

import ctypes
import socket
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any, TypeVar

_T = TypeVar("_T")
_CLONE_NEWNET = 0x4000_0000


class Namespace:
    """A process and what it starts, alone with their own loopback; `call` runs functions beside them.

    *mounts* gives them a private view of the mounts too: what they bind-mount nobody else sees.
    """

    def __init__(self, script: str, *, log: Path, mounts: bool = False, network: bool = True) -> None:
        flags = [*(["--net"] if network else []), *(["--mount"] if mounts else [])]
        up = "ip link set lo up\n" if network else ""
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["unshare", *flags, "--kill-child", "--pid", "--fork", "bash", "-euc", f"{up}{script}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._log = log

    def call(self, function: Callable[[], _T]) -> _T:
        """Return what *function* returns, run by a thread in this network."""
        outcome: dict[str, Any] = {}

        def enter() -> None:
            try:
                with open(f"/proc/{self.inner}/ns/net", "rb") as network:  # noqa: PTH123 - a name of the kernel
                    _join(network.fileno())
                outcome["value"] = function()
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                outcome["error"] = error

        thread = Thread(target=enter)
        thread.start()
        thread.join()
        if "error" in outcome:
            raise outcome["error"]
        value: _T = outcome["value"]
        return value

    def wait_for(self, is_ready: Callable[[], bool], *, seconds: float = 240) -> None:
        """Wait until *is_ready*; an end of the process is an error with the end of its log."""
        for _ in range(int(seconds * 10)):
            if self._process.poll() is not None:
                break
            with suppress(ProcessLookupError):
                if is_ready():
                    return
            Event().wait(0.1)
        self.close()
        raise RuntimeError(f"it does not start: {self._log.read_text(errors='replace')[-3000:]}")

    def close(self) -> None:
        """End everything in it."""
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def inner(self) -> int:
        """The process inside: `unshare --fork` itself stays outside of its new process namespace."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text(encoding="ascii")
        if not children.split():
            raise ProcessLookupError("it has not begun yet, or has ended")
        return int(children.split()[0])


def _join(network: int) -> None:
    """Move the calling thread, and nobody else, into *network*."""
    if ctypes.CDLL(None, use_errno=True).setns(network, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def run(command: Sequence[str]) -> None:
    """Run *command* to its end; what it said is in the error if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether somebody listens on *port*, in the network of the caller."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
