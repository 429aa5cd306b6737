"""The image, built from wheels on a base without a shell, and run with a root that can't be written."""

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import syncd
from syncd.emulator import Emulator
from syncd.emulator.documents import read_document
from syncd.emulator.seed import plant
from syncd.emulator.server import EmulatorServer
from tests.fakes.containers import Images
from tests.fakes.debian import need, need_root

ROOT = Path(__file__).parents[2]
CONTAINER = ROOT / "deploy" / "container"
DEMO = ROOT / "config" / "demo"
#: Debian with a Python, made once for this checkout.
BASE = ROOT / ".cache" / "container" / "bookworm.tar"
IMAGE, PYTHON, BARE = "localhost/syncd", "localhost/python", "localhost/python-and-nothing-else"
FOLDERS = ("man", "doc", "locale", "info")
#: What a base image of this kind lacks: whatever could run a script, or install something.
WITHOUT = "rm -rf /usr/bin/sh /usr/bin/dash /usr/bin/bash /usr/bin/dpkg /usr/share/python-wheels"
PATIENCE_S = 240


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    """A store with the image of syncd in it, on a base that has no shell."""
    need_root("the files of an image belong to several users")
    for program, package in (("buildah", "buildah"), ("mmdebstrap", "mmdebstrap"), ("pip3", "python3-pip")):
        need(program, [package])
    folder = tmp_path_factory.mktemp("images")
    found = Images(folder / "store")
    try:
        with ThreadPoolExecutor() as together:
            downloading = together.submit(download, folder)
            base = together.submit(debian, folder).result()
            found.build(PYTHON, *base)
            found.build(BARE, bare(folder), folder)
            downloading.result()
        options = ["--ignorefile", str(CONTAINER / "Containerfile.containerignore")]
        given = {"BUILD_IMAGE": PYTHON, "BASE_IMAGE": BARE, "VERSION": syncd.__version__, "REVISION": "abc123"}
        for name, value in given.items():
            options += ["--build-arg", f"{name}={value}"]
        found.build(IMAGE, CONTAINER / "Containerfile", context(folder), *options)
        yield found
    finally:
        found.close()
        shutil.rmtree(folder)


def download(folder: Path) -> None:
    """Fetch the wheels, by README's command, from where pip is told to look on this machine."""
    text = (CONTAINER / "README.md").read_text(encoding="utf-8")
    command = re.search(r"^python3 -m pip download [^\n]*$", text, re.MULTILINE)
    assert command
    line = command[0].replace("python3", "/usr/bin/python3", 1).replace(".cache/wheels", str(folder / "wheels"))
    subprocess.run(["sh", "-euc", line], cwd=ROOT, check=True, capture_output=True, timeout=600)


def debian(folder: Path) -> tuple[Path, Path]:
    """Return a Containerfile, and its folder, of a Debian that has Python, venv, and whom to trust."""
    if not BASE.exists():
        BASE.parent.mkdir(parents=True, exist_ok=True)
        made = folder / "made.tar"
        quick = ["--dpkgopt=force-unsafe-io", *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in FOLDERS)]
        what = ["--variant=essential", "--mode=root", "--include=python3,python3-venv,ca-certificates"]
        command = ["mmdebstrap", *what, *quick, "bookworm", str(made)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        shutil.move(made, BASE)
    file = folder / "debian"
    file.write_text(f"FROM scratch\nADD {BASE.name} /\n", encoding="ascii")
    return file, BASE.parent


def bare(folder: Path) -> Path:
    file = folder / "bare"
    command = ", ".join(f'"{word}"' for word in WITHOUT.split())
    file.write_text(f"FROM {PYTHON}\nRUN [{command}]\n", encoding="ascii")
    return file


def context(folder: Path) -> Path:
    """Return a checkout with the wheels in it, as README wants it."""
    checkout = folder / "checkout"
    for name in ("syncd", "config", "deploy"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    (checkout / ".cache").mkdir()
    (folder / "wheels").rename(checkout / ".cache" / "wheels")
    return checkout


class Pod:
    """What is mounted in a container: a configuration, and a folder for the store that belongs to its user."""

    def __init__(self, images: Images, folder: Path) -> None:
        self.images = images
        self.folder = folder
        for name in ("state", "config"):
            (folder / name).mkdir()
        os.chown(folder / "state", 65532, 65532)

    def command(self, *arguments: str, entrypoint: tuple[str, ...] = ()) -> list[str]:
        return self.images.command(IMAGE, self.folder, *arguments, entrypoint=entrypoint)

    def run(self, *arguments: str, entrypoint: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments, entrypoint=entrypoint),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def python(self, program: str) -> subprocess.CompletedProcess[str]:
        return self.run("-c", program, entrypoint=("python3",))

    def configure(self, server: EmulatorServer, listen: str = "127.0.0.1:9780") -> None:
        """Let the demo's organization be synchronized with *server*."""
        text = (DEMO / "syncd.yaml").read_text(encoding="utf-8")
        text = text.replace("sqlite:///syncd.db", "sqlite:////var/lib/syncd/syncd.db")
        text = text.replace("http://127.0.0.1:8625", server.endpoint_url)
        text = text.replace("log: {level: error}", f"log: {{level: info}}\nhttp: {{listen: '{listen}'}}")
        (self.folder / "config" / "syncd.yaml").write_text(text, encoding="utf-8")
        for csv in (DEMO / "day1").iterdir():
            shutil.copy(csv, self.folder / "config")


@pytest.fixture
def pod(images: Images, tmp_path: Path) -> Pod:
    return Pod(images, tmp_path)


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    emulator = Emulator()
    plant(emulator, read_document(DEMO / "workmail.json"), "the seed")
    with EmulatorServer(emulator) as found:
        yield found


def test_it_says_what_it_is(images: Images, pod: Pod) -> None:
    """User, command and labels are in the image, and `--version` says the version that was built."""
    config = images.config(IMAGE)

    assert (config["User"], config["Entrypoint"], config["Cmd"]) == ("65532:65532", ["syncd"], ["run"])
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert (labels["title"], labels["version"], labels["revision"]) == ("syncd", syncd.__version__, "abc123")
    assert (labels["licenses"], labels["base.name"]) == ("Apache-2.0", BARE)
    assert pod.run("--version").stdout == f"syncd {syncd.__version__}\n"


def test_it_is_nobody_and_can_write_nowhere(pod: Pod) -> None:
    """It runs as 65532, writes to /tmp and to its state, and finds everything else read-only; there is no shell."""
    who = pod.python("import os; print(os.getuid(), os.getgid(), os.getgroups())")
    assert who.stdout == "65532 65532 []\n", who.stderr

    for place in ("/tmp", "/var/lib/syncd"):
        assert pod.python(f"open('{place}/x', 'w').close()").returncode == 0
    for place in ("/", "/etc/syncd", "/opt/syncd", "/dev"):
        assert "Read-only file system" in pod.python(f"open('{place}/x', 'w').close()").stderr
    assert pod.run("-c", "true", entrypoint=("sh",)).returncode == 127


def test_it_holds_what_it_runs_on_and_nothing_else(images: Images) -> None:
    """Every module of every package has its bytecode; neither pip nor what builds syncd is there."""
    (place,) = images.root(IMAGE).glob("opt/syncd/lib/python3.*/site-packages")
    modules = [path for path in place.rglob("*.py") if path.name != "__pycache__"]
    compiled = {path.parent.parent / f"{path.name.split('.')[0]}.py" for path in place.rglob("__pycache__/*.pyc")}

    assert len(modules) > 1000
    assert [path for path in modules if path not in compiled] == []
    packages = {path.name.split("-")[0] for path in place.glob("*.dist-info")}
    assert {"syncd", "boto3", "ldap3"} <= packages
    assert packages & {"pip", "setuptools", "hatchling", "wheel"} == set()


def test_a_plan_is_made_in_it(pod: Pod, server: EmulatorServer) -> None:
    """`syncd plan`, with the credentials in the environment, shows what is to be done and stores the plan."""
    pod.configure(server)
    arguments = ("AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "/opt/syncd/bin/syncd", "plan")

    planned = pod.run(*arguments, entrypoint=("env",))

    assert planned.returncode == 0, planned.stderr
    assert re.search(r"^Plan: \d+ to add, 0 to change, 0 to remove", planned.stdout, re.MULTILINE)
    assert {path.stat().st_uid for path in (pod.folder / "state").iterdir()} == {65532}


def test_the_daemon_lives_in_it(pod: Pod, server: EmulatorServer) -> None:
    """`syncd run`, the command of the image, answers and synchronizes; SIGTERM ends it with 0."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    pod.configure(server, address)
    command = pod.command("AWS_ACCESS_KEY_ID=me", "AWS_SECRET_ACCESS_KEY=me", "syncd", "run", entrypoint=("env",))
    with (pod.folder / "log").open("w", encoding="utf-8") as log:
        outer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: "daemon_started" in (pod.folder / "log").read_text(encoding="utf-8"), outer)
        answers = [get(f"http://{address}/{path}") for path in ("livez", "readyz")]
        wait_until(lambda: '"event": "cycle_finished"' in (pod.folder / "log").read_text(encoding="utf-8"), outer)
        (inner,) = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text(encoding="ascii").split()
        os.kill(int(inner), 15)
        code = outer.wait(PATIENCE_S)
    finally:
        outer.kill()
        outer.wait()

    assert answers == [200, 200]
    assert code == 0, (pod.folder / "log").read_text(encoding="utf-8")


def get(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:  # noqa: S310 - the address is this test's
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def wait_until(is_true: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not is_true():
        assert process.poll() is None, "it ended"
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.05)  # noqa: TID251 - the container is another process, with a clock of its own
