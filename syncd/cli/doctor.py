"""`syncd doctor`: can the directory be read, and how will it be?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from syncd.cli.documents import SCHEMA_VERSION, dump, plain
from syncd.cli.options import ConfigOption, OrganizationOption, ShortFormat, ShortFormatOption
from syncd.cli.session import begin
from syncd.errors import worst_exit_code

if TYPE_CHECKING:
    from syncd.model.check import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found about one organization."""

    organization: str
    checks: "tuple[Check, ...]"


def doctor(
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    format: ShortFormatOption = ShortFormat.TEXT,  # noqa: A002 - the option's name
) -> int:
    """Ask the directory: connection, TLS, bind, rights, and what is found there. Changes nothing."""
    from syncd.wiring import examine_source

    session = begin(config, organization)
    codes: list[int] = []
    for each in session.organizations:
        checks = examine_source(session.loaded, each)
        if format is ShortFormat.JSON:
            found = Examination(organization=each.name, checks=tuple(checks))
            typer.echo(dump({"schema_version": SCHEMA_VERSION, **plain(found)}), nl=False)
            codes += [check.exit_code for check in found.checks]
        else:
            typer.echo(each.name)
            codes += _show(checks)
    return worst_exit_code([code for code in codes if code])


def _show(checks: "Iterable[Check]") -> list[int]:
    """Write each check as soon as it is done; return their exit codes."""
    from syncd.planning.rendering.safe import safe

    codes = []
    for check in checks:
        first, *others = check.found.splitlines()
        typer.echo(f"  {check.health.value:<4}  {check.topic:<10}  {safe(first)}")
        for line in [*others, *([f"-> {check.remedy}"] if check.remedy else [])]:
            typer.echo(f"        {'':<10}  {safe(line)}")
        codes.append(check.exit_code)
    return codes
