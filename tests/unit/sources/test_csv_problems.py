"""Everything that can be wrong with a CSV directory, and what is said about it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from syncd.errors import SourceError, SourceIncomplete, SourceUnreachable
from syncd.model.entry import Snapshot
from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.sources.csv.file import SourceFile, unreadable
from syncd.sources.csv.settings import CsvCaps, CsvSettings
from syncd.sources.csv.source import CsvSource
from tests.builders import member

Reader = Callable[..., Snapshot]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Write the files and read them: `read(content, groups=…, delimiter=";")`."""

    def read(users: bytes, groups: bytes | None = None, *, needs: Needs | None = None, **settings: object) -> Snapshot:
        (tmp_path / "people.csv").write_bytes(users)
        if groups is not None:
            (tmp_path / "groups.csv").write_bytes(groups)
            settings["groups"] = "groups.csv"
        values = {"type": "csv", "users": "people.csv", **settings}
        source = CsvSource(
            CsvSettings.model_validate(values),
            folder=tmp_path,
            needs={
                Kind.USER: needs or Needs(key="id"),
                Kind.GROUP: Needs(key="id", references=(member("member", by="id"),)),
            },
        )
        return source.read(())

    return read


def problems_of(read: Reader, users: bytes, groups: bytes | None = None, **settings: object) -> list[str]:
    with pytest.raises(SourceIncomplete) as caught:
        read(users, groups, **settings)
    assert caught.value.exit_code == 65
    assert all(problem.remedy for problem in caught.value.problems)
    return [f"{problem.where}: {problem.reason}" for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "people.csv:1:1: it is empty: not even a header"),
        (b"\xef\xbb\xbf", "people.csv:1:1: it is empty: not even a header"),
        (b"\n\n  \n", "people.csv:1:1: it is empty: not even a header"),
        (b"mail\na\n", "people.csv:1: the header has no column 'id', which the mapping uses"),
        (b"id,mail,mail\n", "people.csv:1:9: column 3 is called 'mail', as column 2 is"),
        (b"id, mail ,mail\n", "people.csv:1:11: column 3 is called 'mail', as column 2 is"),
        (b"\r\n\nid,,mail\n", "people.csv:3:4: column 2 has no name"),
        (b"\n\nid;mail\n", "people.csv:3:3: the header is separated by ';', but the configured delimiter is ','"),
        (b"\nmail\na\n", "people.csv:2: the header has no column 'id', which the mapping uses"),
        (b"id,,mail\n", "people.csv:1:4: column 2 has no name"),
        (b'id,"two\nlines",\n', "people.csv:2:8: column 3 has no name"),
        (b"id;mail\n1;a\n", "people.csv:1:3: the header is separated by ';', but the configured delimiter is ','"),
        (b"id\tmail\n", "people.csv:1:3: the header is separated by a tab, but the configured delimiter is ','"),
        (b"id|mail\n", "people.csv:1:3: the header is separated by '|', but the configured delimiter is ','"),
        (b"x,y;id\n", "people.csv:1:4: the header is separated by ';', but the configured delimiter is ','"),
        (b"id,mail\n1,a\0b\n", "people.csv:2:4: a NUL byte at byte offset 11"),
        (b"id,mail\n1,\0\n2,\0\n", "people.csv:2:3: a NUL byte at byte offset 10, the first of 2"),
        (
            b"id,mail\n1,J\xf6rg\n",
            "people.csv:2:4: byte 0xF6 at byte offset 11 is not UTF-8 (in Windows-1252 it is 'ö')",
        ),
        (
            b"id,mail\r\n1,\xff\r\n",
            "people.csv:2:3: byte 0xFF at byte offset 11 is not UTF-8 (in Windows-1252 it is 'ÿ')",
        ),
        (b"id,mail\n1,\xc3\n", "people.csv:2:3: byte 0xC3 at byte offset 10 is not UTF-8 (in Windows-1252 it is 'Ã')"),
        (
            b"id,mail\n1,\xed\xa0\x80\n",
            "people.csv:2:3: byte 0xED at byte offset 10 is not UTF-8 (in Windows-1252 it is 'í')",
        ),
        ("id,mail\n1,a\n".encode("utf-16"), "people.csv:1:1: it is UTF-16"),
        (b"id,mail\n1,a", "people.csv:2:4: the last line has no line end: the file may be cut off"),
        (
            b'id,mail\n1,a\n2,"b\n3,c\n4,d\n',
            "people.csv:3:3: a quote is opened here and never closed: all rows after it are lost in one cell",
        ),
        (b'id,mail\n1,a\n2,"b"c\n', "people.csv:3:6: text follows a closing quote within the same cell"),
        (b'id,mail\n"1\r\n1",a\r\n2,"b"c\r\n', "people.csv:4:6: text follows a closing quote within the same cell"),
        (
            b'id,mail\n1,"a""b\n',
            "people.csv:2:3: a quote is opened here and never closed: all rows after it are lost in one cell",
        ),
    ],
)
def test_a_broken_file_stops_the_cycle(content: bytes, expected: str, read: Reader) -> None:
    """What is wrong with the file as a whole is told with line and column, and nothing is read."""
    assert expected in problems_of(read, content)


def test_another_delimiter_is_the_only_problem_told(read: Reader) -> None:
    """With the wrong delimiter everything else looks wrong too: only the cause is told, and what to configure."""
    with pytest.raises(SourceIncomplete) as caught:
        read(b'id;"mail"\n1;"a"\n')

    (problem,) = caught.value.problems
    assert 'delimiter: ";"' in problem.remedy


def test_a_missing_column_names_the_nearest(read: Reader) -> None:
    """A column the mapping uses must be there: an export that lost it must not empty everybody's field."""
    with pytest.raises(SourceIncomplete) as caught:
        read(b"id,E-Mail\n1,a\n", needs=Needs(key="ID", attributes=frozenset({"e-mail"})))

    told = {problem.reason: problem.remedy for problem in caught.value.problems}
    assert told["the header has no column 'ID', which the mapping uses"] == "did you mean 'id'?"
    assert told["the header has no column 'e-mail', which the mapping uses"] == "did you mean 'E-Mail'?"


def test_all_problems_of_both_files_are_told_together(read: Reader) -> None:
    """Who mends a directory sees every problem at once, those of the groups too."""
    users = b"id,,mail\n1,a\xff,b\0\n2,x,y"
    groups = b'id,member\ng1,"1\n'

    assert [text.split(": ")[0] for text in problems_of(read, users, groups)] == [
        "people.csv:2:4",
        "people.csv:2:7",
        "people.csv:3:6",
        "people.csv:1:4",
        "groups.csv:2:4",
    ]


@pytest.mark.parametrize(
    ("caps", "expected"),
    [
        (CsvCaps(columns=1), "people.csv:1: it has 2 columns, 1 are allowed"),
        (CsvCaps(rows=2), "people.csv:4: here begins row 3, 2 are allowed"),
    ],
)
def test_caps_stop_a_runaway_export(caps: CsvCaps, expected: str, read: Reader) -> None:
    """A file beyond its caps is refused, not read until memory ends."""
    assert expected in problems_of(read, b"id,mail\n1,a\n2,b\n3,c\n", caps=caps)


def test_rows_up_to_the_cap_are_read(read: Reader) -> None:
    """The cap itself is allowed."""
    assert len(read(b"id,mail\n1,a\n2,b\n3,c\n", caps=CsvCaps(rows=3)).of(Kind.USER)) == 3


def test_a_file_beyond_its_size_is_not_opened_further(tmp_path: Path, read: Reader) -> None:
    """Size is looked at first."""
    assert problems_of(read, b"id\n" + b"1\n" * 600_000, caps=CsvCaps(size_mib=1)) == [
        "people.csv: it has 1 MiB, 1 are allowed"
    ]


def test_no_final_newline_can_be_allowed(read: Reader) -> None:
    """Some writers never end the last line: configured, that is no problem."""
    assert [entry.identity for entry in read(b"id,mail\n1,a", final_newline="optional").of(Kind.USER)] == ["1"]


def test_a_missing_file_is_unreachable(tmp_path: Path) -> None:
    """A file that is not there is told with its path; so is the other one."""
    settings = CsvSettings(type="csv", users="people.csv", groups="groups.csv")
    source = CsvSource(settings, folder=tmp_path, needs={Kind.USER: Needs(key="id"), Kind.GROUP: Needs(key="id")})

    with pytest.raises(SourceUnreachable) as caught:
        source.read(())

    assert caught.value.exit_code == 69
    assert [problem.where for problem in caught.value.problems] == ["people.csv", "groups.csv"]
    assert str(tmp_path / "people.csv") in str(caught.value)


def test_what_is_no_file_is_unreachable(tmp_path: Path) -> None:
    """Neither a folder nor a pipe without writer is read, or waited for."""
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for name, what in (("folder.csv", "is a directory"), ("pipe.csv", "is not a regular file")):
        source = CsvSource(CsvSettings(type="csv", users=name), folder=tmp_path, needs={Kind.USER: Needs(key="id")})
        with pytest.raises(SourceUnreachable, match=what):
            source.read(())


def test_a_file_without_permission_is_unreachable(tmp_path: Path) -> None:
    """Who may not read is told which user that is."""
    problem = unreadable("people.csv", tmp_path / "people.csv", PermissionError(13, "Permission denied"))

    assert str(problem) == (
        f"people.csv: {tmp_path}/people.csv may not be read; allow the user that runs syncd (uid {os.geteuid()}) "
        "to read it, and to enter the folders above"
    )


def test_a_disk_that_fails_is_unreachable(tmp_path: Path) -> None:
    """Any other trouble is told in the words of the system."""
    problem = unreadable("people.csv", tmp_path / "people.csv", OSError(5, "Input/output error"))

    assert problem.reason == f"{tmp_path}/people.csv can't be read: Input/output error"


def written_to(path: Path) -> None:
    with path.open("a") as file:
        file.write("2\n")


def replaced(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_text(path.read_text())
    other.replace(path)


def rewritten_in_place(path: Path) -> None:
    before = path.stat()
    path.write_text("id\n2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (written_to, "it was written to while it was read"),
        (rewritten_in_place, "it was written to while it was read"),
        (replaced, "while it was read"),
        (Path.unlink, "it was removed while it was read"),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_noticed(
    change: Callable[[Path], None], expected: str, tmp_path: Path
) -> None:
    """Written to, replaced or removed meanwhile: what was read may be half old and half new."""
    path = tmp_path / "people.csv"
    path.write_text("id\n1\n")
    with SourceFile(path, "people.csv") as file:
        assert file.change() is None
        change(path)
        problem = file.change()

    assert problem is not None
    assert expected in problem.reason


def test_the_error_reads_well(read: Reader) -> None:
    """One line for each problem: where, what, and what to do."""
    with pytest.raises(SourceError) as caught:
        read(b"id,mail,mail\n1,a,b")

    assert str(caught.value).splitlines() == [
        "the CSV source is incomplete or malformed: nothing was changed",
        (
            "  people.csv:2:6: the last line has no line end: the file may be cut off; write it anew; "
            "if its writer never ends the last line, set `final_newline: optional` in the source"
        ),
        "  people.csv:1:9: column 3 is called 'mail', as column 2 is; give each column a name of its own",
    ]
