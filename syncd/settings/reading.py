"""From a file to a model: read strictly, references followed, checked; every problem at once."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from syncd.errors import ConfigurationError, Problem
from syncd.settings.complaints import Location, explain, find_place
from syncd.settings.references import References
from syncd.settings.shape import Shape
from syncd.settings.strict_yaml import MAXIMUM_BYTES, Node, Scalar, parse, plain

_Model = TypeVar("_Model", bound=BaseModel)
#: Looks at the tree of a file (under its name) for what no model can tell.
Examination = Callable[[Node, str], list[Problem]]
#: Looks at the finished model; yields locations in the file, each with what is wrong there.
Inspection = Callable[[_Model], Iterable[tuple[Location, Problem]]]


def read_model(
    model: type[_Model],
    path: Path,
    environment: Mapping[str, str],
    *,
    also: Examination | None = None,
    inspect: Inspection[_Model] | None = None,
) -> tuple[_Model, tuple[str, ...]]:
    """Read *path* as a *model*; return it and the secrets that it names.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    name = str(path)
    tree, problems = parse(_text(path), name)
    if tree is None:
        raise _wrong(name, problems)
    references = References(name, path.absolute().parent, environment)
    tree = references.follow(tree, Shape.of(model, tree))
    problems += references.problems
    problems += also(tree, name) if also else []
    known = {problem.where for problem in problems}
    value, findings = _check(model, tree, name)
    problems += [problem for problem in findings if problem.where not in known]
    if value is not None and inspect is not None:
        problems += [_placed(tree, model, name, *found) for found in inspect(value)]
    if problems or value is None:
        raise _wrong(name, problems)
    return value, tuple(references.secrets)


def _check(model: type[_Model], tree: Node, name: str) -> tuple[_Model | None, list[Problem]]:
    """Validate as strict JSON: "yes" is no boolean, "010" no number; but a list is a tuple."""
    while True:
        try:
            return model.model_validate_json(json.dumps(plain(tree)), strict=True), []
        except ValidationError as error:
            findings = error.errors(include_url=False)
            wanted_as_text = [find_place(tree, model, each["loc"]).node for each in findings if _wants_text(each)]
            if not sum([_read_as_text(node) for node in wanted_as_text]):
                return None, list(explain(findings, tree, model, name))


def _placed(tree: Node, model: type[BaseModel], name: str, location: Location, problem: Problem) -> Problem:
    place = find_place(tree, model, location)
    return replace(problem, where=f"{name}:{place.line}:{place.column}: {place.path}")


def _wants_text(finding: Mapping[str, object]) -> bool:
    return finding["type"] == "string_type"


def _read_as_text(node: Node) -> bool:
    """Take a number, or what the environment says, as it is written; return whether that changed anything."""
    if not isinstance(node, Scalar) or isinstance(node.value, str) or node.value is None:
        return False
    if isinstance(node.value, bool) and not node.from_environment:
        return False
    node.value = node.text
    return True


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        message = f"the configuration {path} can't be read: {error.strerror}"
        raise ConfigurationError(message, hint="name another with --config FILE") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problem = Problem(where=f"{path}:{line}", reason="the file is not UTF-8", remedy="save it as UTF-8")
        raise _wrong(str(path), [problem]) from error


def _wrong(name: str, problems: list[Problem]) -> ConfigurationError:
    def line_and_column(problem: Problem) -> tuple[int, ...]:
        numbers = problem.where.removeprefix(f"{name}:").split(":")[:2]
        return tuple(int(number) for number in numbers if number.isdigit())

    count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
    ordered = sorted(problems, key=line_and_column)
    return ConfigurationError(f"{name} has {count}; nothing was done", ordered)
