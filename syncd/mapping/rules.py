"""The `mapping` section, compiled: which expression gives which property. Every problem with it is found at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError

from syncd.errors import ConfigurationError, Problem
from syncd.mapping.expressions import Expression, parse
from syncd.mapping.settings import Example, GroupSettings, MappingSettings, MemberSettings
from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.model.state import PROFILE_FIELDS


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityRules:
    """How entries of one *kind* become entities. *where* is the path of each expression in the settings.

    A choice that is True or False is the same for everyone; *hidden* None is not managed.
    """

    kind: Kind
    name: Expression
    display_name: Expression | None
    primary: Expression
    aliases: Expression | None
    enabled: Expression | bool
    hidden: Expression | bool | None
    profile: tuple[tuple[str, Expression], ...]
    where: Mapping[str, str]

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
        self.key = compiler.attribute(settings.key, "key")
        self.user = _user_rules(settings, compiler)
        self.group = _group_rules(settings.groups, compiler) if settings.groups else None
        self.group_key = compiler.attribute(settings.groups.key, "groups.key") if settings.groups else ""
        self.nested = settings.groups.nested if settings.groups else "keep"
        self.members: MemberSettings | None = _member_rules(settings.groups, compiler)
        self.examples: tuple[Example, ...] = settings.tests
        if compiler.problems:
            raise ConfigurationError("the mapping can't be used", compiler.problems)

    @property
    def users(self) -> Needs:
        """What is used of the entries of users."""
        by = {self.members.by} if self.members else set()
        return Needs(key=self.key, attributes=self.user.attributes_used() | by)

    @property
    def groups(self) -> Needs | None:
        """What is used of the entries of groups; None when the mapping has no groups."""
        if self.group is None:
            return None
        by = {self.members.groups_by} if self.members and self.members.groups_by else set()
        members = self.members.from_ if self.members else ""
        return Needs(key=self.group_key, attributes=self.group.attributes_used() | by, members=members)

    @property
    def given(self) -> frozenset[str]:
        """The things that the directory gives something for: `profile`, where any attribute or `hidden` is mapped."""
        everyone = (self.user, *((self.group,) if self.group else ()))
        profile = any(rules.profile or rules.hidden is not None for rules in everyone)
        return frozenset({"profile"} if profile else ())

    def attributes_used(self) -> frozenset[str]:
        """Return every attribute that any expression, key or membership uses."""
        return self.users.all | (self.groups.all if self.groups else frozenset())


class _Compiler:
    """Compiles expressions and collects what is wrong with them."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.problems: list[Problem] = []

    def path(self, name: str) -> str:
        return f"{self._where}.{name}"

    def attribute(self, text: str, name: str) -> str:
        """Return *text* as an attribute name: where nothing may be computed."""
        if "{" in text or "}" in text:
            reason = f"{text!r} is a template, but an attribute name is needed"
            remedy = "name the attribute that never changes" if name.endswith("key") else "name an attribute"
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

    def choice(self, value: str | bool, name: str) -> Expression | bool:  # noqa: FBT001 - the settings allow both
        if isinstance(value, bool) or value in ("true", "false"):
            return value is True or value == "true"
        return self.expression(value, name)


def _user_rules(settings: MappingSettings, compiler: _Compiler) -> EntityRules:
    users = settings.users
    profile = []
    for field in PROFILE_FIELDS:
        expression = compiler.optional(getattr(users.profile, field), f"users.profile.{field}")
        if expression is not None:
            profile.append((field, expression))
    return EntityRules(
        kind=Kind.USER,
        name=compiler.expression(users.name, "users.name", strict=True),
        display_name=compiler.expression(users.display_name, "users.display_name", strict=True),
        primary=compiler.expression(users.primary_email, "users.primary_email", strict=True),
        aliases=compiler.optional(users.aliases, "users.aliases"),
        enabled=compiler.choice(users.enabled, "users.enabled"),
        hidden=None if users.hidden is None else compiler.choice(users.hidden, "users.hidden"),
        profile=tuple(profile),
        where=_paths(compiler, "users"),
    )


def _group_rules(groups: GroupSettings, compiler: _Compiler) -> EntityRules:
    return EntityRules(
        kind=Kind.GROUP,
        name=compiler.expression(groups.name, "groups.name", strict=True),
        display_name=None,
        primary=compiler.expression(groups.primary_email, "groups.primary_email", strict=True),
        aliases=compiler.optional(groups.aliases, "groups.aliases"),
        enabled=True,
        hidden=None if groups.hidden is None else compiler.choice(groups.hidden, "groups.hidden"),
        profile=(),
        where=_paths(compiler, "groups"),
    )


def _member_rules(groups: GroupSettings | None, compiler: _Compiler) -> MemberSettings | None:
    if groups is None or groups.members is None:
        return None
    members = groups.members
    compiler.attribute(members.from_, "groups.members.from")
    compiler.attribute(members.by, "groups.members.by")
    compiler.attribute(members.groups_by or "", "groups.members.groups_by")
    return members


def _paths(compiler: _Compiler, section: str) -> dict[str, str]:
    names = ["name", "display_name", "primary_email", "aliases", "enabled", "hidden"]
    names += [f"profile.{field}" for field in PROFILE_FIELDS]
    return {name: compiler.path(f"{section}.{name}") for name in names}
