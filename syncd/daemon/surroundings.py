"""What syncd runs in: interpreter, user, time zones, systemd, Kubernetes. What `syncd doctor` says of it.

A doctor started by hand sees the surroundings of a shell; within the unit or the pod it sees those of the daemon
(`systemd-run` with the unit's properties, `kubectl exec`).
"""

import os
import platform
import ssl
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

from syncd.errors import ConfigurationError
from syncd.model.check import Check, fail, ok, warn

_TOKEN = Path("var/run/secrets/kubernetes.io/serviceaccount/token")
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a process is: its environment, its user, and what it sees as `/`."""

    environment: Mapping[str, str]
    uid: int
    root: Path = Path("/")

    @property
    def is_pod(self) -> bool:
        return "KUBERNETES_SERVICE_HOST" in self.environment

    @property
    def is_unit(self) -> bool:
        return "INVOCATION_ID" in self.environment


def this_place() -> Surroundings:
    """Return where this process is."""
    return Surroundings(environment=os.environ, uid=os.geteuid())


def examine(place: Surroundings, zones: Collection[str]) -> Iterator[Check]:
    """Yield what surrounds syncd; *zones* are the time zones that schedules name."""
    yield ok("python", f"Python {platform.python_version()}, {' '.join(ssl.OPENSSL_VERSION.split()[:2])}")
    yield _user(place)
    yield from _zones(zones)
    yield from _systemd(place)
    if place.is_pod:
        yield from _kubernetes(place)


def _user(place: Surroundings) -> Check:
    if place.uid:
        return ok("user", f"uid {place.uid}")
    if place.is_pod:
        return warn("user", "uid 0: syncd needs no rights of root", "set runAsNonRoot: true in the pod")
    remedy = "run doctor as the user that runs syncd, or in its unit: what root may, syncd may not"
    return warn("user", "uid 0: files that only root may use look usable", remedy)


def _zones(zones: Collection[str]) -> Iterator[Check]:
    missing = []
    for name in sorted({*zones, "UTC"}):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            missing.append(name)
    if missing:
        remedy = "install tzdata (the package of the system, or of pip), or correct schedule.timezone"
        yield fail("zones", f"no data of the time zone {', '.join(missing)}", remedy, ConfigurationError.exit_code)
        return
    kept = next((path for path in TZPATH if Path(path).is_dir()), "")
    origin = kept or ("the package tzdata" if find_spec("tzdata") else "nowhere")
    yield ok("zones", f"{', '.join(sorted({*zones, 'UTC'}))}, from {origin}")


def _systemd(place: Surroundings) -> Iterator[Check]:
    environment = place.environment
    if not place.is_unit:
        if not place.is_pod:
            yield ok("systemd", "none around: started by hand")
        return
    socket, watchdog = environment.get("NOTIFY_SOCKET"), environment.get("WATCHDOG_USEC", "")
    told = "told when it is ready" if socket else "not told when it is ready (no NOTIFY_SOCKET)"
    dog = f"watchdog after {int(watchdog) / _SECOND_US:.0f} s" if watchdog.isdigit() else "no watchdog"
    yield ok("systemd", f"within a unit; systemd is {told}; {dog}")
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if folder is None:
        return
    try:
        names = sorted(path.name for path in Path(folder).iterdir())
    except OSError as error:
        remedy = "look at LoadCredential= of the unit, and at its journal"
        code = ConfigurationError.exit_code
        yield fail("credentials", f"{folder} can't be read: {error.strerror}", remedy, code)
        return
    yield ok("credentials", f"{', '.join(names) or 'none'} in {folder}")


def _kubernetes(place: Surroundings) -> Iterator[Check]:
    yield ok("kubernetes", "within a pod; how many replicas there are can't be seen from here: one is right")
    token = place.root / _TOKEN
    if token.exists():
        remedy = "set automountServiceAccountToken: false in the pod"
        yield warn("token", f"{token} is mounted, and syncd never asks the Kubernetes API", remedy)
    else:
        yield ok("token", "no service-account token is mounted")
    if os.statvfs(place.root).f_flag & os.ST_RDONLY:
        yield ok("root", "the root file system is read-only")
    else:
        remedy = "set readOnlyRootFilesystem: true in the container"
        yield warn("root", "the root file system is not mounted read-only", remedy)
