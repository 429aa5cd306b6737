"""Attacks on the evidence for a removal: whoever was there, or might have been, doesn't leave."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from syncd.cycle import run_cycle
from syncd.errors import SyncdError
from syncd.model.entry import Absence, Rejection
from syncd.model.moments import TOLERANCE
from syncd.model.names import STATED, Key, Kind
from syncd.model.policy import Mode, Policy, Removal
from syncd.model.report import Report
from syncd.model.state import Desired, Wanted
from syncd.parts import DAEMON, Options
from tests.builders import WIDE_OPEN, wanted
from tests.fakes.cycles import World
from tests.fakes.service import PlainCaller

LEELA = Key("user:leela")
CREW = Key("group:crew")
#: Enough that one who leaves trips no guard, and one who is rejected none either.
OTHERS = tuple(wanted(f"p{number}", origin=f"people.csv:{number + 3}") for number in range(20))
HERS = wanted("leela", origin="people.csv:2")
#: The gap that the schedule makes, and three times that.
GAP = timedelta(hours=2)
HOLE = 3 * GAP


def directory(*entities: Wanted, rejections: Iterable[Rejection] = (), **others: Any) -> Desired:  # noqa: ANN401 - Desired's own
    everybody = (*OTHERS, *entities)
    counts = {kind: sum(e.kind is kind for e in everybody) for kind in STATED}
    return Desired(entities={e.key: e for e in everybody}, rejections=tuple(rejections), counts=counts, **others)


WITH, WITHOUT = directory(HERS), directory()


class Watched(World):
    """A world whose cycles are the daemon's, every two hours."""

    def cycle(self) -> Report:
        parts = replace(self.parts(), hole=lambda _: HOLE)
        return run_cycle(parts, Options(command=DAEMON))

    def cycles(self, desired: Desired, count: int) -> Report:
        """Run *count* cycles of *desired*, each two hours after the one before."""
        self.desired = desired
        for _ in range(count - 1):
            self.cycle()
            self.wait()
        return self.cycle()

    def wait(self) -> None:
        self.clock.advance(seconds=GAP.total_seconds())

    def is_there(self, key: Key = LEELA) -> bool:
        users = self.call("ListUsers" if key.startswith("user") else "ListGroups")
        rows: Any = users["Users" if key.startswith("user") else "Groups"]
        entity = self.stores.bindings[key].entity
        return any(row["Id"] == entity and row["State"] == "ENABLED" for row in rows)


#: So many reads make a day.
ENOUGH = 13


@pytest.fixture
def world() -> Watched:
    """Leela is bound and in sync."""
    world = Watched(policy=Policy(mode=Mode.FULL))
    world.cycles(WITH, 1)
    world.wait()
    return world


def almost(world: Watched) -> None:
    """Miss her in all reads but the last that is needed."""
    world.cycles(WITHOUT, ENOUGH - 1)
    assert world.is_there()


def test_who_is_missing_in_a_row_leaves(world: Watched) -> None:
    """The control: three complete reads over a day, in a row, are enough."""
    almost(world)
    world.wait()
    world.cycle()
    assert not world.is_there()


@pytest.mark.parametrize("hole", [timedelta(hours=7), timedelta(days=3), timedelta(days=40)])
def test_two_old_marks_and_one_read_after_a_hole(world: Watched, hole: timedelta) -> None:
    """The daemon was down: what was counted before it is over, and the reason is told."""
    world.cycles(WITHOUT, 2)
    world.clock.advance(seconds=hole.total_seconds())
    report = world.cycle()
    assert world.is_there()
    assert report.plan is not None
    (pending,) = report.plan.pending
    assert (pending.cycles, pending.counted) == (1, timedelta(0))
    assert pending.anew.startswith("no read counted for ")
    assert "removal.hole" in pending.why
    assert dict(world.observer.events)["evidence_began_anew"]["count"] == 1
    world.wait()
    world.cycles(WITHOUT, ENOUGH - 2)
    assert world.is_there()


def test_a_hole_after_nearly_all_evidence(world: Watched) -> None:
    """A day but two hours, then a weekend: all of it is over."""
    almost(world)
    world.clock.advance(days=2)
    world.cycles(WITHOUT, ENOUGH - 1)
    assert world.is_there()


def test_cycles_by_hand_don_t_bridge_a_hole_of_the_daemon(world: Watched) -> None:
    """`sync` allows for three days between cycles that others start; marks of the daemon are still the daemon's."""
    world.cycles(WITHOUT, 2)
    world.clock.advance(days=2)
    world.sync()
    assert world.is_there()
    assert world.stores.marks[LEELA].missing_cycles == 1


def test_cycles_by_others_may_be_days_apart() -> None:
    """Who starts `syncd sync` every night, and not on a weekend, has evidence on Tuesday."""
    world = Watched(policy=Policy(mode=Mode.FULL))
    world.cycles(WITH, 1)
    world.desired = WITHOUT
    for days in (1, 1, 3):
        assert world.is_there()
        world.clock.advance(days=days)
        world.sync()
    assert not world.is_there()


def test_the_hole_may_be_configured(world: Watched) -> None:
    """`removal.hole` holds for every command."""
    world.policy = Policy(mode=Mode.FULL, removal=Removal(hole=timedelta(hours=13)))
    world.cycles(WITHOUT, 1)
    for _ in range(2):
        world.clock.advance(hours=13)
        world.cycle()
    assert not world.is_there()


def test_workmail_down_after_a_read_that_saw_her(world: Watched) -> None:
    """The source was read, the cycle failed at WorkMail: she was seen, so nothing of the evidence is left."""
    almost(world)
    world.wait()
    world.desired = WITH
    parts = world.parts()

    class Down:
        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the target has
            return getattr(parts.target, name)

        def details(self, wanted: object) -> Any:  # noqa: ANN401 - never returns
            raise SyncdError(f"down: {wanted}")

    with pytest.raises(SyncdError):
        run_cycle(replace(parts, target=Down(), hole=lambda _: HOLE), Options(command=DAEMON, refresh=True))
    assert world.stores.marks == {}
    world.wait()
    world.cycles(WITHOUT, ENOUGH - 1)
    assert world.is_there()


def test_workmail_down_for_days(world: Watched) -> None:
    """No cycle comes to the source, so there is a hole."""
    almost(world)
    world.clock.advance(days=3)
    world.cycle()
    assert world.is_there()


def test_a_read_that_saw_her_and_tripped_a_source_guard(world: Watched) -> None:
    """A read isn't believed in what it lacks; in whom it shows, it is: her marks are cleared."""
    almost(world)
    world.wait()
    few = {HERS.key: HERS, **{each.key: each for each in OTHERS[:5]}}
    world.desired = Desired(entities=few, counts={Kind.USER: len(few), Kind.GROUP: 0})
    assert world.cycle().exit_code == 3
    assert world.stores.marks == {}
    world.wait()
    world.cycles(WITHOUT, ENOUGH - 1)
    assert world.is_there()


def test_a_read_that_tripped_a_source_guard_counts_for_nobody(world: Watched) -> None:
    """It adds nothing; where it lasts longer than a hole, what was counted before is over."""
    almost(world)
    before = dict(world.stores.marks)
    world.wait()
    few = {each.key: each for each in OTHERS[:5]}
    world.cycles(Desired(entities=few, counts={Kind.USER: len(few), Kind.GROUP: 0}), 4)
    assert world.stores.marks == before
    world.wait()
    world.cycles(WITHOUT, 1)
    assert world.is_there()
    assert world.stores.marks[LEELA].missing_cycles == 1


def test_groups_out_of_the_configuration_for_a_month() -> None:
    """While no groups are read, no group is compared: a month of that is a hole."""
    world = Watched(policy=Policy(mode=Mode.FULL))
    crew = wanted("crew", kind=Kind.GROUP, members=(OTHERS[0].key,))
    others = wanted("others", kind=Kind.GROUP)
    world.cycles(directory(crew, others), 1)
    world.wait()
    world.cycles(directory(others), ENOUGH - 1)
    for _ in range(30):
        world.clock.advance(days=1)
        world.cycles(replace(directory(), read=frozenset({Kind.USER})), 1)
    world.wait()
    world.cycles(directory(others), 1)
    assert world.is_there(CREW)
    assert world.stores.marks[CREW].missing_cycles == 1


def test_a_store_restored_from_a_backup(world: Watched) -> None:
    """What the store had counted then doesn't go on now."""
    almost(world)
    backup = dict(world.stores.marks)
    world.wait()
    world.cycles(WITH, 4)
    world.stores.marks = backup
    world.wait()
    world.cycles(WITHOUT, 1)
    assert world.is_there()
    assert world.stores.marks[LEELA].missing_cycles == 1


@pytest.mark.parametrize("days", [2, -2])
def test_a_clock_that_jumped(world: Watched, days: int) -> None:
    """Ahead or back, between two reads: no time passed, and none counts."""
    world.cycles(WITHOUT, 2)
    world.clock.jump(days=days)
    world.wait()
    world.cycles(WITHOUT, 2)
    assert world.is_there()
    assert world.stores.marks[LEELA].counted == GAP


def test_a_clock_that_jumped_for_cycles_by_others() -> None:
    """Three days apart is no hole for them, but the machine and the service know that no day has passed."""
    world = Watched(policy=Policy(mode=Mode.FULL))
    world.cycles(WITH, 1)
    world.desired = WITHOUT
    for _ in range(4):
        world.clock.advance(seconds=60)
        world.clock.jump(days=1)
        world.sync()
    assert world.is_there()
    assert world.stores.marks[LEELA].counted == timedelta(minutes=3)


def test_a_clock_that_jumped_while_the_machine_was_off() -> None:
    """A new boot with a wrong clock: only the service knows what passed."""
    world = Watched(policy=Policy(mode=Mode.FULL))
    world.cycles(WITH, 1)
    world.desired = WITHOUT
    for _ in range(4):
        world.clock.advance(seconds=60)
        world.clock.jump(days=1)
        world.clock.reboot()
        world.sync()
    assert world.is_there()
    assert world.stores.marks[LEELA].counted == timedelta(minutes=3)


def test_a_mark_in_the_future_is_not_believed(world: Watched) -> None:
    """Written while the clock was a month ahead: it begins anew."""
    world.clock.jump(days=30)
    world.cycles(WITHOUT, ENOUGH - 1)
    world.clock.jump(days=-30)
    world.wait()
    report = world.cycles(WITHOUT, 1)
    assert world.is_there()
    assert report.plan is not None
    assert "future" in report.plan.pending[0].anew


def test_a_dry_run_writes_no_mark(world: Watched) -> None:
    """Neither that it misses somebody, nor that it sees them: it leaves no trace in the evidence."""
    almost(world)
    world.wait()
    before = dict(world.stores.marks)
    for world.desired in (WITHOUT, WITH):
        world.plan()
        assert world.stores.marks == before


def test_seen_by_a_dry_run_in_the_middle_of_a_cycle(world: Watched) -> None:
    """What was cleared between the load of the memory and the end of the cycle isn't written back."""
    almost(world)
    world.wait()
    report = world.plan()
    assert report.pending == ()  # she would go now
    marks = dict(world.stores.marks)
    world.stores.clear_marks([LEELA])
    world.stores.record_marks(marks, {})
    assert world.stores.marks == {}


# --- rows that may mean somebody -------------------------------------------------------------------------------------


def rejected(key: str | None, *, names: tuple[str, ...] = (), addresses: tuple[str, ...] = ()) -> Rejection:
    where = None if key is None else Key(key)
    return Rejection(
        key=where, origin="people.csv:9", reason="no good", remedy="mend it", names=names, addresses=addresses
    )


@pytest.mark.parametrize(
    "row",
    [
        rejected(None),
        rejected("user:p3", names=("leela",)),
        rejected("user:p3", names=("", "LEELA")),
        rejected("user:new", addresses=("Leela@planetexpress.example",)),
        rejected("user:new", addresses=("", "captain@planetexpress.example")),
    ],
)
def test_a_row_that_may_be_hers_protects_her(row: Rejection) -> None:
    """No key, somebody else's, a new one: while a rejected row carries her name or address, she isn't missing."""
    world = Watched(policy=Policy(mode=Mode.FULL))
    world.cycles(directory(replace(HERS, aliases=("captain@planetexpress.example",))), 1)
    world.wait()
    rest = tuple(each for each in OTHERS if each.key != row.key)
    there = Desired(
        entities={e.key: e for e in rest}, rejections=(row,), counts={Kind.USER: len(rest) + 1, Kind.GROUP: 0}
    )
    report = world.cycles(there, ENOUGH + 3)
    assert world.is_there()
    assert report.plan is not None
    pending = next(each for each in report.plan.pending if each.key == LEELA)
    assert pending.because.startswith("people.csv:9: ")
    assert pending.because in pending.why
    assert (pending.due_at, pending.cycles) == (None, 0)
    assert [note.code for note in report.plan.notes] == ["not_counted"]
    assert "people.csv:9" in report.plan.notes[0].text


def test_a_row_of_somebody_else_protects_nobody(world: Watched) -> None:
    """A rejected row with other names and addresses doesn't keep who left."""
    row = rejected("user:new", names=("zapp",), addresses=("zapp@planetexpress.example",))
    world.cycles(directory(rejections=[row]), ENOUGH)
    assert not world.is_there()


def test_a_group_is_not_protected_by_a_person(world: Watched) -> None:
    """Names of one kind say nothing of another."""
    crew, others = wanted("crew", kind=Kind.GROUP), [wanted(f"others{n}", kind=Kind.GROUP) for n in range(5)]
    world.policy = world.policy.model_copy(update={"guards": WIDE_OPEN})
    world.cycles(directory(HERS, crew, *others), 1)
    world.wait()
    row = rejected("user:new", names=("crew",))
    world.cycles(directory(HERS, *others, rejections=[row]), ENOUGH)
    assert not world.is_there(CREW)


def test_her_row_under_a_mistyped_key_that_matches_two(world: Watched) -> None:
    """A new key with her name and another's address is rejected by the match: neither of the two is missing."""
    mixed = wanted("leela", key="user:leeela", primary=OTHERS[0].primary, origin="people.csv:9")
    without_two = {each.key: each for each in OTHERS[1:]} | {mixed.key: mixed}
    there = Desired(entities=without_two, counts={Kind.USER: len(without_two), Kind.GROUP: 0})
    report = world.cycles(there, ENOUGH + 3)
    assert world.is_there()
    assert world.is_there(OTHERS[0].key)
    assert report.plan is not None
    assert [each.key for each in report.plan.rejections] == ["user:leeela"]
    assert {each.because.partition(":")[0] for each in report.plan.pending} == {"people.csv"}


def test_a_blank_address_of_a_group_is_no_deletion() -> None:
    """A group of ours that stands in the source without an address is rejected, with the remedy, and stays."""
    world = Watched(policy=Policy(mode=Mode.FULL))
    crew, others = wanted("crew", kind=Kind.GROUP, members=(HERS.key,)), wanted("others", kind=Kind.GROUP)
    world.cycles(directory(HERS, crew, others), 1)
    world.wait()
    blank = directory(HERS, others, without_address={CREW: "groups.csv:2"})
    report = world.cycles(blank, ENOUGH + 3)
    assert world.is_there(CREW)
    assert report.plan is not None
    (rejection,) = report.plan.rejections
    assert (rejection.key, rejection.origin) == (CREW, "groups.csv:2")
    assert "no address" in rejection.reason
    assert "take its row out" in rejection.remedy
    assert world.stores.marks == {}


def test_three_people_with_blank_status() -> None:
    """All three rows are rejected: nobody leaves, and a guard says that this is a mistake."""
    world = Watched(policy=Policy(mode=Mode.FULL))
    three = OTHERS[:3]
    world.desired = Desired(entities={e.key: e for e in three}, counts={Kind.USER: 3, Kind.GROUP: 0})
    world.cycle()
    rows = tuple(
        Rejection(key=each.key, origin=each.origin, reason="'status' is blank", remedy="fill it in") for each in three
    )
    report = world.cycles(Desired(entities={}, rejections=rows, counts={Kind.USER: 3, Kind.GROUP: 0}), ENOUGH)
    assert all(world.is_there(each.key) for each in three)
    assert report.exit_code == 3


# --- other dates in the future ---------------------------------------------------------------------------------------


def test_disabled_needs_its_time_too(world: Watched) -> None:
    """`removal.disabled_after` is counted like that: no jump of the clock adds to it, a hole begins it anew."""
    world.policy = Policy(mode=Mode.FULL, removal=Removal(disabled_after=timedelta(hours=20)))
    gone = directory(replace(HERS, enabled=False))
    world.cycles(gone, 10)
    world.clock.jump(days=1)
    world.wait()
    world.cycles(gone, 10)
    assert world.is_there()
    world.wait()
    world.cycles(gone, 2)
    assert not world.is_there()


def test_absent_as_disabled_counts_the_same(world: Watched) -> None:
    """What a directory says of an absent key is as good as a row."""
    world.policy = Policy(mode=Mode.FULL, removal=Removal(disabled_after=timedelta(hours=8)))
    gone = directory(absences={LEELA: Absence.DISABLED})
    world.cycles(gone, 4)
    assert world.is_there()
    world.wait()
    world.cycles(gone, 2)
    assert not world.is_there()


def test_a_date_of_deregistration_in_the_future_asks(world: Watched) -> None:
    """Our clock went back: whether the mailbox is there isn't known, so that opening it again needs a yes."""
    world.cycles(directory(replace(HERS, enabled=False)), 1)
    assert not world.is_there()
    world.clock.jump(hours=-1)
    world.caller = PlainCaller(world.emulator)  # which tells no date
    report = world.cycles(WITH, 1)
    assert report.exit_code == 3
    assert not world.is_there()
    assert report.plan is not None
    assert "yet to come" in next(iter(report.plan.withheld.values())).text


def test_the_fuse_burns_by_the_clock_of_the_service(world: Watched) -> None:
    """Our clock went back by weeks: the mailbox is gone all the same, and an empty one needs a yes."""
    world.cycles(directory(replace(HERS, enabled=False)), 1)
    world.clock.advance(days=31)
    world.clock.jump(days=-25)
    report = world.cycles(WITH, 1)
    assert report.exit_code == 3
    assert report.plan is not None
    assert "empty one" in next(iter(report.plan.withheld.values())).text


def test_a_return_is_no_question_while_the_service_knows_the_date(world: Watched) -> None:
    """Our clock went back, and the service says that it was deregistered just now."""
    world.cycles(directory(replace(HERS, enabled=False)), 1)
    world.clock.jump(hours=-1)
    assert world.cycles(WITH, 1).exit_code == 0
    assert world.is_there()


def test_small_differences_of_clocks_are_none(world: Watched) -> None:
    """The service's clock is some minutes ahead: a return is a return."""
    world.cycles(directory(replace(HERS, enabled=False)), 1)
    world.clock.jump(hours=-TOLERANCE / timedelta(hours=1))
    assert world.cycles(WITH, 1).exit_code == 0
    assert world.is_there()
