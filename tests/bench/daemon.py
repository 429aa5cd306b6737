"""What the daemon takes: time to READY, memory at rest and at 100,000 people, exposure, number of dependencies.

The daemon is a process of its own here, as systemd runs it; the emulator is another, so that only syncd is measured.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import yaml

from syncd.cycle import run_cycle
from syncd.emulator import Emulator, Switches
from syncd.emulator.server import EmulatorServer
from syncd.parts import Options
from tests.bench.cycle import MAPPING, ORGANIZATION_ID, make_parts, memory_of

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "config" / "demo"
#: As in deploy/systemd/syncd.service and deploy/kubernetes/base/deployment.yaml.
LIMIT_MB = 1200.0
IDLE_MB = 120.0
EXPOSURE = 1.2
DEPENDENCIES = 45.0
_STARTS = 5


def run() -> list[tuple[str, float, float]]:
    """Return what was measured, each beside its limit."""
    seconds, idle = _small()
    yardstick = median(_took([sys.executable, "-c", "import boto3"]) for _ in range(_STARTS))
    print(f"  time to READY: {seconds:.2f} s; `import boto3` alone takes {yardstick:.2f} s")
    found = [
        ("time to READY, against `import boto3`", seconds / yardstick, 8.0),
        ("memory of a daemon at rest, one small organization, MB", idle, IDLE_MB),
    ]
    if (exposure := _exposure()) is not None:
        found.append(("exposure of deploy/systemd/syncd.service (systemd-analyze security)", exposure, EXPOSURE))
    found.append(("packages that syncd runs on, all included (deploy/requirements.txt)", _packages(), DEPENDENCIES))
    return [*found, *_large()]


def _small() -> tuple[float, float]:
    """Return the seconds to READY, and the memory at rest in MB after the first cycle, of the demo's organization."""
    times, memory = [], []
    for _ in range(_STARTS):
        with (
            tempfile.TemporaryDirectory() as folder,
            EmulatorServer(_empty("planetexpress", "planetexpress.example")) as server,
        ):
            place = Path(folder)
            for file in (DEMO / "day1").iterdir():
                (place / file.name).write_bytes(file.read_bytes())
            text = (DEMO / "syncd.yaml").read_text(encoding="utf-8").replace("every: 10s", "every: 1h")
            (place / "syncd.yaml").write_text(
                text.replace("http://127.0.0.1:8625", server.endpoint_url), encoding="utf-8"
            )
            with _daemon(place) as (process, ready_s):
                times.append(ready_s)
                _wait_for_cycle(place)
                memory.append(memory_of("VmRSS", process.pid))
    return median(times), median(memory)


def _large() -> Iterator[tuple[str, float, float]]:
    """Yield the peak memory of a daemon's cycle at 100,000 people, and of a first plan that would create them all."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        place = Path(folder)
        parts, emulator = make_parts(place)
        run_cycle(parts, Options(command="sync"))
        with EmulatorServer(emulator) as server:
            _configure(place, server.endpoint_url)
            with _daemon(place) as (process, _):
                _wait_for_cycle(place, "finished")
                print(f"  at 100,000 people: {memory_of('VmRSS', process.pid):.0f} MB after the cycle")
                yield (
                    "peak memory of a daemon whose cycle finds nothing, 100,000 people, MB",
                    memory_of("VmHWM", process.pid),
                    LIMIT_MB,
                )
        with EmulatorServer(_empty("corp", "corp.example")) as server:
            (place / "syncd.db").unlink()
            _configure(place, server.endpoint_url)
            with _daemon(place, "plan", "--out", str(place / "plan.txt")) as (process, _):
                _, _, usage = os.wait4(process.pid, 0)
                process.returncode = 0
            yield "peak memory of a first plan, 100,000 people to create, MB", usage.ru_maxrss / 1024, LIMIT_MB


def _configure(place: Path, endpoint: str) -> None:
    settings = {
        "store": "sqlite:///syncd.db",
        "organizations": [
            {
                "name": "corp",
                "mode": "full",
                "schedule": {"every": "1h", "jitter": "0s"},
                "source": {"type": "csv", "users": "people.csv", "groups": "groups.csv"},
                "mapping": MAPPING.model_dump(mode="json", by_alias=True, exclude_defaults=True),
                "workmail": {"organization_id": ORGANIZATION_ID, "endpoint_url": endpoint, "region": "eu-west-1"},
            }
        ],
    }
    (place / "syncd.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


def _empty(alias: str, domain: str) -> Emulator:
    emulator = Emulator(switches=Switches(users_limit=None))
    emulator.create_organization(alias=alias, domains=[domain], organization_id=ORGANIZATION_ID)
    return emulator


@contextmanager
def _daemon(place: Path, *command: str) -> Iterator[tuple["subprocess.Popen[bytes]", float]]:
    """Run a command (by default the daemon) in *place*; yield it, and the seconds until systemd heard READY."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, (place / "log").open("wb") as log:
        systemd.bind(str(place / "notify"))
        systemd.settimeout(120)
        with (place / "syncd.yaml").open("a", encoding="utf-8") as file:
            file.write("\nhttp: {listen: 127.0.0.1:0}\n")
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "syncd", *(command or ("run",))],
            cwd=place,
            env=_environment(NOTIFY_SOCKET=str(place / "notify")),
            stderr=log,
            stdout=log,
        )
        try:
            while not command and systemd.recv(4096) != b"READY=1":
                pass
            yield process, time.monotonic() - begun
        finally:
            process.terminate()
            process.wait()
            (place / "notify").unlink()


def _environment(**more: str) -> Mapping[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}
    return {**os.environ, **keys, "PYTHONPATH": str(ROOT), "SYNCD_CONFIG": "syncd.yaml", **more}


def _wait_for_cycle(place: Path, word: str = "applied") -> None:
    """Wait until the history has a cycle; *word* isn't asked of the log, which the demo keeps silent."""
    give_up = time.monotonic() + 600
    command = [sys.executable, "-m", "syncd", "history", "--format", "json"]
    while time.monotonic() < give_up:
        said = subprocess.run(command, cwd=place, env=_environment(), capture_output=True, text=True, check=False)
        if '"command": "run"' in said.stdout:
            return
    message = f"no cycle ended with {word}: {(place / 'log').read_text(encoding='utf-8')[-2000:]}"
    raise AssertionError(message)


def _took(command: list[str]) -> float:
    begun = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - begun


def _exposure() -> float | None:
    """Return what systemd-analyze says of the unit, from 0 (safe) to 10; None where it isn't installed."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "deploy/systemd/syncd.service"]
    try:
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    found = re.search(r"exposure level for \S+: ([\d.]+)", said.stdout)
    return float(found[1]) if found else None


def _packages() -> float:
    lines = (ROOT / "deploy" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    ours = [line for line in lines if re.match(r"[A-Za-z0-9]", line) and "sys_platform == 'win32'" not in line]
    return float(len(ours))
