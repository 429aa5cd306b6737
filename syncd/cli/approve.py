"""`syncd approve DIGEST`: a person's yes to what a plan withholds."""

import getpass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.options import ConfigOption, DigestArgument, OrganizationOption, WhoOption
from syncd.cli.selection import begin, find_plan, open_store

if TYPE_CHECKING:
    from syncd.model.plan import Plan

#: Who says yes looks ahead that far at most.
_LONGEST = timedelta(days=365)


def _duration(text: str) -> timedelta:
    from syncd.model.durations import parse_duration

    try:
        span = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if not timedelta(0) < span <= _LONGEST:
        raise typer.BadParameter(f"an approval holds for more than nothing and at most {_LONGEST.days}d, got {text!r}")
    return span


def approve(
    *,
    digest: DigestArgument,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    expires: Annotated[
        timedelta,
        typer.Option("--expires", metavar="SPAN", parser=_duration, help="How long it holds: 90s, 15m, 4h, 7d."),
    ] = "4h",  # type: ignore[assignment]  # typer parses defaults as it parses arguments
    by: WhoOption = None,
) -> int:
    """Say yes to what a stored plan withholds.

    The next cycle sends it, as far as it is still needed, and nothing new.
    """
    from syncd.clock import SystemClock
    from syncd.errors import UsageError
    from syncd.guards import SOURCE_GUARDS
    from syncd.model.memory import Approval
    from syncd.planning.judge import approvable

    selection = begin(config, organization, templates=False)
    with open_store(selection, must_exist=True) as store:
        owner, stored = find_plan(selection, store, digest)
        if stored.is_of_earlier_version:
            raise UsageError(
                f"plan {stored.digest[:8]} was stored by an earlier version, whose operations had other ids",
                hint="Approvals of it are void. Plan again, look, and approve that plan: syncd plan",
            )
        freed = approvable(stored, SOURCE_GUARDS)
        short = stored.digest[:8]
        if not freed:
            typer.echo(f"Plan {short} of {owner.name} withholds nothing: there is nothing to approve.")
            return 0
        name = by or getpass.getuser()
        until = SystemClock().now() + expires
        store.organization(owner.workmail.organization_id).history.approve(
            Approval(digest=stored.digest, operations=freed, by=name, expires_at=until)
        )
    typer.echo(f"Plan {short} of {owner.name}: {_freed(stored, freed)}.")
    for finding in stored.findings:
        if finding.signature in freed:
            typer.echo(f"  {finding.guard}: {finding.text or finding.used}")
    typer.echo(f"Approved by {name}, until {until:%Y-%m-%d %H:%M} UTC.")
    typer.echo(f"The next cycle sends what is still needed of it; now: syncd apply {short}")
    return 0


def _freed(plan: "Plan", freed: frozenset[str]) -> str:
    """Return what an approval frees: operations, or what a guard says of the source, or both."""
    operations, findings = len(freed & plan.withheld.keys()), len(freed - plan.withheld.keys())
    parts = [f"{operations:,} withheld operation{'s' if operations > 1 else ''}"] if operations else []
    parts += ["what the guards say of the source"] if findings else []
    return " and ".join(parts)
