"""`syncd approve DIGEST`: a person's yes to what a plan withholds, or to a part of it."""

import getpass
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.options import ConfigOption, DigestArgument, OrganizationOption, WhoOption, WhyOption, parse_span
from syncd.cli.selection import begin, find_plan, open_store

if TYPE_CHECKING:
    from syncd.model.names import EntityId, Key
    from syncd.model.plan import Plan
    from syncd.planning.approving import Choice, Chosen
    from syncd.store.store import OrganizationStore

#: So many of what is left out are named.
_NAMED = 20


def approve(
    *,
    digest: DigestArgument,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="KEY", help="Only what is about KEY (user:4711); may be repeated.", show_default=False
        ),
    ] = None,
    but: Annotated[
        list[str] | None,
        typer.Option("--except", metavar="KEY", help="Nothing that is about KEY; may be repeated.", show_default=False),
    ] = None,
    guard: Annotated[
        str | None,
        typer.Option("--guard", metavar="NAME", help="Only what this guard alone withholds.", show_default=False),
    ] = None,
    expires: Annotated[
        timedelta,
        typer.Option("--expires", metavar="SPAN", parser=parse_span, help="How long it holds: 90s, 15m, 4h, 7d."),
    ] = "4h",  # type: ignore[assignment]  # typer parses defaults as it parses arguments
    why: WhyOption = "",
    by: WhoOption = None,
) -> int:
    """Say yes to what a stored plan withholds, or to a part of it.

    The next cycle sends it, as far as it is still needed, and nothing new. A running daemon begins one within seconds.
    """
    from syncd.clock import SystemClock
    from syncd.model.memory import Approval
    from syncd.planning.approving import Choice

    selection = begin(config, organization, templates=False)
    choice = Choice(only=tuple(only or ()), but=tuple(but or ()), guard=guard or "")
    with open_store(selection, must_exist=True) as store:
        owner, stored = find_plan(selection, store, digest)
        _refuse_earlier_version(stored)
        ours = store.organization(owner.workmail.organization_id)
        chosen = _chosen(stored, choice, ours)
        short = stored.digest[:8]
        if not chosen.words:
            what = "nothing" if choice.is_all else "nothing of what is chosen"
            typer.echo(f"Plan {short} of {owner.name} withholds {what}: there is nothing to approve.")
            return 0
        name = by or getpass.getuser()
        until = SystemClock().now() + expires
        ours.decisions.approve(
            Approval(digest=stored.digest, operations=chosen.words, by=name, expires_at=until, why=why)
        )
    for line in _lines(stored, chosen, owner.name):
        typer.echo(line)
    typer.echo(f"Approved by {name}, until {until:%Y-%m-%d %H:%M} UTC{f': {why}' if why else ''}.")
    typer.echo("The next cycle sends what is still needed of it; a running daemon begins one within seconds.")
    typer.echo(f"Without one: syncd apply {short}")
    return 0


def _refuse_earlier_version(stored: "Plan") -> None:
    from syncd.errors import UsageError

    if stored.is_of_earlier_version:
        raise UsageError(
            f"plan {stored.digest[:8]} was stored by an earlier version, whose operations had other ids",
            hint="Approvals of it are void. Plan again, look, and approve that plan: syncd plan",
        )


def _chosen(stored: "Plan", choice: "Choice", ours: "OrganizationStore") -> "Chosen":
    from syncd.clock import SystemClock
    from syncd.guards import SOURCE_GUARDS
    from syncd.planning.approving import choose

    key_of: dict[EntityId, Key] = {}
    if not choice.is_all:
        key_of = {binding.entity: key for key, binding in ours.memory.load().bindings.items()}
    return choose(
        stored,
        ours.history.newest_whole_plan(),
        choice,
        source_guards=SOURCE_GUARDS,
        key_of=key_of,
        now=SystemClock().now(),
    )


def _lines(plan: "Plan", chosen: "Chosen", organization: str) -> Iterator[str]:
    """Yield what is approved, what isn't, and what isn't needed any more."""
    from syncd.rendering.safe import safe
    from syncd.rendering.view import counted

    yield f"Plan {plan.digest[:8]} of {organization}: {_freed(plan, chosen.words)}."
    for finding in plan.findings:
        if finding.tripped and finding.words <= chosen.words:
            yield f"  {finding.guard}: {safe(finding.text or finding.used)}"
    if chosen.left_out:
        yield f"Not approved, so that it goes on waiting: {counted(len(chosen.left_out), 'part')}"
        yield from _named([f"{safe(what)} ({safe(why)})" for what, why in chosen.left_out])
    if chosen.gone:
        yield f"Left out, since the last cycle plans it no more: {counted(len(chosen.gone), 'operation')}"
        yield from _named([safe(what) for what in chosen.gone])


def _named(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"  {line}" for line in lines[:_NAMED])
    if len(lines) > _NAMED:
        yield f"  and {len(lines) - _NAMED:,} more"


def _freed(plan: "Plan", words: frozenset[str]) -> str:
    """Return what an approval frees: operations, or what a guard says of the source, or both."""
    from syncd.rendering.view import counted

    later = sum(len(words & each.rows.keys()) for each in plan.later)
    found = any(finding.tripped and finding.words & words for finding in plan.findings)
    parts = [counted(len(words & plan.withheld.keys()), "withheld operation")] if words & plan.withheld.keys() else []
    parts += [f"{counted(later, 'operation')} that didn't fit into it"] if later else []
    parts += ["what the guards say of the source"] if found else []
    return " and ".join(parts)
