"""The commands, from the first plan to the last question."""

import json
import re
import sqlite3
from pathlib import Path

import pytest

from syncd.emulator.faults import ErrorAnswer, Fault
from syncd.planning.document import loads
from syncd.workmail.pages import PAGES
from tests.functional.conftest import Place

COLOUR = "\x1b["


def digest_of(text: str) -> str:
    found = re.search(r"Digest\s+`?([0-9a-f]{8})", text)
    assert found, text
    return found[1]


def test_the_demo_walks_to_its_end(place: Place) -> None:
    """Every step of `syncd demo` ends as it should, and nothing is left behind."""
    result = place.syncd("demo", "--color", "never", TMPDIR=str(place.folder))

    assert (result.returncode, result.stderr) == (0, "")
    for sentence in ("1. The first plan", "No changes to make", "$ syncd approve", "8. What is remembered"):
        assert sentence in result.stdout
    assert COLOUR not in result.stdout
    assert not list(place.folder.glob("syncd-demo-*"))


def test_the_demo_can_be_kept(place: Place) -> None:
    """`--keep` leaves a folder in which the commands go on."""
    kept = place.folder / "kept"
    result = place.syncd("demo", "--keep", str(kept))
    again = place.syncd("demo", "--keep", str(kept))
    status = place.syncd("status", "--config", str(kept / "syncd.yaml"))

    assert result.returncode == 0, result.stderr
    assert f"cd {kept}" in result.stdout
    assert (kept / "emulator.json").is_file()
    assert again.returncode == 64
    assert "not an empty folder" in again.stderr
    assert "Last success" in status.stdout


def test_dirty_then_synced_then_clean(place: Place) -> None:
    """A plan with operations ends with 2 when asked to, a sync applies it, and the next plan is empty."""
    dirty = place.syncd("plan", "--detailed-exitcode")
    synced = place.syncd("sync")
    clean = place.syncd("plan", "--detailed-exitcode")

    assert (dirty.returncode, synced.returncode, clean.returncode) == (2, 0, 0)
    assert "Exit code 0" in synced.stdout
    assert clean.stdout.rstrip().splitlines()[-1].startswith("No changes to make")


def test_a_plan_changes_nothing(place: Place) -> None:
    """After `plan` and `sync --dry-run` WorkMail is as before; only reads were sent."""
    before = place.server.emulator.snapshot()
    assert place.syncd("plan").returncode == 0
    assert place.syncd("sync", "--dry-run").returncode == 0

    assert place.server.emulator.snapshot() == before
    assert "no cycle yet" in place.syncd("history").stdout


def test_a_plan_as_json_is_the_plan(place: Place) -> None:
    """The document reads back, has the digest of the text, and `plan --last` says the same without asking anyone."""
    document = place.syncd("plan", "--format", "json").stdout
    place.server.__exit__(None, None, None)
    last = place.syncd("plan", "--last", "--format", "json")
    text = place.syncd("plan", "--last").stdout

    plan = loads(document, PAGES)
    assert json.loads(document)["schema_version"] == 1
    assert digest_of(text) == plan.digest[:8]
    assert (last.returncode, loads(last.stdout, PAGES)) == (0, plan)


def test_a_plan_is_applied_by_its_digest(place: Place) -> None:
    """`apply` sends what the named plan holds; applied once, the plan is stale."""
    digest = digest_of(place.syncd("plan").stdout)
    applied = place.syncd("apply", digest)
    again = place.syncd("apply", digest)

    assert applied.returncode == 0, applied.stderr
    assert again.returncode == 5
    assert "`syncd plan` shows what is needed now" in again.stderr


def test_what_a_guard_withholds_needs_a_yes(place: Place) -> None:
    """Too many removals end with 3, are freed by an approval of the plan, and are then carried out."""
    place.syncd("sync")
    place.day("day3")
    refused = place.syncd("sync")
    digest = digest_of(place.syncd("plan").stdout)
    approved = place.syncd("approve", digest, "--by", "hermes", "--expires", "1h")
    status = place.syncd("status").stdout
    done = place.syncd("sync")

    assert refused.returncode == 3
    assert approved.returncode == 0
    assert "Approved by hermes, until" in approved.stdout
    assert re.search(r"Approved +\d+ parts of plan [0-9a-f]{8} by hermes", status)
    assert done.returncode == 0, done.stdout
    assert "nothing to approve" in place.syncd("approve", digest_of(place.syncd("plan").stdout)).stdout


def test_a_yes_can_be_taken_back(place: Place) -> None:
    """What was revoked waits, even where no guard counts it any more, and is sent after another approval."""
    place.syncd("sync")
    place.day("day3")
    digest = digest_of(place.syncd("plan").stdout)
    nothing = place.syncd("revoke", digest)
    place.syncd("approve", digest)
    revoked = place.syncd("revoke", digest, "--by", "hermes")
    place.change("    mode: full\n", "    mode: full\n    guards: {removals: {percent: 100}}\n")
    refused = place.syncd("sync")
    place.syncd("approve", digest)
    done = place.syncd("sync")

    assert "is not approved: there is nothing to revoke" in nothing.stdout
    assert "must be approved again" in revoked.stdout
    assert (refused.returncode, done.returncode) == (3, 0)
    assert "its approval was revoked: approve the plan if it is to be sent" in refused.stdout


def test_operations_that_fail_end_with_4(place: Place) -> None:
    """One failing call fails its operation and no other."""
    place.syncd("sync")
    place.day("day2")
    rule = Fault(operation="CreateAlias", error=ErrorAnswer(code="LimitExceededException"))
    place.server.service.set_rules([rule])

    result = place.syncd("sync")

    assert result.returncode == 4
    assert "LimitExceededException" in result.stdout


def test_strict_makes_rejections_count(place: Place) -> None:
    """A row that can't be used ends with 4 under --strict, and with 0 otherwise."""
    assert place.syncd("plan").returncode == 0
    assert place.syncd("plan", "--strict").returncode == 4


def test_the_formats_differ_and_the_plan_does_not(place: Place) -> None:
    """Text, Markdown and HTML show one digest; --out writes a file and leaves stdout empty."""
    page = place.folder / "plan.html"
    silent = place.syncd("plan", "--format", "html", "--out", str(page))
    markdown = place.syncd("plan", "--format", "markdown").stdout

    assert silent.stdout == ""
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert digest_of(markdown) in page.read_text(encoding="utf-8")


def test_colour_is_for_terminals(place: Place) -> None:
    """A pipe gets no colour unless it is asked for; --color wins over NO_COLOR."""
    assert COLOUR not in place.syncd("plan").stdout
    assert COLOUR in place.syncd("plan", "--color", "always").stdout
    assert COLOUR in place.syncd("plan", "--color", "always", NO_COLOR="1").stdout


def test_only_one_key_is_touched(place: Place) -> None:
    """--only freezes everyone else."""
    document = place.json("sync", "--only", "user:1002", "--only", "1003")

    assert {outcome["subject"] for outcome in document["outcomes"]} == {"user:1002", "user:1003"}


def test_history_and_explain_tell_the_past(place: Place) -> None:
    """What happened to whom can be asked without WorkMail."""
    place.syncd("sync")
    place.day("day2")
    place.syncd("sync")
    place.server.__exit__(None, None, None)

    (latest, first) = place.json("history")["cycles"]
    assert (latest["summary"], first["summary"]) == ("applied", "applied")
    assert len(place.json("history", "--limit", "1")["cycles"]) == 1
    leaver = place.json("explain", "1031")
    assert leaver["key"] == "user:1031"
    assert leaver["binding"]["removed_at"]
    assert leaver["operations"]
    missing = place.syncd("explain", "user:1036").stdout
    assert "removal pending" in missing
    assert "Missing   since" in missing


def test_status_of_a_new_place(place: Place) -> None:
    """Without a store there is nothing to tell: it is said, not created."""
    result = place.syncd("status")

    assert result.returncode == 69
    assert not (place.folder / "syncd.db").exists()


def test_the_store_can_be_copied_and_counted(place: Place) -> None:
    """`store backup` makes a database that can be opened; `store info` tells its size."""
    place.syncd("sync")
    copy = place.folder / "copy.db"
    first = place.syncd("store", "backup", str(copy))
    second = place.syncd("store", "backup", str(copy))

    assert (first.returncode, second.returncode) == (0, 64)
    assert sqlite3.connect(copy).execute("PRAGMA quick_check").fetchone() == ("ok",)
    assert place.json("store", "info")["store"]["organizations"] == ["m-0123456789abcdef0123456789abcdef"]


def test_init_writes_what_check_accepts(tmp_path: Path, place: Place) -> None:
    """The example is a valid configuration, and no file is replaced unasked."""
    path = tmp_path / "new.yaml"
    first = place.syncd("init", str(path))
    second = place.syncd("init", str(path))
    forced = place.syncd("init", str(path), "--force")
    check = place.syncd("check", "--config", str(path))

    assert (first.returncode, second.returncode, forced.returncode) == (0, 64, 0)
    assert (check.returncode, check.stderr) == (0, "")
    assert "new.yaml is fine" in check.stdout


@pytest.mark.parametrize("command", ["plan", "sync"])
def test_two_organizations_end_with_the_worse(command: str, place: Place) -> None:
    """One that can't be reached doesn't keep the other from its cycle."""
    text = place.config.read_text(encoding="utf-8")
    one = text.split("organizations:\n")[1]
    other = one.replace("name: planetexpress", "name: mom").replace("abcdef\n", "abcd00\n")
    place.config.write_text(text + other, encoding="utf-8")

    result = place.syncd(command)
    only = place.syncd(command, "--organization", "planetexpress")

    assert result.returncode in {1, 69, 78}
    assert "mom: " in result.stderr
    assert "Plan for planetexpress" in result.stdout or "planetexpress: " in result.stdout
    assert only.returncode == 0


def test_on_a_terminal_people_get_a_bar_and_colour(place: Place) -> None:
    """With a terminal for stdout and stderr there is progress and colour, and no log line."""
    shown = place.on_a_terminal("sync")

    assert "planetexpress: " in shown
    assert COLOUR in shown
    assert "Exit code 0" in shown
    assert '"event"' not in shown
