"""`syncd init`, `doctor` and `explain` for an LDAP directory."""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.authority import Authority
from tests.fakes.ldif import folder, person, record
from tests.fakes.slapd import READER_PASSWORD, SUFFIX, Slapd, skip_without_slapd
from tests.functional.places import Ended, Warm

pytestmark = skip_without_slapd
PEOPLE = f"ou=people,{SUFFIX}"


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    process = Warm()
    yield process
    process.close()


@dataclass
class Desk:
    """A folder to work in, beside a server that shows a certificate."""

    folder: Path
    server: Slapd
    ca_file: Path
    warm: Warm

    def syncd(self, *arguments: str) -> Ended:
        return self.warm.run(arguments, self.folder, dict(os.environ))

    def doctor(self, *arguments: str) -> Ended:
        """Look at the directory alone: there is no AWS here."""
        return self.syncd("doctor", "--area", "source", *arguments)

    def init(self, *arguments: str) -> Ended:
        known = ("--ca-file", str(self.ca_file), "--bind-dn", self.server.reader, "--password-file", "ldap_password")
        return self.syncd("init", "--source", "ldap", "--server", self.server.tls_url, *(arguments or known))

    def password(self, text: str) -> None:
        (self.folder / "ldap_password").write_text(text, encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path, warm: Warm) -> Iterator[Desk]:
    authority = Authority(tmp_path / "ca")
    people = person(f"cn=Ada,{PEOPLE}", "ada", mail="ada@corp.example") + person(f"cn=Bob,{PEOPLE}", "bob")
    crew = record(f"cn=crew,{SUFFIX}", "groupOfNames", member=[f"cn=Ada,{PEOPLE}", f"cn=Bob,{PEOPLE}"])
    server = Slapd(folder=tmp_path / "slapd", identity=authority.issue("127.0.0.1"))
    with server.load(folder(PEOPLE) + people + crew):
        work = tmp_path / "work"
        work.mkdir()
        found = Desk(work, server, authority.ca_file, warm)
        found.password(READER_PASSWORD)
        yield found


def test_init_asks_the_server_and_writes_a_configuration_that_works(desk: Desk) -> None:
    """Filters, keys and members are those of its flavor; check and doctor find nothing wrong."""
    written = desk.init()

    assert (written.code, written.err) == (0, "")
    assert f"is OpenLDAP, with entries below {SUFFIX}" in written.out
    assert "key: entryUUID" in (desk.folder / "syncd.yaml").read_text(encoding="utf-8")
    assert desk.syncd("check").code == 0
    healthy = desk.doctor()
    assert (healthy.code, "FAIL" in healthy.out) == (0, False), healthy.out


def test_doctor_says_what_was_chosen_and_what_is_there(desk: Desk) -> None:
    """Server, certificate, account, flavor, pages, people, groups; and never the password."""
    desk.init()
    shown = desk.doctor()
    document = json.loads(desk.doctor("--format", "json").out)

    found = {check["topic"]: check["found"] for check in document["checks"]}
    assert found["connection"] == f"{desk.server.tls_url} answers"
    assert found["tls"].startswith("the certificate is for 127.0.0.1, by Example Root, until ")
    assert found["bind"] == f"as {desk.server.reader}"
    assert found["flavor"].startswith("OpenLDAP (as configured); members by member, memberUid, uniqueMember;")
    assert found["people"] == "2, of whom 0 are disabled"
    assert found["groups"] == "1 group, the largest of 2 members"
    assert {check["health"] for check in document["checks"]} <= {"OK", "WARN"}
    assert READER_PASSWORD not in shown.out + shown.err


def test_the_ldapsearch_line_of_doctor_finds_the_same(desk: Desk) -> None:
    """An administrator can see for himself: the line runs as it is, but for the password."""
    desk.init()
    document = json.loads(desk.doctor("--format", "json").out)
    (line,) = (check["found"] for check in document["checks"] if check["topic"] == "users as")
    environment, words = {}, shlex.split(line)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    words[words.index("-W") : words.index("-W") + 1] = ["-w", READER_PASSWORD]

    done = subprocess.run(words, env={**os.environ, **environment}, capture_output=True, text=True, check=True)

    assert done.stdout.count("dn: ") == 2


@pytest.mark.parametrize(
    ("old", "new", "topic", "told", "code"),
    [
        ('"dc=corp,dc=example"]', '"cn=nobody,dc=corp,dc=example"]', "canaries", "the canary cn=nobody", 65),
        ('- base: "dc=corp,dc=example" # better', '- base: "dc=wrong" # better', "rights", "the base dc=wrong", 65),
        ("key: entryUUID # never", "key: mail # never", "key", "mail may change", 0),
        ("(objectClass=inetOrgPerson)", "(objectClass=country)", "people", "nobody was found", 0),
        ("tls: {", "tls: {} # {", "tls", "no authority known here", 69),
    ],
)
def test_doctor_tells_what_is_wrong_and_what_to_do(
    desk: Desk, old: str, new: str, topic: str, told: str, code: int
) -> None:
    """Each with its topic, and with the exit code that a cycle would end with."""
    desk.init()
    config = desk.folder / "syncd.yaml"
    text = config.read_text(encoding="utf-8")
    assert old in text
    config.write_text(text.replace(old, new, 1), encoding="utf-8")

    ended = desk.doctor("--format", "json")

    checks = [check for check in json.loads(ended.out)["checks"] if check["topic"] == topic]
    assert any(told in check["found"] and check["health"] != "OK" for check in checks), ended.out
    assert ended.code == code


def test_a_wrong_password_is_told_with_the_next_step(desk: Desk) -> None:
    """The account isn't locked by trying again, and the text of the password shows nowhere."""
    desk.init()
    desk.password("wrong-password-of-mine")
    ended = desk.doctor()

    assert ended.code == 69
    assert "FAIL  bind" in ended.out
    assert "not looked at: rights, canaries, pages" in ended.out
    assert "check bind.dn and bind.password" in ended.out
    assert "wrong-password-of-mine" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("init", "--source", "ldap"), 64, "which server?"),
        (("init", "--server", "ldaps://dc1.corp.example"), 64, "add --source ldap"),
        (("init", "--source", "ldap", "--server", "ldap://dc1.corp.example"), 64, "write ldaps://dc1.corp.example"),
        (("init", "--source", "ldap", "--server", "http://x"), 64, "can't be asked"),
        (("init", "--source", "ldap", "--server", "ldaps://x", "--bind-dn", "cn=a"), 64, "belong together"),
    ],
)
def test_init_asks_for_what_it_lacks(desk: Desk, arguments: tuple[str, ...], code: int, told: str) -> None:
    """Wrong words end with 64, and no file is written."""
    ended = desk.syncd(*arguments)

    assert ended.code == code
    assert told in ended.err
    assert not (desk.folder / "syncd.yaml").exists()


def test_init_leaves_a_file_that_is_there(desk: Desk) -> None:
    """A configuration is somebody's work."""
    (desk.folder / "syncd.yaml").write_text("mine", encoding="utf-8")
    assert desk.init().code == 64
    assert (desk.folder / "syncd.yaml").read_text(encoding="utf-8") == "mine"
