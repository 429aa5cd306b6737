"""What may lie in the repository, and what may stand in a file."""

import re
from pathlib import Path
from typing import Any

import pytest

TOP = {
    ".ci",
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "config",
    "deploy",
    "pyproject.toml",
    "syncd",
    "tests",
}
# Folders of tests/ that the two commands don't collect themselves.
OTHER_TEST_FOLDERS = {"bench", "data", "fakes", "js", "reliability", "slow"}
# Lists of requirements by hand, and what is locked from them.
LOCKED = [
    "deploy/requirements.txt",
    "deploy/build.txt",
    "tests/requirements.txt",
    "tests/awscli.txt",
]
LOCKED_LINE = re.compile(
    r"[A-Za-z0-9._-]+(?:\[[a-z, ]+\])?==[^\s;]+( ; [^\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+$"
)
# Written so that this file doesn't contain what it looks for.
REGISTRIES = re.compile(r"pypi\.org|python[h]osted|npmjs\.org|yarn[p]kg")
MACHINE_PATHS = re.compile(r"/(?:root|work|home/[a-z]\w*|Users/\w+)/")


def test_the_top_folder_holds_what_is_known(files: dict[str, Path]) -> None:
    """A new file or folder at the top is a decision: it is added to this list."""
    assert {name.split("/")[0] for name in files} - TOP == set()


def test_every_test_folder_is_run(files: dict[str, Path], project: dict[str, Any]) -> None:
    """Each folder of tests/ is collected by pytest, or known to be something else."""
    folders = {name.split("/")[1] for name in files if name.startswith("tests/") and name.count("/") > 1}
    collected = {path.removeprefix("tests/") for path in project["tool"]["pytest"]["testpaths"]}

    assert folders - collected - OTHER_TEST_FOLDERS == set()


def test_a_module_is_named_after_what_it_answers(files: dict[str, Path]) -> None:
    """No module has a name that fits anything."""
    shapeless = {"base", "common", "core", "helper", "helpers", "lib", "manager", "misc", "util", "utils"}
    parts = {name: set(re.split(r"[/_.]", name)) for name in files if name.startswith("syncd/")}

    assert [name for name, words in parts.items() if words & shapeless] == []


def test_no_lock_file_names_a_registry(files: dict[str, Path]) -> None:
    """uv.lock and package-lock.json hold addresses of a package registry, so they stay out."""
    locks = {"uv.lock", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "poetry.lock", "pdm.lock"}

    assert [name for name in files if Path(name).name in locks] == []


def test_no_file_names_a_registry(texts: dict[str, str]) -> None:
    """Where packages come from is the business of the machine, not of a file in here."""
    assert [name for name, text in texts.items() if REGISTRIES.search(text)] == []


def test_no_file_names_a_path_of_one_machine(texts: dict[str, str]) -> None:
    """Nothing points into the machine of whoever wrote it."""
    found = {name: match.group() for name, text in texts.items() if (match := MACHINE_PATHS.search(text))}

    assert found == {}


@pytest.mark.parametrize("name", LOCKED)
def test_every_requirement_is_locked(name: str, texts: dict[str, str]) -> None:
    """Each line of a locked list has one exact version and at least one hash."""
    requirements = re.split(r"\n(?=\S)", texts[name].strip())

    assert [
        line.splitlines()[0]
        for line in requirements
        if not re.match(
            r"[A-Za-z0-9._-]+(?:\[[a-z, ]+\])?==[^\s;]+( ; [^\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+$", line
        )
    ] == []


def test_every_list_of_requirements_is_known(files: dict[str, Path]) -> None:
    """A list that is locked from somewhere is held to that rule."""
    lists = {name for name in files if re.fullmatch(r"(deploy|tests)/[^/]+\.txt", name)}

    assert lists == set(LOCKED)


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace("_", "-") for line in requirements}


def test_the_package_asks_for_what_is_locked(texts: dict[str, str], project: dict[str, Any]) -> None:
    """deploy/requirements.in and pyproject.toml say the same, and the locked list has all of it."""
    asked = [line for line in texts["deploy/requirements.in"].splitlines() if line[:1] not in ("", "#")]
    locked = [line for line in texts["deploy/requirements.txt"].splitlines() if line[:1] not in ("", " ", "#")]

    assert sorted(line.replace('"', "'") for line in asked) == sorted(project["project"]["dependencies"])
    assert names_of(asked) <= names_of(locked)


def test_the_checks_run_what_is_deployed(texts: dict[str, str]) -> None:
    """Every version that is deployed is the version that was tested."""
    deployed, tested = (
        {line for line in texts[name].splitlines() if re.match(r"\w", line)}
        for name in ("deploy/requirements.txt", "tests/requirements.txt")
    )

    assert deployed - tested == set()
