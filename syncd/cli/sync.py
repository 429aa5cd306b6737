"""`syncd sync`: one cycle, now."""

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.options import (
    Colour,
    ColourOption,
    ConfigOption,
    Format,
    FormatOption,
    FullOption,
    MetricsFileOption,
    OnlyOption,
    OrganizationOption,
    OutOption,
    RefreshOption,
    StrictOption,
)
from syncd.cli.output import Output, asked_by
from syncd.cli.selection import begin, run_cycles

if TYPE_CHECKING:
    from syncd.model.report import Report


def sync(
    *,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's name
    out: OutOption = None,
    only: OnlyOption = None,
    refresh: RefreshOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan only; change nothing.")] = False,
    strict: StrictOption = False,
    full: FullOption = False,
    metrics_file: MetricsFileOption = None,
    color: ColourOption = Colour.AUTO,
) -> int:
    """Run one cycle: read, plan, and apply what nothing withholds."""
    from syncd.parts import Options

    selection = begin(config, organization)
    output = Output(format=format, out=out, colour=color, full=full)
    modes = {each.name: each.mode.value for each in selection.organizations}
    texts: list[str] = []

    def show(report: "Report") -> None:
        mode = modes[report.organization]
        if dry_run and report.plan is not None:
            texts.append(output.plan(report.plan, mode, asked=asked_by(report)))
        else:
            texts.append(output.report(report, mode))

    command = "plan" if dry_run else "sync"
    options = Options(command=command, dry_run=dry_run, refresh=refresh, only=tuple(only or ()), strict=strict)
    code = run_cycles(selection, options, show, metrics_file=metrics_file)
    output.write(texts)
    return code
