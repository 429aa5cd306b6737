"""How the command ends: exit codes and what is said."""

import pytest
import typer

from syncd.cli.app import app, main
from syncd.errors import Locked, SourceIncomplete, SyncdError


def end(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    captured = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, captured.out, captured.err


class Failure:
    """A hidden command that raises what it was given."""

    def __init__(self, error: BaseException) -> None:
        self._error = error
        self._before = list(app.registered_commands)

    def __enter__(self) -> None:
        app.command("fail", hidden=True)(self._fail)

    def __exit__(self, *_: object) -> None:
        app.registered_commands[:] = self._before

    def _fail(self) -> None:
        raise self._error


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` says name and version, and ends with 0."""
    code, out, err = end(capsys, "--version")

    assert (code, err) == (0, "")
    assert out.startswith("syncd ")
    assert out.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SyncdError("something"), 1),
        (Locked("held by somebody", hint="wait"), 75),
        (SourceIncomplete("cut off"), 65),
        (typer.BadParameter("no"), 64),
        (typer.Abort(), 130),
    ],
)
def test_each_error_has_its_exit_code(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The error itself knows its exit code; nothing of it goes to stdout."""
    with Failure(error):
        ended, out, err = end(capsys, "fail")

    assert (ended, out) == (code, "")
    assert err


def test_an_interruption_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C needs no explanation."""
    with Failure(KeyboardInterrupt()):
        code, _, _ = end(capsys, "fail")

    assert code == 130


def test_an_error_is_told_with_its_hint(capsys: pytest.CaptureFixture[str]) -> None:
    """What happened, and below it what to do."""
    with Failure(Locked("held by somebody", hint="wait")):
        _, _, err = end(capsys, "fail")

    assert err == "syncd: held by somebody\n  wait\n"


def test_a_defect_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody expected ends with 1, says what it is and how to see more, without a traceback."""
    with Failure(ZeroDivisionError("by zero")):
        code, _, err = end(capsys, "fail")

    assert code == 1
    assert "ZeroDivisionError: by zero" in err
    assert "syncd --debug" in err
    assert "Traceback" not in err


def test_debug_lets_an_error_through() -> None:
    """With --debug Python shows where it happened."""
    with Failure(ZeroDivisionError("by zero")), pytest.raises(ZeroDivisionError):
        main(["--debug", "fail"])


def test_a_misspelt_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    """The nearest command is named, and the exit code is 64."""
    code, _, err = end(capsys, "pan")

    assert code == 64
    assert "Did you mean" in err
    assert "'plan'" in err


def test_without_a_command_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """`syncd` alone shows what there is; a script that forgot the command sees it as a mistake."""
    code, _, err = end(capsys)

    assert code == 64
    assert "Commands:" in err
