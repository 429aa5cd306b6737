"""syncd as users run it: the real command in a process of its own, against an emulator over HTTP."""

import contextlib
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from syncd.emulator import Emulator
from syncd.emulator.documents import read_document
from syncd.emulator.seed import plant
from syncd.emulator.server import EmulatorServer
from tests.functional.places import the_warm_one

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "config" / "demo"
ENDPOINT = "http://127.0.0.1:8625"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI-CANARY"}


@dataclass(slots=True)
class Place:
    """A folder with the demo's configuration, whose WorkMail is an emulator of this test."""

    folder: Path
    server: EmulatorServer
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "syncd.yaml"

    def day(self, name: str) -> None:
        """Make the directory what it is on that day of the demo."""
        for csv in (DEMO / name).iterdir():
            shutil.copy(csv, self.folder)

    def change(self, old: str, new: str) -> None:
        """Replace *old* in the configuration."""
        text = self.config.read_text(encoding="utf-8")
        assert old in text
        self.config.write_text(text.replace(old, new), encoding="utf-8")

    def syncd(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `syncd` in the folder and wait for its end: in a process of its own, without its second of imports."""
        ended = the_warm_one().run(arguments, self.folder, self.env(**environment))
        return subprocess.CompletedProcess(self.command(*arguments), ended.code, ended.out, ended.err)

    def on_a_terminal(self, *arguments: str) -> str:
        """Run `syncd` on a terminal of its own and return what that showed."""
        here, there = pty.openpty()
        with subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.env(TERM="xterm-256color", COLUMNS="100"),
            stdin=there,
            stdout=there,
            stderr=there,
        ) as process:
            os.close(there)
            shown = b""
            # Reading from a terminal whose other side is closed is an error on Linux, not an end.
            with contextlib.suppress(OSError):
                while part := os.read(here, 65536):
                    shown += part
            os.close(here)
            assert process.wait(240) == 0
        return shown.decode()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "syncd", *arguments]

    def env(self, **more: str) -> dict[str, str]:
        return {**os.environ, **CREDENTIALS, "PYTHONPATH": str(ROOT), **self.environment, **more}

    def json(self, *arguments: str) -> dict[str, Any]:
        """Run a command with `--format json` and return what it says."""
        document: dict[str, Any] = json.loads(self.syncd(*arguments, "--format", "json").stdout)
        return document


@contextmanager
def a_place(folder: Path) -> Iterator[Place]:
    """An organization with two foreign mailboxes, and the directory of the first day."""
    emulator = Emulator()
    plant(emulator, read_document(DEMO / "workmail.json"), "the seed")
    with EmulatorServer(emulator) as server:
        found = Place(folder, server)
        shutil.copy(DEMO / "syncd.yaml", folder)
        found.change(ENDPOINT, server.endpoint_url)
        found.day("day1")
        yield found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place of its own for each test."""
    with a_place(tmp_path) as found:
        yield found
