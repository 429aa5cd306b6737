"""The `mapping` section, compiled: which expression gives which property. Every problem with it is found at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError

from syncd.errors import ConfigurationError, Problem
from syncd.mapping.expressions import Attribute, Expression, Unmappable, parse
from syncd.mapping.settings import EnabledWords, Example, GroupSettings, MappingSettings, MemberSettings
from syncd.mapping.values import shown
from syncd.mapping.words import Worded
from syncd.model.detail import PROFILE
from syncd.model.given import GivenField
from syncd.model.names import Kind
from syncd.model.needs import MEMBER, Needs, Reference
from syncd.model.state import PROFILE_FIELDS


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityRules:
    """How entries of one *kind* become entities. *where* is the path of each expression in the settings.

    *key* is the attribute that never changes, *references* say which attributes name other entities. A choice that is
    True or False is the same for everyone; *hidden* None is not managed. *given* is what pages ask besides.
    """

    kind: Kind
    key: str
    name: Expression
    display_name: Expression | None
    primary: Expression
    aliases: Expression | None
    enabled: Expression | bool
    hidden: Expression | bool | None
    profile: tuple[tuple[str, Expression], ...]
    where: Mapping[str, str]
    references: tuple[Reference, ...] = ()
    given: tuple[tuple[GivenField, Expression], ...] = ()

    @property
    def expressions(self) -> Mapping[str, Expression]:
        """Every expression, by the path of its setting."""
        named = {
            "name": self.name,
            "display_name": self.display_name,
            "primary_email": self.primary,
            "aliases": self.aliases,
            "enabled": self.enabled,
            "hidden": self.hidden,
            **{f"profile.{field}": expression for field, expression in self.profile},
            **{field.name: expression for field, expression in self.given},
        }
        return {
            self.where[name]: expression
            for name, expression in named.items()
            if expression is not None and not isinstance(expression, bool)
        }

    def attributes_used(self) -> frozenset[str]:
        return frozenset().union(*(expression.attributes for expression in self.expressions.values()))


class Rules:
    """A compiled mapping. *where* is the path of its section in the configuration.

    Raises:
        ConfigurationError: a template is malformed, or a key can't be one; every problem is in it.
    """

    def __init__(self, settings: MappingSettings, *, where: str = "mapping") -> None:
        compiler = _Compiler(where)
        self.where = where
        self.entities = {Kind.USER: _user_rules(settings, compiler)}
        if settings.groups is not None:
            self.entities[Kind.GROUP] = _group_rules(settings.groups, compiler)
        self._named_by = _named_by(settings.groups)
        self.nested = settings.groups.nested if settings.groups else "keep"
        self.examples: tuple[Example, ...] = settings.tests
        if compiler.problems:
            raise ConfigurationError("the mapping can't be used", compiler.problems)

    @property
    def needs(self) -> Mapping[Kind, Needs]:
        """What is used of the entries of each kind that is mapped."""
        return {kind: self._needs(entity) for kind, entity in self.entities.items()}

    def _needs(self, entity: EntityRules) -> Needs:
        return Needs(
            key=entity.key,
            attributes=entity.attributes_used() | self._named_by.get(entity.kind, set()),
            references=entity.references,
        )

    @property
    def given(self) -> frozenset[str]:
        """The things that the directory gives something for.

        `profile`, where any attribute or `hidden` is mapped, and those of the fields that are.
        """
        things = {field.thing for entity in self.entities.values() for field, _ in entity.given}
        profile = any(entity.profile or entity.hidden is not None for entity in self.entities.values())
        return frozenset(things | {PROFILE.thing} if profile else things)

    @property
    def lists_members(self) -> bool:
        """Whether it is mapped who belongs to a group."""
        groups = self.needs.get(Kind.GROUP)
        return groups is not None and groups.reference(MEMBER) is not None

    def attributes_used(self) -> frozenset[str]:
        """Return every attribute that any expression, key or membership uses."""
        return frozenset().union(*(needs.all for needs in self.needs.values()))


class _Compiler:
    """Compiles expressions and collects what is wrong with them."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.problems: list[Problem] = []

    def path(self, name: str) -> str:
        return f"{self._where}.{name}"

    def key(self, text: str, name: str) -> str:
        """Return *text* as the name of the attribute that tells entries apart."""
        return self.attribute(text, name, remedy="name the attribute that never changes")

    def attribute(self, text: str, name: str, *, remedy: str = "name an attribute") -> str:
        """Return *text* as an attribute name: where nothing may be computed."""
        if "{" in text or "}" in text:
            reason = f"{text!r} is a template, but an attribute name is needed"
            self.problems.append(Problem(where=self.path(name), reason=reason, remedy=remedy))
        return text.strip()

    def expression(self, text: str, name: str, *, strict: bool = False) -> Expression:
        try:
            return parse(text, strict=strict)
        except TemplateSyntaxError as error:
            line = f" on line {error.lineno}" if "\n" in text else ""
            reason = f"the template {text!r} is malformed{line}: {error.message}"
            remedy = "attributes stand in double braces: {{ login }}@corp.example"
            self.problems.append(Problem(where=self.path(name), reason=reason, remedy=remedy))
            return parse("x", strict=strict)

    def optional(self, text: str | None, name: str, *, strict: bool = False) -> Expression | None:
        return None if text is None else self.expression(text, name, strict=strict)

    def given(self, field: GivenField, text: str, name: str) -> Expression:
        """Return what gives *field*; a value that is the same for everyone is looked at now."""
        expression = self.expression(text, name)
        if not expression.is_constant:
            if isinstance(expression, Attribute) and not _complaint(field, expression.text):
                reason = f"{shown(text)} is taken for the name of an attribute"
                remedy = f'for a value that is the same for everyone, write "{{{{ {text.strip()} }}}}"'
                self.problems.append(Problem(where=self.path(name), reason=reason, remedy=remedy))
            return expression
        try:
            value = expression.compile({})((), {})
        except Unmappable as error:
            self.problems.append(Problem(where=self.path(name), reason=error.reason, remedy=error.remedy))
            return expression
        complaint = _complaint(field, value) if isinstance(value, str) and value else ""
        if complaint:
            self.problems.append(Problem(where=self.path(name), reason=complaint, remedy=field.remedy))
        return expression

    def choice(self, value: str | bool, name: str, *, strict: bool = False) -> Expression | bool:  # noqa: FBT001 - the settings allow both
        if isinstance(value, bool) or value in ("true", "false"):
            return value is True or value == "true"
        return self.expression(value, name, strict=strict)

    def enabled(self, value: str | bool | EnabledWords, name: str) -> Expression | bool:  # noqa: FBT001 - the settings allow all
        """Return who is enabled; what rests on an attribute that is absent or blank says nothing, and rejects."""
        if isinstance(value, EnabledWords):
            attribute = self.attribute(value.from_, f"{name}.from")
            return Worded(attribute, yes=value.yes, no=value.no, where=self.path(name))
        return self.choice(value, name, strict=True)


def _complaint(field: GivenField, text: str) -> str:
    """Return what *field* has against the value *text*, "" when nothing."""
    try:
        field.parse(text)
    except ValueError as error:
        return f"{shown(text)} {error}"
    return ""


def _user_rules(settings: MappingSettings, compiler: _Compiler) -> EntityRules:
    users = settings.users
    profile = []
    for field in PROFILE_FIELDS:
        expression = compiler.optional(getattr(users.profile, field), f"users.profile.{field}")
        if expression is not None:
            profile.append((field, expression))
    given = []
    for asked in users.fields:
        text = getattr(users, asked.name)
        if text is not None:
            given.append((asked, compiler.given(asked, text, f"users.{asked.name}")))
    return EntityRules(
        kind=Kind.USER,
        key=compiler.key(settings.key, "key"),
        name=compiler.expression(users.name, "users.name", strict=True),
        display_name=compiler.expression(users.display_name, "users.display_name", strict=True),
        primary=compiler.expression(users.primary_email, "users.primary_email", strict=True),
        aliases=compiler.optional(users.aliases, "users.aliases"),
        enabled=compiler.enabled(users.enabled, "users.enabled"),
        hidden=None if users.hidden is None else compiler.choice(users.hidden, "users.hidden"),
        profile=tuple(profile),
        where=_paths(compiler, "users", *(field.name for field in users.fields)),
        given=tuple(given),
    )


def _group_rules(groups: GroupSettings, compiler: _Compiler) -> EntityRules:
    return EntityRules(
        kind=Kind.GROUP,
        key=compiler.key(groups.key, "groups.key"),
        name=compiler.expression(groups.name, "groups.name", strict=True),
        display_name=None,
        primary=compiler.expression(groups.primary_email, "groups.primary_email", strict=True),
        aliases=compiler.optional(groups.aliases, "groups.aliases"),
        enabled=True,
        hidden=None if groups.hidden is None else compiler.choice(groups.hidden, "groups.hidden"),
        profile=(),
        where=_paths(compiler, "groups"),
        references=_references(groups.members, compiler),
    )


def _references(members: MemberSettings | None, compiler: _Compiler) -> tuple[Reference, ...]:
    if members is None:
        return ()
    attribute = compiler.attribute(members.from_, "groups.members.from")
    by = compiler.attribute(members.by, "groups.members.by")
    groups_by = compiler.attribute(members.groups_by or "", "groups.members.groups_by")
    return (Reference(name=MEMBER, attribute=attribute, by={Kind.USER: by, Kind.GROUP: groups_by or by}),)


def _named_by(groups: GroupSettings | None) -> Mapping[Kind, set[str]]:
    """Return what entries of each kind must have to be named: groups needn't have what users are named by."""
    members = groups.members if groups else None
    if members is None:
        return {}
    return {Kind.USER: {members.by.strip()}, Kind.GROUP: {members.groups_by.strip()} if members.groups_by else set()}


def _paths(compiler: _Compiler, section: str, *more: str) -> dict[str, str]:
    names = ["name", "display_name", "primary_email", "aliases", "enabled", "hidden", *more]
    names += [f"profile.{field}" for field in PROFILE_FIELDS]
    return {name: compiler.path(f"{section}.{name}") for name in names}
