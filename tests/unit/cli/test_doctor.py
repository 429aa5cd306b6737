"""How doctor's findings are written, character by character."""

import json

import pytest

from syncd.cli.doctor import AreaName, CheckGroup, write_documents, write_lines
from syncd.errors import ConfigurationError
from syncd.model.check import fail, ok, warn
from syncd.telemetry.redaction import SecretFilter
from syncd.wiring.examination import Area, areas_without_configuration

SECRET = "rosebud-CANARY"
LDAP = fail(
    "bind",
    f'ldaps://dc1.corp.example: cn=reader is refused: result 49: "no {SECRET}"\nand \x1b[31mno more',
    "check bind.dn and bind.password\nno second try is made",
    69,
)
GROUPS = [
    CheckGroup(
        organization=None,
        areas=(
            Area(name="configuration", examine=lambda: iter([ok("file", "/etc/syncd/syncd.yaml: 2 organizations")])),
            Area(name="store", examine=lambda: iter([warn("disk", "900 MiB free", "free some"), ok("schema", "1")])),
        ),
    ),
    CheckGroup(organization="planetexpress", areas=(Area(name="source", examine=lambda: iter([LDAP])),)),
    CheckGroup(organization="momcorp", areas=(Area(name="source", examine=lambda: iter([ok("bind", "as cn=mom")])),)),
]
HIDDEN = SecretFilter([SECRET])
TEXT = r"""this machine
  configuration
    OK    file          /etc/syncd/syncd.yaml: 2 organizations
  store
    WARN  disk          900 MiB free
                        -> free some
    OK    schema        1

planetexpress
  source
    FAIL  bind          ldaps://dc1.corp.example: cn=reader is refused: result 49: "no (hidden)"
                        and \x1b[31mno more
                        -> check bind.dn and bind.password
                           no second try is made

momcorp
  source
    OK    bind          as cn=mom

3 OK, 1 WARN, 1 FAIL
"""


def test_text_is_aligned_by_area(capsys: pytest.CaptureFixture[str]) -> None:
    """Grouped, the remedy on a line of its own, nothing invisible, no secret."""
    checks = list(write_lines(GROUPS, 30.0, HIDDEN, coloured=False))

    assert capsys.readouterr().out == TEXT
    assert [check.exit_code for check in checks] == [0, 0, 0, 69, 0]


def test_colour_changes_nothing_but_colour(capsys: pytest.CaptureFixture[str]) -> None:
    """Green, yellow and bold red around the one word."""
    list(write_lines(GROUPS, 30.0, HIDDEN, coloured=True))
    text = capsys.readouterr().out

    assert "    \x1b[32mOK  \x1b[0m  file  " in text
    assert "    \x1b[33mWARN\x1b[0m  disk  " in text
    assert "    \x1b[31m\x1b[1mFAIL\x1b[0m  bind  " in text
    for code in ("\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[1m", "\x1b[0m"):
        text = text.replace(code, "")
    assert text == TEXT


def test_json_is_a_document_for_each_organization(capsys: pytest.CaptureFixture[str]) -> None:
    """Each is whole by itself: what all share stands in each of them."""
    list(write_documents(GROUPS, 30.0, HIDDEN))
    text = capsys.readouterr().out
    decoder, documents = json.JSONDecoder(), []
    while text.strip():
        document, end = decoder.raw_decode(text)
        documents.append(document)
        text = text[end:].lstrip()

    assert [(each["organization"], len(each["checks"])) for each in documents] == [("planetexpress", 4), ("momcorp", 4)]
    assert list(documents[0]) == ["schema_version", "organization", "checks"]
    assert documents[0]["checks"][1] == {
        "topic": "disk",
        "health": "WARN",
        "found": "900 MiB free",
        "remedy": "free some",
        "exit_code": 0,
        "area": "store",
    }
    assert documents[0]["checks"][3]["found"].startswith("ldaps://dc1.corp.example: cn=reader is refused: result 49")
    assert SECRET not in str(documents)


def test_json_without_a_configuration_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    """Then there is no organization to name."""
    list(write_documents(GROUPS[:1], 30.0, HIDDEN))
    document = json.loads(capsys.readouterr().out)

    assert document["organization"] is None
    assert [check["topic"] for check in document["checks"]] == ["file", "disk", "schema"]


def test_the_areas_that_can_be_chosen_are_those_there_are() -> None:
    """`--area` knows every area, also where the configuration can't be read."""
    names = [each.name for each in areas_without_configuration(ConfigurationError("no"))]

    assert names == list(AreaName)
