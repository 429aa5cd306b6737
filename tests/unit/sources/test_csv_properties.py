"""What holds for any file at all."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given
from hypothesis import strategies as st

from syncd.errors import SourceError
from syncd.model.entry import Snapshot
from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.sources.csv.file import SourceFile
from syncd.sources.csv.inspection import inspect, position
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.source import CsvSource
from tests.builders import member

#: Text that is likely to mean something to a reader of CSV.
PIECES = st.sampled_from(
    [b"id", b",", b";", b'"', b"\n", b"\r", b"\r\n", b"1", b"\0", b"\xff", b"\xc3\xa9", b"\x07", b" "]
)
VALUES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from('\n\r\t",'), max_size=8
)


def read(users: bytes, groups: bytes | None = None, *, one_per_membership: bool = False) -> Snapshot | None:
    """Return the snapshot of these files, None if they are refused."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "people.csv").write_bytes(users)
        (folder / "groups.csv").write_bytes(groups or b"id,member\n")
        settings = CsvSettings(
            type="csv",
            users="people.csv",
            groups="groups.csv",
            multi_value="",
            group_rows="one-per-membership" if one_per_membership else "one-per-group",
        )
        needs = Needs(key="id", references=(member("member", by="id"),))
        try:
            return CsvSource(settings, folder=folder, needs={Kind.USER: Needs(key="id"), Kind.GROUP: needs}).read(())
        except SourceError as error:
            require_clear(error)
            return None


def require_clear(error: SourceError) -> None:
    """Each problem says where, what and what to do."""
    assert error.problems
    assert all(problem.where and problem.reason and problem.remedy for problem in error.problems)


def written(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


@given(st.binary(max_size=60) | st.lists(PIECES, max_size=20).map(b"".join))
@example(b"id\n\xc3")
@example(b'id\n1,"')
@example(b"\xef\xbb\xbf\xef\xbb\xbf")
def test_any_bytes_are_a_directory_or_a_clear_error(content: bytes) -> None:
    """Nothing in a file ends in anything but a snapshot or a list of problems."""
    assert isinstance(read(content), Snapshot | None)
    assert isinstance(read(b"id\n", content), Snapshot | None)
    assert isinstance(read(b"id\n", b"id,member\n" + content, one_per_membership=True), Snapshot | None)


@given(st.lists(PIECES, max_size=12).map(b"".join))
def test_what_is_read_accounts_for_every_row(content: bytes) -> None:
    """Each row that the bare parser sees is an entry or a rejection: none is dropped."""
    snapshot = read(b"id,x\n" + content + b"\n")
    if snapshot is None:
        return
    rows = [row for row in csv.reader(io.StringIO((content + b"\n").decode(), newline=""), strict=True) if row]
    assert len(snapshot.of(Kind.USER)) + len(snapshot.rejections) == len(rows)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=5))
def test_what_was_written_is_read(rows: list[tuple[str, str]]) -> None:
    """Any text that a CSV writer can write comes back as it was, under the line it was written on."""
    numbered = [[str(number), *row] for number, row in enumerate(rows)]
    content = written([["id", "a", "b"], *numbered])

    snapshot = read(content)

    assert snapshot is not None
    assert [entry.identity for entry in snapshot.of(Kind.USER)] == [row[0] for row in numbered]
    for number, (entry, row) in enumerate(zip(snapshot.of(Kind.USER), numbered, strict=True)):
        assert [entry.attributes.get(name, ("",))[0] for name in "ab"] == [
            cell if cell.strip() else "" for cell in row[1:]
        ]
        before = written([["id", "a", "b"], *numbered[:number]]).decode()
        line = len(before.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        assert entry.origin == f"people.csv:{line}"


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=4), st.data())
def test_a_file_cut_anywhere_is_noticed_but_between_rows(rows: list[tuple[str, str]], data: st.DataObject) -> None:
    """A cut file is refused, or is a whole file with fewer rows: then it was cut exactly between two of them."""
    numbered = [[str(number), *row] for number, row in enumerate(rows)]
    content = written([["id", "a", "b"], *numbered])
    boundaries = {len(written([["id", "a", "b"], *numbered[:count]])) for count in range(len(numbered) + 1)}
    cut = data.draw(st.integers(0, len(content) - 1))

    snapshot = read(content[:cut])

    if snapshot is not None and not snapshot.rejections:
        assert cut in boundaries


@given(st.lists(PIECES, max_size=12).map(b"".join), st.integers(0, 30))
def test_a_position_is_where_an_editor_puts_it(content: bytes, offset: int) -> None:
    """Line and column of a byte are those of an editor that knows all three line ends."""
    content = content.replace(b"\xff", b"?")
    before = content[:offset].decode("utf-8", "replace")
    if content[offset - 1 : offset + 1] == b"\r\n" or not content:
        return
    with TemporaryDirectory() as name:
        path = Path(name) / "x.csv"
        path.write_bytes(content)
        with SourceFile(path, "x.csv") as file:
            lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            assert position(file, min(offset, len(content))) == (len(lines), len(lines[-1]) + 1)


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 20))
def test_long_lines_are_never_overlooked(lengths: list[int], limit: int) -> None:
    """Where no long line was found, there is none."""
    with TemporaryDirectory() as name:
        path = Path(name) / "x.csv"
        path.write_bytes(b"".join(b"x" * length + b"\n" for length in lengths) + b"end\n")
        with SourceFile(path, "x.csv") as file:
            found = inspect(file, final_newline=True, value_length=limit)
    assert found.has_long_lines or max([*lengths, 3]) <= limit
    assert not found.has_long_lines or max([*lengths, 3]) > limit
