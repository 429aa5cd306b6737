"""`syncd plan`: what a cycle would do now, or what the last plan said."""

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
from syncd.cli.selection import Selection, begin, open_store, run_cycles
from syncd.errors import UsageError, worst_exit_code

if TYPE_CHECKING:
    from syncd.model.report import Report

#: With --detailed-exitcode: the plan has operations.
HAS_OPERATIONS = 2
_WITHHELD = 3


def plan(
    *,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's name
    out: OutOption = None,
    only: OnlyOption = None,
    refresh: RefreshOption = False,
    last: Annotated[bool, typer.Option("--last", help="Show the plan that was made last; ask nobody.")] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="End with 2 when the plan has operations.")
    ] = False,
    strict: StrictOption = False,
    full: FullOption = False,
    metrics_file: MetricsFileOption = None,
    color: ColourOption = Colour.AUTO,
) -> int:
    """Show what the next cycle would do; change nothing."""
    from syncd.parts import Options

    selection = begin(config, organization)
    output = Output(format=format, out=out, colour=color, full=full)
    if last:
        if metrics_file is not None:
            raise UsageError("--metrics-file tells of a cycle, and --last makes none", hint="leave one of them out")
        return _last(selection, output)
    modes = {each.name: each.mode.value for each in selection.organizations}
    texts: list[str] = []
    sendable: list[bool] = []

    def show(report: "Report") -> None:
        if report.plan is not None:
            texts.append(output.plan(report.plan, modes[report.organization], asked=asked_by(report)))
            sendable.append(bool(report.plan.sendable))

    options = Options(command="plan", dry_run=True, refresh=refresh, only=tuple(only or ()), strict=strict)
    code = run_cycles(selection, options, show, metrics_file=metrics_file)
    output.write(texts)
    detailed = HAS_OPERATIONS if detailed_exitcode and any(sendable) else 0
    return worst_exit_code([code, detailed])


def _last(selection: Selection, output: Output) -> int:
    texts = []
    codes = []
    with open_store(selection, must_exist=True) as store:
        for organization in selection.organizations:
            stored = store.organization(organization.workmail.organization_id).history.last_plan()
            if stored is not None:
                texts.append(output.plan(stored, organization.mode.value))
                codes.append(_WITHHELD if stored.withheld else 0)
    if not texts:
        raise UsageError("no plan is stored yet", hint="syncd plan makes one")
    output.write(texts)
    return worst_exit_code([code for code in codes if code])
