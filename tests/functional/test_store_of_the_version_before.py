"""A store that commit 342a272 left behind, with its WorkMail and its directory (`tests/data/make_store_v1.py`)."""

import gzip
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.emulator import Emulator
from syncd.emulator.documents import read_document
from syncd.emulator.persistence import load_snapshot
from syncd.emulator.server import EmulatorServer
from tests.functional.places import DATA, ENDPOINT, ORGANIZATION, Site, the_warm_one

NAME = "store-v1"
DOMAIN = "planetexpress.example"
#: The plan that hermes approved: it withholds what is left of two removals, and a whole one.
APPROVED = "5b0f0f09"
#: Applied plans, latest first.
DONE = ("cd7ca740", "fbe8b39f", "ae7e2e3f")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The store, the directory and the organization as that version left them."""
    for kept in ("yaml", "people.csv", "groups.csv"):
        shutil.copy(DATA / f"{NAME}.{kept}", tmp_path)
    (tmp_path / "syncd.db").write_bytes(gzip.decompress((DATA / f"{NAME}.db.gz").read_bytes()))
    emulator = Emulator()
    where = DATA / f"{NAME}.workmail.json"
    load_snapshot(emulator, read_document(where), str(where))
    with EmulatorServer(emulator) as server:
        found = Site(tmp_path, server, the_warm_one(), f"{NAME}.yaml")
        found.change(ENDPOINT, server.endpoint_url)
        yield found


def users(site: Site) -> dict[str, dict[str, Any]]:
    """Who is in the organization, by name, as the lists show them."""
    shown: Any = site.server.emulator.call("ListUsers", {"OrganizationId": ORGANIZATION})["Users"]
    return {one["Name"]: one for one in shown if one["UserRole"] == "USER"}


def aliases(site: Site, user: str) -> set[str]:
    asked = {"OrganizationId": ORGANIZATION, "EntityId": user}
    shown: Any = site.server.emulator.call("ListAliases", asked)["Aliases"]
    return set(shown)


def test_it_opens(site: Site) -> None:
    """The store is brought up to date by whoever opens it first; opening it again finds it as it is."""
    first = site.syncd("store", "info")
    again = site.syncd("store", "info")

    assert (first.code, again.code) == (0, 0), first.err
    assert ORGANIZATION in first.out
    assert re.findall(r"Schema +version (\d+)", first.out) == re.findall(r"Schema +version (\d+)", again.out)


def test_the_history_is_read(site: Site) -> None:
    """Every cycle is told with its end and its digest, the latest first."""
    cycles = site.json("history")["cycles"]

    assert [(one["command"], one["exit_code"]) for one in cycles] == [
        ("sync", 3),
        ("sync", 4),
        ("sync", 0),
        ("sync", 0),
    ]
    assert cycles[0]["digest"].startswith(APPROVED)
    assert [one["digest"][:8] for one in cycles[1:]] == list(DONE)
    assert cycles[1]["results"]["failed"] == 2
    assert "partial" in site.syncd("history").out


def test_the_status_is_read(site: Site) -> None:
    """Who is ours, who is on their way out, and when all was well for the last time."""
    status = site.json("status")

    assert status["owned"] == {"user": 11, "group": 3}
    assert status["pending_removals"] == 4
    assert status["last_plan"].startswith(APPROVED)
    assert status["last_success"]
    assert status["last_cycle"]["summary"] == "withheld"


def test_the_last_plan_is_read(site: Site) -> None:
    """`plan --last` shows what it withheld and why, without asking WorkMail; so does the one that withholds nothing."""
    last = site.syncd("plan", "--last")
    document = site.json("plan", "--last")

    assert APPROVED in last.out
    assert "guard removals" in last.out
    assert len(document["withheld"]) == len(document["operations"]) == 6
    assert site.syncd("approve", DONE[0]).out.rstrip().endswith("there is nothing to approve.")
    assert site.sent() == 0


def test_explain_names_the_bindings(site: Site) -> None:
    """Of each the entity is named; of whoever is removed since when, and what they held."""
    held = users(site)
    kif = site.json("explain", "user:1008")
    zapp = site.json("explain", "user:1009")
    cubert = site.syncd("explain", "1012").out
    crew = site.json("explain", "group:crew")

    assert kif["binding"]["entity"] == held["kif"]["Id"]
    assert kif["binding"]["removed_at"]
    assert kif["binding"]["addresses"] == [f"kif@{DOMAIN}", f"k@{DOMAIN}", f"kif.kroker@{DOMAIN}"]
    assert zapp["binding"]["entity"] == held["zapp"]["Id"]
    assert zapp["binding"]["removed_at"] is None
    assert zapp["binding"]["addresses"] == [f"zapp@{DOMAIN}", f"z@{DOMAIN}", f"zapp.brannigan@{DOMAIN}"]
    assert "InternalFailure" in {operation["code"] for operation in zapp["operations"]}
    assert "removal pending" in cubert
    assert "in 2 reads in a row" in cubert
    assert crew["binding"]["source"] == "csv:employee_id"


def test_two_removals_are_half_done(site: Site) -> None:
    """Both are ENABLED, on an address that isn't their own, and hold none of their own; amy is as she was."""
    held = users(site)

    assert {name for name, one in held.items() if one["State"] == "DISABLED"} == {"kif"}
    for name in ("zapp", "scruffy"):
        primary = held[name]["Email"]
        assert primary.endswith("@planetexpress.awsapps.com")
        assert not primary.startswith(name)
        assert aliases(site, held[name]["Id"]) <= {primary}
    assert held["amy"]["Email"] == f"amy@{DOMAIN}"
    assert f"professor@{DOMAIN}" in aliases(site, held["farnsworth"]["Id"])
