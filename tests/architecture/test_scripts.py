"""The scripts that set a machine up: readable by any shell, and clear where they can't go on."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = ["deploy/bootstrap.sh", "deploy/demo", "tests/set-up.sh", "tests/run", "tests/real"]


def program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The programs of a bare machine: no Python, no uv, no apt-get, and whoever asks is not root."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("basename", "cat", "cksum", "dirname", "mkdir", "rm", "sed", "sleep", "tail"):
        (folder / name).symlink_to(str(shutil.which(name)))
    program(folder, "id", "echo 1000")
    return folder


@pytest.fixture
def checkout(tmp_path: Path, root: Path) -> Path:
    """A fresh checkout, as far as the set-up looks at it."""
    folder = tmp_path / "checkout"
    shutil.copytree(root / "deploy", folder / "deploy")
    (folder / "tests").mkdir()
    for name in ("pyproject.toml", "tests/requirements.txt", "tests/run"):
        shutil.copy(root / name, folder / name)
    return folder


def demo(checkout: Path, machine: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "deploy/demo"],
        cwd=checkout,
        env={"PATH": str(machine), "HOME": str(checkout.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_any_shell_can_read_it(script: str, root: Path) -> None:
    """The scripts that come before Python are valid for /bin/sh."""
    result = subprocess.run(["/bin/sh", "-n", root / script], capture_output=True, text=True, check=False)

    assert (result.returncode, result.stderr) == (0, "")


@pytest.fixture
def commands(checkout: Path, machine: Path, root: Path) -> Callable[..., list[str]]:
    """Run a command of the checks on a machine that is set up, but for slapd; return what that ran, line by line."""
    for name in ("tests/set-up.sh", "tests/real"):
        shutil.copy(root / name, checkout / name)
    for name in ("chmod", "node", "npm"):
        program(machine, name, "exit 0")
    for name in ("apt-get", "env"):
        program(machine, name, f'echo {name} "$@" >>asked')
    program(machine, "id", "echo 0")
    tools = checkout / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name in ("python", "syncd", "ruff", "mypy", "lint-imports"):
        program(tools, name, "exit 0")
    program(tools, "pytest", 'echo pytest "$@" >>asked')
    mark = ". deploy/bootstrap.sh; fingerprint tests/requirements.txt >.venv/made-from"
    subprocess.run(["/bin/sh", "-c", mark], cwd=checkout, check=True)
    environment = {"PATH": str(machine), "POLICY_RC_D": str(checkout / "policy-rc.d")}

    def run(script: str, *arguments: str) -> list[str]:
        (checkout / "asked").unlink(missing_ok=True)
        done = subprocess.run(
            ["/bin/sh", script, *arguments], cwd=checkout, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return (checkout / "asked").read_text(encoding="utf-8").splitlines()

    return run


@pytest.mark.parametrize("script", ["tests/run", "tests/real"])
def test_a_command_installs_what_its_tests_need(
    script: str, commands: Callable[..., list[str]], checkout: Path
) -> None:
    """On a machine without LDAP server each command of the checks, also alone, asks for one before its first test."""
    *before, last = commands(script)

    assert any("install" in line and "slapd ldap-utils" in line for line in before)
    assert last.startswith("pytest ")
    assert not (checkout / "policy-rc.d").exists()


def test_the_floor_of_the_coverage_holds_for_all_tests_only(commands: Callable[..., list[str]], machine: Path) -> None:
    """A part of the tests isn't held to it, nor are those that remain where there is no slapd."""
    without = commands("tests/run")[-1]
    for name in ("slapd", "ldapsearch"):
        program(machine, name, "exit 0")

    assert "--cov-fail-under=0" in without
    assert "--cov-fail-under=0" in commands("tests/run", "-k", "guards")[-1]
    assert "--cov " in commands("tests/run")[-1]
    assert "--cov-fail-under" not in commands("tests/run")[-1]


def test_continuous_integration_is_executable(root: Path) -> None:
    """.ci/run can be started as it is."""
    assert os.access(root / ".ci" / "run", os.X_OK)


def test_no_python_is_said(checkout: Path, machine: Path) -> None:
    """Without Python, the set-up says what it needs and what to type."""
    result = demo(checkout, machine)

    assert result.returncode == 69
    assert "syncd needs Python 3.11 or newer; this machine has no python3" in result.stderr
    assert "sudo apt-get install python3 python3-venv" in result.stderr


def test_an_old_python_is_said(checkout: Path, machine: Path) -> None:
    """A Python that is too old is named with its version."""
    program(machine, "python3", 'case "$2" in *exit*) exit 1 ;; *) echo Python 3.9.2 ;; esac')

    result = demo(checkout, machine)

    assert result.returncode == 69
    assert "this machine has Python 3.9.2" in result.stderr


def test_a_python_without_venv_is_said(checkout: Path, machine: Path) -> None:
    """A Python as Debian ships it, where apt-get can't help: the set-up names the missing package."""
    program(
        machine,
        "python3",
        'case "$*" in *ensurepip*) exit 1 ;; *print*) echo python3.11-venv ;; *) echo Python 3.11.2 ;; esac',
    )

    result = demo(checkout, machine)

    assert result.returncode == 69
    assert "sudo apt-get install python3.11-venv" in result.stderr


@pytest.fixture
def python_without_network(machine: Path) -> None:
    """A Python that makes an environment in which pip reaches nothing."""
    (machine / "chmod").symlink_to(str(shutil.which("chmod")))
    program(
        machine,
        "python3",
        """case "$*" in
*'-m venv'*)
    mkdir -p .venv/bin
    { echo '#!/bin/sh'; echo 'echo no route to the index; exit 1'; } >.venv/bin/python
    chmod 755 .venv/bin/python ;;
*) echo Python 3.11.2 ;;
esac""",
    )


@pytest.mark.usefixtures("python_without_network")
def test_a_failed_installation_shows_why(checkout: Path, machine: Path) -> None:
    """When pip fails, its last words are shown, and where to look; nothing passes for set up."""
    result = demo(checkout, machine)

    assert result.returncode == 69
    assert "no route to the index" in result.stderr
    assert "pip config list" in result.stderr
    assert not (checkout / ".venv" / "made-from").exists()


@pytest.mark.usefixtures("python_without_network")
def test_where_uv_fails_pip_is_tried(checkout: Path, machine: Path) -> None:
    """Without pip's configuration uv may reach nothing where pip does, so pip is tried."""
    program(machine, "uv", "exit 2")

    result = demo(checkout, machine)

    assert "uv could not do it; trying pip." in result.stderr
    assert "no route to the index" in result.stderr


def test_what_is_set_up_is_used(checkout: Path, machine: Path) -> None:
    """The demo starts at once in an environment that was made for the checks."""
    environment = checkout / ".venv"
    (environment / "bin").mkdir(parents=True)
    program(environment / "bin", "python", "exit 0")
    program(environment / "bin", "syncd", 'echo "syncd $*"')
    made_from = subprocess.run(
        ["/bin/sh", "-c", ". deploy/bootstrap.sh; fingerprint tests/requirements.txt"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    (environment / "made-from").write_text(made_from.stdout, encoding="utf-8")

    result = demo(checkout, machine)

    assert (result.stdout, result.stderr) == ("syncd demo\n", "")


@pytest.mark.parametrize("failing", ["run", "real"])
def test_continuous_integration_fails_if_either_fails(failing: str, tmp_path: Path, root: Path) -> None:
    """Both commands are run, with CI=true, also when the first fails."""
    shutil.copytree(root / ".ci", tmp_path / ".ci")
    (tmp_path / "tests").mkdir()
    for name in ("run", "real"):
        program(tmp_path / "tests", name, f"echo {name} CI=$CI; exit {int(name == failing)}")

    result = subprocess.run(["bash", ".ci/run"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert result.returncode == 1
    assert result.stdout.splitlines() == ["run CI=true", "real CI=true", f"FAILED: tests/{failing}"]
