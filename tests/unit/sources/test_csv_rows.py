"""Rows that become entries, and rows that can't."""

from collections.abc import Callable
from pathlib import Path

import pytest

from syncd.model.entry import Entry, Snapshot
from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.sources.csv.settings import CsvCaps, CsvSettings
from syncd.sources.csv.source import CsvSource
from tests.builders import member

Reader = Callable[..., Snapshot]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Write the files and read them; text is encoded as UTF-8 as it stands."""

    def read(users: str, groups: str | None = None, *, key: str = "id", **settings: object) -> Snapshot:
        (tmp_path / "people.csv").write_bytes(users.encode())
        if groups is not None:
            (tmp_path / "groups.csv").write_bytes(groups.encode())
            settings["groups"] = "groups.csv"
        source = CsvSource(
            CsvSettings.model_validate({"type": "csv", "users": "people.csv", **settings}),
            folder=tmp_path,
            needs={Kind.USER: Needs(key=key), Kind.GROUP: Needs(key="id", references=(member("member", by="id"),))},
        )
        return source.read(())

    return read


def plain(entries: tuple[Entry, ...]) -> dict[str, dict[str, tuple[str, ...]]]:
    return {entry.identity: dict(entry.attributes) for entry in entries}


def refused(snapshot: Snapshot) -> list[tuple[str | None, str, str]]:
    assert all(rejection.remedy for rejection in snapshot.rejections)
    return [(rejection.key, rejection.origin, rejection.reason) for rejection in snapshot.rejections]


def test_a_byte_order_mark_is_no_part_of_the_first_column(read: Reader) -> None:
    """The key column is found behind the mark that spreadsheets write."""
    assert plain(read("\ufeffid,mail\n1,a\n").of(Kind.USER)) == {"1": {"id": ("1",), "mail": ("a",)}}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(end: str, read: Reader) -> None:
    """Unix, Windows and old Macintosh files give the same entries on the same lines."""
    snapshot = read(f'id,note{end}1,"two{end}lines"{end}{end}2,b{end}')

    assert [(entry.identity, entry.origin) for entry in snapshot.of(Kind.USER)] == [
        ("1", "people.csv:2"),
        ("2", "people.csv:5"),
    ]
    assert snapshot.of(Kind.USER)[0].attributes["note"] == (f"two{end}lines",)


def test_lines_are_counted_through_cells_of_many_lines(read: Reader) -> None:
    """A row is told by the line on which it begins, whatever its cells and those before it contain."""
    text = 'id,"no\r\nte"\n1,"a\nb\rc\r\nd"\n\n2,x\n3,"\n"\n4\n5,y\n'

    snapshot = read(text)

    assert [entry.origin for entry in snapshot.of(Kind.USER)] == [
        "people.csv:3",
        "people.csv:8",
        "people.csv:9",
        "people.csv:12",
    ]
    assert refused(snapshot) == [("user:4", "people.csv:11", "the row has 1 cell, the header has 2 columns")]


def test_separators_that_are_no_line_ends_are_text(read: Reader) -> None:
    """Line separator and next line characters of Unicode don't end a row."""
    assert read("id,note\n1,a\u2028b\n").of(Kind.USER)[0].attributes["note"] == ("a\u2028b",)


def test_delimiter_quote_and_separator_can_be_chosen(read: Reader) -> None:
    """A European spreadsheet's file is read as it is."""
    snapshot = read("id;mail\n1;'a;b|c'\n", delimiter=";", quote="'", multi_value="|")

    assert plain(snapshot.of(Kind.USER)) == {"1": {"id": ("1",), "mail": ("a;b", "c")}}


def test_values_of_one_cell_are_trimmed_and_counted(read: Reader) -> None:
    """`a; b ;;` are two values; a blank cell has none."""
    snapshot = read("id,mail,other\n1,a; b ;;,\n2, ,;\n")

    assert plain(snapshot.of(Kind.USER)) == {"1": {"id": ("1",), "mail": ("a", "b")}, "2": {"id": ("2",)}}
    assert snapshot.of(Kind.USER)[1].attributes.get("mail") is None
    assert snapshot.of(Kind.USER)[1].attributes.get("other") is None


def test_a_cell_can_be_always_one_value(read: Reader) -> None:
    """Without a separator, a semicolon is text."""
    assert plain(read("id,mail\n1,a;b\n", multi_value="").of(Kind.USER))["1"]["mail"] == ("a;b",)


def test_a_row_of_another_width_is_a_rejection(read: Reader) -> None:
    """Too few or too many cells: the row can't be used, its person is known by the first cell."""
    snapshot = read("id,mail\n1,a\n2\n3,b,c\n")

    assert list(plain(snapshot.of(Kind.USER))) == ["1"]
    assert refused(snapshot) == [
        ("user:2", "people.csv:3", "the row has 1 cell, the header has 2 columns"),
        ("user:3", "people.csv:4", "the row has 3 cells, the header has 2 columns"),
    ]


def test_a_key_that_may_have_moved_is_not_believed(read: Reader) -> None:
    """In a row of another width only the first cell surely stands where it belongs: any other key is unknown."""
    assert refused(read("mail,id\na,1\nb,c,2\n")) == [
        (None, "people.csv:3", "the row has 3 cells, the header has 2 columns")
    ]


def test_rows_that_share_a_key_are_all_rejected(read: Reader) -> None:
    """Nobody can say which one is meant; each rejection names the other lines."""
    snapshot = read("id,mail\n1,a\n2,b\n1,c\n 1 ,d\n")

    assert list(plain(snapshot.of(Kind.USER))) == ["2"]
    assert refused(snapshot) == [
        ("user:1", "people.csv:2", "its key '1' stands on line 4, 5 too"),
        ("user:1", "people.csv:4", "its key '1' stands on line 2, 5 too"),
        ("user:1", "people.csv:5", "its key '1' stands on line 2, 4 too"),
    ]


def test_a_column_that_is_no_key_ends_in_short_sentences(read: Reader) -> None:
    """A thousand rows of one key name three others each, not all."""
    snapshot = read("id,mail\n" + "1,a\n" * 1000)

    assert snapshot.of(Kind.USER) == ()
    assert len(snapshot.rejections) == 1000
    assert snapshot.rejections[1].reason == "its key '1' stands on line 2, 4, 5 and 996 more too"


def test_a_good_row_is_rejected_with_a_bad_one_of_its_key(read: Reader) -> None:
    """Half of what is said about a person is not enough to act on."""
    snapshot = read("id,mail\n1,a\n1,b,c\n")

    assert snapshot.of(Kind.USER) == ()
    assert refused(snapshot) == [
        ("user:1", "people.csv:2", "its key '1' stands on line 3 too"),
        ("user:1", "people.csv:3", "the row has 3 cells, the header has 2 columns"),
    ]


def test_keys_that_look_the_same_are_the_same(read: Reader) -> None:
    """Composed and decomposed letters are one key."""
    snapshot = read("id,mail\n\u00e9,a\ne\u0301,b\n")

    assert {rejection.key for rejection in snapshot.rejections} == {"user:\u00e9"}


@pytest.mark.parametrize("row", [",a", "  ,a", '"",a', "\u00a0,a"])
def test_a_row_without_key_is_a_rejection_without_key(row: str, read: Reader) -> None:
    """Nobody knows who is meant, so nobody counts as missing."""
    assert refused(read(f"id,mail\n{row}\n")) == [(None, "people.csv:2", "it has no key: 'id' is empty")]


@pytest.mark.parametrize(
    ("row", "key", "reason"),
    [
        ("1,a\x07b", "user:1", "'mail' contains the control character U+0007"),
        ("1,a\x7f", "user:1", "'mail' contains the control character U+007F"),
        ("1,a\x85", "user:1", "'mail' contains the control character U+0085"),
        ("1\x1b,a", None, "'id' contains the control character U+001B"),
        ("1,a\x1fb", "user:1", "'mail' contains the control character U+001F"),
        ("1," + "x" * 17, "user:1", "'mail' has 17 characters, 16 are allowed (`caps.value_length`)"),
        ("1,a;" + "x" * 17, "user:1", "'mail' has 17 characters, 16 are allowed (`caps.value_length`)"),
        ("1" * 17 + ",a", None, "'id' has 17 characters, 16 are allowed (`caps.value_length`)"),
    ],
)
def test_a_bad_value_is_a_rejection(row: str, key: str | None, reason: str, read: Reader) -> None:
    """Control characters and over-long values refuse their row and no other; a bad key is no key."""
    snapshot = read(f"id,mail\n0,ok\n{row}\n2,ok\n", caps=CsvCaps(value_length=16))

    assert refused(snapshot) == [(key, "people.csv:3", reason)]
    assert list(plain(snapshot.of(Kind.USER))) == ["0", "2"]


@pytest.mark.parametrize("cell", ["x" * 16 + ";" + "y" * 16, '"a\tb\nc"', "a\u200db", "a\u00a0b", "\U0001f600"])
def test_an_unusual_value_is_none_of_the_sources_business(cell: str, read: Reader) -> None:
    """Several values of allowed length, tabs and line ends within quotes, joiners and pictures are text."""
    assert read(f"id,mail\n1,{cell}\n", caps=CsvCaps(value_length=16)).rejections == ()


def test_user_7_is_not_group_7(read: Reader) -> None:
    """Users and groups have keys of their own."""
    snapshot = read("id,mail\n7,a\n", "id,member\n7,7\n")

    assert (len(snapshot.of(Kind.USER)), len(snapshot.of(Kind.GROUP)), snapshot.rejections) == (1, 1, ())
    assert [entry.kind for entry in (*snapshot.of(Kind.USER), *snapshot.of(Kind.GROUP))] == [Kind.USER, Kind.GROUP]


def test_a_row_for_each_membership_makes_one_group(read: Reader) -> None:
    """Rows of one key are merged wherever they stand; a row without member is a group all the same."""
    groups = "id,name,member\ng1,crew,1\ng2,staff,\ng1,crew,2;3\n g1 ,crew, 4 \n"

    snapshot = read("id\n1\n", groups, group_rows="one-per-membership")

    assert plain(snapshot.of(Kind.GROUP)) == {
        "g1": {"id": ("g1",), "name": ("crew",), "member": ("1", "2", "3", "4")},
        "g2": {"id": ("g2",), "name": ("staff",)},
    }
    assert [entry.origin for entry in snapshot.of(Kind.GROUP)] == ["groups.csv:2", "groups.csv:3"]


def test_one_row_for_each_membership_needs_no_separator(read: Reader) -> None:
    """With cells that are always one value, a group still has many members."""
    groups = "id,member\ng1,a;b\ng1,c\n"

    snapshot = read("id\n1\n", groups, group_rows="one-per-membership", multi_value="")

    assert snapshot.of(Kind.GROUP)[0].attributes["member"] == ("a;b", "c")


def test_rows_that_contradict_each_other_reject_their_group(read: Reader) -> None:
    """What is said of a group must be the same on each of its rows."""
    groups = "id,name,member\ng1,crew,1\ng2,staff,1\ng1,Crew,2\n"

    snapshot = read("id\n1\n", groups, group_rows="one-per-membership")

    assert list(plain(snapshot.of(Kind.GROUP))) == ["g2"]
    assert refused(snapshot) == [
        ("group:g1", "groups.csv:4", "'name' differs from line 2, which is about the same group")
    ]


def test_a_membership_that_cannot_be_read_rejects_its_group(read: Reader) -> None:
    """With one of its rows unreadable, a group's members are not known."""
    groups = "id,member\ng1,1\ng1\ng2,\x07\n,3\ng3,1\n"

    snapshot = read("id\n1\n", groups, group_rows="one-per-membership")

    assert list(plain(snapshot.of(Kind.GROUP))) == ["g3"]
    assert [(key, origin) for key, origin, _ in refused(snapshot)] == [
        ("group:g1", "groups.csv:3"),
        ("group:g2", "groups.csv:4"),
        (None, "groups.csv:5"),
    ]


def test_blank_lines_before_the_header_are_skipped(read: Reader) -> None:
    """They count as lines, and mean nothing."""
    assert [entry.origin for entry in read("\n\r\nid,mail\n1,a\n").of(Kind.USER)] == ["people.csv:4"]


def test_header_names_are_trimmed(read: Reader) -> None:
    """Blanks around a column's name are no part of it."""
    assert plain(read(" id , mail\n1,a\n").of(Kind.USER)) == {"1": {"id": ("1",), "mail": ("a",)}}


def test_columns_can_be_asked_before_reading(tmp_path: Path) -> None:
    """What checks a mapping asks for the columns; a file that can't be opened is left to the read."""
    (tmp_path / "people.csv").write_text("id,mail\n")
    settings = CsvSettings(type="csv", users="people.csv", groups="nowhere.csv")
    source = CsvSource(settings, folder=tmp_path, needs={Kind.USER: Needs(key="id"), Kind.GROUP: Needs(key="id")})

    assert source.columns() == {Kind.USER: ("id", "mail")}


def test_no_groups_in_the_mapping_leaves_the_file_alone(tmp_path: Path) -> None:
    """A groups file that no rule reads is not read, and no group counts as missing."""
    (tmp_path / "people.csv").write_text("id\n1\n")
    settings = CsvSettings(type="csv", users="people.csv", groups="nowhere.csv")

    assert CsvSource(settings, folder=tmp_path, needs={Kind.USER: Needs(key="id")}).read(()).read == {Kind.USER}


def test_an_entry_shows_its_attributes(read: Reader) -> None:
    """What a person sees of an entry while searching for a fault is what it says."""
    row = read("id,mail\n1,a;b\n").of(Kind.USER)[0].attributes

    assert repr(row) == "Row({'id': ('1',), 'mail': ('a', 'b')})"
    assert row == {"id": ("1",), "mail": ("a", "b")}


@pytest.mark.parametrize(
    "values",
    [
        {"delimiter": ";;"},
        {"delimiter": "\n"},
        {"quote": ""},
        {"delimiter": '"'},
        {"multi_value": '"'},
        {"multi_value": "\n"},
        {"users": ""},
        {"caps": {"rows": 0}},
    ],
)
def test_settings_that_can_tell_nothing_apart_are_refused(values: dict[str, object]) -> None:
    """Delimiter and quote are one character each, and different."""
    with pytest.raises(ValueError, match="validation error"):
        CsvSettings.model_validate({"type": "csv", "users": "people.csv", **values})


@pytest.mark.parametrize("written", ["\t", "\\t", "tab"])
def test_a_tab_can_be_written_in_words(written: str) -> None:
    """A tab is hard to see in a configuration file."""
    assert CsvSettings.model_validate({"type": "csv", "users": "a", "delimiter": written}).delimiter == "\t"


def test_a_refused_row_says_whom_it_may_mean(read: Reader) -> None:
    """A colliding key, a bad cell, no key: the row comes along; where cells have moved, each of them may be a name."""
    snapshot = read("id,login,mail\n1,fry,f@x\n1,leela,l@x\n2,am\u0007y,a@x\n,kif,k@x\n3,zapp\n")

    told = {r.origin: dict(r.entry.attributes) if r.entry else set(r.names) for r in snapshot.rejections}
    assert told == {
        "people.csv:2": {"id": ("1",), "login": ("fry",), "mail": ("f@x",)},
        "people.csv:3": {"id": ("1",), "login": ("leela",), "mail": ("l@x",)},
        "people.csv:4": {"id": ("2",), "login": ("am\u0007y",), "mail": ("a@x",)},
        "people.csv:5": {"login": ("kif",), "mail": ("k@x",)},
        "people.csv:6": {"3", "zapp"},
    }
