import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
CONTAINER = ROOT / "deploy" / "container"
FILE = CONTAINER / "Containerfile"
TEXT = re.sub(r"\\\n\s*", "", FILE.read_text(encoding="utf-8"))
INSTRUCTIONS = [line for line in TEXT.splitlines() if line and not line.startswith("#")]


def of(word: str) -> list[str]:
    return [line.removeprefix(f"{word} ") for line in INSTRUCTIONS if line.startswith(f"{word} ")]


def test_a_linter_finds_nothing() -> None:
    """Hadolint has nothing to say about the Containerfile, not even in passing."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "--failure-threshold=style", FILE], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_nothing_comes_from_a_network() -> None:
    """Every package that is installed is checked against a hash, or was just built; no address is in the file."""
    installing = [part for run in of("RUN") for part in run.split(" && ") if " install " in part and " pip " in part]

    assert len(installing) == 3
    assert [part for part in installing if "--require-hashes" not in part and "/built/" not in part] == []
    (environment,) = [line for line in of("ENV") if "PIP_" in line]
    assert "PIP_NO_INDEX=1" in environment
    assert of("ADD") == []
    assert "://" not in TEXT


def test_the_builder_is_sent_what_is_copied() -> None:
    """The list of what isn't ignored is the list of what the Containerfile copies from the checkout."""
    copied = {word for line in of("COPY") if "--from" not in line for word in line.split()[:-1]}
    ignored = (CONTAINER / "Containerfile.containerignore").read_text(encoding="utf-8").splitlines()

    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
