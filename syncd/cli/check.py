"""`syncd check`: is the configuration file right? Asks nobody."""

from typing import TYPE_CHECKING

import typer

from syncd.cli.options import ConfigOption, OrganizationOption
from syncd.cli.selection import begin
from syncd.errors import ConfigurationError

if TYPE_CHECKING:
    from syncd.settings import OrganizationSettings


def check(*, config: ConfigOption = None, organization: OrganizationOption = None) -> int:
    """Check the configuration file and the examples in it; ask nobody."""
    from syncd.settings.examination import outdated
    from syncd.wiring import run_examples

    selection = begin(config, organization)
    problems = [problem for each in selection.organizations for problem in run_examples(selection.loaded, each)]
    if problems:
        what = "one example of a mapping doesn't" if len(problems) == 1 else f"{len(problems)} things in examples don't"
        raise ConfigurationError(f"{selection.loaded.path}: {what} hold", problems)
    for each in selection.organizations:
        typer.echo(f"{each.name}: {_summary(each)}")
        for told in outdated(each):
            typer.echo(f"{each.name}: {told}")
    typer.echo(f"{selection.loaded.path} is fine.")
    return 0


def _summary(organization: "OrganizationSettings") -> str:
    from syncd.sources.registry import row_of

    examples = len(organization.mapping.tests)
    parts = [
        f"mode {organization.mode.value}",
        str(organization.schedule),
        f"source {row_of(organization.source).name}",
        organization.workmail.organization_id,
    ]
    if examples:
        parts.append(f"{examples} {'example holds' if examples == 1 else 'examples hold'}")
    return ", ".join(parts)
