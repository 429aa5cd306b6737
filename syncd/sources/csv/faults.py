"""Where did a quote go wrong, and which delimiter does a header show?

Read only when something is wrong: the rows are read again, slowly, with an eye on places.
"""

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from syncd.errors import Problem
from syncd.sources.csv.file import SourceFile

#: What European spreadsheets, databases and logs use instead of a comma (`pitfalls.md` 53).
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are told apart."""

    delimiter: str
    quote: str


def shown_delimiter(raw: str, names: Collection[str], needed: Collection[str], dialect: Dialect) -> str:
    """Return the delimiter that the header *raw* shows instead of the configured one, "" when it doesn't."""
    if needed and set(needed) <= set(names):
        return ""
    for other in _DELIMITERS:
        if other == dialect.delimiter or other not in raw:
            continue
        cells = {cell.strip().strip(dialect.quote).strip() for cell in raw.split(other)}
        if len(names) <= 1 or cells & (set(needed) - set(names)):
            return other
    return ""


def cell_places(raw: str, dialect: Dialect) -> list[tuple[int, int]]:
    """Return line and column, from 1, at which each cell of the row *raw* begins."""
    places = [(1, 1)]
    for kind, line, column in _marks(raw, dialect):
        if kind == "delimiter":
            places.append((line, column + 1))
    return places


def syntax_problem(file: SourceFile, dialect: Dialect, error: csv.Error) -> Problem:
    """Read *file* again up to the row that the parser refused, and say where its quote is."""
    start, raw = _refused_row(file, dialect)
    opened: tuple[int, int] | None = None
    for kind, line, column in _marks(raw, dialect):
        if kind == "stray":
            where = f"{file.label}:{start + line - 1}:{column}"
            reason = "text follows a closing quote within the same cell"
            remedy = f"double a quote within quotes ({dialect.quote * 2}), and let nothing stand around quotes"
            return Problem(where=where, reason=reason, remedy=remedy)
        if kind == "open":
            opened = (line, column)
    if opened is None:
        return Problem(
            where=f"{file.label}:{start}", reason=f"this row can't be read: {error}", remedy="write the file anew"
        )
    return Problem(
        where=f"{file.label}:{start + opened[0] - 1}:{opened[1]}",
        reason="a quote is opened here and never closed: all rows after it are lost in one cell",
        remedy="close it, or double it if it is part of the text; a file that was cut off looks like this too",
    )


def _refused_row(file: SourceFile, dialect: Dialect) -> tuple[int, str]:
    """Return the line on which the refused row starts, and its text as far as the parser took it."""
    taken: list[str] = []

    def remembering(lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    reader = csv.reader(remembering(file.as_text()), delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
    start = 1
    try:
        for _ in reader:
            start = reader.line_num + 1
            taken.clear()
    except csv.Error:
        pass
    return start, "".join(taken)


def _marks(raw: str, dialect: Dialect) -> Iterator[tuple[str, int, int]]:
    """Yield what structures *raw*, with line and column: delimiter, open, close, stray (text after a close)."""
    state = "start"
    for character, line, column in _places(raw):
        mark = ""
        if state == "quoted":
            if character == dialect.quote:
                state, mark = "closed", "close"
        elif character == dialect.quote and state in ("start", "closed"):
            # After a close this is a doubled quote: the text goes on.
            mark = "open" if state == "start" else ""
            state = "quoted"
        elif character == dialect.delimiter:
            state, mark = "start", "delimiter"
        elif character not in "\r\n":
            mark = "stray" if state == "closed" else ""
            state = "plain"
        if mark:
            yield mark, line, column


def _places(raw: str) -> Iterator[tuple[str, int, int]]:
    """Yield each character with its line and column, from 1; CR, LF and both together end a line."""
    line, column, previous = 1, 0, ""
    for character in raw:
        if (previous == "\n") or (previous == "\r" and character != "\n"):
            line, column = line + 1, 0
        column += 1
        yield character, line, column
        previous = character
