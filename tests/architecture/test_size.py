"""How long a file and a function may be."""

import ast

import pytest

LONGEST_FILE = 450
LONGEST_FUNCTION = 60


def long_functions(name: str, tree: ast.Module) -> list[str]:
    """Functions that are too long, counted from `def` to the last line."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [
        f"{name}:{node.lineno} {node.name} has {lines} lines"
        for node in functions
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]


def test_a_file_fits_in_the_head(texts: dict[str, str]) -> None:
    """No file of syncd has more than 450 lines."""
    lines = {name: text.count("\n") for name, text in texts.items() if name.startswith("syncd/")}
    assert lines
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE} == {}


def test_a_function_fits_on_a_screen(trees: dict[str, ast.Module]) -> None:
    """No function of syncd has more than 60 lines."""
    rooms = {name: tree for name, tree in trees.items() if name.startswith("syncd/")}
    assert rooms
    assert [line for name, tree in rooms.items() for line in long_functions(name, tree)] == []


@pytest.mark.parametrize(("body", "found"), [(59, []), (60, ["a.py:1 f has 61 lines"])])
def test_the_measure_counts_from_def_to_the_last_line(body: int, found: list[str]) -> None:
    """Sixty lines pass, sixty-one are reported with file and line."""
    assert long_functions("a.py", ast.parse("def f():\n" + "    x = 1\n" * body)) == found
