"""Turns a shape of the service model into a function that finds every problem of a value."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from syncd.wire.values import Violation

Check = Callable[[object, str, list[Violation]], None]

# A refused value is quoted so that a reader finds it, but cut, and never when its shape is sensitive.
_QUOTED = 60


def compile_shape(shape: Shape) -> Check:
    """Build the check of a botocore shape, its members included."""
    if isinstance(shape, StructureShape):
        return _structure(shape)
    if isinstance(shape, ListShape):
        return _list(shape)
    return _SCALARS[shape.type_name](shape)


def _structure(shape: StructureShape) -> Check:
    members: dict[str, Check] = {name: compile_shape(member) for name, member in shape.members.items()}
    required = tuple(shape.required_members)

    def check(value: object, path: str, found: list[Violation]) -> None:
        if not isinstance(value, Mapping):
            found.append(_wrong_type(path, "an object", value))
            return
        prefix = f"{path}." if path else ""
        found.extend(Violation(path=prefix + name, reason="is required") for name in required if name not in value)
        for name, item in value.items():
            member = members.get(name)
            if member is None:
                found.append(Violation(path=f"{prefix}{name}", reason="is not a member of this call"))
            else:
                member(item, prefix + name, found)

    return check


def _list(shape: ListShape) -> Check:
    item_check = compile_shape(shape.member)
    length = _length_check(shape.metadata, "items")

    def check(value: object, path: str, found: list[Violation]) -> None:
        if not isinstance(value, list | tuple):
            found.append(_wrong_type(path, "a list", value))
            return
        length(len(value), path, found)
        for index, item in enumerate(value):
            item_check(item, f"{path}[{index}]", found)

    return check


def _string(shape: Shape) -> Check:
    metadata = shape.metadata
    allowed = frozenset(metadata.get("enum", ()))
    expected = ", ".join(metadata.get("enum", ()))
    low, high = metadata.get("min", 0), metadata.get("max")
    pattern = metadata.get("pattern")
    matches = compiled_pattern(pattern).fullmatch if pattern else None
    quote = _unquoted if metadata.get("sensitive") else _quoted
    length = _length_check(metadata, "characters")

    def check(value: object, path: str, found: list[Violation]) -> None:
        if not isinstance(value, str):
            found.append(_wrong_type(path, "a string", value))
            return
        if allowed and value not in allowed:
            found.append(Violation(path=path, reason=f"must be one of {expected}{quote(value)}"))
            return
        size = len(value)
        if size < low or (high is not None and size > high):
            length(size, path, found)
        elif matches is not None and matches(value) is None:
            found.append(Violation(path=path, reason=f"must match {pattern}{quote(value)}"))

    return check


def _number(shape: Shape) -> Check:
    kinds: tuple[type, ...] = (int,) if shape.type_name in {"integer", "long"} else (int, float)
    noun = "an integer" if kinds == (int,) else "a number"
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def check(value: object, path: str, found: list[Violation]) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(value, kinds):
            found.append(_wrong_type(path, noun, value))
        elif low is not None and value < low:
            found.append(Violation(path=path, reason=f"must be at least {low}, is {value}"))
        elif high is not None and value > high:
            found.append(Violation(path=path, reason=f"must be at most {high}, is {value}"))

    return check


def _boolean(_shape: Shape) -> Check:
    def check(value: object, path: str, found: list[Violation]) -> None:
        if not isinstance(value, bool):
            found.append(_wrong_type(path, "true or false", value))

    return check


def _timestamp(_shape: Shape) -> Check:
    def check(value: object, path: str, found: list[Violation]) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float | datetime):
            found.append(_wrong_type(path, "a time in epoch seconds", value))

    return check


_SCALARS: Mapping[str, Callable[[Shape], Check]] = {
    "string": _string,
    "integer": _number,
    "long": _number,
    "double": _number,
    "float": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
}


@cache
def compiled_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of the model once; its escapes by code point are Python's own too."""
    return re.compile(pattern, re.ASCII)


def _length_check(metadata: Mapping[str, Any], noun: str) -> Callable[[int, str, list[Violation]], None]:
    low, high = metadata.get("min", 0), metadata.get("max")

    def check(size: int, path: str, found: list[Violation]) -> None:
        if size < low:
            found.append(Violation(path=path, reason=f"must have at least {low} {noun}, has {size}"))
        elif high is not None and size > high:
            found.append(Violation(path=path, reason=f"must have at most {high} {noun}, has {size}"))

    return check


def _wrong_type(path: str, expected: str, value: object) -> Violation:
    return Violation(path=path or "the request", reason=f"must be {expected}, not {type(value).__name__}")


def _quoted(value: str) -> str:
    cut = value if len(value) <= _QUOTED else value[:_QUOTED] + "..."
    return f", got {cut!r}"


def _unquoted(_value: str) -> str:
    return ""
