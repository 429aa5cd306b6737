"""`--metrics-file`, and what must never show in anything that syncd writes."""

import socket
import stat
from pathlib import Path

import pytest

from tests.functional.conftest import CREDENTIALS, Place

CANARY = "bind-CANARY%+s/wörd"
LDAP = """
      type: ldap
      servers: ["ldap://127.0.0.1:{port}"]
      bind: {{dn: "cn=reader,dc=corp,dc=example", password: {{env: LDAP_PASSWORD}}}}
      users: [{{base: "dc=corp,dc=example", filter: "(objectClass=inetOrgPerson)"}}]
"""


def figures(path: Path) -> dict[str, float]:
    text = path.read_text(encoding="utf-8").replace('organization="planetexpress"', "").replace("{}", "")
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


SUCCESS = "syncd_cycle_last_success_timestamp_seconds"
ATTEMPT = "syncd_cycle_last_attempt_timestamp_seconds"


def test_a_run_leaves_its_figures(place: Place) -> None:
    """A plan, a sync and an apply write what they know, for others to read, also on a terminal."""
    path = place.folder / "syncd.prom"
    planned = place.json("plan", "--metrics-file", str(path))
    of_plan = figures(path)
    applied = place.syncd("apply", planned["digest"], "--metrics-file", str(path))
    of_apply = figures(path)
    place.on_a_terminal("sync", "--metrics-file", str(path))
    of_sync = figures(path)

    assert applied.returncode == 0
    assert of_plan['syncd_plan_operations{action="add",}'] > 100
    assert of_plan[SUCCESS] > of_plan[ATTEMPT] > 0
    assert of_sync[SUCCESS] > of_apply[SUCCESS] > of_plan[SUCCESS]
    assert of_apply['syncd_plan_operations{action="add",}'] == of_plan['syncd_plan_operations{action="add",}']
    assert of_sync['syncd_plan_operations{action="add",}'] == 0
    assert of_sync['syncd_entities{,standing="owned"}'] > 40
    assert of_sync['syncd_source_entries{kind="user",}'] == 41
    assert (of_sync["syncd_source_up"], of_sync["syncd_target_up"], of_sync["syncd_store_up"]) == (1, 1, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_failed_run_leaves_its_figures_too(place: Place) -> None:
    """The last success stays what it was; what failed shows; the error and its exit code are as without the file."""
    path = place.folder / "syncd.prom"
    place.syncd("sync", "--metrics-file", str(path))
    before = figures(path)
    (place.folder / "people.csv").write_text("cut off", encoding="utf-8")
    failed = [place.syncd("sync", "--metrics-file", str(path)) for _ in range(2)]
    after = figures(path)

    assert [each.returncode for each in failed] == [65, 65]
    assert after[SUCCESS] == before[SUCCESS]
    assert after[ATTEMPT] > before[ATTEMPT]
    assert (after["syncd_cycle_consecutive_failures"], after["syncd_source_up"]) == (2, 0)
    assert 'syncd_plan_operations{action="add",}' not in after


def test_a_store_that_can_not_be_opened_shows(place: Place) -> None:
    """No cycle can begin: the file says that the store is down, and nothing of the rest."""
    (place.folder / "syncd.db").write_text("no database at all, but long enough to be taken for one" * 10)
    path = place.folder / "syncd.prom"
    failed = place.syncd("sync", "--metrics-file", str(path))

    assert failed.returncode == 69
    found = figures(path)
    assert found["syncd_store_up"] == 0
    assert SUCCESS not in found


@pytest.mark.parametrize("command", [["plan"], ["sync"], ["plan", "--last"]])
def test_a_place_that_can_not_be_written_is_told_at_once(command: list[str], place: Place) -> None:
    """Exit code 64 and a sentence, before anything is read or sent; `--last` makes no cycle, so it has no figures."""
    missing = str(place.folder / "nowhere" / "syncd.prom")
    refused = place.syncd(*command, "--metrics-file", missing)

    assert refused.returncode == 64
    told = "--last makes none" if "--last" in command else f"--metrics-file {missing} can't be written: No such file"
    assert told in refused.stderr
    assert not place.server.log.counters()


def with_ldap(place: Place, port: int) -> None:
    text = place.config.read_text(encoding="utf-8")
    head, _, rest = text.partition("    source:")
    _, _, tail = rest.partition("    mapping:")
    source = f"    source:{LDAP.format(port=port)}"
    config = head + source + "    mapping:" + tail
    place.config.write_text(config.replace("log: {level: error}", "log: {level: debug}"), encoding="utf-8")


@pytest.mark.parametrize("switch", [[], ["--debug"]], ids=["", "with tracebacks"])
def test_no_secret_shows_in_anything_that_is_written(switch: list[str], place: Place) -> None:
    """At level debug, in errors and their tracebacks, in the metrics and in the store: neither password nor key."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with_ldap(place, port)
    done = place.syncd(*switch, "sync", "--metrics-file", "syncd.prom", LDAP_PASSWORD=CANARY)

    assert done.returncode in (1, 69)
    assert ("Traceback" in done.stderr) == bool(switch)
    assert '"event": "api_called"' in done.stderr
    assert "LDAP server could be used" in done.stderr
    files = [path.read_bytes().decode(errors="replace") for path in place.folder.iterdir()]
    everything = "\n".join([done.stdout, done.stderr, *files])
    for secret in (CANARY, "CANARY", CREDENTIALS["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in everything
