"""Where templates run: sandboxed, without chance, time or globals; what they see of an entry.

A single value is a text which, walked over, is one value and not its letters; several values refuse to be taken for a
text. So `{{ mail | sort | first }}` works for one mail and for three, and `{{ mail }}` doesn't pick one silently.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cache, partial
from typing import Any, Never, Self

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.exceptions import TemplateRuntimeError, UndefinedError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from syncd.mapping.values import clean_all, to_ascii

#: The name under which a template reaches attributes whose names are no words: `entry["E-Mail"]`.
ENTRY = "entry"
#: Filters that give another answer each time.
_UNSTEADY = ("random",)


class SeveralValues(Exception):
    """A text was wanted where there are several."""

    def __init__(self, name: str, count: int) -> None:
        super().__init__(name)
        self.name = name
        self.count = count


class One(str):
    """The only value of an attribute."""

    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        yield str(self)

    def __reversed__(self) -> Iterator[str]:
        yield str(self)


class ManyValues(tuple[str, ...]):  # noqa: SLOT001 - a tuple of any length has no room for slots
    """The values of an attribute that has more than one."""

    name: str

    def __new__(cls, name: str, values: tuple[str, ...]) -> Self:
        made = super().__new__(cls, values)
        made.name = name
        return made

    def _refuse(self) -> Never:
        raise SeveralValues(self.name, len(self))

    def __str__(self) -> Never:  # noqa: PLE0307 - it never returns
        self._refuse()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            self._refuse()
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()

    def __add__(self, other: object) -> Never:
        self._refuse()

    def __radd__(self, other: object) -> Never:
        self._refuse()

    def __getattr__(self, name: str) -> Never:
        # Methods of texts (`mail.split`) are what is meant; names with underscores are the machinery's own.
        if name.startswith("_") or not hasattr(str, name):
            raise AttributeError(name)
        self._refuse()


class AttributeMissing(UndefinedError):
    """A template needs the attribute *name*, which is not there."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class _Missing(Undefined):
    """A name that isn't known: the error of using it says which one, and not only in a sentence."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: object = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        super().__init__(hint, obj, name, exc)
        if obj is missing and hint is None and name is not None:
            self._undefined_exception = partial(AttributeMissing, name)  # type: ignore[assignment]  # it is only called


class Needed(_Missing, StrictUndefined):
    """An absent attribute where that is an error."""

    __slots__ = ()


class Empty(_Missing):
    """An absent attribute where that is no error: an empty text, whatever is done with it."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything may be asked of it
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, *_: object, **__: object) -> "Empty":  # type: ignore[override]  # the base class always refuses
        return self

    def __call__(self, *_: object, **__: object) -> "Empty":  # type: ignore[override]  # the base class always refuses
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined) or other == ""

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash("")

    def __add__(self, other: str) -> str:  # type: ignore[override]  # the base class always refuses
        return other

    def __radd__(self, other: str) -> str:  # type: ignore[override]  # the base class always refuses
        return other


@cache
def strict_environment() -> ImmutableSandboxedEnvironment:
    """Return where an absent attribute is an error: names and addresses."""
    return _environment(Needed)


@cache
def tolerant_environment() -> ImmutableSandboxedEnvironment:
    """Return where an absent attribute is empty: everything else."""
    return _environment(Empty)


def _environment(undefined: type[Undefined]) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=undefined,
        autoescape=False,  # what comes out is an address or a name, never HTML
    )
    environment.globals.clear()
    for name in _UNSTEADY:
        environment.filters.pop(name)
    environment.filters["ascii"] = lambda text: to_ascii(str(text))
    return environment


def names_in(tree: nodes.Template) -> tuple[frozenset[str], bool]:
    """Return the attributes that a template uses, and whether it uses `entry`."""
    names = set(find_undeclared_variables(tree))
    whole = ENTRY in names
    names.discard(ENTRY)
    for node in tree.find_all(nodes.Getitem):
        if isinstance(node.node, nodes.Name) and node.node.name == ENTRY and isinstance(node.arg, nodes.Const):
            names.add(str(node.arg.value))
    return frozenset(names), whole


def context_of(attributes: Mapping[str, tuple[str, ...]], names: Collection[str], *, whole: bool) -> dict[str, object]:
    """Return what a template sees of an entry: the attributes it uses, and all of them as `entry` if it asks."""
    context: dict[str, object] = {}
    for name in names:
        values = clean_all(attributes.get(name) or ())
        if values:
            context[name] = _wrapped(name, values)
    if whole:
        everything = {name: clean_all(values) for name, values in attributes.items()}
        context[ENTRY] = {name: _wrapped(name, values) for name, values in everything.items() if values}
    return context


def _wrapped(name: str, values: tuple[str, ...]) -> One | ManyValues:
    return One(values[0]) if len(values) == 1 else ManyValues(name, values)
