"""The table of evidence, row by row."""

from datetime import datetime, timedelta

import pytest

from syncd.model.entry import Absence, Rejection
from syncd.model.memory import Mark, Memory
from syncd.model.names import Key, Kind
from syncd.model.state import Desired
from syncd.planning.evidence import all_keys_readable, updated_marks
from tests.builders import NOW, SOURCE, binding, desired, wanted

FRY = Key("user:fry")
EARLIER = NOW - timedelta(days=2)
NOTHING = Mark(key=FRY)
MISSING = Mark(key=FRY, missing_since=EARLIER, missing_cycles=2)
DISABLED = Mark(key=FRY, disabled_since=EARLIER)


def mark_after(old: Mark, directory: Desired, *, source: str = SOURCE, now: datetime = NOW) -> Mark | None:
    memory = Memory(bindings={FRY: binding("user:fry")}, marks={FRY: old} if old != NOTHING else {})
    return updated_marks(memory, directory, source=source, now=now).get(FRY)


def unreadable() -> Rejection:
    return Rejection(key=None, origin="people.csv:9", reason="no key", remedy="give it one")


def rejected() -> Rejection:
    return Rejection(key=FRY, origin="people.csv:2", reason="no name", remedy="fill it in")


def gone(absence: Absence) -> Desired:
    return desired(absences={FRY: absence})


FIRST = Mark(key=FRY, missing_since=NOW, missing_cycles=1)
AGAIN = Mark(key=FRY, missing_since=EARLIER, missing_cycles=3)


@pytest.mark.parametrize("old", [NOTHING, MISSING, DISABLED])
def test_an_enabled_entry_wipes_the_slate(old: Mark) -> None:
    """Who is in the directory and enabled has no mark, whatever was before."""
    assert mark_after(old, desired(wanted("fry"))) is None


@pytest.mark.parametrize("old", [NOTHING, MISSING])
def test_a_disabled_entry_is_marked_from_its_first_read_on(old: Mark) -> None:
    """Disabled counts from the read that first said so, and ends being missing."""
    assert mark_after(old, desired(wanted("fry", enabled=False))) == Mark(key=FRY, disabled_since=NOW)


def test_a_disabled_entry_keeps_its_date() -> None:
    """Being disabled still doesn't begin anew."""
    assert mark_after(DISABLED, desired(wanted("fry", enabled=False))) == DISABLED


def test_an_absence_told_as_disabled_counts_as_disabled() -> None:
    """A source that says of an absent key that it is disabled is believed."""
    assert mark_after(NOTHING, gone(Absence.DISABLED)) == Mark(key=FRY, disabled_since=NOW)
    assert mark_after(DISABLED, gone(Absence.DISABLED)) == DISABLED


@pytest.mark.parametrize("absence", [None, Absence.UNKNOWN, Absence.GONE, Absence.MOVED])
def test_an_absence_counts_one_more_read(absence: Absence | None) -> None:
    """Missing counts from the first such read, one for each."""
    directory = gone(absence) if absence else desired()
    assert mark_after(NOTHING, directory) == FIRST
    assert mark_after(MISSING, directory) == AGAIN
    assert mark_after(DISABLED, directory) == FIRST


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
    assert not all_keys_readable(desired(rejections=(unreadable(),)))


def test_a_rejected_entry_is_not_missing() -> None:
    """Who is rejected is there; only what was known of being disabled stays."""
    assert mark_after(MISSING, desired(rejections=(rejected(),))) is None
    assert mark_after(DISABLED, desired(rejections=(rejected(),))) == DISABLED
    assert all_keys_readable(desired(rejections=(rejected(),)))


@pytest.mark.parametrize("old", [MISSING, DISABLED])
def test_another_source_proves_nothing(old: Mark) -> None:
    """A key bound under another source or key attribute is not missed by this one."""
    assert mark_after(old, desired(), source="ldap:entryUUID") == old


def test_groups_are_not_missed_where_none_are_read() -> None:
    """A source without groups says nothing about groups."""
    crew = Key("group:crew")
    memory = Memory(bindings={crew: binding("group:crew")})
    assert updated_marks(memory, desired(read=frozenset({Kind.USER})), source=SOURCE, now=NOW) == {}
    assert updated_marks(memory, desired(), source=SOURCE, now=NOW)[crew].missing_cycles == 1


def test_only_the_bound_have_marks() -> None:
    """Who isn't ours can't leave."""
    assert updated_marks(Memory(marks={FRY: MISSING}), desired(), source=SOURCE, now=NOW) == {}
