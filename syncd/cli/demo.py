"""`syncd demo`: a directory becomes a WorkMail organization, before your eyes and on this machine only.

What it shows are the commands themselves, run as a user would run them, against an emulator in this process.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.options import Colour, ColourOption
from syncd.cli.output import Output
from syncd.errors import SyncdError, UsageError

#: Lines of the first plan that are shown: it is long, since everything is new.
_EXCERPT = 28
#: Lines of a report that are shown: it repeats the plan.
_SHORT = 12
_WITHHELD = 3
_ENDPOINT = "http://127.0.0.1:8625"
#: The emulator asks for a signature, as the service does, and believes any.
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo-secret"}


def demo(
    *,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Leave everything in DIR, to play on.", show_default=False),
    ] = None,
    color: ColourOption = Colour.AUTO,
) -> int:
    """Show syncd at work, on this machine only."""
    from syncd import wiring

    data = data_folder()
    with ExitStack() as stack:
        folder = stack.enter_context(_folder(keep))
        stack.enter_context(_own_credentials())
        emulator = stack.enter_context(wiring.emulator_on_a_free_port(data / "workmail.json"))
        text = (data / "syncd.yaml").read_text(encoding="utf-8")
        (folder / "syncd.yaml").write_text(text.replace(_ENDPOINT, emulator.url), encoding="utf-8")
        _Walk(data, folder, color).all()
        if keep is not None:
            emulator.save(folder / "emulator.json")
            (folder / "syncd.yaml").write_text(text, encoding="utf-8")
    _how_to_go_on(keep)
    return 0


def data_folder() -> Path:
    """Return the demo's data: beside the package in a checkout, within it when installed.

    Raises:
        SyncdError: they are nowhere.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_demo", package.parent / "config" / "demo"):
        if (folder / "syncd.yaml").is_file():
            return folder
    raise SyncdError("the data of the demo are not installed", hint="run it in a checkout: sh deploy/demo")


class _Walk:
    """The steps, with a sentence between them."""

    def __init__(self, data: Path, folder: Path, colour: Colour) -> None:
        self._data = data
        self._folder = folder
        self._config = str(folder / "syncd.yaml")
        self._coloured = Output(colour=colour).is_coloured
        self._colour = ["--color", "always" if self._coloured else "never"]

    def all(self) -> None:
        """Walk through a directory's first three days."""
        self._say(
            "1. The first plan",
            "A WorkMail organization holds two mailboxes that nobody told us about. The directory is two "
            "CSV files with 41 people and 12 groups. What would syncd do?",
        )
        self._change_directory("day1")
        self._run("plan", lines=_EXCERPT)
        self._say(
            "2. The first sync",
            "Everything is an addition, and one row can't be used: its address has no @. That doesn't stop the "
            "others. The two foreign mailboxes stay as they are.",
        )
        self._run("sync", lines=_SHORT)
        self._say(
            "3. The directory changes",
            "Two people called Ada swap their addresses. Tom has left, and Imani takes over his address. Ruth's row "
            "has vanished, which may be a mistake. Amy got married, and the broken row was mended.",
        )
        self._change_directory("day2")
        self._run("plan")
        self._say(
            "4. The plan, applied",
            "What was shown is what is done: a plan is named by its digest. Ruth stays, for one read without her "
            "is no evidence.",
        )
        self._run("apply", self._digest(), lines=_SHORT)
        self._say("5. Again", "Everything is as the directory says, so there is nothing to do.")
        self._run("plan")
        self._say(
            "6. A mistake, perhaps",
            "Now the directory says that all seven people of the warehouse have left. That is more than the "
            "guard lets pass without a person's yes.",
        )
        self._change_directory("day3")
        self._run("plan", expected=_WITHHELD)
        self._say(
            "7. A person's yes",
            "They have indeed left. The approval names the plan, and frees only what is in it.",
        )
        digest = self._digest()
        self._run("approve", digest, "--by", "you", coloured=False)
        typer.echo()
        self._run("apply", digest, lines=_SHORT)
        self._say("8. What is remembered", "All of it can be asked for later, of the store alone.")
        self._run("status", coloured=False)
        typer.echo()
        self._run("explain", "user:1031", coloured=False)

    def _say(self, title: str, text: str) -> None:
        import textwrap

        typer.echo()
        typer.secho(title, bold=True, color=self._coloured)
        typer.echo(textwrap.fill(text, 80))
        typer.echo()

    def _change_directory(self, day: str) -> None:
        for name in ("people.csv", "groups.csv"):
            shutil.copyfile(self._data / day / name, self._folder / name)

    def _run(self, *arguments: str, expected: int = 0, lines: int = 0, coloured: bool = True) -> None:
        """Run a command as a user would; of a long output show how it begins, in *lines*, and how it ends.

        Raises:
            SyncdError: it ended in another way than it should.
        """
        from syncd.cli.app import app

        path = self._folder / "output.txt"
        typer.secho(f"$ syncd {' '.join(arguments)}", bold=True, color=self._coloured)
        sys.stdout.flush()
        extra = ["--config", self._config, *(self._colour if coloured else ())]
        extra += ["--out", str(path)] if lines else []
        code = app([*arguments, *extra], prog_name="syncd", standalone_mode=False) or 0
        if code != expected:
            message = f"`syncd {' '.join(arguments)}` ended with {code}, the demo expected {expected}"
            raise SyncdError(message, hint="this is a defect of syncd or of the demo's data: please report it")
        if lines:
            self._show(path.read_text(encoding="utf-8").splitlines(), lines)

    def _show(self, text: list[str], lines: int) -> None:
        shown = text[:lines]
        if len(text) > lines + 2:
            shown += [f"  ... {len(text) - lines - 2} lines left out here ...", *text[-2:]]
        typer.echo("\n".join(shown), color=self._coloured)

    def _digest(self) -> str:
        """Return the digest of the plan made last, as a user would copy it."""
        from syncd.cli.selection import begin, open_store

        selection = begin(Path(self._config))
        with open_store(selection) as store:
            organization = selection.organizations[0].workmail.organization_id
            plan = store.organization(organization).history.last_plan()
        if plan is None:
            raise SyncdError("the demo finds no plan in its store")
        return plan.digest[:8]


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A folder for the demo: *keep*, or one that is gone afterwards."""
    if keep is None:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="syncd-demo-") as name:
            yield Path(name)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is there already and not an empty folder", hint="name a new one")
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{keep} can't be made: {error.strerror}", hint="name another folder") from error
    yield keep


@contextmanager
def _own_credentials() -> Iterator[None]:
    """Keep the user's own AWS credentials and profiles out of it."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in before:
        del os.environ[name]
    os.environ.update(_CREDENTIALS)
    try:
        yield
    finally:
        for name in _CREDENTIALS:
            del os.environ[name]
        os.environ.update(before)


def _how_to_go_on(keep: Path | None) -> None:
    typer.echo()
    if keep is None:
        typer.echo("Nothing is left of this. `syncd demo --keep DIR` leaves it all in DIR, to play on;")
        typer.echo("`syncd init` writes a configuration for your own directory.")
        return
    typer.echo(f"Everything is in {keep}. To go on: change people.csv or groups.csv there, and")
    typer.echo(f"  cd {keep}")
    typer.echo(f"  export {' '.join(f'{name}={value}' for name, value in _CREDENTIALS.items())}")
    typer.echo("  syncd emulator --data emulator.json &")
    typer.echo("  syncd plan")
