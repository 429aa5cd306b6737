"""What a start of syncd costs."""

import os
import subprocess
import sys
from pathlib import Path

from syncd.emulator import Emulator
from syncd.emulator.server import EmulatorServer

HEAVY = {"boto3", "botocore", "ldap3", "sqlalchemy"}
#: What a cycle alone needs.
ONLY_CYCLES = {"jinja2", "syncd.cycle", "syncd.mapping.rules", "syncd.guards", "syncd.workmail.target"}
#: What people or machines look at while something runs.
ONLY_SEEN = {"apscheduler", "prometheus_client", "rich", "starlette", "structlog", "uvicorn"}

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

ASK_FOR_STATUS = """
import sys
from syncd.cli import main

sys.argv = ["syncd", "status", "--config", "syncd.yaml"]
try:
    main()
except SystemExit:
    pass
print("loaded:", *sys.modules)
"""

BEGIN_PLAN = ASK_FOR_STATUS.replace('"status"', '"plan"')

CONFIGURATION = """\
store: sqlite:///syncd.db
organizations:
  - name: corp
    mode: full
    source: {type: csv, users: people.csv}
    mapping:
      key: id
      users: {name: login, display_name: "{{ given }} {{ family }}", primary_email: mail}
    workmail:
      organization_id: m-0123456789abcdef0123456789abcdef
      endpoint_url: SERVICE
"""


def loaded_by(program: str, root: Path, folder: Path | None = None) -> set[str]:
    """The modules that a program has loaded when it ends; it runs in *folder*, else in *root*."""
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder or root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.rpartition("loaded: ")[2].split())


def test_help_loads_no_heavy_package(root: Path) -> None:
    """`syncd --help` loads neither boto3 nor ldap3 nor sqlalchemy nor pydantic, nor what would put them together."""
    loaded = loaded_by(ASK_FOR_HELP, root)

    assert "syncd.cli" in loaded
    assert loaded & {*HEAVY, "pydantic", "syncd.wiring", "syncd.settings"} == set()


def test_settings_load_no_heavy_package(root: Path) -> None:
    """Reading the configuration needs neither AWS nor a database."""
    loaded = loaded_by(READ_SETTINGS, root)

    assert "pydantic" in loaded
    assert loaded & {*HEAVY, *ONLY_CYCLES, "syncd.sources.csv.source", "syncd.sources.ldap.source"} == set()


def test_status_loads_the_store_alone(root: Path, tmp_path: Path) -> None:
    """What the store knows is shown without templates, sources, the service, or what runs a cycle."""
    text = CONFIGURATION.replace("SERVICE", "http://127.0.0.1:9")
    (tmp_path / "syncd.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "syncd.db").touch()
    loaded = loaded_by(ASK_FOR_STATUS, root, tmp_path)

    assert "syncd.store.store" in loaded
    assert loaded & (HEAVY - {"sqlalchemy"} | ONLY_CYCLES | ONLY_SEEN) == set()


def test_a_plan_that_nobody_watches_loads_no_bar_and_no_log(root: Path, tmp_path: Path) -> None:
    """`syncd plan` in a script draws nothing, logs nothing and serves nothing."""
    with EmulatorServer(Emulator()) as server:
        text = CONFIGURATION.replace("SERVICE", server.endpoint_url)
        (tmp_path / "syncd.yaml").write_text(text, encoding="utf-8")
        loaded = loaded_by(BEGIN_PLAN, root, tmp_path)

    assert "syncd.cycle" in loaded
    assert "ldap3" not in loaded
    assert loaded & ONLY_SEEN == set()
