"""`syncd store`: the file that remembers."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.documents import dump, plain
from syncd.cli.options import ConfigOption, ShortFormat, ShortFormatOption
from syncd.cli.selection import begin, open_store

app = typer.Typer(help="Look after the file that remembers.", no_args_is_help=True, rich_markup_mode=None)


@app.command("backup")
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    config: ConfigOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> int:
    """Copy the store while syncd may go on working."""
    selection = begin(config, templates=False)
    with open_store(selection, must_exist=True) as store:
        store.back_up(target, force=force)
        typer.echo(f"Copied {store.path} to {target} ({target.stat().st_size:,} bytes).")
    return 0


@app.command("accept")
def accept(config: ConfigOption = None) -> int:
    """Let this instance work with a store that was another's, once that one is stopped for good."""
    selection = begin(config, templates=False)
    with open_store(selection, must_exist=True) as store, ExitStack() as held:
        for organization in store.organizations():
            held.enter_context(store.lock(organization).held("store accept"))
        before = store.accept()
        now = store.instance or "nobody in particular: neither `instance:` nor a machine id names one"
        typer.echo(f"{store.path} belongs to {now} (before: {before or 'nobody'}).")
    return 0


@app.command("info")
def info(config: ConfigOption = None, format: ShortFormatOption = ShortFormat.TEXT) -> int:  # noqa: A002 - the option
    """Show the store in numbers."""
    selection = begin(config, templates=False)
    with open_store(selection, must_exist=True) as store:
        facts, owner = store.facts(), store.owner()
    if format is ShortFormat.JSON:
        typer.echo(dump({"schema_version": 1, "store": {**plain(facts), "instance": owner}}), nl=False)
        return 0
    typer.echo(f"File           {facts.path}")
    typer.echo(f"Size           {facts.size:,} bytes")
    typer.echo(f"Free           {facts.free:,} bytes on its file system")
    typer.echo(f"Schema         version {facts.schema_version}")
    typer.echo(f"Instance       {owner or 'none yet'}")
    typer.echo(f"Organizations  {', '.join(facts.organizations) or 'none yet'}")
    return 0
