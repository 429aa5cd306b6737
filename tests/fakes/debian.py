"""Programs that a test needs and Debian has: installed where that is possible, else a reason to skip."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

_POLICY = Path("/usr/sbin/policy-rc.d")
_LOCK = Path("/tmp/syncd-tests-apt.lock")


def need(program: str, packages: Sequence[str]) -> None:
    """Have *program*, installing *packages* as root; where that can't be, skip and say what to install."""
    need_that(lambda: bool(_path_of(program)), program, packages)


def need_that(is_here: Callable[[], bool], what: str, packages: Sequence[str]) -> None:
    """Have *what* is no program, and *is_here* knows, in the same way."""
    if is_here():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        with _LOCK.open("w") as lock, _nothing_starts():
            fcntl.flock(lock, fcntl.LOCK_EX)
            if is_here() or (_install(packages) and is_here()):
                return
    pytest.skip(f"needs {what}: sudo apt-get install {' '.join(packages)}")


def need_root(why: str) -> None:
    """Skip unless the tests run as root."""
    if os.geteuid() != 0:
        pytest.skip(f"needs root: {why}")


def _path_of(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _install(packages: Sequence[str]) -> bool:
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages]
    for command in (install, ["apt-get", "update", "-q"], install):
        done = subprocess.run(command, env=quietly, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if command is install and done.returncode == 0:
            return True
    return False


@contextmanager
def _nothing_starts() -> Iterator[None]:
    """Let no package start its service: invoke-rc.d asks this program."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
