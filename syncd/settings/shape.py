"""Which keys and values a place of the configuration may hold: the fields of its models, walked beside a file.

What is said about a file (the nearest known key, which values are secrets, which are paths) comes from the same fields
by which pydantic accepts it, so it can't differ. They are walked where the file goes: a JSON Schema of everything
would take half as long as it takes to read all settings.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from syncd.settings.strict_yaml import Entries, Items, Node, Scalar

#: What a model's annotation says of a value: a class, or a form such as `tuple[str, ...]`.
Form = Any


class Shape:
    """The forms that describe one node: several where alternatives are possible."""

    def __init__(self, forms: Iterable[Form]) -> None:
        self._forms = tuple(forms)

    @classmethod
    def of(cls, model: type[BaseModel], node: Node) -> "Shape":
        """Return the shape of a whole file of *model*, which says *node*."""
        return cls(_alternatives(model, None, node))

    def known_keys(self) -> list[str]:
        """Return the keys that may stand here."""
        return list(dict.fromkeys(key for form in self._forms for key in _fields(form)))

    def description(self, key: str) -> str:
        """Return what its model says of *key*."""
        for form in self._forms:
            field = _fields(form).get(key)
            if field is not None:
                return field.description or ""
        return ""

    def child(self, key: str | int, node: Node) -> "Shape":
        """Return the shape of *node*, found at *key*."""
        found: list[Form] = []
        for form in self._forms:
            inner = _below(form, key)
            if inner is not None:
                found += _alternatives(*inner, node)
        return Shape(found)

    @property
    def is_secret(self) -> bool:
        """Whether this is a password."""
        return SecretStr in self._forms

    @property
    def is_path(self) -> bool:
        """Whether this is the path of a file."""
        return Path in self._forms

    def takes_key(self, key: str) -> bool:
        """Return whether *key* may stand here."""
        return any(_below(form, key) is not None for form in self._forms)


def _fields(form: Form) -> Mapping[str, FieldInfo]:
    """Return the fields of a section by the keys that a file calls them; none of what is no section."""
    if not _is_section(form):
        return {}
    return {field.alias or name: field for name, field in form.model_fields.items()}


def _below(form: Form, key: str | int) -> tuple[Form, str | None] | None:
    """Return the annotation of what stands at *key*, with the key that tells its alternatives apart."""
    if isinstance(key, int):
        return (get_args(form)[0], None) if _is_list(form) else None
    field = _fields(form).get(key)
    if field is not None:
        return field.annotation, _as_name(field.discriminator)
    return (get_args(form)[1], None) if _is_mapping(form) else None


def _alternatives(annotation: Form, discriminator: str | None, node: Node) -> list[Form]:
    """Return the forms among *annotation* that can describe *node*."""
    origin = _origin(annotation)
    if origin is Annotated:
        inner, *notes = get_args(annotation)
        told = (_as_name(note.discriminator) for note in notes if isinstance(note, FieldInfo))
        return _alternatives(inner, discriminator or next(filter(None, told), None), node)
    if origin not in (Union, UnionType):
        return [annotation]
    choices = get_args(annotation)
    if discriminator is not None:
        tag = _text_at(node, discriminator)
        return [choice for choice in choices if tag in get_args(_fields(choice)[discriminator].annotation)]
    found = [form for choice in choices for form in _alternatives(choice, None, node)]
    return [form for form in found if _fits(form, node)] or found


def _fits(form: Form, node: Node) -> bool:
    if isinstance(node, Entries):
        return _is_section(form) or _is_mapping(form)
    if isinstance(node, Items):
        return _is_list(form)
    return not (_is_section(form) or _is_mapping(form) or _is_list(form))


def _is_section(form: Form) -> bool:
    return _origin(form) is None and isinstance(form, type) and issubclass(form, BaseModel)


def _is_mapping(form: Form) -> bool:
    return _is_made_of(form, Mapping)


def _is_list(form: Form) -> bool:
    return _is_made_of(form, Sequence)


def _is_made_of(form: Form, base: type) -> bool:
    origin = _origin(form)
    return isinstance(origin, type) and issubclass(origin, base)


def _origin(form: Form) -> object:
    return get_origin(form)


def _as_name(discriminator: object) -> str | None:
    return discriminator if isinstance(discriminator, str) else None


def _text_at(node: Node, key: str) -> str:
    child = node.entries.get(key) if isinstance(node, Entries) else None
    return child.text if isinstance(child, Scalar) else ""
