"""A directory on a real OpenLDAP server, and sources over it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.sources.ldap.connection import Session, open_session
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.source import LdapSource
from tests.builders import member
from tests.fakes.clock import FakeClock
from tests.fakes.ldap_session import Interrupted
from tests.fakes.ldif import folder
from tests.fakes.slapd import READER_PASSWORD, SUFFIX, Slapd

PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
USED = frozenset({"uid", "cn", "mail"})


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Slapd]]:
    """Start a server that holds this LDIF below ou=people and ou=groups."""
    with ExitStack() as servers:

        def start(ldif: str, **options: Any) -> Slapd:  # noqa: ANN401 - the fields of a Slapd
            server = Slapd(folder=tmp_path / f"slapd-{len(list(tmp_path.iterdir()))}", **options)
            return servers.enter_context(server.load(folder(PEOPLE) + folder(GROUPS) + ldif))

        yield start


def settings_for(server: Slapd, **changes: object) -> LdapSettings:
    """Return settings for *server*: everybody below ou=people, every group below ou=groups."""
    said: Mapping[str, Any] = {
        "type": "ldap",
        "servers": [server.url],
        "bind": {"dn": server.reader, "password": READER_PASSWORD},
        "users": [{"base": PEOPLE}],
        "groups": [{"base": GROUPS}],
    }
    return LdapSettings.model_validate({**said, **changes})


def source_for(
    server: Slapd,
    *,
    key: str = "entryUUID",
    attributes: frozenset[str] = USED,
    members: str = "member",
    members_by: str = "dn",
    before: int = -1,
    happens: Callable[[], None] = lambda: None,
    **changes: object,
) -> LdapSource:
    """Return a source over *server*; *happens* is called before the search number *before*."""
    settings, clock = settings_for(server, **changes), FakeClock()
    connect = partial(open_session, settings, clock=clock)
    return LdapSource(
        settings,
        needs={
            Kind.USER: Needs(key=key, attributes=attributes),
            Kind.GROUP: Needs(
                key="entryUUID", attributes=frozenset({"cn"}), references=(member(members, by=members_by),)
            ),
        },
        clock=clock,
        connect=lambda: cast("Session", Interrupted(connect(), before, happens)),
    )
