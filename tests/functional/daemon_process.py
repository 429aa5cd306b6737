"""`syncd run` as a process of its own, and what is seen of it from outside."""

import http.client
import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fakes.clock import PATIENCE_S
from tests.functional.conftest import Place
from tests.functional.places import Site

SOON = PATIENCE_S


def log_of(place: Place | Site) -> Path:
    """Where its log goes: beside the folder, whose file system may be full or frozen."""
    return place.folder.with_name(f"{place.folder.name}.log")


class RunningDaemon:
    """A daemon in a process of its own; its log goes to a file."""

    def __init__(self, place: Place | Site, process: subprocess.Popen[str], port: int) -> None:
        self.place = place
        self.process = process
        self.port = port

    def ask(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SOON)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def metric(self, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.ask("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else -1.0

    def log(self, event: str = "") -> list[dict[str, Any]]:
        """Return the lines so far; with *event*, those of that name."""
        text = log_of(self.place).read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
        return [line for line in lines if event in ("", line["event"])]

    def resident_mib(self) -> float:
        """Return how much memory it holds now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * 4096 / 2**20

    def descriptors(self) -> int:
        """Return how many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def tell_to_stop(self) -> None:
        """Ask it to stop, and return when every cycle has been told."""
        self.process.send_signal(signal.SIGTERM)
        self.wait_until(lambda: self.ask("/readyz")[0] == 503)

    def end(self) -> int:
        """Ask it to stop, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SOON)

    def pause(self, seconds: float) -> None:
        """Let the daemon go on for a while."""
        time.sleep(seconds)  # noqa: TID251 - the daemon is another process, with a clock of its own

    def wait_until(self, true: Callable[[], bool], *, within: float = SOON) -> None:
        give_up = time.monotonic() + within
        while True:
            try:
                if true():
                    return
            except (OSError, http.client.HTTPException):
                pass
            assert self.process.poll() is None, "the daemon ended"
            assert time.monotonic() < give_up, "it never happened"
            self.pause(0.05)


@contextmanager
def running(place: Place | Site, *, every: str | None = "1s", **environment: str) -> Iterator[RunningDaemon]:
    """Run a daemon that begins a cycle *every* so often; with None, as its configuration says."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place.change("log: {level: error}", f"http: {{listen: 127.0.0.1:{port}}}\nlog: {{level: info}}")
    if every is not None:
        place.change("every: 10s", f"every: {every}")
    with log_of(place).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            place.command("run"), cwd=place.folder, env=place.env(**environment), stderr=log, stdout=log, text=True
        )
        try:
            yield RunningDaemon(place, process, port)
        finally:
            process.kill()
            process.wait()
