"""What a place of a file may hold, held against the JSON Schema that pydantic makes of the same models."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from syncd.settings.root import Settings
from syncd.settings.shape import Shape
from syncd.settings.strict_yaml import Entries, Items, Node, Scalar
from syncd.web.settings import WebSettings

_NOTHING = Scalar(line=1, column=1, value=None, text="")


def node_of(part: Mapping[str, Any]) -> Node:
    """Return the least that a file says where *part* describes it."""
    match part.get("type"):
        case "object":
            tags = {key: scalar(each["const"]) for key, each in part.get("properties", {}).items() if "const" in each}
            return Entries(line=1, column=1, entries=tags)
        case "array":
            return Items(line=1, column=1, items=[])
        case _:
            return _NOTHING


def scalar(text: str) -> Node:
    return Scalar(line=1, column=1, value=text, text=text)


def parts_of(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what may stand where *part* says it, references and alternatives followed."""
    if "$ref" in part:
        yield from parts_of(schema, schema["$defs"][part["$ref"].rpartition("/")[2]])
    elif choices := [*part.get("anyOf", ()), *part.get("oneOf", ())]:
        for choice in choices:
            yield from parts_of(schema, choice)
    else:
        yield part


def below(part: Mapping[str, Any]) -> Iterator[tuple[str | int, Mapping[str, Any]]]:
    """Yield what *part* says of each thing within it."""
    yield from part.get("properties", {}).items()
    if isinstance(part.get("additionalProperties"), Mapping):
        yield "no such key", part["additionalProperties"]
    if "items" in part:
        yield 0, part["items"]


def differences(schema: Mapping[str, Any], part: Mapping[str, Any], shape: Shape, path: str) -> Iterator[str]:
    """Yield each place at or below *path* of which the schema says something else than *shape*."""
    properties = part.get("properties", {})
    if shape.known_keys() != list(properties):
        yield f"{path}: keys"
    if shape.is_secret != (part.get("format") == "password"):
        yield f"{path}: secret"
    if shape.is_path != (part.get("format") == "path"):
        yield f"{path}: path"
    if shape.takes_key("no such key") != (part.get("additionalProperties", False) is not False):
        yield f"{path}: any key"
    for key, inner in below(part):
        if isinstance(key, str) and shape.description(key) != inner.get("description", ""):
            yield f"{path}.{key}: description"
        for each in parts_of(schema, inner):
            if each.get("type") in ("object", "array") or "format" in each:
                yield from differences(schema, each, shape.child(key, node_of(each)), f"{path}.{key}")


@pytest.mark.parametrize("model", [Settings, WebSettings])
def test_the_shape_says_what_the_schema_says(model: type[BaseModel]) -> None:
    """Keys, descriptions, secrets and paths are those of the JSON Schema, at every place."""
    schema = model.model_json_schema(by_alias=True)
    top = next(parts_of(schema, schema))

    assert list(differences(schema, top, Shape.of(model, node_of(top)), "")) == []


def test_no_alternative_is_guessed() -> None:
    """Of a source without type, and of one whose type nobody knows, no key is known."""
    shape = Shape.of(Settings, _NOTHING).child("organizations", Items(line=1, column=1, items=[])).child(0, _NOTHING)

    assert shape.child("source", Entries(line=1, column=1, entries={})).known_keys() == []
    assert shape.child("source", Entries(line=1, column=1, entries={"type": scalar("nis")})).known_keys() == []
