"""The attributes of a row, kept as one text until somebody asks for a value.

A dictionary of tuples for each row takes longer to make than the row takes to parse, and several times its memory.
"""

from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Any

from syncd.model.entry import Entry

#: Between the cells of a kept row, and between values where a cell has one only: control characters are refused in
#: cells, so these two never occur in one.
_CELLS, _NEVER = "\x1f", "\x1e"

join_cells = _CELLS.join


class Columns:
    """What all rows of a file share: its columns, and what separates several values in a cell ("": nothing)."""

    __slots__ = ("_getters", "last", "names", "places", "separator")

    def __init__(self, names: tuple[str, ...], multi_value: str) -> None:
        self.names = names
        self.places = {name: place for place, name in enumerate(names)}
        self.separator = multi_value or _NEVER
        self._getters: dict[tuple[str, ...], Callable[[list[str]], tuple[str, ...]]] = {}
        #: The row that was asked last, with its cells: the mapping asks one row for all its attributes.
        self.last: tuple[Row | None, list[str]] = (None, [])

    def getter(self, names: tuple[str, ...]) -> Callable[[list[str]], tuple[str, ...]] | None:
        """Return what takes the cells of *names*, at least two, from those of a row; None if one is no column."""
        found = self._getters.get(names)
        if found is None and all(name in self.places for name in names):
            found = self._getters[names] = itemgetter(*(self.places[name] for name in names))
        return found

    def values(self, cell: str) -> tuple[str, ...]:
        """Return the values of *cell*, trimmed where there are several; a blank cell has none."""
        if self.separator in cell:
            return tuple(value for part in cell.split(self.separator) if (value := part.strip()))
        return (cell,) if cell and not cell.isspace() else ()


class Row(Mapping[str, tuple[str, ...]]):
    """Every attribute that has a value, in the order of the columns."""

    __slots__ = ("_columns", "_text")

    def __init__(self, columns: Columns, text: str) -> None:
        self._columns = columns
        self._text = text

    def __getitem__(self, name: str) -> tuple[str, ...]:
        values: tuple[str, ...] = self.get(name, ())
        if not values:
            raise KeyError(name)
        return values

    def get(self, name: str, default: Any = None, /) -> Any:  # noqa: ANN401 - as Mapping has it
        columns = self._columns
        place = columns.places.get(name)
        if place is None:
            return default
        last = columns.last
        if last[0] is not self:
            # One assignment: another thread that reads another row finds a whole pair, its own or this one.
            last = columns.last = (self, self._text.split(_CELLS))
        cell = last[1][place]
        if columns.separator in cell or not cell or cell.isspace():
            return columns.values(cell) or default
        return (cell,)

    def singles(self, names: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return the cells of *names*, at least two, "" where there is no value; None if one has several.

        What the mapping asks of most rows, at the cost of one question (`syncd.mapping.record.Singles`).
        """
        columns, text = self._columns, self._text
        getter = columns.getter(names)
        if getter is None or columns.separator in text:
            return None
        return getter(text.split(_CELLS))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._columns.names if self.get(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Row({dict(self)!r})"


# The slots of the frozen classes are filled directly, which is what their `__init__` comes to: through that, making the
# entries would take longer than parsing the file (tests/bench/csv_reading.py).
new = object.__new__
set_columns, set_text = (vars(Row)[name].__set__ for name in ("_columns", "_text"))
set_kind, set_identity, set_origin, set_attributes = (
    vars(Entry)[name].__set__ for name in ("kind", "identity", "origin", "attributes")
)
