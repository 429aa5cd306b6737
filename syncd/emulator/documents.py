"""Reads what people and programs hand to the emulator as JSON: strictly, and with every problem named.

An unknown member, a wrong type or a name that occurs twice is an error that says where it is.
"""

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from syncd.errors import ConfigurationError, Problem

T = TypeVar("T")

_UNKNOWN_MEMBER = frozenset({"extra_forbidden", "unexpected_keyword_argument"})


def read_document(path: Path) -> object:
    """Read a JSON file.

    Raises:
        ConfigurationError: it can't be read, isn't JSON, or has a name twice in one object.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"is not UTF-8 at byte {error.start}", "save it as UTF-8") from error
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error), "check the path and its permissions") from error
    return parse_document(text, str(path))


def parse_document(text: str | bytes, where: str) -> object:
    """Read JSON text; *where* names it in errors."""
    try:
        return json.loads(text, object_pairs_hook=_no_name_twice, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}:{error.colno}"
        raise _unreadable(place, f"is not JSON: {error.msg}", "mend it there") from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(where, str(error), "mend it") from error


def read_as(adapter: TypeAdapter[T], data: object, where: str) -> T:
    """Make a value of *adapter*'s type of plain data.

    Raises:
        ConfigurationError: with every problem, its place in the document, and the nearest known name.
    """
    try:
        return adapter.validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        known = sorted(_names(adapter.json_schema()))
        raise ConfigurationError(
            f"{where} can't be used.", [_problem(detail, where, known) for detail in _details(error)]
        ) from error


def as_document(value: object) -> dict[str, object]:
    """Return a frozen value as the document it would be read from."""
    document: dict[str, object] = TypeAdapter(type(value)).dump_python(value, mode="json")
    return document


def changed(value: T, members: Mapping[str, object], where: str) -> T:
    """Return *value* with some members changed, as a document says.

    Raises:
        ConfigurationError: an unknown member or a wrong value.
    """
    present = as_document(value)
    unknown = [name for name in members if name not in present]
    if unknown:
        raise ConfigurationError(
            f"{where} can't be used.",
            [
                Problem(where=f"{where}.{name}", reason="unknown member", remedy=_nearest(name, sorted(present)))
                for name in unknown
            ],
        )
    return read_as(TypeAdapter(type(value)), {**present, **members}, where)


def _unreadable(where: Path | str, reason: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(
        "A document for the emulator can't be used.", [Problem(where=str(where), reason=reason, remedy=remedy)]
    )


def _no_name_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"has a name twice in one object: {', '.join(twice)}")
    return members


def _no_constant(text: str) -> object:
    raise ValueError(f"has {text}, which JSON does not know")


def _details(error: ValidationError) -> Iterator[tuple[str, str, str]]:
    for detail in error.errors(include_url=False, include_input=False):
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"])
        cause = detail.get("ctx", {}).get("error")
        yield detail["type"], path, str(cause or detail["msg"])


def _problem(detail: tuple[str, str, str], where: str, known: list[str]) -> Problem:
    kind, path, reason = detail
    if kind in _UNKNOWN_MEMBER:
        return Problem(where=where + path, reason="unknown member", remedy=_nearest(path.rpartition(".")[2], known))
    return Problem(where=where + path, reason=reason)


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def _names(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for part in schema.values():
            yield from _names(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _names(part)
