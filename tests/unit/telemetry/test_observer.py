"""What a cycle says to operators."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from syncd.errors import Locked, SourceUnreachable
from syncd.model.action import Action
from syncd.model.names import user_key
from syncd.model.operation import Operation, single
from syncd.model.plan import Plan
from syncd.model.report import Outcome, Report, Result
from syncd.ports import Observer
from syncd.telemetry.events import EVENTS
from syncd.telemetry.logs import configure_logs
from syncd.telemetry.metrics import Metrics
from syncd.telemetry.observer import TelemetryObserver
from syncd.telemetry.redaction import SecretFilter
from syncd.telemetry.settings import LogSettings
from tests.builders import verb
from tests.fakes.logging_state import logging_as_before

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OPERATION = Operation(
    verb=verb("member.add"),
    action=Action.ADD,
    subject=user_key("7"),
    entity=None,
    bundle=single("b"),
    effect={},
    summary="add Zoë Ünal to the crew",
    reason="groups.csv:3",
    call=None,
)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the lines of a test go; the logging of others is put back."""
    with logging_as_before():
        text = io.StringIO()
        configure_logs(LogSettings(level="debug"), text, secrets=SecretFilter())
        yield text


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_it_is_an_observer(stream: io.StringIO) -> None:
    """It fits the port, and works without metrics too."""
    observer: Observer = TelemetryObserver("pe")

    observer.stage("plan", 3)
    observer.advanced()
    observer.called("ListUsers", "ok", 0.01234)
    observer.event("guard_tripped", guard="removals")

    assert [line["event"] for line in lines(stream)] == ["stage_started", "api_called", "guard_tripped"]
    assert lines(stream)[1]["took_s"] == 0.012


def test_the_cycle_id_stays_on_every_line_of_its_cycle(stream: io.StringIO) -> None:
    """It is learnt once, and forgotten when the next cycle begins."""
    observer = TelemetryObserver("pe")
    observer.began(START)
    observer.event("cycle_started", cycle_id="c1")
    observer.settled(Outcome(operation=OPERATION, result=Result.APPLIED))
    observer.began(START)
    observer.stage("read_lists")

    assert [line.get("cycle_id") for line in lines(stream)] == ["c1", "c1", None]


def test_the_plan_is_on_the_lines_that_follow_it(stream: io.StringIO) -> None:
    """Its first digits say what to approve; the next cycle has none until its own plan is made."""
    observer = TelemetryObserver("pe")
    observer.event("cycle_started", cycle_id="c1")
    observer.event("plan_made", plan="0123456789ab", add=3)
    observer.settled(Outcome(operation=OPERATION, result=Result.APPLIED))
    observer.event("cycle_started", cycle_id="c2")

    told = [(line["event"], line["cycle_id"], line.get("plan")) for line in lines(stream)]
    assert told == [
        ("cycle_started", "c1", None),
        ("plan_made", "c1", "0123456789ab"),
        ("operation_applied", "c1", "0123456789ab"),
        ("cycle_started", "c2", None),
    ]


@pytest.mark.parametrize(
    ("result", "event"),
    [
        (Result.APPLIED, "operation_applied"),
        (Result.FAILED, "operation_failed"),
        (Result.UNKNOWN, "operation_unknown"),
        (Result.SKIPPED, "operation_skipped"),
    ],
)
def test_each_outcome_is_an_event(result: Result, event: str, stream: io.StringIO) -> None:
    """One line an operation, whose name says how it ended, at the level of the inventory."""
    TelemetryObserver("pe").settled(Outcome(operation=OPERATION, result=result))

    (line,) = lines(stream)
    assert (line["event"], line["level"]) == (event, EVENTS[event].level)


@pytest.mark.parametrize("name", ["daemon_stopped", "api_call_retried", "ldap_server_failed", "cycle_stalled"])
def test_an_event_has_the_level_of_the_inventory(name: str, stream: io.StringIO) -> None:
    """Who tells an event needs not know how grave it is; one that nobody declared is information."""
    observer = TelemetryObserver("pe")
    observer.event(name)
    observer.event("something_new")

    assert [line["level"] for line in lines(stream)] == [EVENTS[name].level, "info"]


def test_an_operation_is_a_line_without_names(stream: io.StringIO) -> None:
    """A line a change: kind, subject by key, outcome in the event; what names a person is hidden."""
    observer = TelemetryObserver("pe")
    observer.settled(Outcome(operation=OPERATION, result=Result.APPLIED, attempts=2))
    failed = Outcome(operation=OPERATION, result=Result.FAILED, code="Nope", message="zoe@pe.example is bad")
    observer.settled(failed)

    done, not_done = lines(stream)
    assert (done["event"], done["level"], done["kind"], done["subject"], done["attempts"]) == (
        "operation_applied",
        "info",
        "member.add",
        "user:7",
        2,
    )
    assert (not_done["event"], not_done["level"], not_done["code"]) == ("operation_failed", "warning", "Nope")
    assert "Zo" not in stream.getvalue()
    assert "zoe" not in stream.getvalue()


def test_a_cycle_ends_with_one_canonical_line(stream: io.StringIO) -> None:
    """`cycle_finished` carries everything an operator greps for."""
    registry = CollectorRegistry()
    metrics = Metrics(registry, organizations=["pe"])
    observer = TelemetryObserver("pe", metrics)
    plan = Plan(organization="pe", organization_id="m-1", created_at=START, operations=(OPERATION,))
    observer.began(START)
    observer.called("ListUsers", "ok", 0.1)
    stream.truncate(stream.seek(0))
    observer.finished(
        Report(
            cycle_id="c1",
            organization="pe",
            command="run",
            started_at=START,
            finished_at=START + timedelta(seconds=1.5),
            plan=plan,
            outcomes=(Outcome(operation=OPERATION, result=Result.APPLIED),),
            calls={"ListUsers": 1, "CreateUser": 2},
            took={"plan": 0.12345},
            oldest_detail_s=12.6,
        )
    )

    (line,) = lines(stream)
    del line["timestamp"]
    assert line == {
        "level": "info",
        "event": "cycle_finished",
        "organization": "pe",
        "cycle_id": "c1",
        "plan": plan.digest[:12],
        "logger": "syncd",
        "command": "run",
        "result": "applied",
        "exit_code": 0,
        "took_s": 1.5,
        "add": 1,
        "change": 0,
        "remove": 0,
        "withheld": 0,
        "outside": 0,
        "deferred": 0,
        "pending": 0,
        "rejected": 0,
        "guards": [],
        "applied": 1,
        "failed": 0,
        "unknown": 0,
        "skipped": 0,
        "half_removed": 0,
        "paused": False,
        "held": 0,
        "contested": 0,
        "doubted": 0,
        "api_calls": 3,
        "oldest_detail_s": 13,
        "stages_s": {"plan": 0.123},
    }
    assert registry.get_sample_value("syncd_cycles_total", {"organization": "pe", "result": "applied"}) == 1


def test_what_ended_a_cycle_is_told_once(stream: io.StringIO) -> None:
    """An error that a report has told is not told again; one before any report is."""
    observer = TelemetryObserver("pe")
    observer.began(START)
    observer.failed(Locked("organization m-1 is held by somebody", hint="wait"))
    observer.began(START)
    observer.finished(
        Report(
            cycle_id="c2",
            organization="pe",
            command="run",
            started_at=START,
            finished_at=START,
            error="no answer",
            exit_code=69,
        )
    )
    observer.failed(SourceUnreachable("no answer"))

    first, second = lines(stream)
    assert (first["event"], first["exit_code"]) == ("cycle_failed", 75)
    assert first["message"] == "organization m-1 is held by somebody\n  wait"
    assert (second["event"], second["level"], second["message"]) == ("cycle_finished", "error", "no answer")


def test_a_defect_shows_its_traceback(stream: io.StringIO) -> None:
    """What nobody expected is logged with where it happened."""
    TelemetryObserver("pe").failed(ZeroDivisionError("by zero"))

    (line,) = lines(stream)
    assert (line["event"], line["error_type"]) == ("cycle_crashed", "ZeroDivisionError")
    assert "ZeroDivisionError: by zero" in line["exception"]


def test_a_directory_read_in_clear_text_is_warned_of_and_counted(stream: io.StringIO) -> None:
    """A connection without TLS that the configuration allows is a warning, and moves a counter."""
    metrics = Metrics(CollectorRegistry(), organizations=["planetexpress"])
    observer = TelemetryObserver("planetexpress", metrics)
    observer.event("ldap_plaintext_used", server="ldap://dc1.corp.example:389")
    name, labels = "syncd_ldap_plaintext_connections_total", {"organization": "planetexpress"}
    assert metrics.registry.get_sample_value(name, labels) == 1
    assert json.loads(stream.getvalue().splitlines()[-1])["level"] == "warning"


def test_searches_are_for_the_debug_log(stream: io.StringIO) -> None:
    """Each search of a directory is a debug line; the command that repeats it may name people, so it is hidden."""
    TelemetryObserver("planetexpress").event("ldap_search_sent", ldapsearch="ldapsearch -b ou=fry,dc=corp")
    line = json.loads(stream.getvalue().splitlines()[-1])
    assert (line["level"], line["event"]) == ("debug", "ldap_search_sent")
    assert "fry" not in line["ldapsearch"]
