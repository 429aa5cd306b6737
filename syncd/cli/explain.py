"""`syncd explain KEY`: what the store knows of one person or group, and why they stand where they stand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.documents import dump, plain
from syncd.cli.options import ConfigOption, OrganizationOption, ShortFormat, ShortFormatOption
from syncd.cli.selection import begin, keys_of, open_store
from syncd.errors import UsageError

if TYPE_CHECKING:
    from syncd.model.half_removed import HalfRemoved
    from syncd.model.memory import Binding, Hold, Mark
    from syncd.model.names import Key
    from syncd.model.operation import Operation
    from syncd.model.plan import Plan
    from syncd.settings import OrganizationSettings
    from syncd.store.records import OperationRecord
    from syncd.store.store import OrganizationStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything known of *key* in one organization."""

    organization: str
    key: "Key"
    name: str
    binding: "Binding | None"
    mark: "Mark | None"
    planned_at: datetime | None
    standing: tuple[str, ...]
    operations: "tuple[OperationRecord, ...]"
    #: Commands that show the entry in the directory.
    look_up: tuple[str, ...] = ()
    half_removed: "HalfRemoved | None" = None
    hold: "Hold | None" = None
    #: How the directory showed it when it was last sure who it is.
    seen_as: "Mapping[str, str] | None" = None

    @property
    def is_known(self) -> bool:
        """Whether anything is known at all."""
        return bool(self.binding or self.mark or self.standing or self.operations or self.hold)


def explain(
    key: Annotated[str, typer.Argument(metavar="KEY", help="user:4711, group:sales, or only 4711.")],
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    format: ShortFormatOption = ShortFormat.TEXT,  # noqa: A002 - the option's name
) -> int:
    """Show what is known of a person or group, and why."""
    selection = begin(config, organization, templates=False)
    with open_store(selection, must_exist=True) as store:
        stories = [
            _story(each, candidate, store.organization(each.workmail.organization_id))
            for each in selection.organizations
            for candidate in keys_of(key)
        ]
    known = [story for story in stories if story.is_known]
    if not known:
        hint = "keys are what mapping.key says (an employee number, say), never a name or an address"
        raise UsageError(f"nothing is known of {key}", hint=hint)
    if format is ShortFormat.JSON:
        for story in known:
            typer.echo(dump({"schema_version": 1, **plain(story)}), nl=False)
    else:
        typer.echo("\n\n".join("\n".join(_lines(story)) for story in known))
    return 0


def _story(organization: "OrganizationSettings", key: "Key", stored: "OrganizationStore") -> Story:
    from syncd.clock import SystemClock
    from syncd.model.half_removed import half_removed
    from syncd.wiring import look_up

    plan = stored.history.last_plan()
    binding = stored.memory.binding(key)
    half = half_removed({key: binding} if binding else {}, organization.policy, plan, SystemClock().now())
    return Story(
        organization=organization.name,
        key=key,
        name="" if plan is None else plan.names.get(key, ""),
        binding=binding,
        mark=stored.memory.mark(key),
        planned_at=None if plan is None else plan.created_at,
        standing=() if plan is None else tuple(_standing(plan, key, "" if binding is None else binding.source)),
        operations=stored.history.operations_of(key),
        look_up=look_up(organization, key),
        half_removed=half[0] if half else None,
        hold=stored.decisions.holds().get(key),
        seen_as=None if binding is None or binding.look is None else binding.look._asdict(),
    )


def _standing(plan: "Plan", key: "Key", source: str) -> Iterator[str]:
    """Yield what the last plan says of *key*, which is bound under *source*."""
    from syncd.model.durations import format_duration
    from syncd.model.page import Role

    for rejection in plan.rejections:
        if rejection.key == key:
            yield f"rejected, hence left as is: {rejection}"
    for pending in plan.pending:
        if pending.key == key:
            due = f", due {pending.due_at:%Y-%m-%d %H:%M} UTC" if pending.due_at else ""
            if pending.because:
                yield f"removal pending: {pending.why}"
                continue
            reads = f", {pending.cycles} of {pending.cycles_needed} reads in a row" if pending.cycles_needed else ""
            over = f", {format_duration(pending.counted)} of {format_duration(pending.needed)} counted"
            yield f"removal pending: {pending.why}{reads}{over}{due}"
    for operation in (*plan.operations, *plan.outside):
        renames = operation.verb.role is Role.OWNS and source and operation.effect.get("previous") == source
        if operation.subject == key or renames:
            yield _planned(plan, operation)
    for note in plan.notes:
        if note.subject == key:
            yield note.text


def _planned(plan: "Plan", operation: "Operation") -> str:
    what = f"{operation.summary} ({operation.reason})"
    if operation.id not in plan.by_id:
        return f"outside the mode: {what}"
    why = plan.withheld.get(operation.id)
    return f"withheld, {why}: {what}" if why else f"to do: {what}"


def _lines(story: Story) -> Iterator[str]:
    from syncd.rendering.safe import safe

    called = f" ({safe(story.name)})" if story.name else ""
    yield f"{safe(story.key)}{called} in {story.organization}"
    yield from _binding(story.binding)
    if story.hold is not None:
        yield f"  Held      {safe(str(story.hold))}; it ends with: syncd release {safe(story.key)}"
    if story.half_removed is not None:
        yield from _half_removed(story, story.half_removed)
    if story.mark is not None:
        yield from _mark(story.mark)
    if story.planned_at is not None:
        yield f"  Plan of {_moment(story.planned_at)}"
        yield from (f"    {safe(line)}" for line in story.standing or ("nothing to do",))
    if story.operations:
        yield "  Last operations"
    for record in story.operations:
        ended = record.result or "outcome unknown"
        why = f": {record.code} {record.message}" if record.code else ""
        yield f"    {_moment(record.at)}  {ended:<8}  {safe(record.summary)}{safe(why)}"
    if story.look_up:
        yield "  In the directory"
        yield from (f"    {safe(line)}" for line in story.look_up)


def _binding(binding: "Binding | None") -> Iterator[str]:
    from syncd.rendering.safe import safe

    if binding is None:
        yield "  Binding   none: syncd owns no entity for this key"
        return
    how = "adopted" if binding.adopted else "created"
    yield f"  Binding   entity {binding.entity}, {how} {_moment(binding.since)}, by {binding.source}"
    if binding.look is not None:
        yield f"            seen as {safe(str(binding.look))}"
    if binding.removed_at is not None:
        yield f"            deregistered {_moment(binding.removed_at)}; held {safe(', '.join(binding.addresses))}"


def _mark(mark: "Mark") -> Iterator[str]:
    from syncd.model.durations import format_duration

    if mark.missing_since is not None:
        over = f"over {format_duration(mark.counted)} that count"
        yield f"  Missing   since {_moment(mark.missing_since)}, in {mark.missing_cycles} reads in a row {over}"
    if mark.disabled_since is not None:
        yield f"  Disabled  since {_moment(mark.disabled_since)}"
    if mark.anew:
        yield f"            counted anew: {mark.anew}"


def _half_removed(story: Story, half: "HalfRemoved") -> Iterator[str]:
    from syncd.rendering.half_removed import BY_HAND, what_next
    from syncd.rendering.safe import safe

    yield f"  Removal   began {_moment(half.since)} and is not over: {what_next(half)}"
    addresses = story.binding.addresses if story.binding is not None else ()
    if addresses:
        yield f"            held before {safe(', '.join(addresses))}"
    groups = story.binding.groups if story.binding is not None else ()
    if groups:
        yield f"            was in the groups with the ids {safe(', '.join(groups))}"
    yield f"            {BY_HAND}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
