"""`syncd status`: where each organization stands, from the store alone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from syncd.cli.documents import dump, plain
from syncd.cli.history import changes
from syncd.cli.options import ConfigOption, OrganizationOption, ShortFormat, ShortFormatOption
from syncd.cli.selection import begin, open_store

if TYPE_CHECKING:
    from syncd.model.half_removed import HalfRemoved
    from syncd.model.memory import Approval, Hold, Pause
    from syncd.settings import OrganizationSettings
    from syncd.store.records import CycleRecord
    from syncd.store.store import OrganizationStore


#: So many keys are named where more are meant.
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStatus:
    """Where one organization stands."""

    organization: str
    organization_id: str
    mode: str
    last_cycle: "CycleRecord | None"
    last_success: datetime | None
    owned: dict[str, int]
    pending_removals: int
    last_plan: str | None
    withheld: int
    approvals: "tuple[Approval, ...]"
    half_removed: "tuple[HalfRemoved, ...]"
    paused: "Pause | None"
    holds: "tuple[Hold, ...]"
    #: Keys of whom the last plan doubts who they are.
    doubted: "tuple[str, ...]" = ()


def status(
    *,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    format: ShortFormatOption = ShortFormat.TEXT,  # noqa: A002 - the option's name
) -> int:
    """Show where each organization stands, from the store alone."""
    selection = begin(config, organization, templates=False)
    with open_store(selection, must_exist=True) as store:
        found = [_status(each, store.organization(each.workmail.organization_id)) for each in selection.organizations]
    if format is ShortFormat.JSON:
        for each in found:
            typer.echo(dump({"schema_version": 1, **plain(each)}), nl=False)
    else:
        typer.echo("\n\n".join("\n".join(_lines(each)) for each in found))
    return 0


def _status(organization: "OrganizationSettings", stored: "OrganizationStore") -> StoredStatus:
    from syncd.clock import SystemClock
    from syncd.model.half_removed import half_removed
    from syncd.model.names import kind_of
    from syncd.model.plan import DOUBTED
    from syncd.planning.document import gist

    memory = stored.memory.load()
    cycles = stored.history.cycles(1)
    document = stored.history.last_document()
    plan = None if document is None else gist(document)
    approved = {operation for approval in memory.approvals for operation in approval.operations}
    held = {key for key, binding in memory.bindings.items() if binding.removed_at is None}
    return StoredStatus(
        organization=organization.name,
        organization_id=organization.workmail.organization_id,
        mode=organization.mode.value,
        last_cycle=cycles[0] if cycles else None,
        last_success=last_success(stored),
        owned=dict(Counter(kind_of(key).value for key in held)),
        pending_removals=sum(key in held for key in memory.marks),
        last_plan=None if plan is None else plan.digest,
        withheld=0 if plan is None else len(plan.withheld - approved),
        approvals=memory.approvals,
        half_removed=half_removed(memory.bindings, organization.policy, plan, SystemClock().now()),
        paused=memory.pause,
        holds=tuple(memory.holds.values()),
        doubted=() if plan is None else tuple(note.subject for note in plan.notes if note.code == DOUBTED),
    )


def last_success(stored: "OrganizationStore") -> datetime | None:
    """Return when the last cycle ended that read everything and in which nothing failed or was withheld."""
    from syncd.wiring.past import past_of

    return past_of(stored).last_success


def _lines(status: StoredStatus) -> Iterator[str]:
    from syncd.model.names import STATED
    from syncd.rendering.safe import safe
    from syncd.rendering.view import counted, in_kinds

    yield f"{status.organization} ({status.organization_id}), mode {status.mode}"
    if status.paused is not None:
        yield f"  Paused        {safe(str(status.paused))}; it ends with: syncd resume"
    cycle = status.last_cycle
    if cycle is None:
        yield "  Last cycle    none yet; syncd plan shows what one would do"
    else:
        yield f"  Last cycle    {_moment(cycle.finished_at)}: {cycle.summary} ({cycle.command}), {changes(cycle)}"
        if cycle.error:
            yield from (f"                {line}" for line in cycle.error.splitlines())
        success = _moment(status.last_success) if status.last_success else "none yet"
        yield f"  Last success  {success}"
    yield f"  Ours          {in_kinds({kind: status.owned.get(kind.value, 0) for kind in STATED})}"
    yield f"  Pending       {status.pending_removals:,} on their way out"
    if status.half_removed:
        yield from _half_removed(status)
    for hold in status.holds:
        yield f"  Held          {safe(hold.key)}, {safe(str(hold))}; it ends with: syncd release {safe(hold.key)}"
    if status.doubted:
        yield from _doubted(status)
    for approval in status.approvals:
        left = f"{counted(len(approval.operations), 'part')} of plan {approval.digest[:8]}"
        why = f": {safe(approval.why)}" if approval.why else ""
        yield f"  Approved      {left} by {safe(approval.by)}, until {_moment(approval.expires_at)}{why}"
    if status.withheld and status.last_plan:
        yield f"  Waiting       {status.withheld:,} operations await approval: syncd approve {status.last_plan[:8]}"


def _doubted(status: StoredStatus) -> Iterator[str]:
    from syncd.rendering.safe import safe

    first = ", ".join(map(safe, status.doubted[:_NAMED]))
    left = len(status.doubted) - _NAMED
    more = f" and {left:,} more" if left > 0 else ""
    yield f"  In doubt      who is behind {first}{more}: nothing is done about them before that is approved"
    yield "                syncd plan --last shows who they were and who they are; syncd explain KEY shows one"


def _half_removed(status: StoredStatus) -> Iterator[str]:
    from syncd.rendering.half_removed import BY_HAND, in_numbers, sentence

    yield f"  Half removed  {in_numbers(len(status.half_removed))}"
    yield from (f"                {sentence(one)}" for one in status.half_removed)
    yield f"                {BY_HAND}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
