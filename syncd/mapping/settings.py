"""The `mapping` section: which attribute or template gives which property of an entity."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, create_model, model_validator

from syncd.model.given import GivenField
from syncd.model.names import Kind
from syncd.model.policy import Section

#: A bare word is an attribute name; with braces it is a template (design.md section 9).
Expression = Annotated[str, Field(min_length=1)]


def fold_word(word: str) -> str:
    """Return the form in which words are compared: without case, and without blanks around."""
    return word.strip().casefold()


def _word(text: str) -> str:
    if not text.strip():
        message = "a word can't be blank: who has none is rejected"
        raise ValueError(message)
    return text


Word = Annotated[str, AfterValidator(_word)]
#: Where a yes or no is wanted, a plain one may be written.
Choice = Expression | bool


class ProfileSettings(Section):
    """Personal attributes (`syncd.model.state.PROFILE_FIELDS`); what is not named here is not managed."""

    first_name: Expression | None = None
    last_name: Expression | None = None
    initials: Expression | None = None
    job_title: Expression | None = None
    department: Expression | None = None
    company: Expression | None = None
    office: Expression | None = None
    telephone: Expression | None = None
    street: Expression | None = None
    city: Expression | None = None
    zip_code: Expression | None = None
    country: Expression | None = None


class EnabledWords(Section):
    """*from* is the attribute that says who is enabled: one of the words *yes*, or of the words *no*.

    Compared without regard to case and blanks around. Any other value, or none, rejects the entry: a gap or a slip of
    the pen takes nobody's mailbox.
    """

    from_: Annotated[str, Field(alias="from", min_length=1)]
    yes: Annotated[tuple[Word, ...], Field(min_length=1)]
    no: Annotated[tuple[Word, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _apart(self) -> "EnabledWords":  # noqa: N804 - an "after" validator is given the instance
        """Refuse a word that says yes and no."""
        both = {fold_word(word) for word in self.yes} & {fold_word(word) for word in self.no}
        if both:
            raise ValueError(f"{min(both)!r} stands among the words for yes and among those for no")
        return self


class UserSettings(Section):
    """Users. Without `enabled`, everyone who is in the directory is."""

    #: What pages ask of the directory besides.
    fields: ClassVar[tuple[GivenField, ...]] = ()

    name: Expression
    display_name: Expression
    primary_email: Expression
    aliases: Expression | None = None
    enabled: Choice | EnabledWords = True
    hidden: Choice | None = None
    profile: ProfileSettings = ProfileSettings()


class MemberSettings(Section):
    """*from* is the group's attribute that lists members; *by* the attribute, of users and of groups, that they name.

    Where groups have another attribute than users, *groups_by* names it: their ids may be the same numbers, so nothing
    is guessed. `group:KEY` and `user:KEY` are understood always.
    """

    from_: Annotated[str, Field(alias="from", min_length=1)]
    by: Annotated[str, Field(min_length=1)]
    groups_by: Annotated[str, Field(min_length=1)] | None = None


class GroupSettings(Section):
    """Groups. One without address is not mapped: its members flow into the groups it is a member of."""

    key: Annotated[str, Field(min_length=1)]
    name: Expression
    primary_email: Expression
    aliases: Expression | None = None
    hidden: Choice | None = None
    members: MemberSettings | None = None
    nested: Literal["keep", "flatten", "direct"] = "keep"


class Expectation(Section):
    """What an example gives. Only what is written is compared."""

    #: What pages ask of the directory besides.
    fields: ClassVar[tuple[GivenField, ...]] = ()

    name: str | None = None
    display_name: str | None = None
    primary_email: str | None = None
    aliases: tuple[str, ...] | None = None
    enabled: bool | None = None
    hidden: bool | None = None
    profile: dict[str, str] | None = None


class Example(Section):
    """An entry, and what must come of it: an entity (*gives*), or a rejection whose reason contains *rejected*."""

    kind: Literal["user", "group"] = "user"
    entry: dict[str, str | tuple[str, ...]]
    gives: Expectation | None = None
    rejected: str | None = None


class MappingSettings(Section):
    """*key* is the attribute that never changes for a person: an id, never a name or an address."""

    key: Annotated[str, Field(min_length=1)]
    users: UserSettings
    groups: GroupSettings | None = None
    tests: tuple[Example, ...] = ()

    @property
    def keys(self) -> Mapping[Kind, str]:
        """The key attribute of each kind that is mapped."""
        return {Kind.USER: self.key} | ({Kind.GROUP: self.groups.key} if self.groups else {})

    def with_user_defaults(self, defaults: Mapping[str, str]) -> "MappingSettings":
        """Return the mapping in which *defaults* stand for what the configuration leaves out of users."""
        missing = {name: text for name, text in defaults.items() if name not in self.users.model_fields_set}
        if not missing:
            return self
        return self.model_copy(update={"users": self.users.model_copy(update=missing)})


def mapping_settings(fields: Sequence[GivenField]) -> type[MappingSettings]:
    """Return the section in which users, and examples, may have *fields* too; without any, `MappingSettings` itself."""
    if not fields:
        return MappingSettings
    keys: dict[str, Any] = {
        field.name: (Annotated[Expression | None, Field(description=field.says)], None) for field in fields
    }
    users = create_model("UserSettings", __base__=UserSettings, __doc__=UserSettings.__doc__, **keys)
    users.fields = tuple(fields)
    said: dict[str, Any] = {field.name: (str | None, None) for field in fields}
    gives = create_model("Expectation", __base__=Expectation, __doc__=Expectation.__doc__, **said)
    gives.fields = tuple(fields)
    example: dict[str, Any] = {"gives": (gives | None, None)}
    tests = create_model("Example", __base__=Example, __doc__=Example.__doc__, **example)
    mapping: dict[str, Any] = {"users": (users, ...), "tests": (tuple[tests, ...], ())}
    return create_model("MappingSettings", __base__=MappingSettings, __doc__=MappingSettings.__doc__, **mapping)
