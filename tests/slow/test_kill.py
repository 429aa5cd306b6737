"""kill -9 at every moment of a sync: the next cycle is the recovery."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from syncd.emulator.faults import Fault
from tests.functional.places import ORGANIZATION, ROOT, Site, a_site, planetexpress, the_warm_one

DEMO = ROOT / "config" / "demo"
MOMENTS = 20
FOREIGN = {"postmaster": "postmaster@planetexpress.example", "frontdesk": "frontdesk@planetexpress.example"}

Row = Mapping[str, Any]


def called(site: Site, operation: str, **parameters: str) -> Row:
    return site.server.emulator.call(operation, {"OrganizationId": ORGANIZATION, **parameters})


def world(site: Site) -> dict[str, Row]:
    """Return everybody and every group by name, with all that can be seen of them but their ids."""
    found: dict[str, Row] = {}
    for kind, member in (("User", "Users"), ("Group", "Groups")):
        for row in called(site, f"List{member}")[member]:
            about = dict(called(site, f"Describe{kind}", **{f"{kind}Id": row["Id"]}))
            seen = {name: value for name, value in about.items() if not name.endswith(("Id", "Date"))}
            if row["State"] == "ENABLED":
                seen["Aliases"] = sorted(called(site, "ListAliases", EntityId=row["Id"])["Aliases"])
            if kind == "Group":
                seen["Members"] = sorted(
                    one["Name"] for one in called(site, "ListGroupMembers", GroupId=row["Id"])["Members"]
                )
            name = f"{kind} {row['Name']}"
            assert name not in found, f"{name} is there twice"
            found[name] = seen
    return found


def killed_at(site: Site, moment: int, *, after: bool) -> bool:
    """Start `syncd sync`, and kill it when its call number *moment* is under way; return whether it got that far."""
    site.faults(Fault(nth=moment, timeout="after" if after else "before"))
    with subprocess.Popen(
        site.command("sync"), cwd=site.folder, env=site.env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and not site.server.service.fired()[0][1]:
            time.sleep(0.001)  # noqa: TID251 - another process is watched
        arrived = process.poll() is None
        process.kill()
    # What it had sent before goes on without it, as it would in WorkMail.
    while site.server.connections:
        time.sleep(0.001)  # noqa: TID251 - the emulator is another thread
    site.faults()
    return arrived


def moments(site: Site) -> Iterator[tuple[int, bool]]:
    """Yield moments spread over all calls of one sync, before and after the effect of the call by turns."""
    calls = sum(sum(counts.values()) for counts in site.server.log.counters().values())
    step = max(calls // MOMENTS, 1)
    for number, moment in enumerate(range(2, calls, step)):
        yield moment, number % 2 == 0


def prove(site: Site, wanted: Mapping[str, Row], foreign: Mapping[str, Row]) -> None:
    """Two syncs after a kill: everything as if nothing had happened, nothing left to do, nothing left open."""
    assert foreign.items() <= world(site).items()
    first = site.syncd("sync")
    second = site.syncd("sync")
    plan = site.syncd("plan", "--detailed-exitcode")
    assert first.code in {0, 4}, first.out + first.err
    assert second.code == 0, second.out + second.err
    assert plan.code == 0, plan.out
    assert "Waiting for approval" not in first.out + second.out
    assert world(site) == wanted
    assert site.open_intents() == 0


@pytest.mark.parametrize("scenario", ["first sync", "second day"])
def test_whenever_it_is_killed_the_next_sync_does_the_rest(scenario: str, tmp_path: Path) -> None:
    """At twenty moments each of a first sync and of a day of changes: no duplicate, nobody lost, an empty plan."""
    folder = tmp_path / "site"
    folder.mkdir()
    place = planetexpress(folder) if scenario == "first sync" else the_demo(folder)
    with place as site:
        if scenario == "second day":
            assert site.syncd("sync").code == 0
            for csv in (DEMO / "day2").iterdir():
                shutil.copy(csv, site.folder)
        foreign = {name: seen for name, seen in world(site).items() if name.removeprefix("User ") in FOREIGN}
        put_back = site.keep()
        site.server.log.reset()
        assert site.syncd("sync").code == 0
        planned = list(moments(site))
        wanted = world(site)
        arrived = 0
        for moment, after in planned:
            put_back()
            arrived += killed_at(site, moment, after=after)
            prove(site, wanted, foreign)

    assert arrived >= MOMENTS * 0.8


def the_demo(folder: Path) -> AbstractContextManager[Site]:
    seed = {
        "alias": "planetexpress",
        "domains": ["planetexpress.example"],
        "users": [{"Name": name, "DisplayName": name, "Email": email} for name, email in FOREIGN.items()],
    }
    files = sorted((DEMO / "day1").iterdir())
    return a_site(folder, the_warm_one(), seed=seed, files=files, config=DEMO / "syncd.yaml")
