"""A directory's life from the command line: every command says the same, and what is said is what is done."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.emulator.faults import Fault
from syncd.planning.document import dumps, loads
from syncd.workmail.pages import PAGES
from tests.functional.places import ORGANIZATION, PEOPLE, Site, planetexpress

NOW = "    removal: {after_cycles: 1, after: 0s}\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Planet Express before the first sync; who is missing leaves at once."""
    with planetexpress(tmp_path) as found:
        found.change("    mode: full\n", f"    mode: full\n{NOW}")
        yield found


def digest_of(text: str) -> str:
    found = re.search(r"Digest\s+([0-9a-f]{8})", text)
    assert found, text
    return found[1]


def changes(site: Site) -> list[tuple[str, str]]:
    """Return operation and what it was about of every call that changed something, in order."""
    reading = ("Describe", "Get", "List")
    return [
        (call.operation, json.dumps(call.params, sort_keys=True, default=str))
        for call in site.server.log.recent()
        if not call.operation.startswith(reading)
    ]


def test_the_whole_life(site: Site) -> None:
    """Plan, apply, change, apply, stale, refused, approved, synced: status, history and explain agree with it."""
    first = site.syncd("plan")
    applied = site.syncd("apply", digest_of(first.out))
    site.change("Delivery boy", "Executive delivery boy", PEOPLE)
    second = site.syncd("plan")
    last = site.syncd("plan", "--last")
    again = site.syncd("apply", digest_of(second.out))
    stale = site.syncd("apply", digest_of(second.out))

    assert (first.code, applied.code, second.code, again.code) == (0, 0, 0, 0)
    assert "~ job title  Delivery boy -> Executive delivery boy" in second.out
    assert last.out == second.out
    assert "Applied: 0 added, 1 changed, 0 removed. Exit code 0" in again.out
    assert stale.code == 5
    assert "set job title of fry" in stale.err
    assert "syncd plan" in stale.err

    people = (site.folder / PEOPLE).read_text(encoding="utf-8").splitlines(keepends=True)
    site.write(PEOPLE, "".join(line for line in people if not line.startswith(("amy", "bender", "fry"))))
    before = site.held()
    refused = site.syncd("sync")
    assert refused.code == 3
    assert "guard removals: would deregister users: 3 of 7" in " ".join(refused.out.split())
    assert site.held() == before

    digest = digest_of(site.syncd("plan").out)
    approved = site.syncd("approve", digest, "--by", "hermes")
    done = site.syncd("sync")
    assert approved.code == 0
    assert done.code == 0, done.out
    assert "3 removed" in done.out or "removed. Exit code 0" in done.out
    assert "No changes" in site.syncd("plan").last

    history = site.json("history")["cycles"]
    assert [cycle["exit_code"] for cycle in history] == [0, 3, 5, 0, 0]
    explained = site.json("explain", "fry")
    assert explained["binding"]["removed_at"]
    assert {operation["result"] for operation in explained["operations"]} == {"applied"}
    status = site.syncd("status").out
    assert re.search(r"Last cycle +.*: applied \(sync\)", status)
    assert re.search(r"Ours +4 people, 2 groups", status)


def test_the_json_plan_is_what_is_sent(site: Site) -> None:
    """Plan -> JSON -> plan is the identity, and each call of the document is sent, and nothing else."""
    document = site.syncd("plan", "--format", "json").out
    plan = loads(document, PAGES)
    site.server.log.reset()
    report = site.json("apply", plan.digest[:8])
    sent = changes(site)

    assert dumps(plan) == document
    assert json.loads(document)["digest"] == plan.digest == report["digest"]
    assert {outcome["operation"] for outcome in report["outcomes"]} == {one.id for one in plan.sendable}
    assert sorted(operation for operation, _ in sent) == sorted(
        one.call.operation for one in plan.sendable if one.call is not None
    )


def test_a_dry_run_only_reads_and_remembers_only_what_it_read(site: Site) -> None:
    """`sync --dry-run` and `plan` send reads only; bindings, marks, counts, journal and history stay as they are."""
    site.syncd("sync")
    people = (site.folder / PEOPLE).read_text(encoding="utf-8").splitlines(keepends=True)
    site.write(PEOPLE, "".join(people[:-1]).replace("Intern", "Engineer"))
    tables = ("bindings", "marks", "source_counts", "journal", "cycles", "approvals")
    before, held = site.remembered(*tables), site.held()
    site.server.log.reset()

    dry = site.syncd("sync", "--dry-run")
    plan = site.syncd("plan")

    assert (dry.code, plan.code) == (0, 0)
    assert digest_of(dry.out) == digest_of(plan.out)
    assert "- mailbox  zoidberg@planetexpress.com" in plan.out
    assert changes(site) == []
    assert site.remembered(*tables) == before
    assert site.held() == held


def test_a_pilot_touches_nobody_else(site: Site) -> None:
    """`--only KEY` creates that person and leaves everybody else out, groups too: they are told as frozen."""
    one = site.syncd("sync", "--only", "user:fry")
    again = site.syncd("plan", "--only", "user:fry")
    users = site.server.emulator.call("ListUsers", {"OrganizationId": ORGANIZATION})["Users"]
    groups = site.server.emulator.call("ListGroups", {"OrganizationId": ORGANIZATION})["Groups"]

    assert one.code == 0
    assert isinstance(users, list)
    assert {user["Name"] for user in users if user["UserRole"] == "USER"} == {"fry"}
    assert groups == []
    assert re.match(r"No changes to make \(7 people, 2 groups\); \d+ frozen", again.last) or "1 frozen" in again.out


def test_two_syncs_at_once_never_meet(site: Site) -> None:
    """The second one ends with 75, and says which process holds the organization, and that no file is in the way."""
    site.faults(Fault(operation="CreateUser", gate="creating"))
    with subprocess.Popen(
        site.command("sync"),
        cwd=site.folder,
        env=site.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as first:
        site.server.service.gates.wait_for("creating")
        second = site.syncd("sync")
        seen = site.syncd("status")
        site.server.service.gates.open("creating")
        said, _ = first.communicate()

    assert second.code == 75
    assert f"is held by `syncd sync` (process {first.pid} on " in second.err
    assert "No file needs to be deleted" in second.err
    assert seen.code == 0
    assert first.returncode == 0, said
    assert "No changes" in site.syncd("plan").last


def test_several_organizations_end_with_the_worst(site: Site) -> None:
    """One is in sync, one has a broken file, one isn't there: each is told, and the first of 78, 65, 0 is the end."""
    site.syncd("sync")
    momcorp = "m-" + "e" * 32
    site.server.emulator.create_organization(alias="momcorp", organization_id=momcorp)
    text = (site.folder / site.config).read_text(encoding="utf-8")
    one = text.split("organizations:\n")[1]
    torn = one.replace("name: planetexpress", "name: momcorp").replace(PEOPLE, "momcorp.csv")
    gone = one.replace("name: planetexpress", "name: slurm").replace(ORGANIZATION, "m-" + "f" * 32)
    site.write("momcorp.csv", "uid,cn\n")
    site.write(site.config, text + torn.replace(ORGANIZATION, momcorp) + gone)

    everything = site.syncd("plan")
    two = site.syncd("plan", "-o", "planetexpress", "-o", "momcorp")
    mine = site.syncd("plan", "-o", "planetexpress")

    assert (everything.code, two.code, mine.code) == (78, 65, 0)
    assert "syncd: slurm: there is no organization" in everything.err
    assert "syncd: momcorp: the CSV source is incomplete or malformed" in everything.err
    assert "Plan for planetexpress" in everything.out
    assert "No changes" in everything.out
