"""What is wrong with the values of a configuration, as sentences with file, line, column and key path."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from syncd.errors import Problem
from syncd.settings.shape import Shape
from syncd.settings.strict_yaml import Entries, Items, Node, Scalar

Location = Sequence[str | int]
#: One of pydantic's `ErrorDetails`.
Finding = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a finding belongs: the node, the shape around it, and the key path that people read."""

    node: Node
    shape: Shape
    path: str = ""
    line: int
    column: int
    #: The keys and indexes that lead here.
    steps: tuple[str | int, ...] = ()


def find_place(tree: Node, model: type[BaseModel], location: Location) -> Place:
    """Return the deepest node that *location* names; the names of alternatives in it are passed over."""
    place = Place(node=tree, shape=Shape.of(model, tree), line=tree.line, column=tree.column)
    for step in location:
        child = _child(place.node, step)
        if child is None:
            continue
        line, column = child.line, child.column
        if isinstance(place.node, Entries) and not isinstance(child, Scalar):
            line, column = place.node.places[str(step)]
        path = f"{place.path}[{step}]" if isinstance(step, int) else f"{place.path}.{step}".lstrip(".")
        shape = place.shape.child(step, child)
        steps = (*place.steps, step)
        place = Place(node=child, shape=shape, path=path, line=line, column=column, steps=steps)
    return place


def explain(findings: Sequence[Finding], tree: Node, model: type[BaseModel], name: str) -> Iterator[Problem]:
    """Yield a problem per place; alternatives that all failed at one place become one sentence."""
    grouped: dict[tuple[str, str], tuple[Place, list[Finding]]] = {}
    for finding in _meant(_own(findings), tree, model):
        missing = finding["type"] == "missing"
        place = find_place(tree, model, finding["loc"][:-1] if missing else finding["loc"])
        key = str(finding["loc"][-1]) if missing else ""
        grouped.setdefault((place.path, key), (place, []))[1].append(finding)
    for place, group in grouped.values():
        if group[0]["type"] == "missing":
            yield _missing(place, str(group[0]["loc"][-1]), name)
        elif group[0]["type"] == "extra_forbidden":
            yield _unknown(place, tree, model, name)
        else:
            yield _wrong(place, group, name)


def _own(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Leave out that a list is too short where that is only because its items are wrong."""
    for finding in findings:
        depth = len(finding["loc"])
        below = (each for each in findings if len(each["loc"]) > depth and each["loc"][:depth] == finding["loc"])
        if finding["type"] != "too_short" or not any(below):
            yield finding


def _meant(findings: Iterable[Finding], tree: Node, model: type[BaseModel]) -> Iterator[Finding]:
    """Leave out that a section of keys is no text, where it may be either: what is wrong in the section is enough."""
    found = [(finding, find_place(tree, model, finding["loc"])) for finding in findings]
    within = [place.steps for finding, place in found if not _is_other_form(finding, place)]
    for finding, place in found:
        if not _is_other_form(finding, place) or not any(s[: len(place.steps)] == place.steps for s in within):
            yield finding


def _is_other_form(finding: Finding, place: Place) -> bool:
    """Return whether it says only that a section of keys is none of the other things that may stand there."""
    return isinstance(place.node, Entries) and _EXPECTED.get(finding["type"], _SECTION) != _SECTION


def nearest(word: str, known: Sequence[str]) -> str:
    """Return the remedy for an unknown *word*: the nearest of *known*, or all of them."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(known)}" if known else ""


def _missing(place: Place, key: str, name: str) -> Problem:
    path = f"{place.path}.{key}".lstrip(".")
    return Problem(
        where=f"{name}:{place.line}:{place.column}: {path}",
        reason="this key is required",
        remedy=place.shape.description(key),
    )


def _unknown(place: Place, tree: Node, model: type[BaseModel], name: str) -> Problem:
    *above, key = place.steps
    parent = find_place(tree, model, above)
    line, column = place.line, place.column
    if isinstance(parent.node, Entries):
        line, column = parent.node.places[str(key)]
    return Problem(
        where=f"{name}:{line}:{column}: {place.path}",
        reason="unknown key",
        remedy=nearest(str(key), [known for known in parent.shape.known_keys() if known != key]),
    )


def _wrong(place: Place, group: Sequence[Finding], name: str) -> Problem:
    reasons = list(dict.fromkeys(_reason(finding) for finding in group))
    expected = [reason.removeprefix("expected ") for reason in reasons if reason.startswith("expected ")]
    reason = f"expected {' or '.join(expected)}" if len(expected) == len(reasons) else "; ".join(reasons)
    if expected and "got " not in reason:
        reason = f"{reason}, found {_found(place.node)}"
    path = f": {place.path}" if place.path else ""
    where = f"{name}:{place.line}:{place.column}{path}"
    return Problem(where=where, reason=reason, remedy=_suggestion(place.node, group))


def _suggestion(node: Node, group: Sequence[Finding]) -> str:
    """Return the choice that was probably meant; "" when nothing comes near."""
    if len(group) > 1:
        return ""
    if group[0]["type"] == "union_tag_invalid":
        return nearest(str(group[0]["ctx"]["tag"]), _choices(group[0]))
    remedy = nearest(node.text, _choices(group[0])) if isinstance(node, Scalar) else ""
    return remedy if remedy.startswith("did you mean") else ""


_SECTION = "a section of keys"
_EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": _SECTION,
    "model_type": _SECTION,
    "model_attributes_type": _SECTION,
    "dataclass_type": _SECTION,
    "path_type": "the path of a file",
}


def _reason(finding: Finding) -> str:
    kind = finding["type"]
    context = finding.get("ctx", {})
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}"
    if kind in ("enum", "literal_error"):
        return f"expected {str(context['expected']).replace(chr(39), '')}".replace("False", "false")
    if kind == "union_tag_invalid":
        return f"the {context['discriminator']} {context['tag']!r} is not known".replace("'", "")
    if kind == "union_tag_not_found":
        return f"the key {str(context['discriminator']).strip(chr(39))} is required here"
    if kind in ("too_short", "tuple_too_short"):
        return f"needs at least {context.get('min_length', 1)} item"
    message = str(finding["msg"])
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return message.replace("Input should be", "must be").replace("String should", "must")


def _choices(finding: Finding) -> list[str]:
    context = finding.get("ctx", {})
    expected = str(context.get("expected") or context.get("expected_tags") or "")
    return [word.strip(" '") for word in expected.replace(" or ", ",").split(",") if word.strip()]


def _found(node: Node) -> str:
    if isinstance(node, Entries):
        return _SECTION
    if isinstance(node, Items):
        return "a list"
    text = node.text if isinstance(node, Scalar) else ""
    shown = text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004 - a line's worth
    return f"{shown!r}" if text else "nothing"


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(node, Entries):
        return node.entries.get(str(step))
    if isinstance(node, Items) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None
