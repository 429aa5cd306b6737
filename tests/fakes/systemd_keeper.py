"""Keeps a real systemd alive for a test, and leaves nothing of it behind.

It is run as a program, with the folder of the machine, and stands between the test and the machine: in a session of its
own, which ends when its standard input does. So the machine ends with the test in whatever way that ends, SIGKILL
included. What could be left is ended in turn:

    what            by
    processes       the kernel, with process 1 of their namespace
    mounts          the kernel, with the last process in theirs
    control groups  the keeper; if that was killed too, the next keeper

It says "ready PID GROUP" once systemd runs, with systemd's process id and the folder of its control group here, or
"failed"; and "clean" last.
"""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

#: What the script in the namespaces prints just before it becomes systemd.
BOOTED = "booting"
_PREFIX = "syncd-tests-"
_PATIENCE_S = 60.0
#: Joins the control group, sees to it that the kernel ends it with the keeper, and becomes process 1 of a new machine.
_ENTER = """
echo $$ >"$2/cgroup.procs"
exec setpriv --pdeathsig KILL -- unshare --mount --pid --fork --kill-child=KILL --uts --ipc --cgroup --net \
    bash -euc 'exec bash "$0/boot" "$0"' "$1"
"""


def main(folder: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as own:
        groups, is_ours = _control_groups(Path(own))
        try:
            _sweep(groups)
            _keep(folder, groups / f"{_PREFIX}{os.getpid()}")
        finally:
            if is_ours:
                subprocess.run(["umount", "--lazy", groups], check=False)
    print("clean", flush=True)


def _keep(folder: Path, group: Path) -> None:
    group.mkdir()
    try:
        with (folder / "log").open("wb") as log:
            machine = subprocess.Popen(
                ["sh", "-ec", _ENTER, "sh", str(folder), str(group)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            inner = _inner(machine, folder / "log")
            print(f"ready {inner} {group}" if inner else "failed", flush=True)
            while machine.poll() is None and not _is_over():
                pass
        finally:
            machine.kill()
            machine.wait()
    finally:
        _remove(group)


def _is_over() -> bool:
    """Return whether the test has closed our standard input; wait half a second for that."""
    return bool(select.select([sys.stdin], [], [], 0.5)[0])


def _inner(machine: subprocess.Popen[bytes], log: Path) -> int:
    """Return the process in the namespaces once it is about to be systemd; 0 if it ends before."""
    give_up = time.monotonic() + _PATIENCE_S
    children = Path(f"/proc/{machine.pid}/task/{machine.pid}/children")
    while machine.poll() is None and time.monotonic() < give_up:
        found = children.read_text(encoding="ascii").split()
        if found and log.read_text(errors="replace").rstrip().endswith(BOOTED):
            return int(found[0])
        select.select([], [], [], 0.02)
    return 0


def _control_groups(own: Path) -> tuple[Path, bool]:
    """Return where version 2 of the control groups is mounted, and whether that was us, in *own*."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        mount, _, kind = line.partition(" - ")
        if kind.split()[0] == "cgroup2":
            return Path(mount.split()[4]), False
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", own], check=True)
    return own, True


def _sweep(groups: Path) -> None:
    """Remove what keepers that are gone have left."""
    for group in groups.glob(f"{_PREFIX}*"):
        keeper = group.name.removeprefix(_PREFIX)
        if not Path(f"/proc/{keeper}").exists():
            _remove(group)


def _remove(group: Path) -> None:
    """End whoever is left in *group*, and remove it and those below it; one that was killed takes a moment to go."""
    give_up = time.monotonic() + 10
    while group.exists() and time.monotonic() < give_up:
        with suppress(OSError):
            (group / "cgroup.kill").write_text("1", encoding="ascii")
        for folder, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
        select.select([], [], [], 0.02)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
