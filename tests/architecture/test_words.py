"""The line and its rooms speak of things, verbs and facts; the words of the service are the target's own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd import wire

#: Where the service is known: its room, its model, its double; who puts things together; and the commands.
AT_THE_RIM = frozenset({"workmail", "wire", "emulator", "wiring", "cli"})
#: Other services of the same vendor have some codes in common: what they mean there is theirs.
OTHERS = frozenset({"notices/sns.py"})
ROOT = Path(__file__).parents[2] / "syncd"
WORDS = (
    wire.operation_names()
    | {code for operation in wire.operation_names() for code in wire.declared_errors(operation)}
    | {name for operation in wire.operation_names() for name in wire.input_members(operation) if name.endswith("Id")}
    - {"Id"}
    | {"AccessDenied", "ThrottlingException", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException"}
)
BELOW = sorted(
    path
    for path in ROOT.rglob("*.py")
    if path.relative_to(ROOT).parts[0] not in AT_THE_RIM and path.relative_to(ROOT).as_posix() not in OTHERS
)


def texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield every text of a module but its docstrings, and the names of its own types."""
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    said |= {id(node.args[0]) for node in ast.walk(tree) if isinstance(node, ast.Call) and _names_a_type(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node


def _names_a_type(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "NewType"


@pytest.mark.parametrize("path", BELOW, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_word_of_the_service_stands_below_the_rim(path: Path) -> None:
    """No name of a call, an error code or an id member is in any text of the line, the decisions or the store."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {
        f"{text.lineno}: {word}"
        for text in texts(tree)
        for word in re.findall(r"\w+", str(text.value))
        if word in WORDS
    }
    assert found == set()


def test_there_are_words_to_look_for() -> None:
    """The service's own model gives the words; what would pass without them proves nothing."""
    assert {"CreateUser", "NameAvailabilityException", "EntityId"} <= WORDS
    assert len(BELOW) > 100
