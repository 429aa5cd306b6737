"""The directory's password is changed while syncd runs."""

from pathlib import Path

import pytest

from syncd import wiring
from syncd.clock import SystemClock
from syncd.errors import SourceUnreachable
from syncd.mapping.rules import Rules
from syncd.model.names import Kind
from syncd.settings import load
from tests.fakes.ldap_world import CREW, GROUPS, PEOPLE, directory
from tests.fakes.slapd import READER_PASSWORD, Slapd, skip_without_slapd

NEW_PASSWORD = "sesame-of-tomorrow"
CONFIG = """
store: sqlite:///syncd.db
organizations:
  - name: corp
    mode: full
    source:
      type: ldap
      servers: [{{url}}]
      bind: {dn: "{{reader}}", password: {file: secret}}
      users: [{base: "{{people}}"}]
      groups: [{base: "{{groups}}"}]
    mapping:
      key: entryUUID
      users: {name: uid, display_name: cn, primary_email: mail}
      groups: {key: entryUUID, name: cn, primary_email: mail, members: {from: member, by: dn}}
    workmail: {organization_id: m-0123456789abcdef0123456789abcdef, region: eu-west-1}
"""


@skip_without_slapd
def test_a_rotated_password_needs_no_restart(tmp_path: Path) -> None:
    """What was built once reads the file before each bind: the new password at once, and the old one never again."""
    (tmp_path / "secret").write_text(READER_PASSWORD, encoding="utf-8")
    with Slapd(folder=tmp_path / "slapd").load(directory()) as slapd:
        text = CONFIG
        for name, value in (("url", slapd.url), ("reader", slapd.reader), ("people", PEOPLE), ("groups", GROUPS)):
            text = text.replace(f"{{{{{name}}}}}", value)
        (tmp_path / "syncd.yaml").write_text(text, encoding="utf-8")
        loaded = load(tmp_path / "syncd.yaml")
        (organization,) = loaded.settings.organizations
        source = wiring.build_source(loaded, organization, Rules(organization.mapping), clock=SystemClock())
        assert len(source.read(()).of(Kind.USER)) == len(CREW)

        slapd.modify(f"dn: {slapd.reader}\nchangetype: modify\nreplace: userPassword\nuserPassword: {NEW_PASSWORD}\n")
        (tmp_path / "secret").write_text(NEW_PASSWORD + "\n", encoding="utf-8")
        assert len(source.read(()).of(Kind.USER)) == len(CREW)

        (tmp_path / "secret").write_text(READER_PASSWORD, encoding="utf-8")
        with pytest.raises(SourceUnreachable) as caught:
            source.read(())

    said = str(caught.value) + "".join(map(str, caught.value.problems))
    assert "check bind.dn and bind.password" in said
    assert READER_PASSWORD not in said
