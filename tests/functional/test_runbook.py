"""The commands of the runbook, as somebody types them at 3 a.m."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from syncd.cli.app import app
from syncd.telemetry.events import EVENTS
from tests.fakes.monitoring import README, RUNBOOK, blocks, read_yaml, syncd_commands
from tests.functional.places import planetexpress

TEXT = RUNBOOK.read_text(encoding="utf-8")
COMMANDS = [arguments for text in (TEXT, README.read_text(encoding="utf-8")) for arguments in syncd_commands(text)]
#: What changes nothing, and asks nobody but the store, is really run.
READING = {"check", "explain", "history", "plan", "status", "store"}
#: What stands in log lines beside the events.
WORDS = {"Traceback", "notice", "store"}
#: A person of the directory stands for whoever the alert is about.
SOMEBODY = {"user:4711": "user:fry"}


def parse(arguments: list[str]) -> None:
    """Let the command line take *arguments* apart, without running anything; what is unknown raises."""
    command: Any = typer.main.get_command(app)
    rest = [*arguments]
    while hasattr(command, "commands"):
        assert rest[0] in command.commands, f"no such command: {rest[0]}"
        command = command.commands[rest.pop(0)]
    command.make_context("syncd", rest)


def alternatives(pattern: str) -> set[str]:
    """What `a_(b|c)|d` looks for: a_b, a_c and d."""
    found = set()
    for part in re.split(r"\|(?![^(]*\))", pattern):
        before, opened, rest = part.partition("(")
        inner, _, after = rest.partition(")")
        found |= {before + each + after for each in inner.split("|")} if opened else {part}
    return found


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_command_exists(arguments: list[str]) -> None:
    """Every command that is named is known to syncd, with its options and arguments."""
    parse(arguments)


def test_what_does_not_exist_is_noticed() -> None:
    """A command, an option and a number of arguments that are wrong are found by looking at them so."""
    for wrong in (["plan", "--lst"], ["aprove", "DIGEST"], ["approve"], ["store", "inform"], ["status", "pe"]):
        with pytest.raises(Exception, match=r"(?i)no such|missing|unexpected"):
            parse(wrong)


def test_reading_commands_work(tmp_path: Path) -> None:
    """What changes nothing runs as it stands there, beside a site with a history."""
    reading = [arguments for arguments in COMMANDS if arguments[0] in READING]
    with planetexpress(tmp_path) as site:
        site.syncd("sync")
        ended = [site.syncd(*(SOMEBODY.get(argument, argument) for argument in each)) for each in reading]

    assert {arguments[0] for arguments in reading} == READING
    assert [(each.code, each.err) for each in ended] == [(0, "")] * len(reading)
    assert all(each.out for each in ended)


def test_the_log_tells_what_is_looked_for() -> None:
    """Every event that is to be found in the log is one, and is written at the usual level."""
    patterns = re.findall(r"^logs \| grep (?:-i |-E )?(\S+)", TEXT, re.MULTILINE)
    parts = {part for pattern in patterns for part in alternatives(pattern.strip("'"))}
    events = {name for name, event in EVENTS.items() if event.level != "debug"}

    assert len(parts) > 8
    assert [part for part in parts - WORDS if not any(re.match(part, event) for event in events)] == []


def test_syncd_is_run_as_its_own_user() -> None:
    """The runbook's way to run syncd beside the service is that of the service's own manual."""
    manual = Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "README.md"
    [theirs] = re.findall(r"systemd-run[^#`]*?/opt/syncd/bin/syncd", manual.read_text(encoding="utf-8"))
    [ours] = re.findall(r"systemd-run[^#`]*?/opt/syncd/bin/syncd", TEXT)

    assert ours.split() == theirs.split()


def test_the_examples_of_configuration_are_yaml() -> None:
    """What is shown for Prometheus, Alertmanager and Grafana can be pasted as it is."""
    documents = [read_yaml(block, "README.md") for block in blocks(README.read_text(encoding="utf-8"), "yaml")]

    assert [sorted(document) for document in documents] == [
        ["rule_files", "scrape_configs"],
        ["inhibit_rules"],
        ["apiVersion", "providers"],
    ]
    assert documents[0]["scrape_configs"][0]["job_name"] == "syncd"
