"""The configuration as a whole."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import ConfigurationError
from syncd.model.policy import Adopt, Mode, Policy
from syncd.settings import Loaded, find_file, load
from syncd.settings.schema import editor_schema

ROOT = Path(__file__).resolve().parents[3]
ID = "m-0123456789abcdef0123456789abcdef"
TEXT = f"""\
store: sqlite:///syncd.db
organizations:
  - name: planetexpress
    mode: full
    source:
      type: csv
      users: people.csv
    mapping:
      key: employee_id
      users:
        name: login
        display_name: full_name
        primary_email: mail
    workmail:
      organization_id: {ID}
"""


def read(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> Loaded:
    path = folder / "syncd.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, environment or {})


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(folder, text)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_the_shortest_configuration_has_safe_defaults(tmp_path: Path) -> None:
    """What isn't said is careful: ask before adopting, evidence before removing, this machine only."""
    settings = read(tmp_path, TEXT).settings
    organization = settings.organizations[0]

    assert organization.policy == Policy(mode=Mode.FULL)
    assert organization.adopt is Adopt.ASK
    assert organization.schedule.every == timedelta(minutes=15)
    assert organization.verify_within == timedelta(hours=24)
    assert organization.apply.workers == 8
    assert settings.http.listen == "127.0.0.1:9780"
    assert settings.log.personal_data is False


def test_the_policy_is_what_the_organization_says(tmp_path: Path) -> None:
    """Every key of an organization that planning looks at reaches it."""
    more = """\
    only: {keys: ["user:1"]}
    manage: {aliases: exact}
    adopt: never
    protected: ["postmaster@*"]
    removal: {after_cycles: 5}
    guards: {removals: {count: 7}}
    apply: {max_operations: 9, workers: 2}
"""
    policy = read(tmp_path, TEXT + more).settings.organizations[0].policy

    assert policy.only.keys == ("user:1",)
    assert policy.manage.aliases == "exact"
    assert policy.adopt is Adopt.NEVER
    assert policy.protected == ("postmaster@*",)
    assert policy.removal.after_cycles == 5
    assert policy.guards.removals.count == 7
    assert policy.max_operations == 9


def test_the_mode_has_no_default(tmp_path: Path) -> None:
    """Whoever leaves it out is told what there is to choose from."""
    (problem,) = problems(tmp_path, TEXT.replace("    mode: full\n", ""))

    assert problem == (
        "syncd.yaml:3:5: organizations[0].mode: this key is required; say how far syncd may go: observe (never "
        "writes), create (adds only), upsert (adds and changes) or full (removes too)"
    )


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    """A slip deep in a mapping is told with its path."""
    (problem,) = problems(tmp_path, TEXT.replace("        name:", "        alises: other_mail\n        name:"))

    assert problem == "syncd.yaml:11:9: organizations[0].mapping.users.alises: unknown key; did you mean aliases?"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("schedule: {cron: '0 * * *'}", "organizations[0].schedule: '0 * * *' has 4 fields; cron has five"),
        ("schedule: {cron: '61 * * * *'}", "organizations[0].schedule: '61 * * * *' is no cron expression"),
        ("schedule: {cron: '0 0 31 2 *'}", "organizations[0].schedule: '0 0 31 2 *' names a day that no year has"),
        ("schedule: {cron: '@daily', every: 5m}", "organizations[0].schedule: say every or cron, not both"),
        ("schedule: {timezone: Mars}", "organizations[0].schedule.timezone: there is no time zone 'Mars'"),
        (
            "schedule: {allow: [tue-xyz]}",
            "organizations[0].schedule.allow[0]: 'tue-xyz' is no window: days are mon, tue",
        ),
        ("schedule: {allow: [mon], blackout: [mon]}", "organizations[0].schedule: allow and blackout leave no moment"),
        ("schedule: {every: 10s}", "organizations[0].schedule: jitter must be shorter than every"),
        ("schedule: {every: 0s}", "organizations[0].schedule: every must be at least 1s"),
        ("apply: {workers: 0}", "organizations[0].apply.workers: must be greater than or equal to 1"),
        ("manage: {aliases: yes}", "organizations[0].manage.aliases: expected exact, additive or false, found 'yes'"),
        ("removal: {delete: always}", "organizations[0].removal.delete: expected never, found 'always'"),
    ],
)
def test_a_wrong_value_is_told(line: str, problem: str, tmp_path: Path) -> None:
    """Each with its place and a sentence."""
    (told,) = problems(tmp_path, f"{TEXT}    {line}\n")

    assert told.startswith("syncd.yaml:16:")
    assert problem in told


def test_http_to_another_machine_is_refused(tmp_path: Path) -> None:
    """Signed calls in clear text go to this machine only."""
    (told,) = problems(tmp_path, f"{TEXT}      endpoint_url: http://workmail.example\n")

    assert "organizations[0].workmail.endpoint_url: must be https, or http to this machine" in told


def test_two_organizations_need_two_names_and_two_ids(tmp_path: Path) -> None:
    """One WorkMail organization synchronized twice would be fought over."""
    second = TEXT.split("organizations:\n")[1]

    name, identity = problems(tmp_path, TEXT + second)
    assert name == (
        "syncd.yaml:16:11: organizations[1].name: planetexpress occurs twice, it is in line 3 already; "
        "each organization needs its own"
    )
    assert f"syncd.yaml:28:24: organizations[1].workmail.organization_id: {ID} occurs twice" in identity


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """The folder of the file is known to whoever opens what it names."""
    assert read(tmp_path, TEXT).folder == tmp_path


def test_the_configuration_is_found(tmp_path: Path) -> None:
    """--config before SYNCD_CONFIG."""
    named, meant = tmp_path / "named.yaml", tmp_path / "meant.yaml"

    assert find_file(named, {"SYNCD_CONFIG": str(meant)}) == named
    assert find_file(None, {"SYNCD_CONFIG": str(meant)}) == meant


def test_the_usual_places_come_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name, ./syncd.yaml is taken; where there is none, it is said where was looked."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"looked for syncd\.yaml and /etc/syncd/syncd\.yaml"):
        find_file(None, {})
    (tmp_path / "syncd.yaml").touch()

    assert find_file(None, {}) == Path("syncd.yaml")


def test_the_examples_are_valid() -> None:
    """What `syncd init` writes and what the demo uses can be read."""
    for path in (ROOT / "config/examples/syncd.example.yaml", ROOT / "config/demo/syncd.yaml"):
        assert load(path, {}).settings.organizations


def test_the_schema_for_editors_is_current(request: pytest.FixtureRequest) -> None:
    """config/syncd.schema.json is what the models say; write it anew with --update-golden."""
    path = ROOT / "config/syncd.schema.json"
    text = json.dumps(editor_schema(), indent=2) + "\n"
    if request.config.getoption("--update-golden"):
        path.write_text(text, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == text


def test_the_schema_takes_what_the_reader_takes() -> None:
    """Durations as people write them, and {env: NAME} in the place of any scalar."""
    schema: dict[str, Any] = editor_schema()

    every = schema["$defs"]["Schedule"]["properties"]["every"]
    assert every["anyOf"][0]["pattern"].startswith("^")
    assert {"$ref": "#/$defs/FromEnvironment"} in every["anyOf"]


def test_a_template_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    """A mapping is compiled with the file, so that a slip in a template has its line and column."""
    (problem,) = problems(tmp_path, TEXT.replace("name: login", 'name: "{{ login"'))

    assert problem.startswith("syncd.yaml:11:15: organizations[0].mapping.users.name: ")


def test_a_schedule_under_which_no_evidence_can_complete_is_refused(tmp_path: Path) -> None:
    """Each night is a hole, and a day is too short: whoever is missing would never leave, in silence."""
    more = "    schedule: {every: 15m, allow: ['08:00-18:00']}\n    removal: {hole: 1h}\n"
    (problem,) = problems(tmp_path, TEXT + more)
    assert problem.startswith(
        "syncd.yaml:3:5: organizations[0]: no evidence that somebody is missing can ever be compl"
    )
    assert "are in a row, and 3 over 1d are needed; leave removal.hole out, or make it longer" in problem

    read(tmp_path, TEXT + more.replace("hole: 1h", "hole: 15h"))
    read(tmp_path, TEXT + more.replace("{hole: 1h}", "{after: 8h, hole: 1h}"))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("{from: status, yes: [active]}", "enabled.no: this key is required"),
        ("{from: status, yes: [], no: [left]}", "enabled.yes: needs at least 1 item"),
        ("{from: status, yes: [active], no: [ACTIVE ]}", "enabled: 'active' stands among the words for yes and among"),
        ("{from: status, yes: [active], no: [' ']}", "enabled.no[0]: a word can't be blank"),
        ("{from: status, yes: [active], not: [left], no: [left]}", "enabled.not: unknown key; did you mean no?"),
        ("{from: status, yes: active, no: [left]}", "enabled.yes: expected a list, found 'active'"),
    ],
)
def test_words_of_enabled_are_checked(words: str, problem: str, tmp_path: Path) -> None:
    """One sentence for each mistake, and none about the other forms that `enabled` may have."""
    text = TEXT.replace("        primary_email: mail\n", f"        primary_email: mail\n        enabled: {words}\n")
    (found,) = problems(tmp_path, text)
    assert problem in found
