"""Which keys and values a place of the configuration may hold: the JSON Schema, walked beside a file.

The schema comes from the pydantic models, so that what is said about a file (the nearest known key,
which values are secrets, which are paths) can't differ from what is accepted.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from syncd.settings.strict_yaml import Entries, Items, Node, Scalar

Schema = Mapping[str, Any]


class Shape:
    """The parts of a schema that describe one node: several where alternatives are possible."""

    def __init__(self, root: Schema, parts: Iterable[Schema]) -> None:
        self._root = root
        self._parts = tuple(parts)

    @classmethod
    def of(cls, schema: Schema, node: Node) -> "Shape":
        """Return the shape of the whole file, which says *node*."""
        return cls(schema, _alternatives(schema, schema, node))

    def known_keys(self) -> list[str]:
        """Return the keys that may stand here."""
        return list(dict.fromkeys(key for part in self._parts for key in part.get("properties", ())))

    def description(self, key: str) -> str:
        """Return what the schema says of *key*."""
        for part in self._parts:
            if key in part.get("properties", ()):
                return str(part["properties"][key].get("description", ""))
        return ""

    def child(self, key: str | int, node: Node) -> "Shape":
        """Return the shape of *node*, found at *key*."""
        found: list[Schema] = []
        for part in self._parts:
            inner = self._below(part, key)
            if inner is not None:
                found += _alternatives(self._root, inner, node)
        return Shape(self._root, found)

    @property
    def is_secret(self) -> bool:
        """Whether this is a password."""
        return any(part.get("format") == "password" for part in self._parts)

    @property
    def is_path(self) -> bool:
        """Whether this is the path of a file."""
        return any(part.get("format") in ("path", "file-path", "directory-path") for part in self._parts)

    def takes_key(self, key: str) -> bool:
        """Return whether *key* may stand here."""
        return any(self._below(part, key) is not None for part in self._parts)

    @staticmethod
    def _below(part: Schema, key: str | int) -> Schema | None:
        if isinstance(key, int):
            items = part.get("items")
            return items if isinstance(items, Mapping) else None
        inner = part.get("properties", {}).get(key, part.get("additionalProperties"))
        if isinstance(inner, Mapping):
            return inner
        return {} if inner is True else None


def _alternatives(root: Schema, schema: Schema, node: Node) -> list[Schema]:
    """Return the parts of *schema* that can describe *node*, references followed."""
    if "$ref" in schema:
        target = root["$defs"][schema["$ref"].rpartition("/")[2]]
        extra = {key: value for key, value in schema.items() if key != "$ref"}
        return _alternatives(root, {**target, **extra}, node)
    discriminator = schema.get("discriminator")
    if discriminator is not None:
        tag = _text_at(node, discriminator["propertyName"])
        chosen = discriminator["mapping"].get(tag)
        return _alternatives(root, {"$ref": chosen}, node) if chosen else [schema]
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if not choices:
        return [schema]
    found = [part for choice in choices for part in _alternatives(root, choice, node)]
    return [part for part in found if _fits(part, node)] or found


def _fits(part: Schema, node: Node) -> bool:
    kind = part.get("type")
    if isinstance(node, Entries):
        return kind == "object"
    if isinstance(node, Items):
        return kind == "array"
    return kind not in ("object", "array")


def _text_at(node: Node, key: str) -> str:
    child = node.entries.get(key) if isinstance(node, Entries) else None
    return child.text if isinstance(child, Scalar) else ""
