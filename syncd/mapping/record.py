"""One entry -> one entity, or everything that is wrong with it: the rules, compiled into one function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from syncd.mapping.expressions import Absent, Attribute, Attributes, Evaluate, Expression, Unmappable, several
from syncd.mapping.rules import EntityRules
from syncd.mapping.values import Value, as_value, clean_each, deceiving, shown, to_ascii
from syncd.model.entry import Entry, Rejection
from syncd.model.given import GivenField
from syncd.model.limits import Limits, TextLimit
from syncd.model.names import Kind, fold, make_key
from syncd.model.state import HIDDEN, NOTHING_GIVEN, Wanted

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
#: What is wrong with an entry, and what mends it.
_Faults = list[tuple[str, str]]


class Singles(Protocol):
    """What the attributes of an entry may offer besides being a mapping: several answers to one question."""

    def singles(self, names: tuple[str, ...]) -> Sequence[str] | None:
        """Return the value of each of *names*, at least two, "" where there is none; None if one has several."""
        ...


class Mapped(NamedTuple):
    """What became of an entry: an entity, a rejection, or neither (a group without address).

    A rejected entry still wants its *name* and *addresses*, as far as they could be read: nobody else may have them.
    """

    wanted: Wanted | None = None
    rejection: Rejection | None = None
    name: str = ""
    addresses: tuple[str, ...] = ()
    display_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What gives a property: *what* it is called, and *where* the settings say so."""

    what: str
    where: str
    expression: Expression
    evaluate: Evaluate

    def fault(self, faults: _Faults, reason: str, remedy: str) -> None:
        faults.append((f"{self.what} ({self.where}: {self.expression.text}): {reason}", remedy))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text(_Rule):
    """A property that is a text within a limit. In prose, only the length and the target's own pattern matter."""

    limit: TextLimit
    is_required: bool
    is_prose: bool
    is_compared: bool

    def read(self, values: Sequence[Value], attributes: Attributes, faults: _Faults, present: str = "") -> str:
        """Return the value, "" when there is none or it can't be used.

        Of several values of a bare attribute, *present* stays while it is one of them: their order means nothing.
        """
        try:
            value = self.evaluate(values, attributes)
            if isinstance(value, tuple) and present and isinstance(self.expression, Attribute):
                value = next((each for each in value if fold(each) == fold(present)), value)
            if isinstance(value, tuple):
                raise several(_several_name(self.expression), len(value))
            if not value and self.is_required:
                raise Absent(self.expression.text)
        except Unmappable as error:
            self.fault(faults, error.reason, error.remedy)
            return ""
        if not value or (value.isprintable() and not self.limit.complaint(value)):
            return value  # nearly always, so without a further call: what is printable hides nothing
        return value if self.fits(value, faults) else ""

    def fits(self, value: str, faults: _Faults) -> bool:
        """Return whether *value* is one that the target takes; if it isn't, note why."""
        hidden = "" if self.is_prose else deceiving(value, joiners=not self.is_compared)
        if hidden:
            self.fault(faults, f"{shown(value)} contains {hidden}", "remove that character")
            return False
        complaint = self.limit.complaint(value)
        if complaint:
            self.fault(faults, f"{shown(value)} {complaint}", _remedy(value, self.limit))
        return not complaint


@dataclass(frozen=True, slots=True, kw_only=True)
class _Aliases(_Text):
    """A property that is a list of addresses, of which *most* are allowed."""

    most: int

    def read_all(
        self, values: Sequence[Value], attributes: Attributes, primary: str, faults: _Faults
    ) -> tuple[str, ...]:
        """Return the aliases, each once, without the primary address."""
        try:
            value = self.evaluate(values, attributes)
        except Unmappable as error:
            self.fault(faults, error.reason, error.remedy)
            return ()
        if not value:
            return ()
        found: dict[str, str] = {}
        for each in value if isinstance(value, tuple) else (value,):
            for text in each.split(";"):
                address = text.strip()
                if address and self.fits(address, faults):
                    found.setdefault(fold(address), address)
        found.pop(fold(primary), None)
        if len(found) > self.most:
            reason = f"there are {len(found)}, {self.most} are allowed"
            self.fault(faults, reason, "give the others to a group")
        return tuple(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice(_Rule):
    """A property that is a yes or no."""

    def read(self, values: Sequence[Value], attributes: Attributes, faults: _Faults) -> bool | None:
        """Return it, None when it is neither."""
        try:
            value = self.evaluate(values, attributes)
        except Unmappable as error:
            self.fault(faults, error.reason, error.remedy)
            return None
        found = _TRUTH.get(value.casefold()) if isinstance(value, str) else None
        if found is None:
            given = " and ".join(map(shown, value if isinstance(value, tuple) else (value,))) if value else "nothing"
            remedy = "give true or false (yes or no, 1 or 0), for instance {{ status == 'active' }}"
            self.fault(faults, f"{given} is neither yes nor no", remedy)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given(_Text):
    """A property that a page asks for: a text that becomes a value."""

    field: GivenField

    def read_value(self, values: Sequence[Value], attributes: Attributes, faults: _Faults) -> Any:  # noqa: ANN401 - each field has a type of its own
        """Return the value, None when there is none or it can't be used."""
        text = self.read(values, attributes, faults)
        if not text:
            return None
        try:
            return self.field.parse(text)
        except ValueError as error:
            self.fault(faults, f"{shown(text)} {error}", self.field.remedy)
            return None


_COMPARED = frozenset({"name", "primary_email", "aliases"})
#: Properties that people read and nobody compares.
_PROSE = frozenset({f"profile.{name}" for name in ("street", "city", "job_title", "department", "company", "office")})
_ANY = TextLimit()


class _Compiler:
    """Compiles the rules of one kind: *places* says where the value of each attribute stands."""

    def __init__(self, rules: EntityRules, limits: Limits) -> None:
        self._where = rules.where
        self._limits = limits
        self.names = tuple(sorted(rules.attributes_used()))
        self._places = {name: place for place, name in enumerate(self.names)}

    def text(self, what: str, expression: Expression, limit: TextLimit, *, is_required: bool = True) -> _Text:
        return _Text(
            what=what,
            where=self._where[what],
            expression=expression,
            evaluate=expression.compile(self._places),
            limit=limit,
            is_required=is_required,
            is_prose=what in _PROSE,
            is_compared=what in _COMPARED,
        )

    def aliases(self, expression: Expression) -> _Aliases:
        return _Aliases(
            what="aliases",
            where=self._where["aliases"],
            expression=expression,
            evaluate=expression.compile(self._places),
            limit=self._limits.address,
            is_required=False,
            is_prose=False,
            is_compared=True,
            most=self._limits.aliases,
        )

    def given(self, field: GivenField, expression: Expression) -> _Given:
        return _Given(
            what=field.name,
            where=self._where[field.name],
            expression=expression,
            evaluate=expression.compile(self._places),
            limit=_ANY,
            is_required=False,
            is_prose=False,
            is_compared=False,
            field=field,
        )

    def choice(self, what: str, expression: Expression | bool | None) -> _Choice | None:  # noqa: FBT001 - as rules have it
        """Return the rule of a choice that is not the same for everyone, None for one that is."""
        if expression is None or isinstance(expression, bool):
            return None
        return _Choice(
            what=what, where=self._where[what], expression=expression, evaluate=expression.compile(self._places)
        )


class Mapper:
    """The compiled rules of one kind, within *limits*.

    A disabled entry wants nothing: what it says wrongly is left empty, so that an emptied mail address never keeps
    somebody who left.
    """

    def __init__(self, rules: EntityRules, limits: Limits) -> None:
        compiler, self._kind = _Compiler(rules, limits), rules.kind
        self._take = _taker(compiler.names)
        is_user = rules.kind is Kind.USER
        self._name = compiler.text("name", rules.name, limits.user_name if is_user else limits.group_name)
        self._display_name = (
            compiler.text("display_name", rules.display_name, limits.display_name) if rules.display_name else None
        )
        self._primary = compiler.text("primary_email", rules.primary, limits.address)
        self._aliases = compiler.aliases(rules.aliases) if rules.aliases else None
        self._enabled, self._everyone = compiler.choice("enabled", rules.enabled), rules.enabled is True
        self._hidden, self._all_hidden = compiler.choice("hidden", rules.hidden), rules.hidden
        self._profile = tuple(
            (name, compiler.text(f"profile.{name}", rule, limits.profile.get(name, _ANY), is_required=False))
            for name, rule in rules.profile
        )
        self._given = tuple((field.name, compiler.given(field, rule)) for field, rule in rules.given)
        self._reserved_names = limits.reserved_names

    def map(self, entry: Entry, present: str = "") -> Mapped:
        """Return what becomes of *entry* by itself; what others want is looked at in `conflicts`.

        *present* is the primary address that its entity has, "" where it has none.
        """
        attributes = entry.attributes
        values = self._take(attributes)
        faults: _Faults = []
        if self._kind is not Kind.USER and self._has_no_address(values, attributes):
            return Mapped()
        name = self._name.read(values, attributes, faults)
        if name and fold(name) in self._reserved_names:
            self._name.fault(faults, f"{shown(name)} is reserved by the service", "choose another name")
        display_name = self._display_name.read(values, attributes, faults) if self._display_name else ""
        primary = self._primary.read(values, attributes, faults, present)
        aliases = self._aliases.read_all(values, attributes, primary, faults) if self._aliases else ()
        enabled = self._enabled.read(values, attributes, faults) if self._enabled else self._everyone
        profile = {field: rule.read(values, attributes, faults) for field, rule in self._profile}
        if self._all_hidden is not None:
            hidden = self._hidden.read(values, attributes, faults) if self._hidden else self._all_hidden
            profile[HIDDEN] = "true" if hidden else "false"
        given = self._read_given(values, attributes, faults) if self._given else NOTHING_GIVEN
        addresses = (primary, *aliases) if primary else aliases
        key = make_key(self._kind, entry.identity)
        if faults and enabled is not False:
            reason = "; ".join(reason for reason, _ in faults)
            remedy = "; ".join(dict.fromkeys(remedy for _, remedy in faults))
            rejection = Rejection(key=key, origin=entry.origin, reason=reason, remedy=remedy)
            return Mapped(rejection=rejection, name=name, addresses=addresses, display_name=display_name)
        wanted = Wanted(
            key,
            self._kind,
            entry.origin,
            name or entry.identity,
            display_name,
            bool(enabled),
            primary,
            aliases,
            profile,
            frozenset(),
            given,
        )
        return Mapped(wanted=wanted, name=name, addresses=addresses if enabled else ())

    def _read_given(self, values: Sequence[Value], attributes: Attributes, faults: _Faults) -> dict[str, object]:
        read = ((name, rule.read_value(values, attributes, faults)) for name, rule in self._given)
        return {name: value for name, value in read if value is not None}

    def _has_no_address(self, values: Sequence[Value], attributes: Attributes) -> bool:
        try:
            return not self._primary.evaluate(values, attributes)
        except Absent:
            return True
        except Unmappable:
            return False


def _taker(names: tuple[str, ...]) -> Callable[[Attributes], Sequence[Value]]:
    """Return what takes the values of *names* from the attributes of an entry."""

    def one_by_one(attributes: Attributes) -> Sequence[Value]:
        return [as_value(attributes.get(name) or ()) for name in names]

    def at_once(attributes: Attributes) -> Sequence[Value]:
        singles = getattr(attributes, "singles", None)
        found: Sequence[str] | None = singles(names) if singles is not None else None
        return one_by_one(attributes) if found is None else clean_each(found)

    return at_once if len(names) > 1 else one_by_one


def _several_name(expression: Expression) -> str:
    return next(iter(expression.attributes)) if len(expression.attributes) == 1 else "value"


def _remedy(value: str, limit: TextLimit) -> str:
    if len(value) > limit.maximum:
        return "shorten it"
    if not value.isascii() and limit.pattern is not None and limit.pattern.fullmatch(to_ascii(value)):
        return f"write it in ASCII letters: {shown(to_ascii(value))}, which the template filter `ascii` makes"
    return "correct it where the directory is kept, or in the template"
