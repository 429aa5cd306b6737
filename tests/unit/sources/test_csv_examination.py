"""What doctor says of CSV files."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.model.check import Check, Health
from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.sources.csv.examination import examine
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.source import CsvSource
from tests.fakes.clock import FakeClock

PEOPLE = "id,mail\n1,fry@planetexpress.example\n2,leela@planetexpress.example\n"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A file that was written an hour ago."""
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE, encoding="utf-8")
    path.chmod(0o640)
    written(path, timedelta(hours=1))
    return path


def written(path: Path, ago: timedelta) -> None:
    moment = (FakeClock().now() - ago).timestamp()
    os.utime(path, (moment, moment))


def found(people: Path) -> list[Check]:
    settings = CsvSettings.model_validate({"type": "csv", "users": people.name})
    source = CsvSource(
        settings, folder=people.parent, needs={Kind.USER: Needs(key="id", attributes=frozenset({"mail"}))}
    )
    checks = list(examine(settings, source, people.parent, FakeClock()))
    assert all(check.remedy for check in checks if check.health is not Health.OK)
    return checks


def test_a_fresh_file_is_fine(people: Path) -> None:
    """Size, age, owner, mode and who can read it are told, then what is in it."""
    file, read = found(people)

    assert (file.topic, file.health) == ("users file", Health.OK)
    assert file.found.startswith(f"{people}: {len(PEOPLE)} bytes, written 1h ago, of ")
    assert "mode 0640; " in file.found
    assert (read.health, read.found) == (Health.OK, "2 people, 0 groups, 0 rejected")


@pytest.mark.parametrize(("age", "told"), [(timedelta(days=7), ""), (timedelta(days=7, seconds=1), "7d1s ago")])
def test_an_export_that_stopped_is_told(people: Path, age: timedelta, told: str) -> None:
    """After a week, nobody exports any more: leavers would keep their mailboxes."""
    written(people, age)
    told_of_age = [check.found for check in found(people) if check.topic == "age"]

    assert told_of_age == ([f"people.csv was written {told}"] if told else [])


def test_a_file_of_the_future_is_told(people: Path) -> None:
    """Then one of the two clocks is wrong."""
    written(people, -timedelta(hours=1))

    assert "people.csv was written in the future" in [check.found for check in found(people)]


def test_a_file_that_everybody_writes_is_told(people: Path) -> None:
    """Whoever writes it decides who has a mailbox; a folder in which it can be replaced is no better."""
    people.chmod(0o642)
    assert "everybody on this machine can write it" in found(people)[0].found

    people.chmod(0o640)
    people.parent.chmod(0o777)
    try:
        assert "everybody on this machine can write it" in found(people)[0].found
        people.parent.chmod(0o1777)
        assert found(people)[0].health is Health.OK
    finally:
        people.parent.chmod(0o700)


def test_what_a_closed_folder_hides_nobody_reads(people: Path) -> None:
    """The mode of a file says nothing where its folder lets nobody through."""
    people.chmod(0o644)

    assert found(people)[0].health is Health.OK


def test_no_file_fails(people: Path) -> None:
    """The exit code is that of a cycle, 69, and reading says the same."""
    people.unlink()
    file, read = found(people)

    assert (file.health, file.exit_code, read.exit_code) == (Health.FAIL, 69, 69)
    assert f"there is no file {people}" in file.found


def test_rejections_are_shown_with_their_remedies(people: Path) -> None:
    """The first three rows that can't be used, and how many more there are."""
    people.write_text(PEOPLE + ",nobody@planetexpress.example\n" * 5, encoding="utf-8")
    checks = found(people)

    assert ("read", Health.WARN) in [(check.topic, check.health) for check in checks]
    rejected = [check.found for check in checks if check.topic == "rejected"]
    assert len(rejected) == 4
    assert rejected[-1] == "and 2 more"


def test_a_malformed_file_fails(people: Path) -> None:
    """A file that is cut off ends with 65, as a cycle would."""
    people.write_text(PEOPLE.rstrip("\n"), encoding="utf-8")
    written(people, timedelta(hours=1))

    assert [check.exit_code for check in found(people)] == [0, 65]
