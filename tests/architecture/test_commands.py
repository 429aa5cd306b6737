"""The commands of the checks leave no folder of tests out."""

import re
import tomllib

from tests.conftest import ROOT


def test_every_folder_of_quick_tests_is_run() -> None:
    """tests/run measures all but the property tests, so it names the folders; pytest by itself knows the same."""
    script = (ROOT / "tests" / "run").read_text(encoding="utf-8")
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["testpaths"]
    assert set(re.findall(r"tests/\w+(?=[ \"\n])", script)) >= set(known)
