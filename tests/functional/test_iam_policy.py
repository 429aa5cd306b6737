"""The policies that `syncd iam-policy` prints are what syncd needs: the calls of recorded lives, as sets."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.places import ORGANIZATION, PEOPLE, Site, planetexpress

AT_ONCE = "    removal: {after_cycles: 1, after: 0s}\n"
ACCOUNT = "123456789012"
#: Somebody was here before: a plan looks at the aliases of everybody.
SEED = {"users": [{"Name": "mom", "DisplayName": "Mom", "Email": "mom@planetexpress.com"}]}
GROUPS = "planetexpress_groups.csv"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Planet Express; a group is hidden, quotas are set, whoever is missing leaves at once, no unwanted alias stays."""
    with planetexpress(tmp_path, seed=SEED) as found:
        found.change("    mode: full\n", f"    mode: full\n{AT_ONCE}    manage: {{aliases: exact}}\n")
        found.change("by: dn}\n", "by: dn}\n        hidden: \"{{ cn == 'ship_crew' }}\"\n")
        found.change("        display_name:", "        quota: '{{ 1024 }}'\n        display_name:")
        yield found


def allowed(site: Site, mode: str) -> set[str]:
    """The operations that the policy of *mode* allows for this configuration."""
    document = json.loads(site.syncd("iam-policy", "--mode", mode, "--account", ACCOUNT).out)
    actions = [s["Action"] for s in document["Statement"] if s["Effect"] == "Allow"]
    return {action.removeprefix("workmail:") for each in actions for action in each}


def used(site: Site) -> set[str]:
    """The operations that were called since the last count, each of which had its effect."""
    counters = site.server.log.counters()
    assert {outcome for counts in counters.values() for outcome in counts} == {"ok"}
    return set(counters)


def test_a_policy_names_the_configured_organization(site: Site) -> None:
    """Region and organization come from the configuration, the account from the command line."""
    ended = site.syncd("iam-policy", "--mode", "write", "--account", ACCOUNT)

    resources = [s["Resource"] for s in json.loads(ended.out)["Statement"] if s["Effect"] == "Allow"]
    arn = f"arn:aws:workmail:eu-west-1:{ACCOUNT}:organization/{ORGANIZATION}"
    assert ended.code == 0
    assert resources == [[arn], [arn]]
    assert ended.err == ""


def test_a_plan_uses_what_read_only_allows(site: Site) -> None:
    """A complete read for a plan calls exactly the operations of the read-only policy."""
    assert site.syncd("sync").code == 0
    site.server.log.reset()

    assert site.syncd("plan", "--refresh").code == 0

    assert used(site) == allowed(site, "read-only")


def test_creating_and_changing_uses_what_write_allows(site: Site) -> None:
    """A life in mode create, then upsert, calls exactly the operations of the write policy."""
    site.change("mode: full", "mode: create")
    assert site.syncd("sync").code == 0
    site.change("mode: create", "mode: upsert")
    site.change("fry@planetexpress.com", "philip@planetexpress.com", PEOPLE)
    assert site.syncd("sync").code == 0

    assert used(site) == allowed(site, "write")


def test_a_full_life_uses_what_delete_allows(site: Site) -> None:
    """Everybody comes, an address moves on, a member, an alias and a person go: exactly the delete policy."""
    assert site.syncd("sync").code == 0
    site.change("fry@planetexpress.com", "philip@planetexpress.com", PEOPLE)
    site.change("cn=Turanga Leela,ou=people,dc=planetexpress,dc=com;", "", GROUPS)
    people = (site.folder / PEOPLE).read_text(encoding="utf-8").splitlines(keepends=True)
    site.write(PEOPLE, "".join(line for line in people if not line.startswith("amy")))
    last = site.syncd("sync")
    assert last.code == 0, last.out

    assert used(site) == allowed(site, "delete")


@pytest.mark.parametrize("arguments", [("--account", "12345"), ("--organization", "momcorp"), ("--mode", "admin")])
def test_a_wrong_word_is_a_usage_error(site: Site, arguments: tuple[str, str]) -> None:
    """An account that is none, an unknown organization and an unknown mode end with 64, and nothing is printed."""
    ended = site.syncd("iam-policy", "--mode", "write", *arguments)

    assert ended.code == 64
    assert ended.out == ""
    assert arguments[1] in ended.err


def test_without_a_configuration_there_are_placeholders(site: Site) -> None:
    """Where no file says which organization, the policy has placeholders, and says so aside."""
    (site.folder / site.config).unlink()

    ended = site.syncd("iam-policy", "--mode", "read-only", SYNCD_CONFIG="")
    named = site.syncd("iam-policy", "--mode", "read-only", "--organization", "planetexpress", SYNCD_CONFIG="")

    assert ended.code == 0
    assert "arn:aws:workmail:REGION:ACCOUNT:organization/ORGANIZATION" in ended.out
    assert "REGION, ACCOUNT, ORGANIZATION" in ended.err
    assert named.code == 64
    assert "--config FILE" in named.err


def test_a_policy_that_is_too_large_says_so(site: Site) -> None:
    """So many organizations that IAM refuses their policy: it is printed, and the way out beside it."""
    text = (site.folder / site.config).read_text(encoding="utf-8")
    head, one = text.split("organizations:\n")
    many = [one.replace("planetexpress\n", f"o{n}\n", 1).replace(ORGANIZATION, f"m-{n:032x}") for n in range(40)]
    site.write(site.config, f"{head}organizations:\n{''.join(many)}")

    ended = site.syncd("iam-policy", "--mode", "delete", "--account", ACCOUNT)

    assert ended.code == 0
    assert len(json.loads(ended.out)["Statement"][0]["Resource"]) == 40
    assert "6,144" in ended.err
    assert "--organization NAME" in ended.err
