"""What every test looks like."""

import ast
import re
from collections.abc import Iterator

SENTENCE = re.compile(r"\S+\s+\S+.*[.:!?)`]$", re.DOTALL)


def facts_of(trees: dict[str, ast.Module]) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for name, tree in trees.items():
        if not name.startswith("tests/") or not name.rpartition("/")[2].startswith("test_"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield name, node


def test_every_test_states_its_fact(trees: dict[str, ast.Module]) -> None:
    """The docstring of a test is a sentence: the fact that the test proves."""
    silent = [
        f"{name}:{node.lineno} {node.name}"
        for name, node in facts_of(trees)
        if not SENTENCE.match(ast.get_docstring(node) or "")
    ]

    assert silent == []


def test_no_test_patches_what_it_tests(texts: dict[str, str]) -> None:
    """What a test needs is handed in: nothing is replaced behind the back of the code."""
    patching = re.compile(r"monkeypatch\.setattr|\bmocker\b")

    assert [name for name, text in texts.items() if name.endswith(".py") and patching.search(text)] == []
