from collections.abc import Sequence
from csv import DictWriter
from pathlib import Path

import pytest

from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.ports import Source
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.source import CsvSource
from tests.builders import member
from tests.contract.source_contract import Row, SourceContract

COLUMNS = ("id", "login", "mail", "other", "member")


class TestCsvSource(SourceContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make_source(self, people: Sequence[Row], groups: Sequence[Row] | None) -> Source:
        write(self.folder / "people.csv", people)
        if groups is not None:
            write(self.folder / "groups.csv", groups)
        settings = CsvSettings(type="csv", users="people.csv", groups=None if groups is None else "groups.csv")
        return CsvSource(settings, folder=self.folder, needs={Kind.USER: Needs(key="id"), Kind.GROUP: Needs(key="id")})

    def make_unreachable(self) -> Source:
        return CsvSource(
            CsvSettings(type="csv", users="nowhere.csv"), folder=self.folder, needs={Kind.USER: Needs(key="id")}
        )


class TestCsvSourceOneRowPerMembership(TestCsvSource):
    def make_source(self, people: Sequence[Row], groups: Sequence[Row] | None) -> Source:
        write(self.folder / "people.csv", people)
        rows: list[Row] = []
        for group in groups or ():
            members = group.get("member", "")
            rows += [{**group, "member": member} for member in ([members] if isinstance(members, str) else members)]
        if groups is not None:
            write(self.folder / "groups.csv", rows)
        settings = CsvSettings(
            type="csv",
            users="people.csv",
            groups=None if groups is None else "groups.csv",
            group_rows="one-per-membership",
        )
        needs = Needs(key="id", references=(member("member", by="id"),))
        return CsvSource(settings, folder=self.folder, needs={Kind.USER: Needs(key="id"), Kind.GROUP: needs})


def write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(
            {name: value if isinstance(value, str) else ";".join(value) for name, value in row.items()} for row in rows
        )
