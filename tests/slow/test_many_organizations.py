"""Two hundred organizations in one process, one of which has a directory that never answers."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from syncd.emulator import Emulator
from syncd.emulator.seed import plant
from syncd.emulator.server import EmulatorServer
from tests.functional.conftest import Place
from tests.functional.daemon_process import RunningDaemon, running

MANY = 200
#: What one more organization may cost; with a model of the service for each, it would be nine.
MOST_MIB_EACH = 1.5


def identity(number: int) -> str:
    return f"m-{number:032x}"


def organization(number: int, endpoint: str, source: dict[str, object]) -> dict[str, object]:
    return {
        "name": f"org{number:03d}",
        "mode": "full",
        "schedule": {"every": "10s", "jitter": "0s"},
        "source": dict(source),  # a copy: YAML would point from one to the other
        "mapping": {
            "key": "id",
            "users": {
                "name": "login",
                "display_name": "name",
                "primary_email": f"{{{{ login }}}}@org{number:03d}.example",
            },
        },
        "workmail": {"organization_id": identity(number), "region": "eu-west-1", "endpoint_url": endpoint},
    }


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Two hundred organizations of three people each; the first one's directory is a server that says nothing."""
    emulator = Emulator()
    seeds = [
        {"organization_id": identity(n), "alias": f"org{n:03d}", "domains": [f"org{n:03d}.example"]}
        for n in range(MANY)
    ]
    plant(emulator, {"organizations": seeds}, "the seed")
    (tmp_path / "people.csv").write_text("id,login,name\n1,ada,Ada\n2,bo,Bo\n3,cy,Cy\n", encoding="utf-8")
    with EmulatorServer(emulator) as server, socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        mute: dict[str, object] = {
            "type": "ldap",
            "servers": [f"ldap://127.0.0.1:{silent.getsockname()[1]}"],
            "bind": {"method": "anonymous"},
            "users": [{"base": "dc=corp,dc=example"}],
        }
        csv: dict[str, object] = {"type": "csv", "users": "people.csv"}
        organizations = [organization(n, server.endpoint_url, mute if n == 0 else csv) for n in range(MANY)]
        text = yaml.safe_dump({"store": "sqlite:///syncd.db", "organizations": organizations}, sort_keys=False)
        (tmp_path / "syncd.yaml").write_text(f"log: {{level: error}}\n{text}", encoding="utf-8")
        yield Place(tmp_path, server)


def ended(daemon: RunningDaemon, result: str) -> set[str]:
    """The organizations that have had a cycle with this result."""
    return {line["organization"] for line in daemon.log("cycle_finished") if line["result"] == result}


def test_two_hundred_organizations_share_one_process(place: Place) -> None:
    """Each gets its people and is in sync afterwards; one that hangs delays nobody; memory and files stay modest."""
    others = {f"org{n:03d}" for n in range(1, MANY)}
    with running(place, every="10s") as daemon:
        daemon.wait_until(lambda: daemon.ask("/startupz")[0] == 200, within=120)
        daemon.wait_until(lambda: ended(daemon, "applied") >= others, within=300)
        daemon.wait_until(lambda: ended(daemon, "in_sync") >= others, within=300)
        memory, files = daemon.resident_mib(), daemon.descriptors()
        overview = daemon.ask("/")
        metrics = daemon.ask("/metrics")[1]
        alive = daemon.ask("/livez")[0]
        code = daemon.end()

    print(f"{MANY} organizations: {memory:.0f} MiB, {files} descriptors, a page of {len(overview[1]) // 1024} KiB")
    assert (alive, code, overview[0]) == (200, 0, 200)
    assert memory < 100 + MANY * MOST_MIB_EACH
    assert files < 8192
    assert metrics.count('syncd_cycle_last_success_timestamp_seconds{organization="') == MANY
    assert "org000" not in ended(daemon, "applied")
