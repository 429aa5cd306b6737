"""What the rules are checked over: the files of the repository, and the modules of syncd."""

import ast
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def files() -> dict[str, Path]:
    """Every file that is committed or about to be, by its path in the repository."""
    listed = subprocess.run(
        [
            "git",
            "-c",
            f"safe.directory={ROOT}",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = (name for name in listed.stdout.decode().split("\0") if name)
    return {name: ROOT / name for name in sorted(names) if (ROOT / name).is_file()}


@pytest.fixture(scope="session")
def texts(files: dict[str, Path]) -> dict[str, str]:
    """Every such file, read; a byte that is no UTF-8 becomes a question mark."""
    return {name: path.read_bytes().decode(errors="replace") for name, path in files.items()}


@pytest.fixture(scope="session")
def trees(texts: dict[str, str]) -> dict[str, ast.Module]:
    """Every Python file, parsed."""
    return {name: ast.parse(text, name) for name, text in texts.items() if name.endswith(".py")}


@pytest.fixture(scope="session")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
