"""Real directories from the command line over HTTP: the first sync makes everybody, the second plan is empty."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncd.emulator import Switches
from syncd.emulator.faults import Fault
from tests.bench.directory import Size, members_of, write_groups, write_users
from tests.functional.daemon_process import SOON, running
from tests.functional.places import DATA, GROUPS, ORGANIZATION, PEOPLE, Site, a_site, planetexpress, the_warm_one

#: Each list of the service has several pages.
LARGE = Size(users=350, groups=120, memberships=200)
CONFIG = """\
store: sqlite:///syncd.db
log: {level: error}
organizations:
  - name: corp
    mode: full
    source: {type: csv, users: people.csv, groups: groups.csv}
    mapping:
      key: employee_id
      users:
        name: login
        display_name: full_name
        primary_email: mail
        enabled: "{{ status == 'active' }}"
      groups:
        key: group_id
        name: group
        primary_email: mail
        members: {from: members, by: employee_id}
    workmail:
      organization_id: m-0123456789abcdef0123456789abcdef
      region: eu-west-1
      endpoint_url: http://127.0.0.1:8625
"""

Row = Mapping[str, Any]


def called(site: Site, operation: str, **parameters: str) -> Row:
    return site.server.emulator.call(operation, {"OrganizationId": ORGANIZATION, **parameters})


def people_of(site: Site) -> dict[str, Row]:
    """Return the people whom WorkMail holds, by name."""
    rows = called(site, "ListUsers")["Users"]
    return {row["Name"]: row for row in rows if row["UserRole"] == "USER"}


def members_by_name(site: Site) -> dict[str, set[str]]:
    groups = called(site, "ListGroups")["Groups"]
    return {
        group["Name"]: {row["Name"] for row in called(site, "ListGroupMembers", GroupId=group["Id"])["Members"]}
        for group in groups
    }


def test_the_csv_files_are_those_of_the_ldif() -> None:
    """What is synchronized here is the sample directory, and nothing that was edited by hand."""
    made = subprocess.run(
        [sys.executable, "-c", "import ldif_to_csv, json; print(json.dumps(ldif_to_csv.tables()))"],
        cwd=DATA,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(made.stdout) == {name: (DATA / name).read_text(encoding="utf-8") for name in (PEOPLE, GROUPS)}


def test_planet_express_arrives_and_the_second_plan_is_empty(tmp_path: Path) -> None:
    """Everybody has a mailbox with addresses and profile, groups have their members, and then nothing is to do."""
    with planetexpress(tmp_path) as site:
        assert site.syncd("check").code == 0
        assert site.syncd("plan", "--detailed-exitcode").code == 2
        assert site.syncd("sync").code == 0

        people = people_of(site)
        professor = called(site, "DescribeUser", UserId=people["professor"]["Id"])
        aliases = called(site, "ListAliases", EntityId=people["professor"]["Id"])["Aliases"]
        members = members_by_name(site)
        again = site.syncd("plan", "--detailed-exitcode")

    with (DATA / PEOPLE).open(encoding="utf-8") as file:
        rows = {row["uid"]: row for row in csv.DictReader(file)}
    assert {name: row["Email"] for name, row in people.items()} == {
        uid: row["mail"].split(";")[0] for uid, row in rows.items()
    }
    assert {row["State"] for row in people.values()} == {"ENABLED"}
    assert set(aliases) == {"professor@planetexpress.com", "hubert@planetexpress.com"}
    assert (professor["DisplayName"], professor["JobTitle"]) == ("Professor Farnsworth", "Owner, Founder")
    assert members == {"admin_staff": {"professor", "hermes"}, "ship_crew": {"fry", "leela", "bender"}}
    assert (again.code, again.err) == (0, "")
    assert again.last == "No changes: the organization equals the directory (7 people, 2 groups)."


def test_pages_of_people_and_groups_arrive_and_the_second_plan_is_empty(tmp_path: Path) -> None:
    """350 people, 120 groups, 200 memberships over HTTP: all there after one sync, nothing left to do."""
    source = tmp_path / "source"
    folder = tmp_path / "site"
    source.mkdir()
    folder.mkdir()
    files = [write_users(source / "people.csv", LARGE), write_groups(source / "groups.csv", LARGE)]
    config = source / "syncd.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    seed = {"alias": "corp", "domains": [LARGE.domain]}
    switches = Switches(users_limit=5_000)
    with a_site(folder, the_warm_one(), seed=seed, files=files, config=config, switches=switches) as site:
        synced = site.syncd("sync")
        again = site.syncd("plan", "--detailed-exitcode")
        people = people_of_all(site)
        groups = groups_of_all(site)

    assert synced.code == 0, synced.out[-2000:]
    assert again.last == "No changes: the organization equals the directory (350 people, 120 groups)."
    assert again.code == 0
    assert len(people) == LARGE.users
    assert {row["State"] for row in people.values()} == {"ENABLED"}
    assert groups["group 00042"] == {f"u{int(key) - 100_000:06d}" for key in members_of(LARGE, 42)}


def all_pages(site: Site, operation: str, member: str, **parameters: str) -> list[Row]:
    rows: list[Row] = []
    token: dict[str, str] = {}
    while True:
        answer = called(site, operation, **parameters, **token)
        rows += answer[member]
        if not answer.get("NextToken"):
            return rows
        token = {"NextToken": answer["NextToken"]}


def people_of_all(site: Site) -> dict[str, Row]:
    return {row["Name"]: row for row in all_pages(site, "ListUsers", "Users") if row["UserRole"] == "USER"}


def groups_of_all(site: Site) -> dict[str, set[str]]:
    return {
        group["Name"]: {row["Name"] for row in all_pages(site, "ListGroupMembers", "Members", GroupId=group["Id"])}
        for group in all_pages(site, "ListGroups", "Groups")
    }


# --- the daemon ------------------------------------------------------------------------------------------------


def test_the_daemon_does_the_same_by_itself(tmp_path: Path) -> None:
    """One cycle at once: everybody is there, one cycle_finished line agrees with the metrics, and it ends with 0."""
    with planetexpress(tmp_path) as site:
        with running(site, every=None) as daemon:
            daemon.wait_until(lambda: bool(daemon.log("cycle_finished")))
            ready, metrics = daemon.ask("/readyz"), daemon.ask("/metrics")[1]
            code = daemon.end()
            finished = daemon.log("cycle_finished")
        plan = site.syncd("plan")

    assert (code, ready[0]) == (0, 200)
    assert len(finished) == 1
    assert (finished[0]["result"], finished[0]["applied"], finished[0]["exit_code"]) == ("applied", 31, 0)
    added = re.findall(r'^syncd_operations_total\{action="add",.*outcome="applied"\} (\S+)$', metrics, re.MULTILINE)
    assert sum(map(float, added)) == 31
    assert plan.last.startswith("No changes")


def test_a_daemon_that_is_told_to_stop_finishes_the_calls_in_flight(tmp_path: Path) -> None:
    """SIGTERM while applying: what was sent is known, nothing more is sent, and the next sync does the rest."""
    with planetexpress(tmp_path) as site:
        site.faults(*(Fault(operation=name, gate="creating") for name in ("CreateUser", "CreateGroup")))
        with running(site, every=None) as daemon:
            # All eight workers wait for an answer: a stop before would find fewer calls in flight.
            site.server.service.gates.wait_for("creating", 8)
            daemon.tell_to_stop()
            site.server.service.gates.open("creating")
            code = daemon.process.wait(SOON)
            (finished,) = daemon.log("cycle_finished")
        sent, open_intents = site.sent(), site.open_intents()
        site.faults()
        rest = site.syncd("sync")
        plan = site.syncd("plan")

    assert code == 0
    assert open_intents == 0
    assert finished["applied"] == sent == 8
    assert finished["skipped"] == 31 - 8
    assert rest.code == 0
    assert plan.last.startswith("No changes")


def test_a_daemon_that_is_told_to_stop_while_reading_stops_reading(tmp_path: Path) -> None:
    """A first read takes hours where an organization is large: SIGTERM ends it after the calls in flight."""
    with planetexpress(tmp_path) as site:
        assert site.syncd("sync").code == 0
        site.faults(*(Fault(operation=name, gate="reading") for name in ("DescribeUser", "ListAliases")))
        with_details = site.folder / "syncd.db"
        with_details.unlink()
        site.change("mode: full", "mode: full\n    adopt: exact")
        site.change("    workmail:", "    apply: {workers: 2}\n    workmail:")
        site.server.log.reset()
        with running(site, every=None) as daemon:
            site.server.service.gates.wait_for("reading", 2)
            daemon.tell_to_stop()
            site.server.service.gates.open("reading")
            code = daemon.process.wait(SOON)
        counters = site.server.log.counters()
        asked = sum(sum(counters.get(name, {}).values()) for name in ("DescribeUser", "ListAliases"))

    assert code == 0
    assert asked == 2
    assert site.sent() == 0
