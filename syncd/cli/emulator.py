"""`syncd emulator`: a WorkMail service on this machine, to try things on."""

from pathlib import Path
from typing import Annotated

import typer


def emulator(
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where it answers; port 0 takes a free one.")
    ] = "127.0.0.1:8625",
    data: Annotated[
        Path | None, typer.Option("--data", metavar="FILE", help="Keep its state in FILE.", show_default=False)
    ] = None,
    seed: Annotated[
        Path | None,
        typer.Option("--seed", metavar="FILE", help="Begin with what FILE describes.", show_default=False),
    ] = None,
    faults: Annotated[
        Path | None, typer.Option("--faults", metavar="FILE", help="Fail by these rules.", show_default=False)
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="Write a line of JSON for each call.", show_default=False),
    ] = None,
) -> int:
    """Imitate Amazon WorkMail on this machine, to try things on."""
    from syncd.wiring import serve_emulator

    def ready(url: str) -> None:
        typer.echo(f"An emulator of Amazon WorkMail answers at {url}; Ctrl-C ends it.", err=True)
        typer.echo(f"  In the configuration:  workmail: {{endpoint_url: {url}, ...}}", err=True)
        typer.echo("  Credentials, any do:   export AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=me", err=True)

    serve_emulator(listen, data=data, seed=seed, faults=faults, log=log, ready=ready)
    return 0
