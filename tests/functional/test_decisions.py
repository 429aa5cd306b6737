"""What people decide, from the command line: a part of a yes, a hold, a pause; and the daemon that hears it."""

import json
import re

from tests.functional.conftest import Place
from tests.functional.daemon_process import running
from tests.functional.places import ORGANIZATION
from tests.functional.test_cli import digest_of


def withheld(place: Place) -> dict[str, str]:
    """The withheld removals of the last plan: who, and by which operation."""
    plan = json.loads(place.syncd("plan", "--format", "json").stdout)
    return {o["subject"]: o["id"] for o in plan["operations"] if o["id"] in plan["withheld"] and o["destructive"]}


def users(place: Place) -> object:
    """Who is in the organization."""
    return place.server.emulator.call("ListUsers", {"OrganizationId": ORGANIZATION})["Users"]


def test_a_yes_may_be_to_one_person_only(place: Place) -> None:
    """Who is named leaves, the others wait; the approval is listed with its reason, and what is left of it."""
    place.syncd("sync")
    place.day("day3")
    digest = digest_of(place.syncd("plan").stdout)
    leavers = sorted(key for key in withheld(place) if key.startswith("user:"))
    mistyped = place.syncd("approve", digest, "--only", "user:nobody")
    approved = place.syncd("approve", digest, "--only", leavers[0], "--by", "hermes", "--why", "HR ticket 7")
    listed = place.syncd("approvals").stdout
    done = place.syncd("sync")

    assert (mistyped.returncode, "nothing that plan" in mistyped.stderr) == (64, True)
    assert approved.returncode == 0, approved.stderr
    assert "Not approved, so that it goes on waiting" in approved.stdout
    assert re.search(r"in force +plan [0-9a-f]{8}, .* by hermes .*: HR ticket 7", listed)
    assert done.returncode == 3
    assert sorted(key for key in withheld(place) if key.startswith("user:")) == leavers[1:]
    assert re.search(r"done +plan", place.syncd("approvals").stdout)
    assert json.loads(place.syncd("approvals", "--format", "json").stdout)["approvals"][0]["state"] == "done"


def test_a_guard_is_approved_by_its_name(place: Place) -> None:
    """And no other one with it."""
    place.syncd("sync")
    place.day("day3")
    digest = digest_of(place.syncd("plan").stdout)
    wrong = place.syncd("approve", digest, "--guard", "removal")
    right = place.syncd("approve", digest, "--guard", "removals")

    assert (wrong.returncode, "tripped in it:" in wrong.stderr) == (64, True)
    assert right.returncode == 0, right.stderr


def test_a_plan_that_is_needed_no_more_is_not_approved(place: Place) -> None:
    """The directory has been mended since: there is nothing to say yes to, and the hint names the last plan."""
    place.syncd("sync")
    place.day("day3")
    digest = digest_of(place.syncd("plan").stdout)
    place.day("day1")
    last = digest_of(place.syncd("plan").stdout)
    result = place.syncd("approve", digest)

    assert result.returncode == 5
    assert last in result.stderr


def test_who_is_held_stays(place: Place) -> None:
    """A hold outlives the yes to all; status, explain and plan name it; a release ends it."""
    place.syncd("sync")
    place.day("day3")
    digest = digest_of(place.syncd("plan").stdout)
    leavers = sorted(key for key in withheld(place) if key.startswith("user:"))
    nobody = place.syncd("hold", "user:nobdy")
    held = place.syncd("hold", leavers[0], "--by", "amy", "--why", "trial", "--for", "7d")
    place.syncd("approve", digest)
    done = place.syncd("sync")

    assert nobody.returncode == 64
    assert "held by amy since" in held.stdout
    assert done.returncode == 0, done.stdout
    assert "held by amy" in done.stdout
    for command in (("status",), ("explain", leavers[0])):
        assert "held by amy" in place.syncd(*command).stdout
    assert leavers[0] not in withheld(place)
    assert place.syncd("release", leavers[0]).returncode == 0
    assert place.syncd("release", leavers[0]).returncode == 64
    assert leavers[0] in place.syncd("plan", "--format", "json").stdout


def test_a_pause_sends_nothing(place: Place) -> None:
    """Plans go on, nothing is sent, and everybody is told why; `resume` ends it."""
    before = users(place)
    paused = place.syncd("pause", "--by", "amy", "--why", "move")
    sent = place.syncd("sync")
    after = users(place)
    status = place.syncd("status").stdout
    resumed = place.syncd("resume")

    assert "paused by amy since" in paused.stdout
    assert (sent.returncode, "Paused: nothing is sent." in sent.stdout) == (3, True)
    assert after == before
    assert "paused by amy" in status
    assert "goes on now" in resumed.stdout
    assert place.syncd("sync").returncode == 0


def test_a_running_daemon_hears_a_yes(place: Place) -> None:
    """Though the next cycle is an hour away, what was approved is sent."""
    place.syncd("sync")
    place.day("day3")
    with running(place, every="1h") as daemon:
        daemon.wait_until(lambda: len(daemon.log("cycle_finished")) == 1)
        (first,) = daemon.log("cycle_finished")
        place.syncd("approve", str(first["plan"])[:8])
        daemon.wait_until(lambda: len(daemon.log("cycle_finished")) == 2)
        requested = [line["reason"] for line in daemon.log("cycle_requested")]

    assert "decision" in requested
    assert first["result"] == "withheld"
