"""What doctor says of the configuration."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from syncd.model.check import Check, Health
from syncd.settings import load
from syncd.settings.examination import examine, examine_organization

TEXT = """\
store: sqlite:////var/lib/syncd/syncd.db
organizations:
  - name: planetexpress
    mode: full
    source:
      type: ldap
      servers: ["ldaps://dc1.corp.example", "ldap://127.0.0.1"]
      bind: {dn: "cn=reader,dc=corp,dc=example", password: {file: secret}}
      users: [{base: "dc=corp,dc=example"}]
    mapping:
      key: entryUUID
      users: {name: uid, display_name: cn, primary_email: mail}
    workmail:
      organization_id: m-0123456789abcdef0123456789abcdef
"""
SECRET = "rosebud-CANARY"


def written(folder: Path, old: str = "", new: str = "", *, secret_mode: int = 0o400) -> Path:
    assert old in TEXT
    secret = folder / "secret"
    secret.write_text(SECRET, encoding="utf-8")
    secret.chmod(secret_mode)
    path = folder / "syncd.yaml"
    path.write_text(TEXT.replace(old, new) if old else TEXT, encoding="utf-8")
    path.chmod(0o640)
    return path


def found(path: Path, environment: Mapping[str, str] | None = None) -> dict[str, Check]:
    loaded = load(path, environment or {})
    checks = [*examine(loaded, environment or {}), *examine_organization(loaded.settings.organizations[0])]
    assert all(check.remedy for check in checks if check.health is not Health.OK)
    assert not any(SECRET in check.found + check.remedy for check in checks)
    return {check.topic: check for check in checks}


def test_a_careful_configuration_has_nothing_to_tell(tmp_path: Path) -> None:
    """File, secrets, mode and guards are named, and all of them are fine."""
    checks = found(written(tmp_path))

    assert {topic: check.found for topic, check in checks.items()} == {
        "file": f"{tmp_path}/syncd.yaml: 1 organization, mode 0640",
        "secrets": "1 named, and kept from others",
        "mode": "full: people are added, changed and removed",
        "guards": "all are on",
    }
    assert {check.health for check in checks.values()} == {Health.OK}


@pytest.mark.parametrize(
    ("old", "new", "topic", "told"),
    [
        ("mode: full", "mode: observe", "mode", "observe: nothing is ever written"),
        ("mode: full", "mode: full\n    adopt: exact", "adopt", "without anybody's approval"),
        ("mode: full", 'mode: full\n    only: {keys: ["user:1"], group: g}', "pilot", "only 1 key and group g;"),
        (
            "mode: full",
            "mode: full\n    guards: {removals: {percent: 100, count: 1000000}, source_shrink: {percent: 50}}",
            "guards",
            "as good as switched off: removals (100 % and 1,000,000), source_shrink (50 %)",
        ),
        (
            "mode: full",
            "mode: full\n    guards: {rejections: {percent: 100, count: 10}}",
            "guards",
            "rejections (100 % or 10)",
        ),
        ("mode: full", "mode: full\n    removal: {after_cycles: 1, after: 0s}", "removal", "leaves at once"),
        (
            '"ldap://127.0.0.1"]',
            '"ldap://dc2.corp.example"]\n      allow_plaintext: true',
            "plaintext",
            "ldap://dc2.corp.example is asked in clear text",
        ),
        (
            "workmail:",
            'workmail:\n      endpoint_url: "http://127.0.0.1:8625"',
            "endpoint",
            "WorkMail is the emulator at http://127.0.0.1:8625",
        ),
        ("organizations:", "log: {personal_data: true}\norganizations:", "log", "stand in the log"),
        ("{file: secret}", "{env: LDAP}", "secrets", "source.bind.password comes from the environment"),
    ],
)
def test_what_is_bold_is_told(tmp_path: Path, old: str, new: str, topic: str, told: str) -> None:
    """Each setting that gives up some safety is a warning with the safe one."""
    check = found(written(tmp_path, old, new), {"LDAP": SECRET})[topic]

    assert check.health is Health.WARN
    assert told in check.found


@pytest.mark.parametrize(("percent", "count", "is_on"), [(49, 1_000_000, True), (100, 999, True), (50, 1000, False)])
def test_a_guard_is_off_when_neither_limit_holds(tmp_path: Path, percent: int, count: int, is_on: bool) -> None:
    """A guard trips when either limit is passed: one that is small keeps it on."""
    limit = f"mode: full\n    guards: {{alias_removals: {{percent: {percent}, count: {count}}}}}"

    assert (found(written(tmp_path, "mode: full", limit))["guards"].health is Health.OK) is is_on


@pytest.mark.parametrize(
    ("mode", "health"), [(0o400, Health.OK), (0o440, Health.OK), (0o444, Health.WARN), (0o620, Health.WARN)]
)
def test_a_secret_is_for_its_owner_and_group(tmp_path: Path, mode: int, health: Health) -> None:
    """Readable by a group is fine (systemd does that); by everybody, or writable by others, is not."""
    assert found(written(tmp_path, secret_mode=mode))["secrets"].health is health


def test_a_credential_of_systemd_is_looked_up(tmp_path: Path) -> None:
    """Its file is the one in CREDENTIALS_DIRECTORY."""
    path = written(tmp_path, "{file: secret}", "{credential: secret}", secret_mode=0o444)

    assert (
        "everybody on this machine may read" in found(path, {"CREDENTIALS_DIRECTORY": str(tmp_path)})["secrets"].found
    )


def test_a_file_that_others_may_write_is_told(tmp_path: Path) -> None:
    """Whoever writes the configuration decides what syncd does."""
    path = written(tmp_path)
    path.chmod(0o664)

    assert found(path)["file"].health is Health.WARN


def test_a_relative_store_is_told_within_a_unit(tmp_path: Path) -> None:
    """It lies beside the configuration, where the hardened unit may not write; by hand it is fine."""
    path = written(tmp_path, "sqlite:////var/lib/syncd/syncd.db", "sqlite:///syncd.db")

    assert "store" not in found(path)
    assert found(path, {"INVOCATION_ID": "1"})["store"].health is Health.WARN
    assert "store" not in found(written(tmp_path), {"INVOCATION_ID": "1"})
