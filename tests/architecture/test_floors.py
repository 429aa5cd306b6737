"""The floors of the house, and that their fence holds."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOM_FLOORS = "A room imports from lower floors only, and siblings are blind to each other"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy_with(tmp_path: Path, root: Path) -> Callable[[str, str], Path]:
    """Make a copy of the house in which one module has one more line."""

    def make(module: str, line: str) -> Path:
        shutil.copytree(root / "syncd", tmp_path / "syncd", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(root / "pyproject.toml", tmp_path)
        path = tmp_path / "syncd" / module
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(f"{before}\n{line}\n", encoding="utf-8")
        return tmp_path

    return make


def test_every_room_keeps_to_its_floor(root: Path) -> None:
    """No import in syncd breaks a contract of pyproject.toml."""
    result = lint_imports(root)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("guards/planted.py", "import boto3", "Only workmail knows boto3"),
        ("store/planted.py", "import botocore.exceptions", "Only workmail and wire know botocore"),
        ("cycle.py", "from sqlalchemy import select", "Only store knows sqlalchemy"),
        ("workmail/planted.py", "import structlog", "Only telemetry knows prometheus_client and structlog"),
        ("status/planted.py", "import starlette", "Only web and the emulator know starlette and uvicorn"),
        ("planning/planted.py", "import socket", "The pure rooms do no input or output"),
        ("workmail/facets/planted.py", "import subprocess", "The pure rooms do no input or output"),
        ("store/settings.py", "import sqlalchemy", "A settings section loads no heavy package"),
        ("mapping/planted.py", "import syncd.planning", ROOM_FLOORS),
        ("model/planted.py", "import syncd.ports", ROOM_FLOORS),
        ("store/planted.py", "import syncd.telemetry", ROOM_FLOORS),
        ("web/planted.py", "import syncd.status", ROOM_FLOORS),
        ("executor.py", "import syncd.cycle", ROOM_FLOORS),
        ("elsewhere.py", "", ROOM_FLOORS),
    ],
)
def test_a_planted_import_is_found(
    module: str, line: str, contract: str, copy_with: Callable[[str, str], Path]
) -> None:
    """An import that breaks a rule, and a module without a floor, are reported under the rule's name."""
    result = lint_imports(copy_with(module, line))

    assert result.returncode == 1
    assert f"{contract} BROKEN" in " ".join(result.stdout.split())


def test_every_floor_is_built(project: dict[str, Any], root: Path) -> None:
    """The floors name what is there: a room that was renamed or dropped is noticed."""
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    named = {room.strip(" ()") for layer in layers for room in layer.split("|")}
    built = {path.stem for path in (root / "syncd").iterdir() if path.suffix == ".py" or path.is_dir()}

    assert named == built - {"__init__", "__main__", "__pycache__"}
