"""Places with an organization and a directory of any kind, in which every output is looked at for secrets."""

import atexit
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from syncd.emulator import Emulator, Switches
from syncd.emulator.faults import Fault
from syncd.emulator.seed import plant
from syncd.emulator.server import EmulatorServer

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
WARM = Path(__file__).with_name("warm.py")
ORGANIZATION = "m-0123456789abcdef0123456789abcdef"
ENDPOINT = "http://127.0.0.1:8625"
#: A secret that must show nowhere.
CANARY = "wJalrXUtnFEMI-CANARY"
PEOPLE = "planetexpress_people.csv"
GROUPS = "planetexpress_groups.csv"
_READING = ("Describe", "Get", "List")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        return self.out.rstrip().splitlines()[-1]


class Warm:
    """Runs commands one after the other, each in a new process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(WARM)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Ended:
        streams = {name: str(folder / f".{name}") for name in ("stdout", "stderr")}
        task = {"arguments": arguments, "folder": str(folder), "environment": environment, **streams}
        asking, answering = self._process.stdin, self._process.stdout
        assert asking is not None
        assert answering is not None
        asking.write(json.dumps(task) + "\n")
        asking.flush()
        code = int(answering.readline())
        out, err = (Path(path).read_text(encoding="utf-8") for path in streams.values())
        return Ended(code, out, err)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@cache
def the_warm_one() -> Warm:
    """Return the one of this process, started when it is first needed."""
    started = Warm()
    atexit.register(started.close)
    return started


@dataclass(slots=True)
class Site:
    """A folder with a configuration and a directory, and the emulator that it is about."""

    folder: Path
    server: EmulatorServer
    warm: Warm
    config: str
    environment: dict[str, str] = field(default_factory=dict)

    def syncd(self, *arguments: str, **environment: str) -> Ended:
        """Run a command to its end; no output may hold a secret or a traceback."""
        ended = self.warm.run(arguments, self.folder, self.env(**environment))
        shown = ended.out + ended.err
        assert CANARY not in shown
        assert "Traceback" not in shown, ended.err
        return ended

    def command(self, *arguments: str) -> list[str]:
        """Return the command line for who starts the process himself."""
        return [sys.executable, "-m", "syncd", *arguments]

    def env(self, **more: str) -> dict[str, str]:
        return {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": CANARY,
            "PYTHONPATH": str(ROOT),
            "SYNCD_CONFIG": self.config,
            **self.environment,
            **more,
        }

    def json(self, *arguments: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.syncd(*arguments, "--format", "json").out)
        return document

    def change(self, old: str, new: str, name: str = "") -> None:
        """Replace *old* in the configuration, or in the file called *name*."""
        path = self.folder / (name or self.config)
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def write(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def keep(self) -> Callable[[], None]:
        """Return what puts everything back as it is now: files, store and WorkMail; faults end."""
        files = {path: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}
        held = self.server.emulator.snapshot()

        def put_back() -> None:
            for path in self.folder.iterdir():
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            for path, content in files.items():
                path.write_bytes(content)
            self.faults()
            self.server.emulator.load(held)
            self.server.log.reset()

        return put_back

    def faults(self, *rules: Fault) -> None:
        """Let these go wrong from now on, and nothing else."""
        self.server.service.set_rules(rules)

    def held(self) -> object:
        """Return everything that WorkMail holds."""
        return self.server.emulator.snapshot()

    def sent(self) -> int:
        """Return how many calls could have changed something since the last count."""
        counters = self.server.log.counters()
        return sum(sum(counts.values()) for operation, counts in counters.items() if not operation.startswith(_READING))

    def remembered(self, *tables: str) -> dict[str, list[tuple[object, ...]]]:
        """Return rows of the store; without names, those of whom we own and since when they are missing."""
        with closing(self._store()) as store:
            # The names come from tests.
            return {
                name: sorted(store.execute(f"SELECT {_columns(store, name)} FROM {name}"), key=repr)  # noqa: S608 - the names come from the schema itself
                for name in tables or ("bindings", "marks", "source_counts")
            }

    def open_intents(self) -> int:
        """Return how many calls the journal knows no end of."""
        with closing(self._store()) as store:
            (count,) = store.execute("SELECT count(*) FROM journal WHERE is_open").fetchone()
        return int(count)

    def _store(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.folder / 'syncd.db'}?mode=ro", uri=True)


def _columns(store: sqlite3.Connection, table: str) -> str:
    """Return the columns of *table*, but for what the first cycle after a registration notes of itself."""
    names = [str(row[1]) for row in store.execute(f"PRAGMA table_info({table})")]
    return ", ".join(f'"{name}"' for name in names if name != "seen_enabled")


@contextmanager
def a_site(
    folder: Path,
    warm: Warm,
    *,
    seed: Mapping[str, object],
    files: Sequence[Path],
    config: Path,
    switches: Switches | None = None,
    credentials: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """Make a place with the organization of *seed* and copies of *files*."""
    emulator = Emulator()
    if switches is not None:
        emulator.switches = switches
    plant(emulator, {"organizations": [{"organization_id": ORGANIZATION, **seed}]}, "the seed")
    for path in (*files, config):
        shutil.copy(path, folder)
    with EmulatorServer(emulator, credentials=credentials) as server:
        site = Site(folder, server, warm, config.name)
        site.change(ENDPOINT, server.endpoint_url)
        yield site


def planetexpress(
    folder: Path,
    *,
    seed: Mapping[str, object] | None = None,
    switches: Switches | None = None,
    credentials: Mapping[str, str] | None = None,
) -> AbstractContextManager[Site]:
    """Make a place with the people and groups of planetexpress.ldif; *seed* says more about the organization."""
    return a_site(
        folder,
        the_warm_one(),
        seed={"alias": "planetexpress", "domains": ["planetexpress.com"], **(seed or {})},
        files=[DATA / PEOPLE, DATA / GROUPS],
        config=DATA / "planetexpress.yaml",
        switches=switches,
        credentials=credentials,
    )
