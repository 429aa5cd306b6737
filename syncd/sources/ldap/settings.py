"""The `source` section of type `ldap`: the connection, which entries are users and groups, what must be visible."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from syncd.model.names import Kind
from syncd.model.policy import Section
from syncd.sources.ldap.flavors import DisabledBy
from syncd.sources.ldap.settings_connection import ConnectionSettings

_ATTRIBUTE = r"^[A-Za-z][A-Za-z0-9-]*$"


def _as_list(value: Any) -> Any:  # noqa: ANN401 - whatever the file says
    # A tuple: where nothing is converted (strict), a list is none.
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def _checked_name(value: str) -> str:
    from syncd.sources.ldap import names  # noqa: PLC0415 - its patterns are costly, and a CSV source has no names

    try:
        names.parse(value)
    except names.BadName as error:
        message = f"{value!r} is no distinguished name: {error}"
        raise ValueError(message) from error
    return value


def _checked_filter(value: str) -> str:
    from syncd.sources.ldap import filters  # noqa: PLC0415 - the same for filters

    try:
        return filters.normalize(value)
    except filters.BadFilter as error:
        mark = value[max(0, error.position - 1) :][:20]
        near = f" ({mark!r})" if mark else " (its end)"
        message = f"this is no filter: {error}{near}"
        raise ValueError(message) from error


_CheckedName = Annotated[str, Field(min_length=1)]


class Query(Section):
    """Where entries are looked for. Without *filter*, the one that is usual for the flavor."""

    base: _CheckedName
    scope: Literal["sub", "one", "base"] = "sub"
    filter: str | None = None

    @field_validator("base")
    @classmethod
    def _a_name(cls, value: str) -> str:
        return _checked_name(value)

    @field_validator("filter")
    @classmethod
    def _a_filter(cls, value: str | None) -> str | None:
        return None if value is None else _checked_filter(value)


class GroupQuery(Query):
    """*members* names the attributes that say who belongs to a group; several are read together.

    `member`, `uniqueMember` and others hold names of entries, `memberUid` the `uid` of users; `memberOf` and
    `primaryGroupID` stand in the members themselves.
    """

    members: (
        Annotated[tuple[Annotated[str, Field(pattern=_ATTRIBUTE)], ...], BeforeValidator(_as_list), Field(min_length=1)]
        | None
    ) = None


class LdapSettings(ConnectionSettings):
    """A directory server.

    *canaries* are entries that must be visible: when one is not, the directory wasn't read completely. *disabled*
    lists what tells of a disabled account; without it, what is usual for the flavor.
    """

    type: Literal["ldap"]
    flavor: Literal["auto", "openldap", "active-directory", "389"] = "auto"
    users: Annotated[tuple[Query, ...], Field(min_length=1)]
    groups: tuple[GroupQuery, ...] = ()
    canaries: Annotated[tuple[_CheckedName, ...], BeforeValidator(_as_list)] = ()
    disabled: tuple[DisabledBy, ...] | None = None

    @property
    def queries(self) -> Mapping[Kind, tuple[Query, ...]]:
        """Where the entries of each kind are looked for; a kind that is not read has no query."""
        return {Kind.USER: self.users, Kind.GROUP: self.groups}

    @field_validator("canaries")
    @classmethod
    def _names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            _checked_name(each)
        return value
