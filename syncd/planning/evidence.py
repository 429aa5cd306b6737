"""How much evidence there is that someone has left: pure bookkeeping of marks.

| the bound key is ...                                  | mark                                      |
|-------------------------------------------------------|-------------------------------------------|
| in the directory, enabled                             | none                                      |
| in the directory, a group without address             | none                                      |
| in the directory, disabled (or absent as disabled)    | disabled since                            |
| in the directory, rejected                            | as before, but not missing                |
| absent (gone, moved, unknown)                         | missing since, one more read              |
| absent as *not visible to us*                         | as before: never counts                   |
| absent while a row stands there that may mean them    | as before (`meant.py`)                    |

Only reads in a row count: a mark whose last read is too long ago begins anew, and so does one dated in the future. The
time that counts is the sum of what surely passed from each such read to the next, so no clock that jumps adds any.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from syncd.model.durations import format_duration
from syncd.model.entry import Absence
from syncd.model.memory import Binding, Mark, Memory
from syncd.model.moments import Instant, elapsed, in_future
from syncd.model.names import Key, kind_of
from syncd.model.observed import Observed
from syncd.model.policy import Removal
from syncd.model.state import Desired
from syncd.planning.meant import Protection, protections

#: What a gap may be where somebody else starts the cycles: a weekend with a holiday.
HOLE_OF_OTHERS = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The *marks* after a read, and who of the absent can't be counted as missing, because of which row."""

    marks: Mapping[Key, Mark] = field(default_factory=dict)
    uncounted: Mapping[Key, Protection] = field(default_factory=dict)

    def began_anew(self, memory: Memory) -> Mapping[Key, str]:
        """Return whose counting this read began anew, with the reason."""
        before = memory.marks
        return {key: m.anew for key, m in self.marks.items() if m.anew and m.counted == timedelta(0) and key in before}


def evidence_of(
    memory: Memory, desired: Desired, observed: Observed, *, source: str, at: Instant, hole: timedelta
) -> Evidence:
    """Return the evidence after this read, made *at* that moment; *hole* is the longest gap before it."""
    uncounted = protections(memory, desired, observed)
    marks = updated_marks(memory, desired, source=source, at=at, hole=hole, uncounted=uncounted)
    return Evidence(marks=marks, uncounted=uncounted)


def hole_of(removal: Removal, by_schedule: timedelta | None) -> timedelta:
    """Return the longest gap between two complete reads that is no hole; *by_schedule*: of a schedule of our own."""
    if removal.hole is not None:
        return removal.hole
    return HOLE_OF_OTHERS if by_schedule is None else by_schedule


def contradicted(memory: Memory, desired: Desired) -> frozenset[Key]:
    """Return whose mark this read disproves: they are there, whatever else becomes of the cycle."""
    if not memory.marks:
        return frozenset()
    rejected = {rejection.key for rejection in desired.rejections}
    return frozenset(key for key, mark in memory.marks.items() if _is_contradicted(key, mark, desired, rejected))


def _is_contradicted(key: Key, mark: Mark, desired: Desired, rejected: set[Key | None]) -> bool:
    wanted = desired.entities.get(key)
    if (wanted is not None and wanted.enabled) or key in desired.without_address:
        return True
    is_there = wanted is not None or key in rejected or desired.absences.get(key) is Absence.DISABLED
    return is_there and mark.missing_since is not None


def updated_marks(
    memory: Memory,
    desired: Desired,
    *,
    source: str,
    at: Instant,
    hole: timedelta,
    uncounted: Mapping[Key, Protection],
) -> Mapping[Key, Mark]:
    """Return the marks after this read, of those who have one; *uncounted* are those whom some row may mean."""
    rejected = {rejection.key for rejection in desired.rejections}
    marks: dict[Key, Mark] = {}
    for key, binding in memory.bindings.items():
        wanted = desired.entities.get(key)
        if (wanted is not None and wanted.enabled) or key in desired.without_address:
            continue
        old = memory.marks.get(key) or Mark(key=key)
        if wanted is not None:
            new = _one_more("disabled", old, at, hole)
        elif key in rejected:
            new = replace(old, missing_since=None, missing_cycles=0)
        elif key in uncounted or not _is_compared(binding, desired, source):
            new = old
        elif desired.absences.get(key) is Absence.DISABLED:
            new = _one_more("disabled", old, at, hole)
        else:
            new = _one_more("missing", old, at, hole)
        if new.missing_since or new.disabled_since:
            marks[key] = new
    return marks


def _is_compared(binding: Binding, desired: Desired, source: str) -> bool:
    """Return whether this read can say anything of somebody who isn't in it."""
    is_visible = desired.absences.get(binding.key) is not Absence.NOT_VISIBLE
    return is_visible and binding.source == source and kind_of(binding.key) in desired.read


def _one_more(how: Literal["missing", "disabled"], old: Mark, at: Instant, hole: timedelta) -> Mark:
    """Return *old* after one more read that says so."""
    since = old.missing_since if how == "missing" else old.disabled_since
    why, counted = _goes_on(old, at, hole) if since is not None else ("", timedelta(0))
    goes_on = since is not None and not why
    new = Mark(
        key=old.key,
        counted=old.counted + counted if goes_on else timedelta(0),
        last=at,
        hole=hole,
        anew=old.anew if goes_on else why,
    )
    begun = since if goes_on else at.wall
    if how == "disabled":
        return replace(new, disabled_since=begun)
    return replace(new, missing_since=begun, missing_cycles=old.missing_cycles + 1 if goes_on else 1)


def _goes_on(old: Mark, at: Instant, hole: timedelta) -> tuple[str, timedelta]:
    """Return why *old* doesn't go on, "" if it does, and the time that surely passed since its last read."""
    if old.last is None:
        return "an earlier version of syncd counted, which noted no gaps", timedelta(0)
    passed = elapsed(old.last, at)
    since = old.missing_since or old.disabled_since
    if passed is None or (since is not None and in_future(since, at.wall)):
        return "what was noted lies in the future: a clock was wrong, then or now", timedelta(0)
    allowed = hole if old.hole is None else min(old.hole, hole)
    if passed.maybe > allowed:
        gap, most = format_duration(passed.maybe), format_duration(allowed)
        return f"no read counted for {gap}; after more than {most} (removal.hole) it begins anew", timedelta(0)
    return "", passed.surely
