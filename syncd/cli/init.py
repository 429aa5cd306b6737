"""`syncd init`: an example configuration to begin with, or one for an LDAP server that is asked what it is."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from syncd.errors import SyncdError, UsageError


class SourceType(StrEnum):
    """The kinds of directory."""

    CSV = "csv"
    LDAP = "ldap"


def init(
    path: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to write it.")] = Path("syncd.yaml"),
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    source: Annotated[SourceType, typer.Option("--source", help="The kind of directory.")] = SourceType.CSV,
    server: Annotated[
        str, typer.Option("--server", metavar="URL", help="ldap: the server to ask, such as ldaps://dc1.corp.example.")
    ] = "",
    ca_file: Annotated[
        Path | None,
        typer.Option("--ca-file", metavar="FILE", help="ldap: who signed the server's certificate, in PEM."),
    ] = None,
    start_tls: Annotated[bool, typer.Option("--start-tls", help="ldap: encrypt an ldap:// connection.")] = False,
    bind_dn: Annotated[
        str, typer.Option("--bind-dn", metavar="DN", help="ldap: the account, where strangers are told nothing.")
    ] = "",
    password_file: Annotated[
        Path | None, typer.Option("--password-file", metavar="FILE", help="ldap: the file with its password.")
    ] = None,
    base: Annotated[str, typer.Option("--base", metavar="DN", help="ldap: the top of the tree.")] = "",
) -> int:
    """Write a commented example configuration; for LDAP, one that fits the server."""
    asks_server = bool(server or ca_file or start_tls or bind_dn or password_file or base)
    if source is SourceType.CSV:
        if asks_server:
            raise UsageError("only an LDAP server can be asked", hint="add --source ldap")
        text = example().read_text(encoding="utf-8")
    else:
        if not server:
            raise UsageError("which server?", hint="name it: --server ldaps://dc1.corp.example")
        text = _suggested(server, ca_file, bind_dn, password_file, base, start_tls=start_tls)
    _write(path, text, force=force)
    typer.echo(f"Wrote {path}. Change it to your directory and your organization; then:")
    typer.echo(f"  syncd check --config {path}   is the file right? (asks nobody)")
    if source is SourceType.LDAP:
        typer.echo(f"  syncd doctor --config {path}  can the directory be read? (changes nothing)")
    typer.echo(f"  syncd plan --config {path}    what would happen? (changes nothing)")
    return 0


def example() -> Path:
    """Return the complete example, in the package or in the checkout around it.

    Raises:
        SyncdError: it is in neither.
    """
    package = Path(__file__).resolve().parents[1]
    for found in (package / "_example.yaml", package.parent / "config" / "examples" / "syncd.example.yaml"):
        if found.is_file():
            return found
    raise SyncdError("the example is not installed", hint="install syncd anew, or copy it from config/examples")


def _suggested(
    server: str, ca_file: Path | None, bind_dn: str, password_file: Path | None, base: str, *, start_tls: bool
) -> str:
    from syncd.clock import SystemClock
    from syncd.sources.ldap.suggestion import Address, suggest_for

    if bool(bind_dn) != bool(password_file):
        raise UsageError("--bind-dn and --password-file belong together")
    try:
        password = password_file.read_text(encoding="utf-8").rstrip("\r\n") if password_file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{password_file} can't be read: {error}", hint="name another file") from error
    address = Address(server=server, ca_file=ca_file, start_tls=start_tls, bind_dn=bind_dn, password=password)
    suggestion = suggest_for(address, base=base, clock=SystemClock())
    typer.echo(f"{server} is {suggestion.flavor}, with entries below {suggestion.base}.")
    return suggestion.text


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path} exists already", hint="name another file, or add --force to replace it") from error
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}", hint="name another file") from error
