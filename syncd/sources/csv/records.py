"""Each row becomes an entry, unless its key stands on another row too."""

import unicodedata

from syncd.model.entry import Entry, Rejection
from syncd.model.names import make_key
from syncd.sources.csv.refusals import Refusals, Task, is_bad, shown
from syncd.sources.csv.rows import (
    Row,
    join_cells,
    new,
    set_attributes,
    set_columns,
    set_identity,
    set_kind,
    set_origin,
    set_text,
)

_NAMED = 3


def read_entries(task: Task) -> tuple[dict[str, Entry], list[Rejection]]:
    """Return one entry for each row by identity, and the rows that can't be used.

    Raises:
        Unusable: a quote is out of place, or there are more rows than the cap allows.
    """
    entries: dict[str, Entry] = {}
    again: dict[str, list[tuple[int, str]]] = {}
    refusals = Refusals(task)
    kind, columns, prefix = task.kind, task.columns, f"{task.label}:"
    place, width, closely, ended = task.key, len(task.columns.names), task.looks_closely, task.header.lines
    with task.table.rows(task.header, cap=task.rows) as (reader, rows):
        for row in rows:
            line, ended = ended + 1, reader.line_num
            if len(row) != width or (closely and is_bad(row, task)):
                refusals.refuse(row, line)
                continue
            identity = row[place].strip()
            if not identity.isascii():
                identity = unicodedata.normalize("NFC", identity)
            if identity in entries:
                again.setdefault(identity, []).append((line, join_cells(row)))
            elif identity:
                # An Entry and its Row, written out: a call per row would be a tenth of the whole time.
                attributes = new(Row)
                set_columns(attributes, columns)
                set_text(attributes, join_cells(row))
                entries[identity] = entry = new(Entry)
                set_kind(entry, kind)
                set_identity(entry, identity)
                set_origin(entry, f"{prefix}{line}")
                set_attributes(entry, attributes)
            else:
                refusals.refuse_without_key(row, line)
    _part_with_shared(entries, again, refusals)
    return entries, refusals.rejections()


def _part_with_shared(entries: dict[str, Entry], again: dict[str, list[tuple[int, str]]], refusals: Refusals) -> None:
    """Refuse every row whose key stands on another row too: nobody can say which one is meant."""
    for identity in dict.fromkeys([*again, *refusals.lines]):
        entry = entries.pop(identity, None)
        if entry is None:
            continue
        ours = {int(entry.origin.rpartition(":")[2]): entry}
        ours |= {line: refusals.entry(identity, line, text) for line, text in again.get(identity, ())}
        lines = sorted({*ours, *refusals.lines.get(identity, ())})
        for line, each in ours.items():
            reason = f"its key {shown(identity)} stands on line {_others(lines, line)} too"
            refusals.add(line, make_key(entry.kind, identity), reason, "leave one row for each key", entry=each)


def _others(lines: list[int], line: int) -> str:
    """Return the first few of *lines* but *line*: a column that is no key may give thousands of rows one key."""
    named = [other for other in lines[: _NAMED + 1] if other != line][:_NAMED]
    more = len(lines) - 1 - len(named)
    return ", ".join(map(str, named)) + (f" and {more} more" if more else "")
