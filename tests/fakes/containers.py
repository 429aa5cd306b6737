"""Images, built by buildah and run as an engine runs them: their own user, their own environment, a read-only root.

No daemon and no registry: the store of images is a folder of the test's, and what is started is a process of the
test's with the image's files as its root. The network is this machine's.
"""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: $1 is the root, $2 the folder with state/ and config/; then come the variables and the command.
_ENTER = """
mount --make-rprivate /
root=$1 folders=$2
shift 2
mount --bind "$root" "$root"
for place in proc dev tmp etc/syncd var/lib/syncd; do mkdir -p "$root/$place"; done
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for device in null zero full random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,ro "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --bind "$folders/state" "$root/var/lib/syncd"
mount --bind "$folders/config" "$root/etc/syncd"
mount -o remount,bind,ro "$root/etc/syncd"
exec env -i "$@"
"""


class Images:
    """A store of images, mounted at *folder* until `close`.

    It is in memory, up to a gigabyte: every layer is a whole tree of files, and a disk takes minutes to forget them.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4g", "tmpfs", folder], check=True)
        self._folder = folder
        self._roots: dict[str, str] = {}

    def build(self, tag: str, file: Path, context: Path, *options: str) -> None:
        """Build the image *tag*; nothing is pulled."""
        build = ["bud", "--isolation", "chroot", "--pull-never", "--quiet", "--tag", tag, "--file", str(file)]
        self._buildah(*build, *options, str(context), seconds=900)

    def config(self, tag: str) -> dict[str, Any]:
        """Return what the image says of itself: User, Entrypoint, Cmd, Env, Labels."""
        found: dict[str, Any] = json.loads(self._buildah("inspect", "--type", "image", tag))["OCIv1"]["config"]
        return found

    def root(self, tag: str) -> Path:
        """Return where the files of a container of that image are."""
        if tag not in self._roots:
            container = self._buildah("from", "--pull-never", tag).strip()
            self._roots[tag] = self._buildah("mount", container).strip()
        return Path(self._roots[tag])

    def command(self, tag: str, folders: Path, *arguments: str, entrypoint: Sequence[str] = ()) -> list[str]:
        """Return the command line that runs the image, with state/ and config/ of *folders* mounted."""
        config = self.config(tag)
        user = config["User"]
        root = str(self.root(tag))
        run = [*(entrypoint or config["Entrypoint"]), *(arguments or config.get("Cmd", []))]
        unshare = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child=KILL"]
        enter = ["sh", "-euc", _ENTER, "sh", root, str(folders)]
        as_user = ["/usr/sbin/chroot", f"--userspec=+{user.replace(':', ':+')}", "--groups=", root]
        return [*unshare, *enter, *config["Env"], *as_user, *run]

    def close(self) -> None:
        """Remove everything."""
        self._buildah("umount", "--all")
        subprocess.run(["umount", "--lazy", self._folder], check=True)

    def _buildah(self, *arguments: str, seconds: float = 120) -> str:
        place = [
            "--storage-driver",
            "vfs",
            "--root",
            str(self._folder / "root"),
            "--runroot",
            str(self._folder / "run"),
        ]
        done = subprocess.run(
            ["buildah", *place, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"buildah {' '.join(arguments)}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout
