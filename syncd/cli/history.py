"""`syncd history`: the last cycles."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.documents import dump, plain
from syncd.cli.options import ConfigOption, OrganizationOption, ShortFormat, ShortFormatOption
from syncd.cli.selection import begin, open_store

if TYPE_CHECKING:
    from syncd.store.records import CycleRecord


def history(
    *,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many cycles.")] = 20,
    format: ShortFormatOption = ShortFormat.TEXT,  # noqa: A002 - the option's name
) -> int:
    """Show the last cycles, the latest first."""
    selection = begin(config, organization, templates=False)
    with open_store(selection, must_exist=True) as store:
        cycles = {
            each.name: store.organization(each.workmail.organization_id).history.cycles(limit)
            for each in selection.organizations
        }
    for name, found in cycles.items():
        if format is ShortFormat.JSON:
            document = {"schema_version": 1, "organization": name, "cycles": plain(found)}
            typer.echo(dump(document), nl=False)
        else:
            typer.echo(_table(name, found))
    return 0


def _table(name: str, cycles: Sequence["CycleRecord"]) -> str:
    if not cycles:
        return f"{name}: no cycle yet"
    rows = [("began (UTC)", "command", "result", "exit", "took", "changes", "digest")]
    rows += [
        (
            f"{cycle.started_at:%Y-%m-%d %H:%M:%S}",
            cycle.command,
            cycle.summary,
            str(cycle.exit_code),
            f"{(cycle.finished_at - cycle.started_at).total_seconds():.1f} s",
            changes(cycle),
            (cycle.digest or "")[:8],
        )
        for cycle in cycles
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [name]
    lines += [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join(lines)


def changes(cycle: "CycleRecord") -> str:
    """Return what was done in one cycle: `12 applied, 1 failed`."""
    parts = [f"{count:,} {result}" for result, count in cycle.results.items() if count]
    if cycle.counts.get("withheld"):
        parts.append(f"{cycle.counts['withheld']:,} withheld")
    return ", ".join(parts) or "none"
