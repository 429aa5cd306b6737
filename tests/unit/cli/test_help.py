"""What `--help` says, at 80 columns."""

from collections.abc import Callable

import pytest

from syncd.cli.app import app

COMMANDS = [
    "",
    "demo",
    "init",
    "check",
    "plan",
    "apply",
    "sync",
    "run",
    "approve",
    "approvals",
    "revoke",
    "pause",
    "resume",
    "hold",
    "release",
    "status",
    "history",
    "explain",
    "doctor",
    "iam-policy",
    "store",
    "store backup",
    "store info",
    "emulator",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_reads_as_it_should(
    command: str,
    golden: Callable[[str, str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every command says what it does and what each option is for, within 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    app([*command.split(), "--help"], prog_name="syncd", standalone_mode=False)

    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    golden(f"help/{'-'.join(['syncd', *command.split()])}.txt", text)


def test_every_command_is_listed_here() -> None:
    """A new command gets its golden help."""
    known = {command.name for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}

    assert known == {command.split()[0] for command in COMMANDS if command}
