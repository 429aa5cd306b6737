"""What an attribute name or a template says of an entry.

A bare word is an attribute name and never meets the template engine: it is the hot path. A template that only
joins attributes and text, or compares one attribute with one text, is turned into plain Python too; every other one
runs in a sandbox.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from jinja2 import Undefined, nodes
from jinja2.exceptions import SecurityError, TemplateError, UndefinedError

from syncd.mapping.sandbox import (
    AttributeMissing,
    SeveralValues,
    context_of,
    names_in,
    strict_environment,
    tolerant_environment,
)
from syncd.mapping.values import Value, as_value, clean

Attributes = Mapping[str, tuple[str, ...]]
#: What to do about an attribute that is absent.
_FILL_IN = "fill it in, or give a default: {{ name | default('…') }}"
#: Takes the values of an entry's attributes by place, and all of its attributes.
Evaluate = Callable[[Sequence[Value], Attributes], Value]


class Unmappable(Exception):
    """The entry can't be mapped: why, and what mends it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class Absent(Unmappable):
    """An attribute without which there is no value is not there."""

    def __init__(self, name: str, remedy: str = "") -> None:
        super().__init__(f"the attribute {name!r} is absent", remedy or f"fill in {name!r}")


class Expression(Protocol):
    """What the mapping says of one property."""

    text: str
    attributes: frozenset[str]
    #: The same for every entry.
    is_constant: bool

    def compile(self, places: Mapping[str, int]) -> Evaluate:
        """Return a function that gives its value of an entry; *places* says where each attribute's value stands.

        That function raises Unmappable where a template can't be evaluated, or needs an attribute that is absent.
        """
        ...


class Attribute:
    """A bare word."""

    is_constant = False

    def __init__(self, name: str) -> None:
        self.text = name
        self.attributes = frozenset({name})

    def compile(self, places: Mapping[str, int]) -> Evaluate:
        place = places[self.text]
        return lambda values, _: values[place]


class Joined:
    """A template of attributes and text only: `{{ login }}@corp.example`. *parts* that are attributes are `(name,)`."""

    def __init__(self, text: str, parts: tuple[str | tuple[str], ...], *, strict: bool) -> None:
        self.text = text
        self.attributes = frozenset(part[0] for part in parts if isinstance(part, tuple))
        self.is_constant = not self.attributes
        self._parts = parts
        self._strict = strict

    def compile(self, places: Mapping[str, int]) -> Evaluate:
        strict, is_alone = self._strict, len(self._parts) == 1
        # Of each part its text, or else where the attribute of that name stands.
        parts = [(part, None) if isinstance(part, str) else (part[0], places[part[0]]) for part in self._parts]

        def evaluate(values: Sequence[Value], _: Attributes) -> Value:
            pieces = []
            for text, place in parts:
                value = text if place is None else values[place]
                if isinstance(value, tuple):
                    if is_alone:
                        return value
                    raise several(text, len(value))
                if strict and not value and place is not None:
                    raise Absent(text)
                pieces.append(value)
            return clean("".join(pieces))

        return evaluate


class Compared:
    """A template that compares an attribute with a text: `{{ status == 'active' }}`."""

    is_constant = False

    def __init__(self, text: str, name: str, wanted: str, *, equal: bool, strict: bool) -> None:
        self.text = text
        self.attributes = frozenset({name})
        self._name = name
        self._wanted = wanted
        self._equal = equal
        self._strict = strict

    def compile(self, places: Mapping[str, int]) -> Evaluate:
        place, name, wanted, strict = places[self._name], self._name, self._wanted, self._strict
        same, other = ("true", "false") if self._equal else ("false", "true")

        def evaluate(values: Sequence[Value], _: Attributes) -> Value:
            value = values[place]
            if isinstance(value, tuple):
                raise several(name, len(value))
            if strict and not value:
                raise Absent(name)
            return same if value == wanted else other

        return evaluate


class Template:
    """Any other template. *strict*: an absent attribute is an error, not empty."""

    def __init__(self, text: str, tree: nodes.Template, *, strict: bool) -> None:
        environment = strict_environment() if strict else tolerant_environment()
        self.text = text
        self.attributes, self._needs_entry = names_in(tree)
        self.is_constant = not self.attributes and not self._needs_entry
        whole = text.strip()
        if _is_one_expression(tree, whole):
            evaluate = environment.compile_expression(whole[2:-2].strip("-+ \t\r\n"), undefined_to_none=False)
            self._evaluate: Callable[[dict[str, Any]], object] = evaluate
        else:
            self._evaluate = environment.from_string(text).render

    def compile(self, places: Mapping[str, int]) -> Evaluate:  # noqa: ARG002 - a template finds attributes by name
        return self._run

    def _run(self, _: Sequence[Value], attributes: Attributes) -> Value:
        try:
            result = self._evaluate(context_of(attributes, self.attributes, whole=self._needs_entry))
            return as_value(_as_values(result))
        except SeveralValues as error:
            raise several(error.name, error.count) from None
        except AttributeMissing as error:
            raise Absent(error.name, _FILL_IN) from None
        except UndefinedError as error:
            raise Unmappable(str(error), _FILL_IN) from None
        except SecurityError as error:
            raise Unmappable(f"the template is not allowed to do that: {error}", "write it without") from None
        except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
            reason = f"the template can't be evaluated: {error}"
            raise Unmappable(reason, "correct the template, or the value") from None


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
