"""`syncd apply DIGEST`: a cycle that sends only what a stored plan holds."""

from dataclasses import replace
from typing import TYPE_CHECKING

from syncd.cli.options import (
    Colour,
    ColourOption,
    ConfigOption,
    DigestArgument,
    Format,
    FormatOption,
    FullOption,
    MetricsFileOption,
    OrganizationOption,
    OutOption,
    StrictOption,
)
from syncd.cli.output import Output
from syncd.cli.selection import begin, find_plan, open_store, run_cycles
from syncd.errors import StalePlan

if TYPE_CHECKING:
    from syncd.model.report import Report


#: How many stale operations are listed.
_LISTED = 10


def apply(
    *,
    digest: DigestArgument,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's name
    out: OutOption = None,
    strict: StrictOption = False,
    full: FullOption = False,
    metrics_file: MetricsFileOption = None,
    color: ColourOption = Colour.AUTO,
) -> int:
    """Carry out a stored plan, as far as it is still needed."""
    from syncd.parts import Options

    selection = begin(config, organization)
    output = Output(format=format, out=out, colour=color, full=full)
    with open_store(selection, must_exist=True) as store:
        owner, stored = find_plan(selection, store, digest)
    texts: list[str] = []

    stale: list[str] = []

    def show(report: "Report") -> None:
        texts.append(output.report(report, owner.mode.value))
        stale.extend(report.stale)

    options = Options(command="apply", approved_plan=stored.digest, strict=strict)
    code = run_cycles(replace(selection, organizations=(owner,)), options, show, metrics_file=metrics_file)
    output.write(texts)
    if stale:
        from syncd.rendering.view import counted

        count = counted(len(stale), "operation")
        listed = "".join(f"\n  {summary}" for summary in stale[:_LISTED])
        rest = f"\n  and {len(stale) - _LISTED} more" if len(stale) > _LISTED else ""
        message = f"{count} of the plan {'is' if len(stale) == 1 else 'are'} not what is needed any more:{listed}{rest}"
        raise StalePlan(message, hint="what still was needed has been done; `syncd plan` shows what is needed now")
    return code
