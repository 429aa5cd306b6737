"""`syncd doctor`: can syncd do its work here, and if not, what is to be done?"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.bounded import examined
from syncd.cli.documents import SCHEMA_VERSION, dump, plain
from syncd.cli.options import Colour, ColourOption, ConfigOption, OrganizationOption, ShortFormat, ShortFormatOption
from syncd.cli.output import Output
from syncd.cli.selection import aws_secrets, begin
from syncd.errors import ConfigurationError, worst_exit_code

if TYPE_CHECKING:
    from syncd.model.check import Check
    from syncd.telemetry.redaction import SecretFilter
    from syncd.wiring.examination import Area

_COLOURS = {"OK": "green", "WARN": "yellow", "FAIL": "red"}
_TOPIC = 12


class AreaName(StrEnum):
    """What can be looked at alone."""

    CONFIGURATION = "configuration"
    SURROUNDINGS = "surroundings"
    STORE = "store"
    HTTP = "http"
    NOTICES = "notices"
    SOURCE = "source"
    WORKMAIL = "workmail"


_AREAS = f"Only this area: {', '.join(AreaName)}. May be repeated [default: all]."


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckGroup:
    """What is looked at together: an organization, or (None) what all of them share."""

    organization: str | None
    areas: "tuple[Area, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found: about one organization and all it depends on."""

    organization: str | None
    checks: "tuple[Check, ...]"


def doctor(
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    area: Annotated[
        list[AreaName] | None,
        typer.Option("--area", metavar="AREA", help=_AREAS, show_default=False),
    ] = None,
    format: ShortFormatOption = ShortFormat.TEXT,  # noqa: A002 - the option's name
    colour: ColourOption = Colour.AUTO,
    timeout: Annotated[
        int, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long one check may take.")
    ] = 60,
) -> int:
    """Look at all that syncd needs: directory, AWS, store, machine. Changes nothing."""
    from syncd.telemetry.redaction import SecretFilter

    groups, secrets = _groups(config, organization)
    if area:
        groups = [replace(group, areas=tuple(each for each in group.areas if each.name in area)) for group in groups]
    hidden = SecretFilter([*secrets, *aws_secrets()])
    if format is ShortFormat.JSON:
        checks = list(write_documents(groups, timeout, hidden))
    else:
        checks = list(write_lines(groups, timeout, hidden, coloured=Output(colour=colour).is_coloured))
    return worst_exit_code([check.exit_code for check in checks if check.exit_code])


def _groups(config: ConfigOption, names: OrganizationOption) -> tuple[list[CheckGroup], tuple[str, ...]]:
    """Return what is to be looked at, and the secrets that must not be shown."""
    from syncd.wiring.examination import areas_of, areas_of_machine, areas_without_configuration

    try:
        selection = begin(config, names)
    except ConfigurationError as error:
        return [CheckGroup(organization=None, areas=areas_without_configuration(error))], ()
    machine = CheckGroup(organization=None, areas=areas_of_machine(selection.loaded))
    each = [CheckGroup(organization=one.name, areas=areas_of(selection.loaded, one)) for one in selection.organizations]
    return [machine, *each], selection.loaded.secrets


def _examine(group: CheckGroup, timeout: float, hidden: "SecretFilter") -> "Iterator[Check]":
    for check in examined(group.areas, timeout):
        yield replace(check, found=hidden.clean(check.found), remedy=hidden.clean(check.remedy))


def write_documents(groups: list[CheckGroup], timeout: float, hidden: "SecretFilter") -> "Iterator[Check]":
    """Write a document for each organization, whole by itself: what all share stands in each."""
    machine, *organizations = groups
    shared = tuple(_examine(machine, timeout, hidden))
    yield from shared
    for group in organizations or [CheckGroup(organization=None, areas=())]:
        own = tuple(_examine(group, timeout, hidden))
        found = Examination(organization=group.organization, checks=(*shared, *own))
        typer.echo(dump({"schema_version": SCHEMA_VERSION, **plain(found)}), nl=False)
        yield from own


def write_lines(
    groups: list[CheckGroup], timeout: float, hidden: "SecretFilter", *, coloured: bool
) -> "Iterator[Check]":
    """Write each check as soon as it is done, below its area; at last, how many there were of each kind."""
    counts: Counter[str] = Counter()
    for group in groups:
        if not group.areas:
            continue
        typer.echo(group.organization or "this machine")
        last = ""
        for check in _examine(group, timeout, hidden):
            if check.area != last:
                last = check.area
                typer.echo(f"  {last}")
            typer.echo("\n".join(_shown(check, coloured=coloured)), color=coloured)
            counts[check.health.value] += 1
            yield check
        typer.echo()
    typer.echo(", ".join(f"{counts[health]} {health}" for health in _COLOURS if counts[health]))


def _shown(check: "Check", *, coloured: bool) -> Iterable[str]:
    from syncd.rendering.safe import safe

    health = f"{check.health.value:<4}"
    if coloured:
        health = typer.style(health, fg=_COLOURS[check.health.value], bold=True if check.exit_code else None)
    first, *others = check.found.splitlines() or [""]
    yield f"    {health}  {check.topic:<{_TOPIC}}  {safe(first)}"
    indent = " " * (4 + 4 + 2 + _TOPIC + 2)
    for line in others:
        yield f"{indent}{safe(line.strip())}"
    for number, line in enumerate(check.remedy.splitlines()):
        yield f"{indent}{'   ' if number else '-> '}{safe(line.strip())}"
