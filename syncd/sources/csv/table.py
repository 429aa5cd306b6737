"""What is the header, and which rows follow it?"""

import csv
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

from syncd.errors import Problem
from syncd.sources.csv.faults import Dialect, cell_places, shown_delimiter, syntax_problem
from syncd.sources.csv.file import SourceFile

if TYPE_CHECKING:
    from _csv import Reader

#: A cell may hold all members of a group, so the parser's own limit is the file's; values are measured in records.py.
_PARSER_LIMIT = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The column names, trimmed; *lines* is how many lines the header takes, blank ones before it included."""

    names: tuple[str, ...]
    lines: int
    problems: tuple[Problem, ...] = ()
    is_usable: bool = True


class Unusable(Exception):
    """The rows can't be read to their end; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Table:
    """The rows of *file*, read with *dialect*."""

    def __init__(self, file: SourceFile, dialect: Dialect) -> None:
        self.file = file
        self._dialect = dialect
        csv.field_size_limit(_PARSER_LIMIT)

    def header(self, needed: Collection[str], *, most_columns: int) -> Header:
        """Read the header; every problem with it is in the answer. *needed* are the columns that must be there."""
        seen: list[str] = []
        cells: list[str] = []
        blank = 0
        try:
            for cells in self._read(_remembering(self.file.as_text(), seen)):
                if cells:
                    break
                blank, seen[:] = blank + 1, []
        except csv.Error as error:
            problem = syntax_problem(self.file, self._dialect, error)
            return Header(names=(), lines=0, problems=(problem,), is_usable=False)
        names = tuple(_tidy(cell) for cell in cells)
        raw = "".join(seen)
        other = shown_delimiter(raw, names, needed, self._dialect)
        if other:
            problem = self._other_delimiter(raw, other, blank + 1)
            return Header(names=names, lines=0, problems=(problem,), is_usable=False)
        places = [(line + blank, column) for line, column in cell_places(raw, self._dialect)]
        problems = self._name_problems(names, places)
        problems += self._missing(names, needed, blank + 1)
        if len(names) > most_columns:
            problems.append(
                Problem(
                    where=f"{self.file.label}:{blank + 1}",
                    reason=f"it has {len(names)} columns, {most_columns} are allowed",
                    remedy="leave out what is not needed, or raise `caps.columns` of the source",
                )
            )
        return Header(names=names, lines=blank + len(seen), problems=tuple(problems))

    @contextmanager
    def rows(self, header: Header, *, cap: int) -> Iterator[tuple["Reader", Iterator[list[str]]]]:
        """Give the rows after *header*, a blank line being an empty row, and the reader they come from.

        The reader's `line_num` is the line on which the row given last ends.

        Raises:
            Unusable: a quote is not closed, something follows a closed one, or there are more than *cap* rows.
        """
        reader = self._read(self.file.as_text())
        try:
            while reader.line_num < header.lines:
                next(reader)
            yield reader, islice(reader, cap)
            ended = reader.line_num
            if next(reader, None) is not None:
                raise Unusable(self._too_long(ended + 1, cap))
        except csv.Error as error:
            raise Unusable(syntax_problem(self.file, self._dialect, error)) from error

    def _too_long(self, line: int, cap: int) -> Problem:
        return Problem(
            where=f"{self.file.label}:{line}",
            reason=f"here begins row {cap + 1}, {cap} are allowed",
            remedy="check what wrote the file, or raise `caps.rows` of the source",
        )

    def _read(self, lines: Iterator[str]) -> "Reader":
        dialect = self._dialect
        return csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)

    def _name_problems(self, names: tuple[str, ...], places: list[tuple[int, int]]) -> list[Problem]:
        problems = []
        first: dict[str, int] = {}
        for number, (name, (line, column)) in enumerate(zip(names, places, strict=True), start=1):
            where = f"{self.file.label}:{line}:{column}"
            if not name:
                reason = f"column {number} has no name"
                problems.append(Problem(where=where, reason=reason, remedy="name it, or remove the column"))
            elif name in first:
                reason = f"column {number} is called {name!r}, as column {first[name]} is"
                problems.append(Problem(where=where, reason=reason, remedy="give each column a name of its own"))
            first.setdefault(name, number)
        return problems

    def _missing(self, names: tuple[str, ...], needed: Collection[str], line: int) -> list[Problem]:
        return [
            Problem(
                where=f"{self.file.label}:{line}",
                reason=f"the header has no column {name!r}, which the mapping uses",
                remedy=_nearest(name, names),
            )
            for name in sorted(set(needed) - set(names))
        ]

    def _other_delimiter(self, raw: str, other: str, line: int) -> Problem:
        written = '"\\t"' if other == "\t" else f'"{other}"'
        ours = "a tab" if self._dialect.delimiter == "\t" else f"{self._dialect.delimiter!r}"
        theirs = "a tab" if other == "\t" else f"{other!r}"
        return Problem(
            where=f"{self.file.label}:{line}:{raw.index(other) + 1}",
            reason=f"the header is separated by {theirs}, but the configured delimiter is {ours}",
            remedy=f"set `delimiter: {written}` in the source, or export with {ours}",
        )


def _tidy(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip())


def _nearest(name: str, names: tuple[str, ...]) -> str:
    folded = {known.casefold(): known for known in names if known}
    close = get_close_matches(name.casefold(), folded, n=1)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    return f"it has {', '.join(filter(None, names))}"


def _remembering(lines: Iterator[str], seen: list[str]) -> Iterator[str]:
    for line in lines:
        seen.append(line)
        yield line
