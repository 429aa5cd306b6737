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
    OrganizationOption,
    OutOption,
    StrictOption,
)
from syncd.cli.output import Output
from syncd.cli.session import begin, find_plan, open_store, run_cycles

if TYPE_CHECKING:
    from syncd.model.report import Report


def apply(
    *,
    digest: DigestArgument,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's name
    out: OutOption = None,
    strict: StrictOption = False,
    full: FullOption = False,
    color: ColourOption = Colour.AUTO,
) -> int:
    """Carry out a stored plan, as far as it is still needed."""
    from syncd.cycle import Options

    session = begin(config, organization)
    output = Output(format=format, out=out, colour=color, full=full)
    with open_store(session, must_exist=True) as store:
        owner, stored = find_plan(session, store, digest)
    texts: list[str] = []

    def show(report: "Report") -> None:
        texts.append(output.report(report, owner.mode.value))

    options = Options(command="apply", approved_plan=stored.digest, strict=strict)
    code = run_cycles(replace(session, organizations=(owner,)), options, show)
    output.write(texts)
    return code
