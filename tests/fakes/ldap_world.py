"""A whole syncd in memory over a real directory server, in which every loss shows at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from syncd.errors import SourceError, SourceIncomplete, SourceUnreachable
from syncd.mapping.rules import Rules
from syncd.mapping.settings import MappingSettings
from syncd.mapping.snapshot import map_snapshot
from syncd.model.policy import Mode, Policy, Removal
from syncd.parts import Parts
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.source import LdapSource
from syncd.workmail.limits import workmail_limits
from tests.builders import WIDE_OPEN
from tests.fakes import ber
from tests.fakes.byte_proxy import ByteProxy, Rewrite
from tests.fakes.cycles import DOMAIN, World
from tests.fakes.ldif import folder, person, record
from tests.fakes.slapd import READER_PASSWORD, SUFFIX, Slapd

PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
CREW = tuple(f"p{number:02d}" for number in range(11))
TEAMS: Mapping[str, tuple[str, ...]] = {"crew": CREW, "few": CREW[:2], "last": CREW[-1:]}
PAGE = 4
_END = 0x65
#: Whoever is missing once is removed at once, and no guard is in the way: only the source can prevent it.
RECKLESS = Policy(
    mode=Mode.FULL,
    removal=Removal(after_cycles=1, after=timedelta(0)),
    guards=WIDE_OPEN,
)
MAPPING = MappingSettings.model_validate(
    {
        "key": "entryUUID",
        "users": {
            "name": "uid",
            "display_name": "cn",
            "primary_email": f"{{{{ uid }}}}@{DOMAIN}",
            "enabled": "{{ disabled != 'true' }}",
        },
        "groups": {
            "key": "entryUUID",
            "name": "cn",
            "primary_email": f"{{{{ cn }}}}@{DOMAIN}",
            "members": {"from": "member", "by": "dn"},
        },
    }
)


def directory() -> str:
    """Return the LDIF of eleven people and three groups: three pages of people, one of groups."""
    people = "".join(person(f"uid={uid},{PEOPLE}", uid) for uid in CREW)
    groups = (
        record(f"cn={name},{GROUPS}", "groupOfNames", member=[f"uid={uid},{PEOPLE}" for uid in members])
        for name, members in TEAMS.items()
    )
    return folder(PEOPLE) + folder(GROUPS) + people + "".join(groups)


@dataclass
class LdapWorld(World):
    """Like `World`; the directory is that on *slapd*, read through the server at *url*."""

    policy: Policy = field(default_factory=lambda: RECKLESS)
    slapd: Slapd = field(kw_only=True)
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.url = self.slapd.url

    def parts(self) -> Parts:
        said: dict[str, Any] = {
            "type": "ldap",
            "servers": [self.url],
            "bind": {"dn": self.slapd.reader, "password": READER_PASSWORD},
            "users": [{"base": PEOPLE}],
            "groups": [{"base": GROUPS}],
            "page_size": PAGE,
            "timeouts": {"connect": "2s", "receive": "2s"},
        }
        rules = Rules(MAPPING)
        settings = LdapSettings.model_validate({**said, **self.changes})
        source = LdapSource(settings, needs=rules.needs, clock=self.clock)
        mapped = partial(map_snapshot, rules=rules, limits=workmail_limits())
        return replace(super().parts(), source=source, source_name="ldap:entryUUID", map_snapshot=mapped)

    def sync_through(self, *, cut_after: int | None = None, cut_at: int = 0, rewrite: Rewrite | None = None) -> "Ended":
        """Run a cycle whose source is read through a proxy; return how it ended and what it left behind."""
        self.caller.sent.clear()
        marks, counts = dict(self.stores.marks), dict(self.stores.counts)
        error: SourceError | None = None
        with ByteProxy(upstream=self.slapd.port, cut_after=cut_after, truncate_to=cut_at, rewrite=rewrite) as proxy:
            self.url = proxy.url
            try:
                self.sync()
            except SourceError as raised:
                error = raised
            finally:
                self.url = self.slapd.url
            return Ended(
                error=error,
                server=proxy.url,
                messages=proxy.messages,
                changed=[operation for operation, _ in self.caller.mutations],
                remembers_more=(self.stores.marks, self.stores.counts) != (marks, counts),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a cycle ended: *error* None after a complete read; *changed* are the calls that changed something."""

    error: SourceError | None
    server: str
    messages: int
    changed: list[str]
    remembers_more: bool

    @property
    def said(self) -> str:
        error = self.error
        return "" if error is None else "\n".join([error.message, *map(str, error.problems), error.hint])


def synced_world(slapd: Slapd) -> LdapWorld:
    """Return a world in which everybody has a mailbox and is in their groups; the next cycle has nothing to do."""
    world = LdapWorld(slapd=slapd)
    world.sync()
    assert len(world.stores.bindings) == len(CREW) + len(TEAMS)
    again = world.sync_through()
    assert (again.error, again.changed) == (None, [])
    return world


def assert_harmless(world: LdapWorld, ended: Ended) -> None:
    """Nothing was sent, nobody is counted as missing; an error names the server and what was read."""
    assert ended.changed == []
    assert world.stores.marks == {}
    if ended.error is None:
        return
    assert not ended.remembers_more
    assert isinstance(ended.error, SourceIncomplete | SourceUnreachable)
    assert ended.server in ended.said, ended.said
    if "searching" in ended.said:
        assert " for (" in ended.said


def replaced(search: int, code: int) -> Rewrite:
    """Return what ends the search number *search*, counted in pages, with *code*."""
    ends = iter(range(1_000))

    def rewrite(number: int, message: bytes) -> list[bytes]:
        if ber.operation_of(message) != _END or next(ends) != search:
            return [message]
        return [ber.done(ber.request_of(message)[0], code, "on purpose", cookie=b"")]

    return rewrite


def searches_of(world: LdapWorld) -> int:
    """Return how many answers to searches a whole read has, a page each."""
    ends = 0

    def count(number: int, message: bytes) -> list[bytes]:
        nonlocal ends
        ends += ber.operation_of(message) == _END
        return [message]

    assert world.sync_through(rewrite=count).error is None
    return ends
