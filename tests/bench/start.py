"""What a start costs: CPU of each command until its work begins, against `import boto3` alone.

`status` is measured to its end; `plan` and `sync` until they first knock at the service, `run` until READY.

The limits are what is aimed at, and no start reaches its own yet: `status` takes about 3 of its 2. Loading the
libraries takes more than the limit already: SQLAlchemy 1.32, pydantic 0.47 and typer 0.35 of what boto3 takes.
"""

import os
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from syncd.emulator import Emulator
from syncd.emulator.documents import read_document
from syncd.emulator.seed import plant
from syncd.emulator.server import EmulatorServer

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "config" / "demo"
_ROUNDS = 10
_SYNCD = (sys.executable, "-m", "syncd")
_PATIENCE_S = 60


def run() -> list[tuple[str, float, float]]:
    """Return what was measured, each beside its limit."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as service:
        place = Path(folder)
        service.settimeout(_PATIENCE_S)
        _configure(place, f"http://127.0.0.1:{service.getsockname()[1]}")
        measured: dict[str, tuple[Callable[[], float], float]] = {
            "import boto3": (lambda: _whole(place, sys.executable, "-c", "import boto3"), 1.0),
            "syncd status": (lambda: _whole(place, *_SYNCD, "status"), 2.0),
            "syncd plan, until it first asks the service": (lambda: _until_asked(place, service, "plan"), 2.0),
            "syncd sync, until it first asks the service": (lambda: _until_asked(place, service, "sync"), 2.0),
            "syncd run, until READY": (lambda: _until_ready(place), 3.0),
        }
        took = _medians({name: measure for name, (measure, _) in measured.items()})
    yardstick = took.pop("import boto3")
    print(f"  `import boto3` alone takes {yardstick:.3f} s of CPU")
    return [(name, seconds / yardstick, measured[name][1]) for name, seconds in took.items()]


def _medians(measures: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """Return the median CPU seconds of each, all taken in turn; the first round, which fills caches, doesn't count."""
    took: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(_ROUNDS + 1):
        for name, measure in measures.items():
            took[name].append(measure())
    return {name: median(values[1:]) for name, values in took.items()}


def _configure(place: Path, endpoint: str) -> None:
    """Write the demo's directory and configuration, whose service never answers; one cycle is in the store."""
    emulator = Emulator()
    plant(emulator, read_document(DEMO / "workmail.json"), "workmail.json")
    for file in (DEMO / "day1").iterdir():
        (place / file.name).write_bytes(file.read_bytes())
    text = (DEMO / "syncd.yaml").read_text(encoding="utf-8").replace("every: 10s", "every: 1h")
    text += "\nhttp: {listen: 127.0.0.1:0}\n"
    with EmulatorServer(emulator) as server:
        _write(place, text, server.endpoint_url)
        subprocess.run([*_SYNCD, "sync"], cwd=place, env=_environment(place), capture_output=True, check=False)
    _write(place, text, endpoint)


def _write(place: Path, text: str, endpoint: str) -> None:
    (place / "syncd.yaml").write_text(text.replace("http://127.0.0.1:8625", endpoint), encoding="utf-8")


def _environment(place: Path, **more: str) -> Mapping[str, str]:
    """Return what the commands run in: modules are compiled, as installed ones are, into a folder of their own."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}
    ours = {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(place / "compiled"), "SYNCD_CONFIG": "syncd.yaml"}
    return {**inherited, **keys, **ours, **more}


def _whole(place: Path, *command: str) -> float:
    """Return the CPU seconds of a command that ends by itself."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=place, env=_environment(place), stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _until_asked(place: Path, service: socket.socket, command: str) -> float:
    """Return the CPU seconds until the command connects to *service*."""
    with subprocess.Popen(
        [*_SYNCD, command], cwd=place, env=_environment(place), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            service.accept()[0].close()
            return _cpu(process.pid)
        finally:
            process.kill()
            process.wait()
            _drain(service)


def _drain(service: socket.socket) -> None:
    """Take what a killed command left in the queue: it asked more than once."""
    service.settimeout(0)
    try:
        while True:
            service.accept()[0].close()
    except BlockingIOError:
        service.settimeout(_PATIENCE_S)


def _until_ready(place: Path) -> float:
    """Return the CPU seconds until the daemon says READY."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place / "notify"))
        systemd.settimeout(_PATIENCE_S)
        environment = _environment(place, NOTIFY_SOCKET=str(place / "notify"))
        with subprocess.Popen([*_SYNCD, "run"], cwd=place, env=environment, stderr=subprocess.DEVNULL) as process:
            try:
                while systemd.recv(4096) != b"READY=1":
                    pass
                return _cpu(process.pid)
            finally:
                process.kill()
                process.wait()
                (place / "notify").unlink()


def _cpu(pid: int) -> float:
    """Return the CPU seconds that a running process took so far, all of its threads together."""
    spent = (path.read_text(encoding="ascii").split()[0] for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(map(int, spent)) / 1e9
