"""A real Prometheus of one's own: Debian's, as an ordinary process on loopback, gone with the test."""

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from tests.fakes.debian import need
from tests.fakes.slapd import free_port

#: How long anything may take on a machine that has much else to do.
PATIENCE = 240.0
_CONFIGURATION = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: syncd
    static_configs: [{{targets: ["{target}"]}}]
"""


def need_prometheus() -> None:
    """Have `prometheus` and `promtool`; Debian's package holds both, and its service isn't started."""
    need("promtool", ["prometheus"])
    need("prometheus", ["prometheus"])


def promtool(*arguments: str, given: str = "", folder: Path | None = None) -> tuple[int, str]:
    """Run promtool; return how it ended and all that it said."""
    done = subprocess.run(
        ["promtool", *arguments], input=given, cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Wait until *true* says so; what can't be reached yet is waited for as well."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            if true():
                return
        except (OSError, http.client.HTTPException):
            pass
        assert time.monotonic() < give_up, f"it never happened: {what}"
        threading.Event().wait(0.1)


def get(port: int, path: str, accept: str = "*/*") -> tuple[int, str]:
    """Ask a server on loopback."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Accept": accept})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@dataclass(kw_only=True)
class Prometheus:
    """Scrapes *target* every second as the job `syncd` and evaluates *rules*; `with` starts and stops it."""

    folder: Path
    target: str
    rules: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        configuration = self.folder / "prometheus.yml"
        configuration.write_text(_CONFIGURATION.format(rules=self.rules, target=self.target), encoding="utf-8")
        command = [
            "prometheus",
            f"--config.file={configuration}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--enable-feature=exemplar-storage",
        ]
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._process = process
        wait_until(lambda: process.poll() is not None or get(self.port, "/-/ready")[0] == 200, "Prometheus is ready")
        assert process.poll() is None, (self.folder / "log").read_text(encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def ask(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - whatever Prometheus has to say
        """Return the data of an answer of its API."""
        status, text = get(self.port, f"/api/v1/{path}?{urlencode(parameters)}")
        answer = json.loads(text)
        assert (status, answer["status"]) == (200, "success"), f"{parameters}: {answer.get('error')}"
        return answer["data"]

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Return what *expr* is worth now: one entry a series."""
        data = self.ask("query", query=expr)
        found: list[dict[str, Any]] = data["result"]
        assert data["resultType"] == "vector"
        return found

    def value(self, expr: str) -> float:
        """Return the one value of *expr*; 0 where it has none."""
        found = self.query(expr)
        return float(found[0]["value"][1]) if found else 0.0
