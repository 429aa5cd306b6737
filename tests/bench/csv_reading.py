"""Reading the CSV files, against the bare `csv` module walking over them."""

import csv
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from syncd.model.entry import Snapshot
from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.source import CsvSource
from tests.bench.directory import Size, write_groups, write_users
from tests.bench.timing import Race
from tests.builders import member

LIMIT = 3.0
Form = Literal["one-per-group", "one-per-membership"]


def run() -> list[tuple[str, float, float]]:
    """Return (name, ratio, limit) for both forms of a groups file."""
    results = []
    with TemporaryDirectory() as name:
        folder, size = Path(name), Size()
        write_users(folder / "people.csv", size)
        forms: tuple[Form, ...] = ("one-per-group", "one-per-membership")
        for form in forms:
            write_groups(folder / "groups.csv", size, one_per_membership=form == "one-per-membership")
            source = csv_source(folder, form)
            ratio = Race(ours=partial(source.read, ()), bare=partial(walk, folder)).ratio()
            require_whole(source.read(()), size)
            results.append((f"reading CSV, {form} / bare csv module", ratio, LIMIT))
    return results


def csv_source(folder: Path, form: Form) -> CsvSource:
    """Return a source over the made-up directory in *folder*."""
    settings = CsvSettings(type="csv", users="people.csv", groups="groups.csv", group_rows=form)
    groups = Needs(key="group_id", references=(member("members", by="id"),))
    return CsvSource(settings, folder=folder, needs={Kind.USER: Needs(key="employee_id"), Kind.GROUP: groups})


def walk(folder: Path) -> int:
    """Parse both files, and keep nothing."""
    csv.field_size_limit(1 << 24)
    rows = 0
    for name in ("people.csv", "groups.csv"):
        with (folder / name).open(newline="", encoding="utf-8") as file:
            for _ in csv.reader(file):
                rows += 1
    return rows


def require_whole(snapshot: Snapshot, size: Size) -> None:
    """Stop if something was not read: a fast reader of half the directory proves nothing."""
    members = sum(len(group.attributes["members"]) for group in snapshot.of(Kind.GROUP))
    found = (len(snapshot.of(Kind.USER)), len(snapshot.of(Kind.GROUP)), members, len(snapshot.rejections))
    if found != (size.users, size.groups, size.memberships, 0):
        message = f"read {found} of {size}"
        raise AssertionError(message)
