"""`syncd approvals`: who said yes to what, and what became of it."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from syncd.cli.documents import dump, plain
from syncd.cli.options import ConfigOption, OrganizationOption, ShortFormat, ShortFormatOption
from syncd.cli.selection import begin, open_store

if TYPE_CHECKING:
    from syncd.store.records import ApprovalRecord


def approvals(
    *,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    format: ShortFormatOption = ShortFormat.TEXT,  # noqa: A002 - the option's name
) -> int:
    """Show who approved what, until when, why, and what is left of it."""
    from syncd.clock import SystemClock

    selection = begin(config, organization, templates=False)
    with open_store(selection, must_exist=True) as store:
        found = [
            (each.name, store.organization(each.workmail.organization_id).decisions.approvals())
            for each in selection.organizations
        ]
    now = SystemClock().now()
    for name, records in found:
        if format is ShortFormat.JSON:
            shown = [{**plain(record), "state": record.state(now)} for record in records]
            typer.echo(dump({"schema_version": 1, "organization": name, "approvals": shown}), nl=False)
        else:
            typer.echo("\n".join(_lines(name, records, now)))
    return 0


def _lines(name: str, records: "tuple[ApprovalRecord, ...]", now: datetime) -> Iterator[str]:
    from syncd.rendering.safe import safe

    if not records:
        yield f"{name}: nothing was ever approved"
        return
    yield name
    for record in records:
        state = record.state(now)
        in_all = f"{record.approved:,} approved"
        left = f"{record.left:,} of {in_all} left" if state == "in force" else in_all
        until = f"until {_moment(record.expires_at)}" if record.revoked_at is None else ""
        taken = f"by {safe(record.revoked_by)} {_moment(record.revoked_at)}" if record.revoked_at is not None else ""
        why = f": {safe(record.why)}" if record.why else ""
        said = f"plan {record.digest[:8]}, {left}, by {safe(record.by)} {_moment(record.at)}"
        yield f"  {state:<8}  {', '.join(filter(None, (f'{said}{why}', until or taken)))}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
