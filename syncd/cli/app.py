"""The command `syncd`: what it is made of, and how it ends.

Nothing heavy is imported here: `syncd --help` must not wait for AWS, a database or a scheduler.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from syncd.cli import (
    apply,
    approvals,
    approve,
    check,
    demo,
    doctor,
    emulator,
    explain,
    history,
    hold,
    iam_policy,
    init,
    pause,
    plan,
    revoke,
    run,
    status,
    store,
    sync,
)
from syncd.cli.selection import INTERRUPTED
from syncd.errors import SyncdError, UsageError

USAGE = UsageError.exit_code
_UNEXPECTED = SyncdError.exit_code
#: How commands end (design.md section 9).
EXIT_CODES = {
    0: "in sync or applied",
    2: "the plan has operations (plan --detailed-exitcode)",
    3: "something awaits approval, or somebody is half removed or left on a parking address",
    4: "something failed",
    5: "the plan is stale",
    64: "usage",
    65: "the source is malformed",
    69: "something can't be reached",
    75: "another instance is at work",
    77: "permission denied",
    78: "configuration",
    1: "anything else",
}
_EPILOG = f"Exit codes: {', '.join(f'{code} {meaning}' for code, meaning in EXIT_CODES.items())}."

app = typer.Typer(
    name="syncd",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from syncd import __version__

        typer.echo(f"syncd {__version__}")
        raise typer.Exit


@app.callback(epilog=_EPILOG)
def _syncd(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error happened.")] = False,
) -> None:
    """Keep an Amazon WorkMail organization equal to a directory."""


app.command("demo")(demo.demo)
app.command("init")(init.init)
app.command("check")(check.check)
app.command("doctor")(doctor.doctor)
app.command("plan")(plan.plan)
app.command("apply")(apply.apply)
app.command("sync")(sync.sync)
app.command("run")(run.run)
app.command("approve")(approve.approve)
app.command("approvals")(approvals.approvals)
app.command("revoke")(revoke.revoke)
app.command("pause")(pause.pause)
app.command("resume")(pause.resume)
app.command("hold")(hold.hold)
app.command("release")(hold.release)
app.command("status")(status.status)
app.command("history")(history.history)
app.command("explain")(explain.explain)
app.command("iam-policy")(iam_policy.iam_policy)
app.add_typer(store.app, name="store")
app.command("emulator")(emulator.emulator)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `syncd` with *arguments* (by default the process's) and end the process."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    sys.exit(_run(given))


def _run(arguments: list[str]) -> int:
    """Return the exit code of `syncd` with *arguments*; say on stderr what went wrong."""
    debug = "--debug" in arguments
    try:
        return int(app(arguments, prog_name="syncd", standalone_mode=False) or 0)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("Interrupted.", err=True)
        return INTERRUPTED
    except typer.TyperException as error:
        return _complain(error)
    except SyncdError as error:
        if debug:
            raise
        typer.echo(f"syncd: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has seen enough (`syncd plan | head`); nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _UNEXPECTED
    except Exception as error:
        if debug:
            raise
        return _surprise(error)


def _complain(error: typer.TyperException) -> int:
    """Tell a usage error. Typer would end with 2, which means "the plan has operations" here (`ops.md` F12)."""
    show = getattr(error, "show", None)
    if show is None:
        typer.echo(f"syncd: {error}", err=True)
    else:
        show()
    return USAGE


def _surprise(error: Exception) -> int:
    lines = [
        f"syncd met an error that nobody expected: {type(error).__name__}: {error}",
        "  Nothing more was sent. The next cycle starts from what is there; run the same command again",
        "  as `syncd --debug ...` to see where it happened, and please report it with that text.",
    ]
    typer.echo("\n".join(lines), err=True)
    return _UNEXPECTED
