"""The digest says what would be done, and nothing else: not how it became known, nor when, nor in which order."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from syncd.cycle import run_cycle
from syncd.model.operation import Operation
from syncd.model.plan import Plan
from syncd.model.policy import Adopt, Manage, Mode, Policy, Removal
from syncd.model.state import Desired
from syncd.parts import Options
from syncd.planning.document import dumps, loads
from syncd.workmail.pages import PAGES
from tests.builders import WIDE_OPEN
from tests.property.happenings import Stage, admin_changes, directory_changes, happenings
from tests.property.worlds import LivingWorld, failures

Item = TypeVar("Item")
Row = TypeVar("Row")
_EXACT = Manage(aliases="exact", members="exact")
policies = st.sampled_from(
    [
        Policy(mode=Mode.FULL, removal=Removal(after_cycles=1, after=timedelta(0)), guards=WIDE_OPEN, manage=_EXACT),
        Policy(mode=Mode.FULL, removal=Removal(after_cycles=1, after=timedelta(0)), adopt=Adopt.EXACT),
    ]
)


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    """A world in which a few cycles have been, and then the directory changed."""
    stage = Stage(world=LivingWorld(policy=draw(policies), verify_within=timedelta(hours=24)))
    stage.opens(draw(st.lists(admin_changes, max_size=4)))
    for day in draw(st.lists(st.lists(happenings, max_size=5), max_size=2)):
        stage.world.fresh()
        stage.live(day)
    report = stage.world.fresh()
    assert report.plan is not None
    assert not failures(stage.world, report)
    stage.world.fresh()  # what only shows after a registration was read by now (`workmail.md` B13)
    stage.live(draw(st.lists(directory_changes, min_size=1, max_size=6)))
    return stage


def plan(stage: Stage, *, refresh: bool = False) -> Plan:
    """What a cycle would do now."""
    report = run_cycle(stage.world.parts(), Options(command="plan", dry_run=True, refresh=refresh))
    assert report.plan is not None
    return report.plan


@given(stages())
def test_the_digest_is_the_same_with_and_without_cache(stage: Stage) -> None:
    """Kept details, fresh ones, and none kept at all lead to the same plan."""
    kept = plan(stage)
    fresh = plan(stage, refresh=True)
    stage.world.stores.kept.clear()
    none = plan(stage)
    assert [one.summary for one in kept.operations] == [one.summary for one in fresh.operations]
    assert kept.digest == fresh.digest == none.digest


@given(stages(), st.randoms(use_true_random=False))
def test_the_digest_is_the_same_with_the_input_shuffled(stage: Stage, random: Random) -> None:
    """The order of rows, of aliases, of lists and of pages decides nothing: even the operations come in one order."""
    world = stage.world
    straight = plan(stage, refresh=True)
    world.desired = _shuffled(world.desired, random)
    world.emulator.switches = replace(world.emulator.switches, shuffle=True, short_pages=True, empty_pages=True)
    world.emulator.page_size = 2
    world.stores.bindings = _reordered(world.stores.bindings, random)
    shuffled = plan(stage, refresh=True)
    assert shuffled.digest == straight.digest
    assert shuffled.operations == straight.operations


def _reordered(rows: Mapping[Item, Row], random: Random) -> dict[Item, Row]:
    keys = list(rows)
    random.shuffle(keys)
    return {key: rows[key] for key in keys}


def _shuffled(desired: Desired, random: Random) -> Desired:
    rows = _reordered(desired.entities, random)
    turned = {key: replace(row, aliases=tuple(reversed(row.aliases))) for key, row in rows.items()}
    return replace(desired, entities=turned, rejections=tuple(reversed(desired.rejections)))


@given(stages())
def test_the_digest_is_the_same_at_another_time_and_for_another_reason(stage: Stage) -> None:
    """An hour later, or with the rows somewhere else in the file, the plan is the same one."""
    now = plan(stage, refresh=True)
    stage.world.clock.advance(hours=1)
    entities = stage.world.desired.entities
    moved = {key: replace(row, origin=f"other.csv:{number}") for number, (key, row) in enumerate(entities.items())}
    stage.world.desired = replace(stage.world.desired, entities=moved)
    later = plan(stage, refresh=True)
    assert later.digest == now.digest
    assert later.created_at != now.created_at


@given(stages())
def test_the_digest_changes_with_every_operation(stage: Stage) -> None:
    """No operation can be left out, or do something else, under the same digest."""
    whole = plan(stage)
    for number, operation in enumerate(whole.operations):
        rest = whole.operations[:number] + whole.operations[number + 1 :]
        assert replace(whole, operations=rest).digest != whole.digest
        other = (*rest, replace(operation, effect={**operation.effect, "primary": "somebody@else.example"}))
        assert replace(whole, operations=other).digest != whole.digest
    assert replace(whole, organization_id="m-" + "0" * 32).digest != whole.digest


@given(stages())
def test_a_plan_survives_its_document(stage: Stage) -> None:
    """Plan -> JSON -> plan is the identity, for plans of real cycles: proposals, withheld operations, notes and all."""
    made = plan(stage)
    read = loads(dumps(made), PAGES)
    assert read == made
    assert read.digest == made.digest
    assert [one.id for one in read.operations] == [one.id for one in made.operations]
    assert read.counts == made.counts


@given(stages())
def test_what_is_planned_is_what_is_applied(stage: Stage) -> None:
    """The cycle that follows a plan has the same digest, and ends exactly the operations that the plan would send."""
    shown = plan(stage)
    report = stage.world.sync()
    assert report.plan is not None
    assert report.plan.digest == shown.digest
    assert [one.operation.id for one in report.outcomes] == _ids(shown.sendable)


def _ids(operations: tuple[Operation, ...]) -> list[str]:
    return [operation.id for operation in operations]
