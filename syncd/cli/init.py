"""`syncd init`: an example configuration to begin with."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from syncd.errors import UsageError


def init(
    path: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to write it.")] = Path("syncd.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> int:
    """Write a commented example configuration."""
    text = files("syncd.cli").joinpath("example.yaml").read_text(encoding="utf-8")
    try:
        with path.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path} exists already", hint="name another file, or add --force to replace it") from error
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}", hint="name another file") from error
    typer.echo(f"Wrote {path}. Change it to your directory and your organization; then:")
    typer.echo(f"  syncd check --config {path}   is the file right? (asks nobody)")
    typer.echo(f"  syncd plan --config {path}    what would happen? (changes nothing)")
    return 0
