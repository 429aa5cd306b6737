"""Which rows can't be used, why, and what mends them?"""

import unicodedata
from dataclasses import dataclass, field

from syncd.model.entry import Entry, Rejection
from syncd.model.names import Key, Kind, make_key
from syncd.sources.csv.rows import Columns, Row, join_cells
from syncd.sources.csv.table import Header, Table

_SHOWN = 40
#: Within quotes, line ends and tabs are ordinary text.
_TEXT_CONTROLS = "\t\n\r"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to make of the rows of *table*, whose *header* was read.

    *key* is the place of the key column. *looks_closely* is False when the bytes told that no cell can be bad.
    """

    table: Table
    header: Header
    columns: Columns
    kind: Kind
    key: int
    rows: int
    value_length: int
    looks_closely: bool

    @property
    def label(self) -> str:
        return self.table.file.label


@dataclass(slots=True)
class Refusals:
    """The rows of one file that can't be used."""

    task: Task
    found: list[tuple[int, Rejection]] = field(default_factory=list)
    #: Identity -> lines of the refused rows on which it could be read.
    lines: dict[str, list[int]] = field(default_factory=dict)

    def refuse(self, row: list[str], line: int, reason: str = "", remedy: str = "") -> None:
        """Add *row*; without a *reason*, what is wrong with its shape or its values."""
        if not row:
            return  # a blank line
        if not reason:
            reason, remedy = _fault_of(row, self.task)
        identity = _readable_identity(row, self.task)
        if identity:
            self.lines.setdefault(identity, []).append(line)
        key = make_key(self.task.kind, identity) if identity else None
        if len(row) == len(self.task.columns.names):
            self.add(line, key, reason, remedy, entry=self.entry(identity, line, join_cells(row)))
        else:  # cells have moved: any of them may be the name, or an address
            self.add(line, key, reason, remedy, names=tuple(cell.strip() for cell in row))

    def refuse_without_key(self, row: list[str], line: int) -> None:
        column = shown(self.task.columns.names[self.task.key])
        self.refuse(
            row, line, f"it has no key: {column} is empty", "give it its key; until then nobody counts as missing"
        )

    def entry(self, identity: str, line: int, text: str) -> Entry:
        """Return the row whose joined cells are *text*, for the mapping to read whom it may mean."""
        origin = f"{self.task.label}:{line}"
        return Entry(self.task.kind, identity, origin, Row(self.task.columns, text))

    def add(
        self,
        line: int,
        key: Key | None,
        reason: str,
        remedy: str,
        *,
        entry: Entry | None = None,
        names: tuple[str, ...] = (),
    ) -> None:
        origin = f"{self.task.label}:{line}"
        rejection = Rejection(key=key, origin=origin, reason=reason, remedy=remedy, names=names, entry=entry)
        self.found.append((line, rejection))

    def rejections(self) -> list[Rejection]:
        """Return all of them in the order of their lines."""
        return [rejection for _, rejection in sorted(self.found, key=lambda one: one[0])]


def is_bad(row: list[str], task: Task) -> bool:
    """Return whether a cell of *row* has a control character or an over-long value."""
    text = "".join(row)
    if text.isprintable() and len(text) <= task.value_length:
        return False
    return any(_cell_fault(cell, task) for cell in row)


def _fault_of(row: list[str], task: Task) -> tuple[str, str]:
    names = task.columns.names
    if len(row) != len(names):
        cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
        return (
            f"the row has {cells}, the header has {len(names)} columns",
            "put quotes around a cell that contains the delimiter, and keep empty cells",
        )
    faults = [(name, _cell_fault(cell, task)) for name, cell in zip(names, row, strict=True)]
    reason = ", ".join(f"{shown(name)} {fault}" for name, fault in faults if fault)
    return reason, "correct the value where the directory is kept"


def _cell_fault(cell: str, task: Task) -> str:
    if not cell.isprintable():
        for character in cell:
            if unicodedata.category(character) == "Cc" and character not in _TEXT_CONTROLS:
                return f"contains the control character U+{ord(character):04X}"
    if len(cell) > task.value_length:
        longest = max(map(len, task.columns.values(cell)), default=0)
        if longest > task.value_length:
            return f"has {longest} characters, {task.value_length} are allowed (`caps.value_length`)"
    return ""


def _readable_identity(row: list[str], task: Task) -> str:
    """Return the identity of a refused *row*, "" when it can't be trusted.

    In a row of another width cells have moved; only the first one surely stands where it belongs.
    """
    if len(row) != len(task.columns.names) and task.key != 0:
        return ""
    identity = unicodedata.normalize("NFC", row[task.key].strip())
    return identity if identity.isprintable() and len(identity) <= task.value_length else ""


def shown(text: str) -> str:
    """Return *text* in quotes, shortened."""
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")
