from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.ports import Source
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.source import LdapSource
from tests.builders import member
from tests.contract.source_contract import ADA, BOB, CREW, Row, SourceContract
from tests.fakes.clock import FakeClock
from tests.fakes.ldif import folder, record
from tests.fakes.slapd import READER_PASSWORD, SUFFIX, Slapd, free_port, skip_without_slapd

PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
#: The contract's attributes, as a directory with a schema of its own has them.
SCHEMA = (
    *(
        f"attributetype ( 1.3.6.1.4.1.55555.1.{number} NAME '{name}' EQUALITY caseIgnoreMatch "
        "SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )"
        for number, name in enumerate(("id", "login", "other"), start=1)
    ),
    (
        "objectclass ( 1.3.6.1.4.1.55555.2.1 NAME 'row' SUP top STRUCTURAL "
        "MUST cn MAY ( id $ login $ other $ mail $ member ) )"
    ),
)


@skip_without_slapd
class TestLdapSource(SourceContract):
    @pytest.fixture(autouse=True)
    def _servers(self, tmp_path: Path) -> Iterator[None]:
        self.folder = tmp_path
        with ExitStack() as self.servers:
            yield

    def make_source(self, people: Sequence[Row], groups: Sequence[Row] | None) -> Source:
        names = {str(row["id"]): f"cn={number},{PEOPLE}" for number, row in enumerate(people) if "id" in row}
        ldif = folder(PEOPLE) + folder(GROUPS)
        ldif += "".join(record(f"cn={number},{PEOPLE}", "row", **row) for number, row in enumerate(people))
        for number, group in enumerate(groups or ()):
            members = tuple(names.get(each, f"cn=elsewhere-{each},{SUFFIX}") for each in group["member"])
            ldif += record(f"cn={number},{GROUPS}", "row", **{**group, "member": members})
        server = Slapd(folder=self.folder / f"slapd-{free_port()}", settings=SCHEMA).load(ldif)
        self.servers.enter_context(server)
        return _source(server.url, server.reader, with_groups=groups is not None)

    def make_unreachable(self) -> Source:
        return _source(f"ldap://127.0.0.1:{free_port()}", "cn=reader", with_groups=False)

    def test_members_are_listed(self) -> None:
        """A directory server names members by their distinguished names: those that `dn` of the people says."""
        snapshot = self.make_source([ADA, BOB], [CREW]).read(())

        (crew,) = snapshot.of(Kind.GROUP)
        assert sorted(crew.attributes["member"]) == sorted(user.attributes["dn"][0] for user in snapshot.of(Kind.USER))
        assert len(crew.attributes["member"]) == 2


def _source(url: str, reader: str, *, with_groups: bool) -> LdapSource:
    group = {"base": GROUPS, "filter": "(objectClass=row)", "members": ["member"]}
    settings = LdapSettings.model_validate(
        {
            "type": "ldap",
            "servers": [url],
            "bind": {"dn": reader, "password": READER_PASSWORD},
            "users": [{"base": PEOPLE, "filter": "(objectClass=row)"}],
            "groups": [group] if with_groups else [],
        }
    )
    attributes = frozenset({"login", "mail", "other"})
    return LdapSource(
        settings,
        needs={
            Kind.USER: Needs(key="id", attributes=attributes),
            Kind.GROUP: Needs(key="id", attributes=attributes, references=(member("member"),)),
        },
        clock=FakeClock(),
    )
