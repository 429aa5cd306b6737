"""An exception to a rule says why it is one."""

import re
from pathlib import Path

import pytest

# A comment that silences a tool, and the words that follow it.
SILENCED = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma:\s*no\s*(?:cover|branch))\b(?P<rest>[^\n]*)")
CODES = re.compile(r"^(?::\s*[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*|\[[a-z, -]+\])")


def without_reason(text: str) -> list[str]:
    """The comments in a text that silence a tool and say nothing, or one word, beyond the rule's name."""
    return [
        match.group()
        for match in SILENCED.finditer(text)
        if len(re.findall(r"[a-z]+", CODES.sub("", match["rest"]))) < 2
    ]


def test_every_rule_of_ruff_that_is_off_has_a_reason(root: Path) -> None:
    """Each ignored rule in pyproject.toml has its reason on its line."""
    lines = (root / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if re.match(r'    "[A-Z]+[0-9]*",', line)]

    assert len(rules) > 20
    assert [line for line in rules if not re.search(r"# \w+.* \w+", line)] == []


def test_every_silenced_line_has_a_reason(texts: dict[str, str]) -> None:
    """Each `noqa` and `type: ignore` names its rule and says why: `# noqa: S311 - a seed replays it`."""
    silenced = {
        name: found
        for name, text in texts.items()
        if name.endswith(".py") and name != "tests/architecture/test_exceptions.py"
        if (found := without_reason(text))
    }

    assert silenced == {}


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("x = 1  # noqa: S311", True),
        ("x = 1  # noqa: S311, PLR0913", True),
        ("x = 1  # type: ignore[no-any-return]", True),
        ("x = 1  # noqa: S311 - a seed replays it", False),
        ("x = 1  # type: ignore[no-any-return]  # the library says Any", False),
        ("x = 1  # noqa: B008  (frozen, so that all may share it)", False),
        ("x = 1  # an ordinary comment", False),
    ],
)
def test_a_reason_is_told_from_a_code(line: str, is_found: bool) -> None:
    """A rule's name alone is no reason."""
    assert bool(without_reason(line)) is is_found
