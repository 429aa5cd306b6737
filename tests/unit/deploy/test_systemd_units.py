from pathlib import Path

import pytest

from syncd.daemon.daemon import STOP_WITHIN
from syncd.daemon.health import SILENT_S

SYSTEMD = Path(__file__).parents[3] / "deploy" / "systemd"
SERVICE, ONCE = "syncd.service", "syncd-sync.service"
#: In what the two are meant to differ: when they end, and what that means.
OF_A_DAEMON = {
    *("Type", "NotifyAccess", "ExecStart", "ExecReload", "Environment", "TimeoutStartSec", "WatchdogSec"),
    *("TimeoutAbortSec", "Restart", "RestartSec", "RestartPreventExitStatus", "SuccessExitStatus"),
}


def settings(unit: str) -> list[tuple[str, str]]:
    """Return the lines of its section [Service]."""
    text = (SYSTEMD / unit).read_text(encoding="utf-8").partition("[Service]\n")[2].partition("\n[")[0]
    lines = [line.partition("=") for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, value) for name, _, value in lines]


def test_the_one_shot_is_as_locked_in_as_the_daemon() -> None:
    """User, folders, credentials, hardening and limits of the two services are the same, line by line."""
    service, once = ([line for line in settings(unit) if line[0] not in OF_A_DAEMON] for unit in (SERVICE, ONCE))

    assert len(service) > 40
    assert service == once


@pytest.mark.parametrize("unit", [SERVICE, ONCE])
def test_a_unit_has_one_command_that_needs_secrets(unit: str) -> None:
    """A second command line would find no credentials on systemd 252; kill needs none."""
    commands = [value for name, value in settings(unit) if name.startswith("Exec") and name != "ExecReload"]

    assert len(commands) == 1


def test_what_no_retry_mends_is_not_tried_again() -> None:
    """Usage (64) and configuration (78) end it for good; all else is tried for ever."""
    said = dict(settings(SERVICE))

    assert (said["Restart"], said["RestartPreventExitStatus"]) == ("on-failure", "64 78")
    assert "StartLimitIntervalSec=0" in (SYSTEMD / SERVICE).read_text(encoding="utf-8").splitlines()


def test_the_watchdog_is_on() -> None:
    """The watchdog waits for longer than the daemon's own clock is silent, and a process that ignores it isn't kept."""
    said = dict(settings(SERVICE))

    assert int(said["WatchdogSec"]) > SILENT_S
    assert int(said["TimeoutAbortSec"]) < int(said["WatchdogSec"])
    assert int(said["TimeoutStopSec"]) > STOP_WITHIN.total_seconds()


def test_readme_names_every_file() -> None:
    """The README beside the units says what each of them is for; each example says in its first line where it goes."""
    text = (SYSTEMD / "README.md").read_text(encoding="utf-8")
    files = {path for path in SYSTEMD.rglob("*") if path.is_file() and path.name != "README.md"}
    examples = {path for path in files if path.parent.name == "examples"}

    assert len(files) == 7
    assert [path.name for path in files - examples if f"{path.relative_to(SYSTEMD)}`" not in text] == []
    assert [
        path.name for path in examples if f"/etc/systemd/system/{_place(path)}" not in path.read_text("utf-8")
    ] == []


def _place(example: Path) -> str:
    unit = ONCE if example.name == "metrics-file.conf" else SERVICE
    return f"{unit}.d/20-{example.name}\n"
