"""The table of evidence, row by row, and what makes counting begin anew."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model.entry import Absence, Rejection
from syncd.model.memory import Mark, Memory
from syncd.model.moments import TOLERANCE, Boot, Instant, elapsed, in_future
from syncd.model.names import Key, Kind
from syncd.model.policy import Removal
from syncd.model.state import Desired
from syncd.planning.evidence import HOLE_OF_OTHERS, contradicted, hole_of, updated_marks
from syncd.planning.meant import Protection, protections
from tests.builders import NOW, SOURCE, binding, desired, entity, observed, wanted

FRY = Key("user:fry")
HOLE = timedelta(hours=1)
GAP = timedelta(minutes=15)
EARLIER = NOW - timedelta(days=2)
LAST = Instant(wall=NOW - GAP)
AT = Instant(wall=NOW)
NOTHING = Mark(key=FRY)
MISSING = Mark(key=FRY, missing_since=EARLIER, missing_cycles=2, counted=HOLE, last=LAST, hole=HOLE)
DISABLED = Mark(key=FRY, disabled_since=EARLIER, counted=HOLE, last=LAST, hole=HOLE)


def mark_after(
    old: Mark,
    directory: Desired,
    *,
    source: str = SOURCE,
    at: Instant = AT,
    hole: timedelta = HOLE,
    uncounted: Mapping[Key, Protection] | None = None,
) -> Mark | None:
    memory = Memory(bindings={FRY: binding("user:fry")}, marks={FRY: old} if old != NOTHING else {})
    rows = protections(memory, directory, observed(entity("fry"))) if uncounted is None else uncounted
    return updated_marks(memory, directory, source=source, at=at, hole=hole, uncounted=rows).get(FRY)


def seen(old: Mark, directory: Desired) -> bool:
    memory = Memory(bindings={FRY: binding("user:fry")}, marks={FRY: old})
    return contradicted(memory, directory) == {FRY}


def unreadable() -> Rejection:
    return Rejection(key=None, origin="people.csv:9", reason="no key", remedy="give it one")


def rejected() -> Rejection:
    return Rejection(key=FRY, origin="people.csv:2", reason="no name", remedy="fill it in")


def gone(absence: Absence) -> Desired:
    return desired(absences={FRY: absence})


FIRST = Mark(key=FRY, missing_since=NOW, missing_cycles=1, last=AT, hole=HOLE)
AGAIN = Mark(key=FRY, missing_since=EARLIER, missing_cycles=3, counted=HOLE + GAP, last=AT, hole=HOLE)
FIRST_DISABLED = Mark(key=FRY, disabled_since=NOW, last=AT, hole=HOLE)
STILL_DISABLED = replace(DISABLED, counted=HOLE + GAP, last=AT)


@pytest.mark.parametrize("old", [NOTHING, MISSING, DISABLED])
def test_an_enabled_entry_wipes_the_slate(old: Mark) -> None:
    """Who is in the directory and enabled has no mark, whatever was before, and what there was is cleared at once."""
    assert mark_after(old, desired(wanted("fry"))) is None
    assert seen(old, desired(wanted("fry")))


@pytest.mark.parametrize("old", [NOTHING, MISSING])
def test_a_disabled_entry_is_marked_from_its_first_read_on(old: Mark) -> None:
    """Disabled counts from the read that first said so, and ends being missing."""
    assert mark_after(old, desired(wanted("fry", enabled=False))) == FIRST_DISABLED
    assert seen(old, desired(wanted("fry", enabled=False))) is (old == MISSING)


def test_a_disabled_entry_keeps_its_date() -> None:
    """Being disabled still doesn't begin anew."""
    assert mark_after(DISABLED, desired(wanted("fry", enabled=False))) == STILL_DISABLED
    assert not seen(DISABLED, desired(wanted("fry", enabled=False)))


def test_an_absence_told_as_disabled_counts_as_disabled() -> None:
    """A source that says of an absent key that it is disabled is believed."""
    assert mark_after(NOTHING, gone(Absence.DISABLED)) == FIRST_DISABLED
    assert mark_after(DISABLED, gone(Absence.DISABLED)) == STILL_DISABLED
    assert seen(MISSING, gone(Absence.DISABLED))


@pytest.mark.parametrize("absence", [None, Absence.UNKNOWN, Absence.GONE, Absence.MOVED])
def test_an_absence_counts_one_more_read(absence: Absence | None) -> None:
    """Missing counts from the first such read, one for each, with the time between them."""
    directory = gone(absence) if absence else desired()
    assert mark_after(NOTHING, directory) == FIRST
    assert mark_after(MISSING, directory) == AGAIN
    assert mark_after(DISABLED, directory) == FIRST
    assert not seen(MISSING, directory)
    assert not seen(DISABLED, directory)


@pytest.mark.parametrize("old", [MISSING, DISABLED])
def test_not_visible_never_counts(old: Mark) -> None:
    """What we may not see is as before."""
    assert mark_after(old, gone(Absence.NOT_VISIBLE)) == old
    assert mark_after(NOTHING, gone(Absence.NOT_VISIBLE)) is None


@pytest.mark.parametrize("old", [MISSING, DISABLED])
def test_nobody_counts_while_a_key_is_unreadable(old: Mark) -> None:
    """A record without readable key could be theirs: marks are as before."""
    assert mark_after(old, desired(rejections=(unreadable(),))) == old
    assert mark_after(NOTHING, desired(rejections=(unreadable(),))) is None


def test_a_rejected_entry_is_not_missing() -> None:
    """Who is rejected is there; only what was known of being disabled stays."""
    assert mark_after(MISSING, desired(rejections=(rejected(),))) is None
    assert mark_after(DISABLED, desired(rejections=(rejected(),))) == DISABLED
    assert seen(MISSING, desired(rejections=(rejected(),)))
    assert not seen(DISABLED, desired(rejections=(rejected(),)))


def test_a_group_without_address_is_not_missing() -> None:
    """It stands in the source: nothing is marked, and what was is cleared."""
    there = replace(desired(), without_address={FRY: "groups.csv:2"})
    assert mark_after(MISSING, there) is None
    assert seen(MISSING, there)
    assert seen(DISABLED, there)


@pytest.mark.parametrize("old", [MISSING, DISABLED])
def test_another_source_proves_nothing(old: Mark) -> None:
    """A key bound under another source or key attribute is not missed by this one."""
    assert mark_after(old, desired(), source="ldap:entryUUID") == old


def test_groups_are_not_missed_where_none_are_read() -> None:
    """A source without groups says nothing about groups."""
    crew = Key("group:crew")
    memory = Memory(bindings={crew: binding("group:crew")})
    no_groups = desired(read=frozenset({Kind.USER}))
    assert updated_marks(memory, no_groups, source=SOURCE, at=AT, hole=HOLE, uncounted={}) == {}
    assert updated_marks(memory, desired(), source=SOURCE, at=AT, hole=HOLE, uncounted={})[crew].missing_cycles == 1


def test_only_the_bound_have_marks() -> None:
    """Who isn't ours can't leave."""
    assert updated_marks(Memory(marks={FRY: MISSING}), desired(), source=SOURCE, at=AT, hole=HOLE, uncounted={}) == {}


# --- in a row --------------------------------------------------------------------------------------------------------


def passed(mark: Mark | None) -> tuple[int, timedelta]:
    assert mark is not None
    return mark.missing_cycles, mark.counted


@pytest.mark.parametrize("gap", [HOLE, HOLE + timedelta(seconds=1)])
def test_a_longer_gap_begins_anew(gap: timedelta) -> None:
    """A read within the hole goes on; one after it counts as the first, and the mark says why."""
    old = replace(MISSING, last=Instant(wall=NOW - gap))
    new = mark_after(old, desired())
    assert new is not None
    if gap <= HOLE:
        assert (passed(new), new.anew) == ((3, HOLE + gap), "")
    else:
        assert new == replace(FIRST, anew=new.anew)
        assert new.anew == "no read counted for 1h1s; after more than 1h (removal.hole) it begins anew"


def test_the_gap_is_the_smaller_of_both_reads() -> None:
    """What a daemon counted isn't gone on with by hand two days later, though cycles by others may be so far apart."""
    old = replace(MISSING, last=Instant(wall=NOW - timedelta(days=2)), hole=HOLE)
    assert passed(mark_after(old, desired(), hole=HOLE_OF_OTHERS)) == (1, timedelta(0))
    assert passed(mark_after(replace(old, hole=HOLE_OF_OTHERS), desired(), hole=HOLE_OF_OTHERS))[0] == 3


def test_the_reason_stays_until_the_mark_goes() -> None:
    """Whoever looks later still sees why it takes so long."""
    anew = replace(MISSING, anew="a hole")
    assert (mark_after(anew, desired()) or NOTHING).anew == "a hole"
    assert (mark_after(anew, desired(wanted("fry", enabled=False))) or NOTHING).anew == ""


@pytest.mark.parametrize("old", [MISSING, DISABLED])
def test_marks_of_an_earlier_version_begin_anew(old: Mark) -> None:
    """It noted no reads, so nobody knows whether they were in a row."""
    directory = desired(wanted("fry", enabled=False)) if old == DISABLED else desired()
    new = mark_after(replace(old, last=None, hole=None), directory)
    assert new is not None
    assert (new.counted, new.missing_since or new.disabled_since) == (timedelta(0), NOW)
    assert "earlier version" in new.anew


@pytest.mark.parametrize(
    "future",
    [
        replace(MISSING, last=Instant(wall=NOW + timedelta(days=1))),
        replace(MISSING, missing_since=NOW + timedelta(days=1)),
        replace(MISSING, last=Instant(wall=NOW - GAP, service=NOW + timedelta(days=1))),
    ],
)
def test_marks_in_the_future_begin_anew(future: Mark) -> None:
    """Nothing dated in the future is believed."""
    new = mark_after(future, desired(), at=replace(AT, service=NOW))
    assert new is not None
    assert (new.missing_since, passed(new)) == (NOW, (1, timedelta(0)))
    assert "future" in new.anew


def test_a_protected_person_is_not_counted() -> None:
    """A row that may mean them leaves the mark as it is: the reads go on only if it goes before the hole is over."""
    row = {FRY: Protection(origin="people.csv:7", why="it may be theirs")}
    assert mark_after(MISSING, desired(), uncounted=row) == MISSING
    assert mark_after(NOTHING, desired(), uncounted=row) is None


# --- time ------------------------------------------------------------------------------------------------------------

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("earlier", "later", "surely", "maybe"),
    [
        (Instant(wall=NOW - GAP), Instant(wall=NOW), GAP, GAP),
        (
            Instant(wall=NOW - DAY, boot=Boot(id="b", seconds=0)),
            Instant(wall=NOW, boot=Boot(id="b", seconds=60)),
            timedelta(minutes=1),
            DAY,
        ),
        (
            Instant(wall=NOW - DAY, boot=Boot(id="a", seconds=0)),
            Instant(wall=NOW, boot=Boot(id="b", seconds=60)),
            DAY,
            DAY,
        ),
        (Instant(wall=NOW - DAY, service=NOW - GAP), Instant(wall=NOW, service=NOW), GAP, DAY),
        (Instant(wall=NOW - GAP, service=NOW - DAY), Instant(wall=NOW, service=NOW), GAP, DAY),
        (Instant(wall=NOW - GAP, service=NOW - DAY), Instant(wall=NOW), GAP, GAP),
        (Instant(wall=NOW + TOLERANCE), Instant(wall=NOW), timedelta(0), timedelta(0)),
    ],
)
def test_what_passed_is_the_smallest_that_a_clock_tells(
    earlier: Instant, later: Instant, surely: timedelta, maybe: timedelta
) -> None:
    """Wall clock, time since one boot, the service's own date; a gap is the longest of them."""
    found = elapsed(earlier, later)
    assert found is not None
    assert (found.surely, found.maybe) == (surely, maybe)


def test_a_clock_that_went_back_tells_nothing() -> None:
    """More than clocks differ: then the earlier one is not believed."""
    assert elapsed(Instant(wall=NOW + TOLERANCE + timedelta(seconds=1)), Instant(wall=NOW)) is None
    assert in_future(NOW + TOLERANCE + timedelta(seconds=1), NOW)
    assert not in_future(NOW + TOLERANCE, NOW)


spans = st.timedeltas(-timedelta(days=40), timedelta(days=40))


@given(reads=st.lists(st.tuples(spans, st.timedeltas(timedelta(0), timedelta(days=9)), st.booleans()), max_size=12))
def test_no_jump_of_a_clock_adds_evidence(reads: list[tuple[timedelta, timedelta, bool]]) -> None:
    """However the wall clock is set between reads: never more time counts than really passed in a row."""
    wall, truth, boot, mark, longest = NOW, timedelta(0), "a", NOTHING, timedelta(0)
    for jump, gap, reboots in reads:
        truth, wall, boot = truth + gap, wall + gap + jump, boot + "x" if reboots else boot
        at = Instant(wall=wall, boot=Boot(id=boot, seconds=truth.total_seconds()), service=EARLIER + truth)
        found = mark_after(mark, desired(), at=at)
        assert found is not None
        longest = longest + gap if found.missing_cycles > 1 else timedelta(0)
        assert found.counted <= longest
        assert found.missing_cycles == 1 or gap <= HOLE
        mark = found


@pytest.mark.parametrize(
    ("removal", "gap", "hole"),
    [
        (Removal(), timedelta(minutes=45), timedelta(minutes=45)),
        (Removal(), None, timedelta(days=3)),
        (Removal(hole=timedelta(hours=7)), timedelta(minutes=15), timedelta(hours=7)),
        (Removal(hole=timedelta(hours=7)), None, timedelta(hours=7)),
    ],
)
def test_what_a_hole_is(removal: Removal, gap: timedelta | None, hole: timedelta) -> None:
    """What the schedule says, three days where others start it, or what is configured."""
    assert hole_of(removal, gap) == hole


def test_dates_are_those_of_the_first_read() -> None:
    """Since when somebody is missing is told by the wall clock of that read."""
    later = Instant(wall=NOW + GAP)
    first = mark_after(NOTHING, desired())
    assert first is not None
    second = mark_after(first, desired(), at=later)
    assert second is not None
    assert isinstance(second.missing_since, datetime)
    assert second.missing_since == NOW
