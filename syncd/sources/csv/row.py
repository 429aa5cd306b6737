"""CSV files in the registry of sources."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.model.check import Check
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.row import Making, SourceRow

if TYPE_CHECKING:
    from syncd.sources.csv.source import CsvSource


def _build(settings: CsvSettings, making: Making) -> "CsvSource":
    from syncd.sources.csv.source import CsvSource

    return CsvSource(settings, folder=making.folder, needs=making.needs)


def _examine(settings: CsvSettings, making: Making) -> Iterator[Check]:
    from syncd.sources.csv.examination import examine

    yield from examine(settings, _build(settings, making), making.folder, making.clock)


def _files(settings: CsvSettings, folder: Path) -> tuple[Path, ...]:
    return tuple(folder / each for each in settings.files.values())


CSV = SourceRow(name="csv", settings=CsvSettings, build=_build, examine=_examine, files=_files)
