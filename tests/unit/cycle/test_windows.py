"""What is wrong bit by bit is stopped as well: guards count over a day and a week, in every dimension."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from syncd.emulator.faults import ErrorAnswer, Fault
from syncd.model.names import Key, Kind
from syncd.model.page import Count
from syncd.model.policy import GuardSettings, Manage, Mode, Policy, Removal, Threshold
from syncd.model.report import Report, Result
from syncd.model.state import Desired, Wanted
from syncd.model.tally import Tally
from syncd.model.window import Window
from tests.builders import wanted
from tests.fakes.cycles import World
from tests.property.worlds import LivingWorld

QUARTER = timedelta(minutes=15).total_seconds()
EAGER = Removal(after_cycles=1, after=timedelta(0))


def directory(rows: Iterable[Wanted]) -> Desired:
    entities = {row.key: row for row in rows}
    return Desired(
        entities=entities,
        counts={kind: sum(row.kind is kind for row in entities.values()) for kind in (Kind.USER, Kind.GROUP)},
    )


def people(count: int, **others: object) -> dict[Key, Wanted]:
    return {row.key: row for row in (wanted(f"p{n:03}", **others) for n in range(count))}  # type: ignore[arg-type] # others are the fields of what is built


def started(rows: dict[Key, Wanted], **policy: object) -> World:
    """An organization that is equal to *rows*, under the usual limits."""
    world = World(policy=Policy(mode=Mode.FULL, **policy))  # type: ignore[arg-type] # others are the fields of what is built
    world.desired = directory(rows.values())
    assert world.sync().exit_code == 0
    world.clock.advance(days=8)
    assert world.sync().exit_code == 0
    return world


def sync(world: World, rows: dict[Key, Wanted]) -> Report:
    """The next cycle, a quarter of an hour later."""
    world.desired = directory(rows.values())
    world.clock.advance(seconds=QUARTER)
    return world.sync()


def enabled(world: World) -> int:
    return sum(one.removed_at is None for one in world.stores.bindings.values() if one.key.startswith("user:"))


def tripped(report: Report) -> set[str]:
    assert report.plan is not None
    return {finding.guard for finding in report.plan.findings if finding.tripped}


def counted(world: World, count: Count) -> Iterator[Tally]:
    for ones in world.stores.tallies.values():
        yield from (one.tally for one in ones if one.tally.count is count)


def applied(report: Report, kind: str) -> int:
    return sum(one.operation.kind == kind and one.result is Result.APPLIED for one in report.outcomes)


# --- source and removals ---------------------------------------------------------------------------------------------


def test_a_file_that_loses_a_little_every_quarter_of_an_hour_is_stopped() -> None:
    """4 % for 130 cycles: the source has shrunk, over a day; no more go than a week allows."""
    rows = people(100)
    world = started(rows, removal=EAGER)
    seen: set[str] = set()
    for _ in range(130):
        for key in sorted(rows)[: max(len(rows) * 4 // 100, 1)]:
            if len(rows) > 1:
                del rows[key]
        seen |= tripped(sync(world, rows))
    assert {"removals", "source_shrink"} <= seen
    assert enabled(world) >= 90


def test_five_percent_a_cycle_said_to_be_inactive_are_stopped_within_a_day() -> None:
    """5 % each quarter of an hour, in words and not by absence: 5 % go on one day, and 10 % within a week."""
    rows = people(100)
    world = started(rows)
    report = sync(world, rows)
    for _ in range(20):
        for key in [key for key, row in rows.items() if row.enabled][:5]:
            rows[key] = replace(rows[key], enabled=False)
        report = sync(world, rows)
    assert enabled(world) == 95
    assert "removals" in tripped(report)
    assert report.exit_code == 3


@pytest.mark.parametrize("days", [8, -8])
def test_a_clock_that_jumps_frees_no_window(days: int) -> None:
    """It is the service's clock that windows are counted by: what was removed today is still of today."""
    rows = people(40)
    world = started(rows)
    for n in (0, 1):
        rows[Key(f"user:p{n:03}")] = replace(rows[Key(f"user:p{n:03}")], enabled=False)
    assert sync(world, rows).exit_code == 0
    world.clock.jump(days=days)
    for n in (2, 3):
        rows[Key(f"user:p{n:03}")] = replace(rows[Key(f"user:p{n:03}")], enabled=False)
    report = sync(world, rows)
    assert "removals" in tripped(report)
    assert enabled(world) == 38


def test_three_people_that_leave_in_two_steps_do_not_all_leave() -> None:
    """One of three goes; the next two are asked for, together or apart, in the next cycle or after a month."""
    rows = people(3)
    world = started(rows)
    keys = sorted(rows)
    rows[keys[0]] = replace(rows[keys[0]], enabled=False)
    assert sync(world, rows).exit_code == 0
    assert enabled(world) == 2
    for key in keys[1:]:
        rows[key] = replace(rows[key], enabled=False)
    assert tripped(sync(world, rows)) == {"removals"}
    rows[keys[1]] = replace(rows[keys[1]], enabled=True)
    world.clock.advance(days=31)
    assert tripped(sync(world, rows)) == {"removals"}
    assert enabled(world) == 2


def test_zero_percent_lets_nobody_go() -> None:
    """Of fifteen people not one goes under `percent: 0`."""
    rows = people(15)
    world = started(rows, guards=GuardSettings(removals=Threshold(percent=0)))
    rows[min(rows)] = replace(rows[min(rows)], enabled=False)
    assert tripped(sync(world, rows)) == {"removals"}
    assert enabled(world) == 15


def test_what_was_approved_takes_nothing_of_a_window() -> None:
    """Ten go after a yes; five more on the same day pass without one, and then nobody."""
    rows = people(100)
    world = started(rows)
    keys = sorted(rows)

    def leave(keys: Iterable[Key]) -> Report:
        rows.update({key: replace(rows[key], enabled=False) for key in keys})
        return sync(world, rows)

    report = leave(keys[:10])
    assert report.plan is not None
    world.approve(report.plan)
    assert applied(leave(()), "deregister") == 10
    assert applied(leave(keys[10:14]), "deregister") == 4
    last = leave(keys[14:16])
    assert (applied(last, "deregister"), tripped(last)) == (0, {"removals"})
    assert last.plan is not None
    users = next(one for one in last.plan.findings if one.guard == "removals" and one.scope == "user")
    assert [(use.window, use.before, use.counted) for use in users.windows] == [(Window.DAY, 4, 6), (Window.WEEK, 4, 6)]
    assert "4 more within a day" in users.text
    assert "passes by itself from" in users.text
    world.clock.advance(days=1)
    assert applied(leave(()), "deregister") == 2


def test_who_was_deregistered_by_hand_counts_within_the_window() -> None:
    """WorkMail tells since when somebody is DISABLED: five taken out by hand leave room for none."""
    rows = people(100)
    world = started(rows)
    keys = sorted(rows)
    for key in keys[:5]:
        world.call("DeregisterFromWorkMail", EntityId=world.stores.bindings[key].entity)
    rows.update({key: replace(rows[key], enabled=False) for key in keys[:6]})
    report = sync(world, rows)
    assert (applied(report, "deregister"), tripped(report)) == (0, {"removals"})


def test_an_approved_shrinking_of_the_source_is_what_the_next_reads_are_compared_with() -> None:
    """Thirty of a hundred leave rightly: after the yes no window remembers the hundred."""
    rows = people(100)
    world = started(rows)
    for key in sorted(rows)[:30]:
        del rows[key]
    report = sync(world, rows)
    assert tripped(report) == {"source_shrink"}
    assert report.plan is not None
    world.approve(report.plan)
    assert not tripped(sync(world, rows))
    world.stores.approvals.clear()
    assert not tripped(sync(world, rows))
    assert {read.entries for read in world.stores.reads if read.kind is Kind.USER} == {70}


# --- other dimensions ------------------------------------------------------------------------------------------------


def test_names_that_all_become_one_error_of_a_spreadsheet_are_withheld() -> None:
    """200 names to `#REF!`: nobody is renamed."""
    rows = people(200)
    world = started(rows)
    report = sync(world, {key: replace(row, display_name="#REF!") for key, row in rows.items()})
    assert tripped(report) == {"profile_changes"}
    assert report.outcomes == ()


def test_a_column_that_goes_blank_clears_nobody() -> None:
    """200 departments cleared by one misspelt attribute: withheld, at a tighter limit than other changes."""
    rows = people(200, profile={"department": "Crew", "first_name": "Pat"})
    world = started(rows)
    blank = {"department": "", "first_name": "Pat"}
    few = {key: replace(row, profile=blank) if n < 11 else row for n, (key, row) in enumerate(rows.items())}
    assert tripped(sync(world, few)) == {"clearings"}
    report = sync(world, {key: replace(row, profile=blank) for key, row in rows.items()})
    assert tripped(report) == {"clearings", "profile_changes"}
    assert applied(report, "profile.update") == 0


def test_values_that_are_filled_in_after_a_cycle_that_died_are_no_changes() -> None:
    """Whoever was just made gets their first values, whatever the limits are."""
    rows = people(10, profile={"department": "Crew"})
    world = World(policy=Policy(mode=Mode.FULL))
    world.desired = directory(replace(row, profile={"department": ""}) for row in rows.values())
    assert world.sync().exit_code == 0
    assert sync(world, rows).exit_code == 0


def test_rubbish_rows_become_no_mailboxes() -> None:
    """300 rows of rubbish in a directory of 200: none is made, whoever is new among them waits too."""
    rows = people(200)
    world = started(rows)
    rubbish = {row.key: row for row in (wanted(f"x{n}") for n in range(300))}
    report = sync(world, rows | rubbish)
    assert tripped(report) == {"registrations"}
    assert applied(report, "user.create") == 0
    few = dict(list(rubbish.items())[:30])
    assert applied(sync(world, rows | few), "register") == 30
    more = sync(world, rows | dict(list(rubbish.items())[:60]))
    assert (applied(more, "register"), tripped(more)) == (0, {"registrations"})


def test_the_first_load_is_not_judged_even_if_it_takes_two_cycles() -> None:
    """Nobody is bound at first; what a cycle that ended too early left is not judged either, but what comes on top."""
    rows = people(50)
    world = World(policy=Policy(mode=Mode.FULL, max_operations=60))
    world.desired = directory(rows.values())
    assert world.sync().exit_code == 0
    assert 0 < enabled(world) < 50
    rubbish = {row.key: row for row in (wanted(f"x{n}") for n in range(300))}
    assert tripped(sync(world, rows | rubbish)) == {"registrations"}
    while enabled(world) < 50:
        assert sync(world, rows).exit_code == 0
    sync(world, rows)
    assert world.stores.settled
    assert list(counted(world, Count.REGISTRATIONS)) == []


def test_who_was_made_and_not_registered_is_part_of_the_first_load() -> None:
    """A first cycle that was stopped between making people and registering them is finished without a question."""
    rows = people(50)
    world = LivingWorld(policy=Policy(mode=Mode.FULL))
    world.desired = directory(rows.values())
    world.fail(Fault(operation="RegisterToWorkMail", error=ErrorAnswer(code="AccessDeniedException")))
    assert world.sync().exit_code == 4
    assert len(world.stores.bindings) == 50
    world.fail()
    assert sync(world, rows).exit_code == 0


def groups_of(rows: dict[Key, Wanted], count: int, size: int) -> dict[Key, Wanted]:
    keys = sorted(rows)
    made = (
        wanted(f"g{n:02}", kind=Kind.GROUP, members=[keys[(n * 7 + m) % len(keys)] for m in range(size)])
        for n in range(count)
    )
    return {row.key: row for row in made}


def test_a_few_exits_out_of_each_of_many_groups_are_many() -> None:
    """Two of nine leave each of thirty groups at once, and each group would let two go: withheld over all groups."""
    rows = people(90)
    groups = groups_of(rows, 30, 9)
    world = started(rows | groups)
    fewer = {key: replace(row, members=frozenset(sorted(row.members)[:7])) for key, row in groups.items()}
    report = sync(world, rows | fewer)
    assert tripped(report) == {"all_membership_removals"}
    assert applied(report, "member.remove") == 0


def test_two_exits_a_cycle_do_not_empty_the_groups() -> None:
    """Two exits in each cycle over thirty groups of nine: a tenth goes on one day, and not 240 of 270."""
    rows = people(90)
    groups = groups_of(rows, 30, 9)
    world = started(rows | groups)
    gone = 0
    for cycle in range(40):
        key = sorted(groups)[cycle % 30]
        groups[key] = replace(groups[key], members=frozenset(sorted(groups[key].members)[2:]))
        gone += applied(sync(world, rows | groups), "member.remove")
    assert gone <= 27


def test_a_nested_group_counts_as_the_people_behind_it() -> None:
    """A group of forty in a group with ten others: taking it out takes forty of fifty out."""
    rows = people(50)
    keys = sorted(rows)
    inner = wanted("inner", kind=Kind.GROUP, members=keys[:40])
    outer = wanted("outer", kind=Kind.GROUP, members=[*keys[40:], inner.key])
    world = started(rows | {inner.key: inner, outer.key: outer})
    report = sync(world, rows | {inner.key: inner, outer.key: replace(outer, members=frozenset(keys[40:]))})
    assert tripped(report) == {"membership_removals", "all_membership_removals"}
    assert report.plan is not None
    finding = next(one for one in report.plan.findings if one.guard == "membership_removals")
    assert (finding.counted, finding.population, finding.about) == (40, 50, "outer")


def test_exact_members_instead_of_additive_ones_ask() -> None:
    """Sixty memberships made by hand are not gone in one cycle because a word of the configuration changed."""
    rows = people(90)
    groups = groups_of(rows, 10, 6)
    world = started(rows | groups, manage=Manage(members="additive"))
    keys = sorted(rows)
    for n, group in enumerate(sorted(groups)):
        inside = groups[group].members
        for member in [key for key in keys[n:] if key not in inside][:6]:
            world.call(
                "AssociateMemberToGroup",
                GroupId=world.stores.bindings[group].entity,
                MemberId=world.stores.bindings[member].entity,
            )
    world.policy = Policy(mode=Mode.FULL)
    report = sync(world, rows | groups)
    assert applied(report, "member.remove") == 0
    assert "all_membership_removals" in tripped(report)


def test_a_new_template_does_not_rename_everybody() -> None:
    """Display names made in another way change everybody at once: withheld until somebody says yes."""
    rows = people(30)
    world = started(rows)
    renamed = {key: replace(row, display_name=f"{row.display_name}, Dr.") for key, row in rows.items()}
    report = sync(world, renamed)
    assert (applied(report, "profile.update"), tripped(report)) == (0, {"profile_changes"})
    assert report.plan is not None
    world.approve(report.plan)
    assert applied(sync(world, renamed), "profile.update") == 30


# --- populations -----------------------------------------------------------------------------------------------------


def test_a_pilots_outsiders_make_no_room() -> None:
    """In a pilot of four among two hundred, one may go, not ten."""
    rows = people(200)
    world = started(rows)
    keys = sorted(rows)
    world.policy = Policy.model_validate({"mode": "full", "only": {"keys": keys[:4]}})
    rows.update({key: replace(rows[key], enabled=False) for key in keys[:2]})
    report = sync(world, rows)
    assert tripped(report) == {"removals"}
    assert report.plan is not None
    assert report.plan.populations.reached_of(Kind.USER) == 4
    assert report.plan.populations.owned_of(Kind.USER) == 200


def test_who_was_just_made_makes_no_room() -> None:
    """Twenty rows of rubbish, made within the limits, don't let one more of the others go."""
    rows = people(100)
    world = started(rows)
    rubbish = {row.key: row for row in (wanted(f"x{n}") for n in range(20))}
    assert applied(sync(world, rows | rubbish), "register") == 20
    assert sync(world, rows | rubbish).plan.populations.reached_of(Kind.USER) == 100  # type: ignore[union-attr] # it has one
    rows.update({key: replace(rows[key], enabled=False) for key in sorted(rows)[:6]})
    assert tripped(sync(world, rows | rubbish)) == {"removals"}


@pytest.mark.parametrize("size", range(1, 25))
def test_emptying_a_kind_always_asks(size: int) -> None:
    """However few or many they are, and whatever the limits say, all of them never go unasked."""
    rows = people(size)
    wide = GuardSettings(removals=Threshold(percent=100, count=1000))
    world = started(rows, guards=wide)
    report = sync(world, {key: replace(row, enabled=False) for key, row in rows.items()})
    assert tripped(report) == {"removals"}
    assert enabled(world) == size


def test_what_failed_takes_nothing_of_a_window() -> None:
    """A call that the service refused changes nobody's name: nothing of it is remembered."""
    rows = people(30)
    world = LivingWorld(policy=Policy(mode=Mode.FULL))
    world.desired = directory(rows.values())
    assert world.sync().exit_code == 0
    world.fail(Fault(operation="UpdateUser", error=ErrorAnswer(code="InvalidParameterException")))
    renamed = {key: replace(row, display_name="X") if n < 3 else row for n, (key, row) in enumerate(rows.items())}
    assert sync(world, renamed).exit_code == 4
    assert list(counted(world, Count.PROFILE_CHANGES)) == []
    world.fail()
    assert sync(world, renamed).exit_code == 0
    assert len(list(counted(world, Count.PROFILE_CHANGES))) == 3
