"""The reference that lies beside the examples."""

import re

import pytest

from syncd.cli.app import EXIT_CODES
from syncd.errors import EXIT_PRECEDENCE, Interrupted
from syncd.settings.schema import editor_schema
from tests.reference import DOCUMENTS, FOLDER


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_reference_says_what_the_code_says(name: str) -> None:
    """Whoever changes a metric, an event, an exit code or a setting writes it anew: python -m tests.reference."""
    assert (FOLDER / name).read_text(encoding="utf-8") == DOCUMENTS[name]()


def test_the_reference_holds_nothing_else() -> None:
    """A file that nobody makes would never be right for long."""
    assert {path.name for path in FOLDER.iterdir()} == set(DOCUMENTS)


def test_every_exit_code_is_explained() -> None:
    """Those of the command line's help, those of the errors, and those of the order among them, each once."""
    lines = DOCUMENTS["exit-codes.md"]().splitlines()
    codes = [
        int(line.split("|")[1]) for line in lines if line.startswith("| ") and line.split("|")[1].strip().isdigit()
    ]

    assert codes == sorted({*EXIT_CODES, *EXIT_PRECEDENCE, Interrupted.exit_code})


@pytest.mark.parametrize(
    "row",
    [
        "| `personal_data` | true or false | `false` | true shows names and addresses in log lines |",
        "| `groups` | text or null | `null` | optional: without it, no group is compared |",
        "| `page_size` | number, 0 to 100000 | `1000` | entries in one answer; 0 for servers that know no pages |",
        "| `dn` | text or null | `null` | Active Directory also takes reader@corp.example |",
    ],
)
def test_a_key_is_explained_in_the_words_of_the_example(row: str) -> None:
    """Type and default come from the models, the meaning from the comment above or behind the key."""
    assert row in DOCUMENTS["settings.md"]().splitlines()


def test_every_key_has_its_row() -> None:
    """Each key of each section that the schema for editors knows."""
    rows = re.findall(r"^\| `(\w+)` \|", DOCUMENTS["settings.md"](), re.MULTILINE)
    known = [set(section.get("properties", ())) for section in editor_schema()["$defs"].values()]

    assert set().union(*known) - {"env", "file", "credential"} <= set(rows)
    assert len(rows) > 100
