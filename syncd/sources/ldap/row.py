"""LDAP servers in the registry of sources."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from syncd.model.check import Check
from syncd.model.names import Kind
from syncd.sources.ldap.plaintext import judge
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.row import Making, SourceRow

if TYPE_CHECKING:
    from syncd.sources.ldap.source import LdapSource

#: Unless the mapping says who is enabled, the server's disabled accounts are not.
_USER_DEFAULTS = {"enabled": "{{ disabled != 'true' }}"}


def _build(settings: LdapSettings, making: Making) -> "LdapSource":
    from syncd.sources.ldap.connection import open_session
    from syncd.sources.ldap.source import LdapSource

    connect = partial(open_session, settings, clock=making.clock, password=_password(settings, making))
    if making.event is not None:
        connect = partial(connect, event=making.event)
    return LdapSource(
        settings,
        needs=making.needs,
        clock=making.clock,
        connect=connect,
    )


def _password(settings: LdapSettings, making: Making) -> Callable[[], str]:
    """Return what tells the password as it is now: it may have been changed since the configuration was read."""

    def password() -> str:
        now = making.settings_now()
        bind = now.bind if isinstance(now, LdapSettings) else settings.bind
        return bind.password.get_secret_value() if bind.password else ""

    return password


def _examine(settings: LdapSettings, making: Making) -> Iterator[Check]:
    from syncd.sources.ldap.connection import try_each
    from syncd.sources.ldap.examination import examine

    attempts = partial(try_each, settings, clock=making.clock, password=_password(settings, making))
    yield from examine(settings, _build(settings, making), making.needs[Kind.USER], making.clock, attempts)


def _look_up(settings: LdapSettings, kind: Kind, attribute: str, value: str) -> tuple[str, ...]:
    from syncd.sources.ldap.ldapsearch import lines_for

    return lines_for(settings, kind, attribute, value)


LDAP = SourceRow(
    name="ldap",
    settings=LdapSettings,
    build=_build,
    examine=_examine,
    judge=judge,
    look_up=_look_up,
    user_defaults=_USER_DEFAULTS,
)
