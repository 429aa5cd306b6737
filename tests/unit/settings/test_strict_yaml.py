"""What the strict reader takes and refuses."""

import pytest

from syncd.settings.strict_yaml import MAXIMUM_BYTES, MAXIMUM_DEPTH, parse, plain


def read(text: str) -> tuple[object, list[str]]:
    node, problems = parse(text, "f.yaml")
    return (None if node is None else plain(node)), [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("True", "True"),
        ("010", "010"),
        ("0o10", "0o10"),
        ("0x1F", "0x1F"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("2024-01-02", "2024-01-02"),
        (".5", ".5"),
        (".inf", ".inf"),
        ("+1", "+1"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("10", 10),
        ("-3", -3),
        ("0", 0),
        ("1.50", 1.5),
        ("'10'", "10"),
        ('"true"', "true"),
        ("''", ""),
    ],
)
def test_a_word_means_what_it_says(written: str, value: object) -> None:
    """Only true and false are booleans, only decimal numbers are numbers; the rest is text."""
    assert read(f"a: {written}\n") == ({"a": value}, [])


def test_nested_values_keep_their_shape() -> None:
    """Lists and sections, in both styles, come out as they were written."""
    text = "a:\n  - x\n  - {b: [1, 2]}\nc: {}\nd: |\n  one\n  two\n"

    assert read(text) == ({"a": ["x", {"b": [1, 2]}], "c": {}, "d": "one\ntwo\n"}, [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key a occurs twice; it is in line 1 already"),
        ("a: {b: 1, b: 2}\n", "f.yaml:1:11: the key b occurs twice; it is in line 1 already"),
        ("a: &x 1\n", 'f.yaml:1:4: the anchor &x is not allowed; remove it, or write the value in quotes: "&x"'),
        ("a: *x\n", 'f.yaml:1:4: the alias *x is not allowed; write the value out, or in quotes: "*x"'),
        ("a: !!str 1\n", "f.yaml:1:4: the tag !!str is not allowed; remove it, or write the value in quotes"),
        ("a: !x 1\n", "f.yaml:1:4: the tag !x is not allowed; remove it, or write the value in quotes"),
        ("? [a]\n: 1\n", 'f.yaml:1:3: a key must be a word; put text with {{ }} in quotes: "{{ … }}"'),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here; remove the line with ---"),
        ("", "f.yaml:1:1: the file is empty; syncd init writes an example"),
        ("# only a comment\n", "f.yaml:1:1: the file is empty; syncd init writes an example"),
        ("a: b: c\n", "f.yaml:1:5: mapping values are not allowed here"),
        ("a: \x07\n", "f.yaml:1:4: the character U+0007 is not allowed here"),
    ],
)
def test_a_surprise_is_a_problem_with_its_place(text: str, problem: str) -> None:
    """What plain YAML would pass over or explode on is reported with line and column."""
    assert problem in read(text)[1]


def test_all_problems_come_at_once() -> None:
    """Reading goes on after a duplicate key, an anchor and an alias."""
    _, problems = read("a: &x 1\na: 2\nb: *x\n")

    assert [problem.split(":")[1] for problem in problems] == ["1", "2", "3"]


def test_a_file_that_is_too_long_is_not_parsed() -> None:
    """Beyond the cap nothing is read at all."""
    assert read("#" * (MAXIMUM_BYTES + 1)) == (None, [f"f.yaml:1:1: the file has more than {MAXIMUM_BYTES} bytes"])


def test_endless_nesting_is_refused() -> None:
    """A file that is only brackets ends in a sentence, not in a crash."""
    depth = MAXIMUM_DEPTH + 5

    assert read("[" * depth + "]" * depth) == (None, [f"f.yaml:1:{MAXIMUM_DEPTH + 2}: this is nested too deep"])


def test_places_are_those_of_keys_and_values() -> None:
    """Lines and columns count from one, as editors do."""
    node, _ = parse("a:\n  bb:   c\n", "f.yaml")

    inner = node.entries["a"]  # type: ignore[union-attr]  # the text above is a mapping
    assert inner.places["bb"] == (2, 3)
    assert (inner.entries["bb"].line, inner.entries["bb"].column) == (2, 9)
