"""What an attribute name or a template says of an entry.

A bare word is an attribute name and never meets the template engine: it is the hot path. A template that only
joins attributes and text, or compares one attribute with one text, is turned into plain Python too; every other one
runs in a sandbox.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol
from unicodedata import is_normalized

from jinja2 import Undefined, nodes
from jinja2.exceptions import SecurityError, TemplateError, UndefinedError

from syncd.mapping.sandbox import SeveralValues, context_of, names_in, strict_environment, tolerant_environment
from syncd.mapping.values import clean, clean_all

Attributes = Mapping[str, tuple[str, ...]]
#: Takes the values of an entry's attributes, by place, "" for none; all are trimmed and normalized.
Fetch = Callable[[Sequence[str]], str]


class Unmappable(Exception):
    """The entry can't be mapped: why, and what mends it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class Absent(Unmappable):
    """An attribute without which there is no value is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the attribute {name!r} is absent", f"fill in {name!r}")


class Expression(Protocol):
    """What the mapping says of one property."""

    text: str
    attributes: frozenset[str]

    def values(self, attributes: Attributes) -> tuple[str, ...]:
        """Return its values of an entry, trimmed and normalized.

        Raises:
            Unmappable: a template can't be evaluated, or needs an attribute that is absent.
        """
        ...

    def quick(self, places: Mapping[str, int]) -> Fetch | None:
        """Return a function that gives its one value, "" for none, or raises ValueError where a closer look is due.

        *places* says where each attribute stands among the values. None: it is no quick matter.
        """
        ...


class Attribute:
    """A bare word."""

    def __init__(self, name: str) -> None:
        self.text = name
        self.attributes = frozenset({name})

    def values(self, attributes: Attributes) -> tuple[str, ...]:
        return clean_all(attributes.get(self.text) or ())

    def quick(self, places: Mapping[str, int]) -> Fetch:
        return itemgetter(places[self.text])


class Joined:
    """A template of attributes and text only: `{{ login }}@corp.example`. *parts* that are attributes are `(name,)`."""

    def __init__(self, text: str, parts: tuple[str | tuple[str], ...], *, strict: bool) -> None:
        self.text = text
        self.attributes = frozenset(part[0] for part in parts if isinstance(part, tuple))
        self._parts = parts
        self._strict = strict

    def values(self, attributes: Attributes) -> tuple[str, ...]:
        pieces = []
        for part in self._parts:
            if isinstance(part, str):
                pieces.append(part)
                continue
            found = clean_all(attributes.get(part[0]) or ())
            if not found and self._strict:
                raise Absent(part[0])
            if len(found) > 1:
                if len(self._parts) == 1:
                    return found
                raise several(part[0], len(found))
            pieces.extend(found)
        text = clean("".join(pieces))
        return (text,) if text else ()

    def quick(self, places: Mapping[str, int]) -> Fetch | None:
        # Values are trimmed and normalized; only where they meet the text around them can that be undone.
        parts = [part if isinstance(part, str) else places[part[0]] for part in self._parts]
        if isinstance(parts[0], str):
            parts[0] = parts[0].lstrip()
        if isinstance(parts[-1], str):
            parts[-1] = parts[-1].rstrip()
        inside = [part for part in parts if isinstance(part, int)]
        if not all(part.isprintable() for part in parts if isinstance(part, str)):
            return None
        pattern = "".join("%s" if isinstance(part, int) else part.replace("%", "%%") for part in parts)

        def fetch(values: Sequence[str]) -> str:
            found = tuple([values[place] for place in inside])
            text = pattern % found
            if not all(found) or not (text.isascii() or is_normalized("NFC", text)):
                raise ValueError(text)
            return text

        return fetch


class Compared:
    """A template that compares an attribute with a text: `{{ status == 'active' }}`."""

    def __init__(self, text: str, name: str, wanted: str, *, equal: bool, strict: bool) -> None:
        self.text = text
        self.attributes = frozenset({name})
        self._name = name
        self._wanted = wanted
        self._equal = equal
        self._strict = strict

    def values(self, attributes: Attributes) -> tuple[str, ...]:
        found = clean_all(attributes.get(self._name) or ())
        if len(found) > 1:
            raise several(self._name, len(found))
        if not found and self._strict:
            raise Absent(self._name)
        matches = (found[0] if found else "") == self._wanted
        return ("true" if matches is self._equal else "false",)

    def quick(self, places: Mapping[str, int]) -> Fetch:
        place, wanted = places[self._name], self._wanted
        same, other = ("true", "false") if self._equal else ("false", "true")

        def fetch(values: Sequence[str]) -> str:
            value = values[place]
            if not value:
                raise ValueError(value)
            return same if value == wanted else other

        return fetch


class Template:
    """Any other template. *strict*: an absent attribute is an error, not empty."""

    def __init__(self, text: str, tree: nodes.Template, *, strict: bool) -> None:
        environment = strict_environment() if strict else tolerant_environment()
        self.text = text
        self.attributes, self._needs_entry = names_in(tree)
        whole = text.strip()
        if _is_one_expression(tree, whole):
            evaluate = environment.compile_expression(whole[2:-2].strip("-+ \t\r\n"), undefined_to_none=False)
            self._evaluate: Callable[[dict[str, Any]], object] = evaluate
        else:
            self._evaluate = environment.from_string(text).render

    def values(self, attributes: Attributes) -> tuple[str, ...]:
        try:
            result = self._evaluate(context_of(attributes, self.attributes, whole=self._needs_entry))
            return clean_all(_as_values(result))
        except SeveralValues as error:
            raise several(error.name, error.count) from None
        except UndefinedError as error:
            raise Unmappable(_undefined(error), "fill it in, or give a default: {{ name | default('…') }}") from None
        except SecurityError as error:
            raise Unmappable(f"the template is not allowed to do that: {error}", "write it without") from None
        except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
            reason = f"the template can't be evaluated: {error}"
            raise Unmappable(reason, "correct the template, or the value") from None

    def quick(self, places: Mapping[str, int]) -> None:  # noqa: ARG002 - there is no quick way through a template
        return None


def several(name: str, count: int) -> Unmappable:
    """Return the error that one value is wanted and *name* has *count*."""
    return Unmappable(
        f"the attribute {name!r} has {count} values where one is wanted",
        f"choose one, for instance {{{{ {name} | sort | first }}}}",
    )


def parse(text: str, *, strict: bool) -> Expression:
    """Return the expression that *text* writes.

    Raises:
        jinja2.TemplateSyntaxError: it is a template, and malformed.
    """
    if "{" not in text and "}" not in text:
        return Attribute(text.strip())
    tree = strict_environment().parse(text)
    parts = _joined_parts(tree)
    if parts is not None:
        return Joined(text, parts, strict=strict)
    compared = _comparison(tree)
    if compared is not None:
        name, wanted, equal = compared
        return Compared(text, name, wanted, equal=equal, strict=strict)
    return Template(text, tree, strict=strict)


def _outputs(tree: nodes.Template) -> list[nodes.Expr] | None:
    if len(tree.body) == 1 and isinstance(tree.body[0], nodes.Output):
        return tree.body[0].nodes
    return None


def _joined_parts(tree: nodes.Template) -> tuple[str | tuple[str], ...] | None:
    parts: list[str | tuple[str]] = []
    found = _outputs(tree)
    if found is None:
        return None
    for node in found:
        match node:
            case nodes.TemplateData(data=text) | nodes.Const(value=str(text)):
                parts.append(text)
            case nodes.Name(name=name) if name != "entry":
                parts.append((name,))
            case _:
                return None
    return tuple(parts)


def _comparison(tree: nodes.Template) -> tuple[str, str, bool] | None:
    match _outputs(tree):
        case [nodes.Compare(expr=nodes.Name(name=name), ops=[nodes.Operand(op="eq" | "ne" as how, expr=right)])]:
            if isinstance(right, nodes.Const) and isinstance(right.value, str) and name != "entry":
                return name, right.value, how == "eq"
        case _:
            pass
    return None


def _is_one_expression(tree: nodes.Template, whole: str) -> bool:
    """Return whether the template is one `{{ … }}`: then its value is taken as it is, a list as a list."""
    found = _outputs(tree)
    return (
        found is not None
        and len(found) == 1
        and not isinstance(found[0], nodes.TemplateData)
        and whole.startswith("{{")
        and whole.endswith("}}")
    )


def _as_values(result: object) -> tuple[str, ...]:
    if isinstance(result, Undefined):
        text = str(result)  # a strict one raises here
        return (text,) if text else ()
    if isinstance(result, bool):
        return ("true" if result else "false",)
    if result is None:
        return ()
    if isinstance(result, str):
        return (str(result),)
    if isinstance(result, tuple | list | set | frozenset) or hasattr(result, "__next__"):
        return tuple(str(value) for value in result)  # type: ignore[attr-defined]  # all of them can be walked
    return (str(result),)


def _undefined(error: UndefinedError) -> str:
    text = str(error)
    name, found, _ = text.partition(" is undefined")
    return f"the attribute {name} is absent" if found else text
