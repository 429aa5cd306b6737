"""The AWS command-line tool and the JavaScript SDK, unmodified, live a directory life on the emulator."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from syncd.emulator.server import EmulatorServer
from syncd.emulator.service import Emulator
from tests.directory_life import DOMAIN, OPERATIONS, Output, ServiceRefused, live

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
KEY, SECRET = "AKIAEXAMPLE", "a-secret-for-tests"

_REFUSED = re.compile(r"An error occurred \((\w+)\) when calling")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    """An emulator that verifies signatures, as WorkMail does."""
    with EmulatorServer(Emulator(), credentials={KEY: SECRET}) as server:
        yield server


@pytest.fixture
def organization_id(server: EmulatorServer) -> str:
    return server.emulator.create_organization(alias="planetexpress", domains=(DOMAIN,))


class CommandLineTool:
    """`aws workmail ...`, one process a call, options as a person would type them."""

    def __init__(self, aws: Path, endpoint_url: str) -> None:
        self._aws = aws
        self._environment = {
            **os.environ,
            "AWS_ENDPOINT_URL_WORKMAIL": endpoint_url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_DEFAULT_OUTPUT": "json",
            "AWS_PAGER": "",
            "PYTHONIOENCODING": "utf-8",
        }

    def __call__(self, operation: str, **params: object) -> Output:
        result = self.run([_HUMP.sub("-", operation).lower(), *_options(params)])
        refused = _REFUSED.search(result.stderr)
        if refused:
            assert result.returncode != 0
            raise ServiceRefused(refused[1])
        assert (result.returncode, result.stderr) == (0, "")
        output: Output = json.loads(result.stdout or "{}")
        return output

    def run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._aws, "workmail", *arguments],
            env=self._environment,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )


def _options(params: dict[str, object]) -> Iterator[str]:
    for name, value in params.items():
        option = _HUMP.sub("-", name).lower()
        if isinstance(value, bool):
            yield f"--{option}" if value else f"--no-{option}"
        elif isinstance(value, list):
            yield from (f"--{option}", *value)
        else:
            yield f"--{option}"
            yield value if isinstance(value, str) else json.dumps(value)


class JavaScriptClient:
    """`@aws-sdk/client-workmail` in a process of Node.js that makes one call after the other."""

    def __init__(self, folder: Path, endpoint_url: str) -> None:
        self._process = subprocess.Popen(
            ["node", "drive.mjs", endpoint_url, KEY, SECRET],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __call__(self, operation: str, **params: object) -> Output:
        output: Output = self._reply({"operation": operation, "input": params})["output"]
        return output

    def pages(self, operation: str, **params: object) -> list[Output]:
        pages: list[Output] = self._reply({"operation": operation, "input": params, "paginate": True})["pages"]
        return pages

    def close(self) -> None:
        self._process.communicate(timeout=30)

    def _reply(self, question: dict[str, object]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        reply: dict[str, Any] = json.loads(self._process.stdout.readline())
        if "error" in reply:
            assert reply["modelled"], f"{question['operation']} failed without a modelled error: {reply['text']}"
            raise ServiceRefused(reply["error"])
        return reply


@pytest.fixture(scope="session")
def aws() -> Path:
    """The command-line tool, in an environment of its own: its versions of packages are not ours."""
    folder = CACHE / "awscli"
    requirements = ROOT / "tests" / "awscli.txt"
    _once(folder, requirements.read_bytes(), lambda: _install_awscli(folder, requirements))
    return folder / "bin" / "aws"


def _install_awscli(folder: Path, requirements: Path) -> None:
    python = folder / "bin" / "python"
    hashed: list[str | Path] = ["install", "--require-hashes", "--requirement", requirements]
    if shutil.which("uv"):
        _run(["uv", "venv", "--quiet", "--python", sys.executable, folder])
        _run(["uv", "pip", *hashed[:1], "--quiet", "--python", python, *hashed[1:]])
    else:
        _run([sys.executable, "-m", "venv", folder])
        _run([python, "-m", "pip", *hashed[:1], "--quiet", *hashed[1:]])


@pytest.fixture(scope="session")
def javascript() -> Path:
    """A folder with the JavaScript SDK and the program that drives it."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node.js with npm is not installed here: sudo apt-get install nodejs npm")
    folder = CACHE / "js"
    package = ROOT / "tests" / "js" / "package.json"
    _once(folder, package.read_bytes(), lambda: _install_javascript(folder, package))
    # Node looks for packages beside the program that imports them.
    shutil.copy(ROOT / "tests" / "js" / "drive.mjs", folder)
    return folder


def _install_javascript(folder: Path, package: Path) -> None:
    shutil.copy(package, folder)
    _run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder)


def _once(folder: Path, wanted: bytes, install: Callable[[], None]) -> None:
    """Install into *folder* unless what is *wanted* was installed there before."""
    mark = folder / "installed"
    digest = hashlib.sha256(wanted).hexdigest()
    if mark.exists() and mark.read_text(encoding="ascii") == digest:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install()
    mark.write_text(digest, encoding="ascii")


def _run(command: Sequence[str | Path], cwd: Path = ROOT) -> None:
    result = subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", timeout=600, check=False)
    if result.returncode:
        pytest.skip(f"{' '.join(map(str, command))} failed: {result.stderr.strip()[-600:]}")


@pytest.fixture
def client(javascript: Path, server: EmulatorServer) -> Iterator[JavaScriptClient]:
    client = JavaScriptClient(javascript, server.endpoint_url)
    yield client
    client.close()


def called(server: EmulatorServer) -> set[str]:
    return set(server.log.counters())


def test_the_command_line_tool_drives_every_operation(aws: Path, server: EmulatorServer, organization_id: str) -> None:
    """The awscli lives the whole life: every operation of A.1 to A.5 arrived, each answer was right."""
    assert live(CommandLineTool(aws, server.endpoint_url), organization_id) == OPERATIONS
    assert called(server) == OPERATIONS


def test_the_javascript_sdk_drives_every_operation(
    client: JavaScriptClient, server: EmulatorServer, organization_id: str
) -> None:
    """The JavaScript SDK lives the whole life: every operation arrived, each answer and error typed."""
    assert live(client, organization_id) == OPERATIONS
    assert called(server) == OPERATIONS


def test_the_command_line_tool_pages(aws: Path, server: EmulatorServer, organization_id: str) -> None:
    """The awscli puts a list together from pages of one, and shows it as a table of text."""
    tool = CommandLineTool(aws, server.endpoint_url)
    for name in ("amy", "hermes", "zoidberg"):
        tool("CreateGroup", OrganizationId=organization_id, Name=name)

    result = tool.run(
        [
            *("list-groups", "--organization-id", organization_id, "--page-size", "1"),
            *("--output", "text", "--query", "sort(Groups[].Name)"),
        ]
    )

    assert result.stdout.split() == ["amy", "hermes", "zoidberg"]
    assert server.log.counters()["ListGroups"] == {"ok": 3}


def test_the_javascript_sdk_pages(client: JavaScriptClient, organization_id: str) -> None:
    """The SDK's paginator walks pages of one to their end."""
    for name in ("amy", "hermes", "zoidberg"):
        client("CreateGroup", OrganizationId=organization_id, Name=name)

    pages = client.pages("ListGroups", OrganizationId=organization_id)

    assert [len(page["Groups"]) for page in pages] == [1, 1, 1]
    assert {page["Groups"][0]["Name"] for page in pages} == {"amy", "hermes", "zoidberg"}


def test_a_wrong_secret_is_refused(aws: Path, server: EmulatorServer, organization_id: str) -> None:
    """A real client with a wrong secret gets the error of a wrong signature."""
    tool = CommandLineTool(aws, server.endpoint_url)
    tool._environment["AWS_SECRET_ACCESS_KEY"] = "another-secret"

    with pytest.raises(ServiceRefused, match="InvalidSignatureException"):
        tool("ListUsers", OrganizationId=organization_id)
