"""Whatever reads say, clocks do and processes forget: nobody is found missing who wasn't missed in a row, for so long.

An oracle that knows the truth counts beside: how many complete reads in a row have missed her, and how much time really
passed between them.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from syncd.model.entry import Absence, Rejection
from syncd.model.memory import Mark, Memory
from syncd.model.moments import Boot, Instant
from syncd.model.names import Key, Kind
from syncd.model.policy import Mode, Policy, Removal
from syncd.model.state import Desired
from syncd.planning.evidence import contradicted, evidence_of
from syncd.planning.match import match
from tests.builders import NOW, SOURCE, binding, desired, entity, observed, wanted

FRY = Key("user:fry")
HOLE = timedelta(hours=3)
REMOVAL = Removal(after_cycles=3, after=timedelta(hours=6))
POLICY = Policy(mode=Mode.FULL, removal=REMOVAL)
THERE = observed(entity("fry"))
Says = Literal["seen", "missed", "rejected", "no key", "her name", "new key", "hidden", "no users", "other source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What one cycle's read *says*, so long after the one before, while the wall clock is set by *jump*.

    *recorded*: neither a dry run, nor one that tripped a source guard or failed later.
    """

    says: Says
    gap: timedelta
    jump: timedelta
    reboots: bool
    recorded: bool


reads = st.builds(
    Read,
    says=st.one_of(st.just("missed"), st.sampled_from(Says.__args__)),  # type: ignore[attr-defined] # a Literal has them
    gap=st.one_of(st.timedeltas(timedelta(0), HOLE), st.timedeltas(timedelta(0), timedelta(days=9))),
    jump=st.one_of(
        st.just(timedelta(0)), st.timedeltas(-HOLE, HOLE), st.timedeltas(-timedelta(days=40), timedelta(days=40))
    ),
    reboots=st.booleans(),
    recorded=st.sampled_from([True, True, True, False]),
)


def directory(says: Says) -> Desired:
    row = Rejection(key=Key("user:amy"), origin="people.csv:9", reason="no", remedy="mend it")
    match says:
        case "seen":
            return desired(wanted("fry"))
        case "rejected":
            return desired(rejections=(replace(row, key=FRY),))
        case "no key":
            return desired(rejections=(replace(row, key=None),))
        case "her name":
            return desired(rejections=(replace(row, names=("FRY",)),))
        case "new key":
            return desired(wanted("fry", key="user:new"))
        case "hidden":
            return desired(absences={FRY: Absence.NOT_VISIBLE})
        case "no users":
            return desired(read=frozenset({Kind.GROUP}))
        case _:
            return desired()


@given(history=st.lists(reads, max_size=25))
def test_nobody_is_missing_who_was_not_missed_in_a_row(history: list[Read]) -> None:
    """Due only if that read and those before it missed her, three at least, six hours of true time, without a hole."""
    wall, truth, boot = NOW, timedelta(0), 0
    marks: dict[Key, Mark] = {}
    row: list[timedelta] = []  # when, in truth, she was missed by a read that counts, in a row
    for read in history:
        truth, wall, boot = truth + read.gap, wall + read.gap + read.jump, boot + read.reboots
        service = NOW + truth
        at = Instant(wall=wall, boot=Boot(id=str(boot), seconds=truth.total_seconds()), service=service)
        memory = Memory(bindings={FRY: binding("user:fry")}, marks=marks)
        source = "ldap:uid" if read.says == "other source" else SOURCE
        found = directory(read.says)
        for key in contradicted(memory, found):
            marks = {other: mark for other, mark in marks.items() if other != key}
        evidence = evidence_of(memory, found, THERE, source=source, at=at, hole=HOLE)
        standings, _ = match(found, THERE, memory, evidence=evidence, policy=POLICY, source=source, now=wall)
        if read.says in ("seen", "rejected"):
            row = []
        elif read.says == "missed":
            row = [*row, truth] if row and truth - row[-1] <= HOLE else [truth]
        if FRY in standings.leaving:
            assert read.says == "missed"
            assert len(row) >= REMOVAL.after_cycles
            assert row[-1] - row[0] >= REMOVAL.after
        if read.recorded:
            marks = dict(evidence.marks)
        elif read.says == "missed":
            row = row[:-1]
