"""A groups file with one row for each membership: rows of the same key are merged."""

import unicodedata
from dataclasses import dataclass, field

from syncd.model.entry import Entry, Rejection
from syncd.sources.csv.refusals import Refusals, Task, is_bad, shown
from syncd.sources.csv.rows import Row, join_cells


@dataclass(slots=True)
class _Group:
    """A group as its first row says it, the member's cell emptied, and its members: a text for each run of rows."""

    first: list[str]
    line: int
    members: list[str] = field(default_factory=list)


def read_memberships(task: Task, *, member: int) -> tuple[dict[str, Entry], list[Rejection]]:
    """Return one entry for each group by identity, and the rows that can't be used.

    *member* is the place of the member column. A group of which one row can't be used is rejected whole: its members
    are not known.

    Raises:
        Unusable: a quote is out of place, or there are more rows than the cap allows.
    """
    groups: dict[str, _Group] = {}
    refusals = Refusals(task)
    width, closely, ended = len(task.columns.names), task.looks_closely, task.header.lines
    join = task.columns.separator.join
    group: _Group | None = None
    current: list[str] | None = None
    members: list[str] = []
    with task.table.rows(task.header, cap=task.rows) as (reader, rows):
        for row in rows:
            line, ended = ended + 1, reader.line_num
            if len(row) != width or (closely and is_bad(row, task)):
                refusals.refuse(row, line)
                continue
            value = row[member]
            row[member] = ""
            if row != current:
                if group is not None:
                    group.members.append(join(members))
                    members.clear()
                group = _group_of(row, line, groups, refusals)
                current = row if group else None
                if group is None:
                    continue
            members.append(value)
    if group is not None:
        group.members.append(join(members))
    for identity in refusals.lines:
        groups.pop(identity, None)
    entries = {}
    for identity, found in groups.items():
        found.first[member] = join(found.members)
        attributes = Row(task.columns, join_cells(found.first))
        entries[identity] = Entry(task.kind, identity, f"{task.label}:{found.line}", attributes)
    return entries, refusals.rejections()


def _group_of(row: list[str], line: int, groups: dict[str, _Group], refusals: Refusals) -> _Group | None:
    """Return the group that *row* belongs to, a new one where its key is new; None if the row can't be used."""
    task = refusals.task
    identity = unicodedata.normalize("NFC", row[task.key].strip())
    if not identity:
        refusals.refuse_without_key(row, line)
        return None
    group = groups.setdefault(identity, _Group(row, line))
    names = zip(task.columns.names, group.first, row, strict=True)
    differing = [name for name, ours, theirs in names if ours.strip() != theirs.strip()]
    if differing:
        reason = f"{', '.join(map(shown, differing))} differs from line {group.line}, which is about the same group"
        refusals.refuse(row, line, reason, "say the same of a group on each of its rows")
        return None
    return group
