"""What a start of syncd costs."""

import subprocess
import sys
from pathlib import Path

HEAVY = {"boto3", "botocore", "ldap3", "sqlalchemy"}

ASK_FOR_HELP = """
import sys
from syncd.cli import main

sys.argv = ["syncd", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", *sys.modules)
"""

READ_SETTINGS = """
import sys
import syncd.settings

print("loaded:", *sys.modules)
"""


def loaded_by(program: str, root: Path) -> set[str]:
    """The modules that a program has loaded when it ends."""
    result = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.rpartition("loaded: ")[2].split())


def test_help_loads_no_heavy_package(root: Path) -> None:
    """`syncd --help` loads neither boto3 nor ldap3 nor sqlalchemy, nor what would put them together."""
    loaded = loaded_by(ASK_FOR_HELP, root)

    assert "syncd.cli" in loaded
    assert loaded & {*HEAVY, "syncd.wiring", "syncd.settings"} == set()


def test_settings_load_no_heavy_package(root: Path) -> None:
    """Reading the configuration needs neither AWS nor a database."""
    loaded = loaded_by(READ_SETTINGS, root)

    assert "pydantic" in loaded
    assert loaded & HEAVY == set()
