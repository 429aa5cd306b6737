"""A machine with a real systemd: process 1 of namespaces of its own, over a view of this machine that is thrown away.

No container engine and no virtual machine: the files are an overlay of `/` in memory, the control groups are a branch
of their own, the network is nothing but loopback, and of the services that are installed here none is started. Units,
D-Bus (`systemd-run` needs it) and the journal are real. Needs root.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.fakes.debian import need, need_root
from tests.fakes.systemd_keeper import BOOTED

_KEEPER = Path(__file__).with_name("systemd_keeper.py")
_OLDEST = 252
#: $1 is the folder of the machine. pivot_root and not chroot, in which PrivateUsers= fails; and shared propagation,
#: without which LoadCredential= does.
_BOOT = f"""
mount --make-rprivate /
scratch=$1/scratch
mkdir -p "$scratch"
mount -t tmpfs -o mode=0755 tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
root=$scratch/root
mount -t overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$root"

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for folder in run tmp; do mount -t tmpfs tmpfs "$root/$folder"; done
chmod 1777 "$root/tmp"
# A /dev of its own: the journal makes links in it, and nobody here is to follow them.
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
: >"$root/dev/kmsg"
mount --bind /dev/null "$root/dev/kmsg"
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ip link set lo up

# Of what is installed here nothing starts by itself, but for D-Bus and the journal.
units=$root/etc/systemd/system
rm -rf "$units" "$root/etc/fstab" "$root/var/log/journal" "$root/usr/lib/systemd/system-generators"
for folder in "$root/usr/lib/systemd/system" "$root/lib/systemd/system"; do
    rm -rf "$folder"/*.wants "$folder"/*.requires
done
mkdir -p "$units/sockets.target.wants"
for socket in dbus systemd-journald systemd-journald-dev-log; do
    ln -s "/lib/systemd/system/$socket.socket" "$units/sockets.target.wants/"
done
[ -s "$root/etc/machine-id" ] || tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
cp -a "$1/files/." "$root/"

mkdir "$root/mnt/before"
cd "$root"
pivot_root . mnt/before
umount --lazy /mnt/before
mount --make-rshared /
echo {BOOTED}
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=multi-user.target --show-status=no
"""


def need_systemd() -> None:
    """Skip where no such machine can be."""
    need_root("a real systemd is process 1 of namespaces, which only root makes")
    for program, package in (
        ("systemd-analyze", "systemd"),
        ("dbus-daemon", "dbus"),
        ("ip", "iproute2"),
        ("unshare", "util-linux"),
    ):
        need(program, [package])
    if version() < _OLDEST:
        pytest.skip(f"needs systemd {_OLDEST} or newer, and this is {version()}")


def version() -> int:
    """Return the version of systemd on this machine."""
    said = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"systemd (\d+)", said)
    return int(found[1]) if found else 0


class Machine:
    """A machine that runs between `with` and its end; *files* says what lies where in it, beyond what lies here.

    `run` runs commands as root on it; `path` names its files for the test. What it writes is gone at its end.
    """

    def __init__(self, folder: Path, *, files: Mapping[str, Path] | None = None) -> None:
        self._folder = folder
        #: systemd's process id, and the keeper's, here.
        self.pid = self.keeper = 0
        #: Its control group, here.
        self.group = Path()
        (folder / "files").mkdir(parents=True)
        (folder / "boot").write_text(_BOOT, encoding="ascii")
        for place, source in (files or {}).items():
            target = folder / "files" / place.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)

    def __enter__(self) -> Self:
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", str(_KEEPER), str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._keeper.stdout is not None
        self.keeper = self._keeper.pid
        word, _, said = self._keeper.stdout.readline().strip().partition(" ")
        if word != "ready":
            self.__exit__(None, None, None)
            log = (self._folder / "log").read_text(errors="replace")
            message = f"the machine does not start: {log[-3000:]}"
            raise RuntimeError(message)
        pid, _, group = said.partition(" ")
        self.pid, self.group = int(pid), Path(group)
        self.wait_until(lambda: self.run("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(BrokenPipeError):
            self._keeper.communicate(timeout=60)

    def path(self, name: str) -> Path:
        """Return where the test finds the file that the machine calls *name*."""
        return Path(f"/proc/{self.pid}/root") / name.lstrip("/")

    def write(self, name: str, content: str, *, mode: int = 0o644) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        path.chmod(mode)

    def run(
        self, *command: str, outside: bool = False, given: str | None = None, seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run *command* as root to its end; *outside*, it has the network and the environment of the test."""
        namespaces = ["--mount", "--uts", "--ipc", "--pid", "--cgroup", *([] if outside else ["--net"])]
        place = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        return subprocess.run(
            ["nsenter", "--target", str(self.pid), *namespaces, "--wdns=/", "--", *command],
            env={**(os.environ if outside else {"LANG": "C.UTF-8"}), **place},
            input=given or "",
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def do(self, *command: str, outside: bool = False, given: str | None = None, seconds: float = 120) -> str:
        """Run *command*, which must succeed, and return what it printed."""
        done = self.run(*command, outside=outside, given=given, seconds=seconds)
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def show(self, unit: str, name: str) -> str:
        """Return this property of *unit*."""
        return self.do("systemctl", "show", "--value", "-p", name, unit).strip()

    def get(self, url: str) -> str:
        """Return what is answered to a GET of *url*, on the machine's own network."""
        ask = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).read().decode())"
        return self.do("/usr/bin/python3", "-c", ask, url)

    def journal(self, unit: str) -> str:
        """Return what *unit* has logged, and what systemd has said of it."""
        return self.do("journalctl", "--no-pager", "--output=cat", "--unit", unit)

    def wait_until(self, is_true: Callable[[], bool], *, seconds: float = 240) -> None:
        """Wait until *is_true*; a machine that never gets there is an error."""
        give_up = time.monotonic() + seconds
        while not is_true():
            assert time.monotonic() < give_up, f"it never happened:\n{self._journal()}"
            time.sleep(0.1)  # noqa: TID251 - systemd is another process, with a clock of its own

    def _journal(self) -> str:
        return self.run("journalctl", "--no-pager", "--output=short-monotonic", "--lines=60").stdout
