"""The directory as one or two CSV files: everything that is in them, or every problem at once.

A file that was cut off is told by its missing final newline. What can't be told is a cut exactly between two rows:
then entries are missing that the file doesn't know of, and the guards (source shrink, removals) and the evidence that
a removal needs stand in for it. Writers that can should write to another name and rename.
"""

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from syncd.collector import uncollected
from syncd.errors import Problem, SourceIncomplete, SourceUnreachable
from syncd.model.entry import Entry, Rejection, Snapshot
from syncd.model.names import Key, Kind
from syncd.model.needs import MEMBER, Needs
from syncd.sources.csv.faults import Dialect
from syncd.sources.csv.file import SourceFile, Unreadable, unreadable
from syncd.sources.csv.inspection import inspect
from syncd.sources.csv.memberships import read_memberships
from syncd.sources.csv.records import read_entries
from syncd.sources.csv.refusals import Task
from syncd.sources.csv.rows import Columns
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.table import Table, Unusable


@dataclass(slots=True)
class _Findings:
    """What was found so far, over both files."""

    entries: dict[Kind, dict[str, Entry]] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    unreachable: list[Problem] = field(default_factory=list)
    incomplete: list[Problem] = field(default_factory=list)

    def raise_problems(self) -> None:
        problems = [*self.unreachable, *self.incomplete]
        if self.unreachable:
            raise SourceUnreachable("the CSV source can't be read", problems)
        if self.incomplete:
            raise SourceIncomplete("the CSV source is incomplete or malformed: nothing was changed", problems)


class CsvSource:
    """Implements `ports.Source`. Paths of *settings* are relative to *folder*, that of the configuration file.

    A file lacking a column that the mapping uses is incomplete: an export that lost a column must not empty that
    field of everybody. A file of whose kind the mapping *needs* nothing isn't read.
    """

    def __init__(self, settings: CsvSettings, *, folder: Path, needs: Mapping[Kind, Needs]) -> None:
        self._settings = settings
        self._folder = folder
        self._dialect = Dialect(settings.delimiter, settings.quote)
        self._parts = [(kind, label, needs[kind]) for kind, label in settings.files.items() if kind in needs]

    def read(self, known: Collection[Key]) -> Snapshot:  # noqa: ARG002 - a file says nothing of who is not in it
        """Return all entries of both files.

        Raises:
            SourceIncomplete: a file is cut off, malformed, no UTF-8, or changed meanwhile; every problem is listed.
            SourceUnreachable: a file is not there, or may not be read.
        """
        findings = _Findings()
        with ExitStack() as stack:
            stack.enter_context(uncollected())
            opened = []
            for kind, label, needs in self._parts:
                try:
                    opened.append((kind, stack.enter_context(self._open(label)), needs))
                except Unreadable as error:
                    findings.unreachable.append(error.problem)
            for kind, file, needs in opened:
                try:
                    self._read_file(kind, file, needs, findings)
                except OSError as error:
                    findings.unreachable.append(unreadable(file.label, file.path, error))
            findings.incomplete += [problem for _, file, _ in opened if (problem := file.change())]
        findings.raise_problems()
        return Snapshot(
            entries={kind: tuple(entries.values()) for kind, entries in findings.entries.items()},
            read=frozenset(findings.entries),
            rejections=tuple(findings.rejections),
        )

    def columns(self) -> dict[Kind, tuple[str, ...]]:
        """Return the column names of each file that can be opened; problems are left to `read`."""
        found = {}
        for kind, label, _ in self._parts:
            try:
                with self._open(label) as file:
                    header = Table(file, self._dialect).header((), most_columns=self._settings.caps.columns)
            except (Unreadable, OSError):
                continue
            if header.is_usable and not header.problems:
                found[kind] = header.names
        return found

    def _open(self, label: str) -> SourceFile:
        path = Path(label).expanduser()
        return SourceFile(self._folder / path, label if not path.is_absolute() else path.name)

    def _read_file(self, kind: Kind, file: SourceFile, needs: Needs, findings: _Findings) -> None:
        """Add what *file* holds to *findings*: its problems, or else its entries and rejections."""
        caps, problems = self._settings.caps, findings.incomplete
        if file.size > caps.size_bytes:
            problems.append(_too_big(file, caps.size_mib))
            return
        required = self._settings.final_newline == "required"
        inspection = inspect(file, final_newline=required, value_length=caps.value_length)
        problems += inspection.problems
        if not inspection.is_text:
            return
        table = Table(file, self._dialect)
        header = table.header(needs.all, most_columns=caps.columns)
        problems += header.problems
        if not header.is_usable:
            return
        columns = Columns(header.names, self._settings.multi_value)
        task = Task(
            table=table,
            header=header,
            columns=columns,
            kind=kind,
            key=columns.places.get(needs.key, 0),
            rows=caps.rows,
            value_length=caps.value_length,
            looks_closely=inspection.has_controls or inspection.has_long_lines,
        )
        try:
            entries, rejections = self._read_rows(task, needs)
        except Unusable as error:
            problems.append(error.problem)
            return
        findings.entries[kind] = entries
        findings.rejections += rejections

    def _read_rows(self, task: Task, needs: Needs) -> tuple[dict[str, Entry], list[Rejection]]:
        reference = needs.reference(MEMBER)
        member = task.columns.places.get(reference.attribute) if reference else None
        if self._settings.group_rows == "one-per-group" or member is None:
            return read_entries(task)
        return read_memberships(task, member=member)


def _too_big(file: SourceFile, cap: int) -> Problem:
    return Problem(
        where=file.label,
        reason=f"it has {file.size / 1024**2:.0f} MiB, {cap} are allowed",
        remedy="check what wrote it, or raise `caps.size_mib` of the source",
    )
