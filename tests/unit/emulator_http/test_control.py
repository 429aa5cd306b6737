from typing import Any

import httpx
import pytest

from syncd.emulator import DirectoryKind, Emulator
from syncd.emulator.server import EmulatorServer


def organization(server: EmulatorServer) -> str:
    return server.emulator.create_organization(alias="planetexpress", domains=("planetexpress.example",))


def create_user(server: EmulatorServer, organization_id: str, name: str) -> None:
    server.service.call("CreateUser", {"OrganizationId": organization_id, "Name": name, "DisplayName": name.title()})


def test_it_says_that_it_lives(http: httpx.Client) -> None:
    """Who asks whether it is up gets a yes."""
    assert http.get("/-/livez").json() == {"status": "ok"}


def test_a_snapshot_can_be_loaded_elsewhere(http: httpx.Client, server: EmulatorServer) -> None:
    """A snapshot loaded into an emptied emulator gives the same state again."""
    create_user(server, organization(server), "fry")
    snapshot = http.get("/-/snapshot").json()
    server.emulator.load(Emulator().snapshot())

    loaded = http.post("/-/load", json=snapshot)

    assert loaded.status_code == 204
    assert server.emulator.snapshot() == snapshot
    assert "planetexpress" in str(snapshot)


@pytest.mark.parametrize("snapshot", [[], {}, {"organizations": 3}, "state", 7])
def test_a_wrong_snapshot_changes_nothing(http: httpx.Client, server: EmulatorServer, snapshot: object) -> None:
    """What is no snapshot is refused with a sentence, and the state stays."""
    organization(server)
    before = server.emulator.snapshot()

    refused = http.post("/-/load", json=snapshot)

    assert refused.status_code == 400
    assert "is no snapshot of this emulator" in refused.json()["error"]
    assert server.emulator.snapshot() == before


def test_organizations_are_created(http: httpx.Client, server: EmulatorServer) -> None:
    """An organization is created as told, its id answered."""
    wanted = {
        "alias": "momcorp",
        "domains": ["momcorp.example"],
        "organization_id": "m-" + 32 * "a",
        "directory": DirectoryKind.AD_CONNECTOR.value,
    }

    created = http.post("/-/organizations", json=wanted)

    assert (created.status_code, created.json()) == (201, {"OrganizationId": "m-" + 32 * "a"})
    assert server.emulator.call("DescribeOrganization", created.json())["Alias"] == "momcorp"


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({}, "organization.alias"),
        ({"alias": "slurm", "domain": ["slurm.example"]}, "organization.domain: unknown member; did you mean domains?"),
        ({"alias": "slurm", "directory": "ldap"}, "organization.directory"),
        ({"alias": "planetexpress"}, "NameAvailabilityException"),
    ],
)
def test_a_wrong_organization_is_refused(
    http: httpx.Client, server: EmulatorServer, wanted: dict[str, object], complaint: str
) -> None:
    """What no organization can be is refused with a sentence that names it."""
    organization(server)

    refused = http.post("/-/organizations", json=wanted)

    assert refused.status_code == 400
    assert complaint in refused.json()["error"]


def test_faults_are_put_and_shown_with_their_counts(http: httpx.Client, server: EmulatorServer) -> None:
    """Rules that are put are in force, and are shown as they were put, with how often they struck."""
    rules: list[dict[str, Any]] = [
        {"operation": "CreateUser", "times": 1, "error": {"code": "ServiceUnavailable", "status": 503}},
        {"throttle": {"rate": 1000.0, "burst": 50.0}},
    ]

    assert http.put("/-/faults", json=rules).json() == {"faults": rules, "counts": [{"seen": 0, "fired": 0}] * 2}

    server.service.call("ListOrganizations", {})
    assert http.get("/-/faults").json()["counts"] == [{"seen": 0, "fired": 0}, {"seen": 1, "fired": 0}]
    assert http.put("/-/faults", json=[]).json() == {"faults": [], "counts": []}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('[{"drop": "later"}]', "faults[0].drop: Input should be 'before' or 'after'"),
        ('[{"drop": "after", "drop": "before"}]', "has a name twice in one object: drop"),
        ("[,]", "the request:1:2: is not JSON"),
        ('[{"delay_s": NaN}]', "has NaN, which JSON does not know"),
        (30_000 * "[", "the request"),
    ],
    ids=["value", "twice", "no-json", "nan", "deep"],
)
def test_wrong_rules_are_refused(http: httpx.Client, body: str, complaint: str) -> None:
    """Rules that make no sense are refused with their place and the reason."""
    refused = http.put("/-/faults", content=body)

    assert refused.status_code == 400
    assert complaint in refused.json()["error"]


def test_switches_are_changed_one_by_one(http: httpx.Client, server: EmulatorServer) -> None:
    """A switch that is put is changed, the others keep their values."""
    before = http.get("/-/switches").json()

    after = http.put("/-/switches", json={"ghosts_listed": False, "reserved_names": ["bender"]}).json()

    assert after == before | {"ghosts_listed": False, "reserved_names": ["bender"]}
    assert server.emulator.switches.reserved_names == ("bender",)
    assert http.put("/-/switches", json=before).json() == before


@pytest.mark.parametrize("switches", [{"ghosts": False}, {"ghosts_listed": 0}, {"settle": "long"}, []])
def test_wrong_switches_are_refused(http: httpx.Client, switches: object) -> None:
    """An unknown switch, a wrong value or no object is refused, and nothing changed."""
    before = http.get("/-/switches").json()

    assert http.put("/-/switches", json=switches).status_code == 400
    assert http.get("/-/switches").json() == before


def test_counters_count_and_are_reset(http: httpx.Client, server: EmulatorServer) -> None:
    """Calls are counted by operation and outcome until the counters are reset."""
    organization_id = organization(server)
    create_user(server, organization_id, "fry")
    with pytest.raises(Exception, match="NameAvailability"):
        create_user(server, organization_id, "fry")

    assert http.get("/-/counters").json() == {"CreateUser": {"NameAvailabilityException": 1, "ok": 1}}
    assert http.post("/-/reset-counters").status_code == 204
    assert http.get("/-/counters").json() == {}


@pytest.mark.parametrize(("method", "path"), [("GET", "/-/load"), ("POST", "/-/faults"), ("GET", "/-/nothing")])
def test_other_paths_and_methods_are_none(http: httpx.Client, method: str, path: str) -> None:
    """What is not a route of the control API is refused as HTTP does."""
    assert http.request(method, path).status_code in {404, 405}
