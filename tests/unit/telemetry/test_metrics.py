"""The metrics, by the names that other people's dashboards rest on."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from syncd.model.action import Action
from syncd.model.names import EntityId, user_key
from syncd.model.operation import Call, Operation, single
from syncd.model.plan import Finding, Note, Plan, Populations
from syncd.model.report import Outcome, Report, Result
from syncd.telemetry.metrics import Metrics
from syncd.telemetry.series import LEVELS
from tests.builders import half, verb, why_withheld

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ORGANIZATION = {"organization": "pe"}


def operation(identity: str, action: Action = Action.ADD) -> Operation:
    return Operation(
        verb=verb("alias.add"),
        action=action,
        subject=user_key(identity),
        entity=EntityId("S-1"),
        bundle=single(identity),
        effect={},
        summary="add an alias",
        reason="people.csv:2",
        call=Call("CreateAlias", {"Alias": f"{identity}@pe.example"}),
    )


def report(
    *operations: Operation,
    result: Result | None = Result.APPLIED,
    withheld: Mapping[str, str] | None = None,
    findings: tuple[Finding, ...] = (),
    error: str = "",
) -> Report:
    plan = Plan(
        organization="pe",
        organization_id="m-1",
        created_at=START,
        operations=operations,
        withheld={i: why_withheld(why) for i, why in (withheld or {}).items()},
        findings=findings,
    )
    outcomes = tuple(Outcome(operation=each, result=result) for each in operations if result)
    return Report(
        cycle_id="c1",
        organization="pe",
        command="run",
        started_at=START,
        finished_at=START + timedelta(seconds=9),
        plan=None if error else plan,
        outcomes=outcomes,
        error=error,
    )


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry, organizations=["pe"], guards=["removals"])


def names(registry: CollectorRegistry) -> set[str]:
    text = generate_latest(registry).decode()
    return {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE ")}


def gauges(registry: CollectorRegistry) -> list[float | None]:
    return [
        registry.get_sample_value("syncd_plan_operations", {**ORGANIZATION, "action": "remove"}),
        registry.get_sample_value("syncd_guard_tripped", {**ORGANIZATION, "guard": "removals"}),
    ]


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, {**ORGANIZATION, **labels})


@pytest.mark.usefixtures("metrics")
def test_the_names_are_the_contract(registry: CollectorRegistry) -> None:
    """Metrics are known under exactly these names; other people's dashboards rest on them."""
    assert names(registry) == {
        "syncd_api_inflight_requests",
        "syncd_api_request_duration_seconds",
        "syncd_api_requests_total",
        "syncd_api_retries_total",
        "syncd_api_throttle_wait_seconds_total",
        "syncd_approval_oldest_pending_timestamp_seconds",
        "syncd_build_info",
        "syncd_config_info",
        "syncd_config_last_reload_success_timestamp_seconds",
        "syncd_config_last_reload_successful",
        "syncd_cycle_consecutive_failures",
        "syncd_cycle_duration_seconds",
        "syncd_cycle_in_progress",
        "syncd_cycle_interval_seconds",
        "syncd_cycle_last_attempt_timestamp_seconds",
        "syncd_cycle_last_success_timestamp_seconds",
        "syncd_cycle_next_timestamp_seconds",
        "syncd_cycle_stage_duration_seconds",
        "syncd_cycles_skipped_total",
        "syncd_cycles_total",
        "syncd_details_oldest_timestamp_seconds",
        "syncd_entities",
        "syncd_guard_tripped",
        "syncd_guard_trips_total",
        "syncd_guard_window_used_ratio",
        "syncd_half_removed_entities",
        "syncd_paused",
        "syncd_held_entities",
        "syncd_contested_operations",
        "syncd_doubted_identities",
        "syncd_ldap_plaintext_connections_total",
        "syncd_log_messages_total",
        "syncd_notes",
        "syncd_notices_total",
        "syncd_operations_total",
        "syncd_organizations",
        "syncd_pending_removals",
        "syncd_plan_deferred_operations",
        "syncd_plan_operations",
        "syncd_plan_withheld_operations",
        "syncd_rejections",
        "syncd_reports_failed_total",
        "syncd_source_entries",
        "syncd_source_errors_total",
        "syncd_source_up",
        "syncd_store_free_bytes",
        "syncd_store_size_bytes",
        "syncd_store_up",
        "syncd_target_up",
        "syncd_uncounted_removals",
        "syncd_tls_peer_certificate_expiration_timestamp_seconds",
    }


def test_definitions_say_what_a_registry_shows(registry: CollectorRegistry, metrics: Metrics) -> None:
    """What the reference and the checks of dashboards are made of is what a scrape shows: name, type, labels."""
    shown = {family.name: family for family in registry.collect()}

    assert {definition.family for definition in metrics.definitions} == shown.keys()
    for definition in metrics.definitions:
        family = shown[definition.family]
        assert (definition.kind, definition.meaning) == (family.type, family.documentation)
        for sample in family.samples:
            assert set(definition.labels) == set(sample.labels) - {"le"}


#: Metrics with a label whose values nobody knows before they come.
LATER = {
    "syncd_api_requests_total",
    "syncd_config_info",
    "syncd_notices_total",
    "syncd_tls_peer_certificate_expiration_timestamp_seconds",
}


@pytest.mark.usefixtures("metrics")
def test_every_series_that_can_be_known_is_there_from_the_start(registry: CollectorRegistry) -> None:
    """0, not absent: `rate()` and `absent()` work before the first cycle; every value of a label is there."""
    empty = {each.name for each in registry.collect() if not each.samples}

    assert empty == {name.removesuffix("_total") for name in LATER}
    for name, label, values in (
        ("syncd_cycles_total", "result", ("in_sync", "applied", "planned", "withheld", "partial", "failed")),
        ("syncd_cycles_skipped_total", "reason", ("running", "window")),
        ("syncd_source_errors_total", "reason", ("unreachable", "incomplete")),
        ("syncd_source_entries", "kind", ("user", "group")),
        ("syncd_entities", "standing", ("owned", "foreign", "frozen")),
        ("syncd_guard_tripped", "guard", ("removals",)),
        ("syncd_guard_trips_total", "guard", ("removals",)),
        ("syncd_cycle_stage_duration_seconds", "stage", ("read_lists", "read_details", "read_source", "plan", "apply")),
    ):
        assert [value(registry, name, **{label: each}) for each in values] == [0] * len(values)
    assert [registry.get_sample_value("syncd_log_messages_total", {"level": each}) for each in LEVELS] == [0, 0, 0]
    assert registry.get_sample_value("syncd_config_last_reload_successful") == 1
    assert registry.get_sample_value("syncd_organizations") == 1


def test_an_attempt_is_no_success(registry: CollectorRegistry, metrics: Metrics) -> None:
    """The two clocks on the wall go separately."""
    metrics.attempted("pe", START)

    assert registry.get_sample_value("syncd_cycle_last_attempt_timestamp_seconds", ORGANIZATION) == START.timestamp()
    assert registry.get_sample_value("syncd_cycle_last_success_timestamp_seconds", ORGANIZATION) == 0


@pytest.mark.parametrize(
    ("finished", "result", "succeeded"),
    [
        (report(), "in_sync", True),
        (report(operation("1")), "applied", True),
        (report(operation("1"), result=None), "planned", True),
        (report(operation("1"), result=Result.FAILED), "partial", False),
        (report(operation("1"), result=None, withheld={operation("1").id: "removals"}), "withheld", False),
        (report(error="no answer"), "failed", False),
    ],
)
def test_only_a_whole_cycle_is_a_success(
    finished: Report, result: str, succeeded: bool, registry: CollectorRegistry, metrics: Metrics
) -> None:
    """A cycle in which something failed or was withheld is counted, but doesn't move the last success."""
    metrics.finished(finished)

    assert registry.get_sample_value("syncd_cycles_total", {**ORGANIZATION, "result": result}) == 1
    moved = registry.get_sample_value("syncd_cycle_last_success_timestamp_seconds", ORGANIZATION)
    assert moved == (START.timestamp() + 9 if succeeded else 0)


def test_the_last_plan_is_a_gauge(registry: CollectorRegistry, metrics: Metrics) -> None:
    """Operations by action go up and down with each plan; a guard is 1 only while it trips."""
    tripped = Finding(guard="removals", counted=9, population=20, tripped=True, label="x", budget="")
    metrics.finished(report(operation("1"), operation("2", Action.REMOVE), findings=(tripped,)))
    first = gauges(registry)
    metrics.finished(report())

    assert (first, gauges(registry)) == ([1, 1], [0, 0])


def test_operations_and_calls_are_counted(registry: CollectorRegistry, metrics: Metrics) -> None:
    """Each outcome by action, each call by operation and code."""
    metrics.settled("pe", Outcome(operation=operation("1"), result=Result.FAILED))
    metrics.sent("pe")
    metrics.called("pe", "CreateAlias", "EmailAddressInUseException", 0.3)

    assert (
        registry.get_sample_value("syncd_operations_total", {**ORGANIZATION, "action": "add", "outcome": "failed"}) == 1
    )
    labels = {**ORGANIZATION, "operation": "CreateAlias", "code": "EmailAddressInUseException"}
    assert registry.get_sample_value("syncd_api_requests_total", labels) == 1


def test_a_cycle_without_a_report_is_counted_as_failed(registry: CollectorRegistry, metrics: Metrics) -> None:
    """What ended before there was anything to report is a failed cycle, not none."""
    metrics.failed("pe")

    assert registry.get_sample_value("syncd_cycles_total", {**ORGANIZATION, "result": "failed"}) == 1


def test_hostile_codes_do_not_multiply_series(registry: CollectorRegistry, metrics: Metrics) -> None:
    """Ten thousand invented error codes make a bounded number of series."""
    for number in range(10_000):
        metrics.called("pe", "CreateUser", f"Code{number}", 0.1)
    metrics.called("pe", "CreateUser", "no code at all\n", 0.1)

    assert generate_latest(registry).decode().count("\nsyncd_api_requests_total{") <= 41
    assert registry.get_sample_value(
        "syncd_api_requests_total", {**ORGANIZATION, "operation": "CreateUser", "code": "other"}
    )


def test_the_last_plan_in_numbers(registry: CollectorRegistry, metrics: Metrics) -> None:
    """What people look at in a plan is there as numbers: withheld, deferred, notes, who is whose, age of details."""
    told = report(operation("1"), operation("2"), result=None, withheld={operation("1").id: "removals"})
    assert told.plan is not None
    sizes = {"users_owned_enabled": 7, "groups_owned_enabled": 2, "foreign": 3, "frozen": 4}
    notes = (Note(code="x", subject="", text="x"),)
    plan = replace(
        told.plan,
        deferred={verb("user.create"): 5, verb("alias.add"): 1},
        notes=notes,
        populations=Populations.of_numbers(sizes),
    )
    metrics.finished(replace(told, plan=plan, oldest_detail_s=60.0, took={"plan": 0.5, "apply": 2.0}))

    assert value(registry, "syncd_plan_withheld_operations") == 1
    assert value(registry, "syncd_plan_deferred_operations") == 6
    assert value(registry, "syncd_notes") == 1
    assert [value(registry, "syncd_entities", standing=each) for each in ("owned", "foreign", "frozen")] == [9, 3, 4]
    assert value(registry, "syncd_details_oldest_timestamp_seconds") == START.timestamp() - 60
    assert value(registry, "syncd_cycle_stage_duration_seconds", stage="apply") == 2.0
    assert value(registry, "syncd_cycle_stage_duration_seconds", stage="read_source") == 0


def test_failures_in_a_row_are_counted(registry: CollectorRegistry, metrics: Metrics) -> None:
    """Errors add up, with or without a report; any cycle with a plan ends the row, whatever became of it."""
    seen = []
    for told in (report(error="no answer"), None, report(operation("1"), result=Result.FAILED), report(error="again")):
        metrics.attempted("pe", START)
        running = value(registry, "syncd_cycle_in_progress")
        metrics.failed("pe") if told is None else metrics.finished(told)
        ended = value(registry, "syncd_cycle_in_progress")
        seen.append((running, ended, value(registry, "syncd_cycle_consecutive_failures")))

    assert seen == [(1, 0, 1), (1, 0, 2), (1, 0, 0), (1, 0, 1)]


def test_what_awaits_approval_has_waited_since_the_first_such_plan(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    """Later plans that await approval too don't move the time; one without ends it, a failed cycle doesn't."""
    waiting = report(operation("1"), result=None, withheld={operation("1").id: "removals"})
    assert waiting.plan is not None
    later = replace(waiting, plan=replace(waiting.plan, created_at=START + timedelta(hours=1)))
    tripped = Finding(guard="empty_source", counted=0, population=20, tripped=True, label="x", budget="")
    seen = []
    for told in (waiting, report(error="no answer"), later, report(), report(findings=(tripped,))):
        metrics.finished(told)
        seen.append(value(registry, "syncd_approval_oldest_pending_timestamp_seconds"))

    assert seen == [START.timestamp(), START.timestamp(), START.timestamp(), 0, START.timestamp()]


def test_each_plan_that_trips_a_guard_is_counted(registry: CollectorRegistry, metrics: Metrics) -> None:
    """The gauge says what is so now, the counter how often it was."""
    tripped = Finding(guard="removals", counted=9, population=20, tripped=True, label="x", budget="")
    for findings in ((tripped,), (tripped,), (replace(tripped, tripped=False),)):
        metrics.finished(report(findings=findings))

    assert value(registry, "syncd_guard_trips_total", guard="removals") == 2
    assert value(registry, "syncd_guard_tripped", guard="removals") == 0


def test_the_past_is_remembered(registry: CollectorRegistry, metrics: Metrics) -> None:
    """After a restart the metrics go on where the store says that they were."""
    metrics.remember("pe", last_success=START, failures=3, waiting_since=START)
    metrics.finished(report(error="no answer"))

    assert value(registry, "syncd_cycle_last_success_timestamp_seconds") == START.timestamp()
    assert value(registry, "syncd_cycle_consecutive_failures") == 4
    assert value(registry, "syncd_approval_oldest_pending_timestamp_seconds") == START.timestamp()


def test_a_schedule_shows_in_advance(registry: CollectorRegistry, metrics: Metrics) -> None:
    """When the next cycle is due, how far apart they are, and which were left out."""
    metrics.interval("pe", 900)
    metrics.skipped("pe", "window")
    metrics.scheduled("pe", START)
    planned = value(registry, "syncd_cycle_next_timestamp_seconds")
    metrics.scheduled("pe", None)

    assert (planned, value(registry, "syncd_cycle_next_timestamp_seconds")) == (START.timestamp(), 0)
    assert value(registry, "syncd_cycle_interval_seconds") == 900
    assert value(registry, "syncd_cycles_skipped_total", reason="window") == 1


def test_a_reload_tells_what_is_in_use(registry: CollectorRegistry, metrics: Metrics) -> None:
    """A configuration that was refused leaves the time and the digest of the one in use."""
    metrics.reloaded(ok=True, at=START, sha256="aa")
    metrics.reloaded(ok=True, at=START + timedelta(hours=1), sha256="bb")
    metrics.reloaded(ok=False, at=START + timedelta(hours=2), sha256="cc")

    shown = {
        sample.labels["sha256"]
        for family in registry.collect()
        if family.name == "syncd_config_info"
        for sample in family.samples
    }
    assert shown == {"bb"}
    assert registry.get_sample_value("syncd_config_last_reload_successful") == 0
    at = registry.get_sample_value("syncd_config_last_reload_success_timestamp_seconds")
    assert at == (START + timedelta(hours=1)).timestamp()


def test_a_reload_begins_and_ends_series(registry: CollectorRegistry, metrics: Metrics) -> None:
    """New organizations have all of theirs, gone ones none, and what stays keeps its values, also when told late."""
    metrics.configure(["pe", "mom"], notices=["chat"])
    metrics.finished(report())
    metrics.certificate("pe", "dc1.corp.example:636", START)
    metrics.configure(["pe", "omicron"])
    metrics.finished(replace(report(), organization="mom"))
    metrics.called("mom", "ListUsers", "ok", 0.1)
    text = generate_latest(registry).decode()

    assert 'organization="mom"' not in text
    assert text.count('organization="omicron"') == text.count('organization="pe"')
    assert "dc1.corp.example" not in text
    assert value(registry, "syncd_cycles_total", result="in_sync") == 1
    assert registry.get_sample_value("syncd_notices_total", {"notice": "chat", "outcome": "dropped"}) == 0
    assert registry.get_sample_value("syncd_organizations") == 2
    metrics.configure(["pe"], notices=[])
    assert "chat" not in generate_latest(registry).decode()


def test_store_notices_and_reports_have_numbers(registry: CollectorRegistry, metrics: Metrics) -> None:
    """A store that can't be read any more keeps its last size; sinks and files that fail are counted."""
    metrics.store(up=True, size=4096, free=10**9)
    metrics.store(up=False)
    metrics.noticed("chat", "failed")
    metrics.report_failed()

    seen = [registry.get_sample_value(f"syncd_store_{name}") for name in ("up", "size_bytes", "free_bytes")]
    assert seen == [0, 4096, 10**9]
    assert registry.get_sample_value("syncd_notices_total", {"notice": "chat", "outcome": "failed"}) == 1
    assert registry.get_sample_value("syncd_reports_failed_total") == 1


def test_openmetrics_has_exemplars_that_name_the_cycle(metrics: Metrics) -> None:
    """A scraper that accepts OpenMetrics learns which cycle was slow; its own parser reads the whole text."""
    metrics.finished(report())
    metrics.sent("pe")
    metrics.called("pe", "ListUsers", "ok", 0.3, "c1")

    content, content_type = metrics.exposition("application/openmetrics-text; version=1.0.0")
    families = text_string_to_metric_families(content.decode())  # type: ignore[no-untyped-call]  # prometheus_client's parser
    found = {
        (family.name, sample.labels["le"]): (sample.exemplar.labels, sample.exemplar.value)
        for family in families
        for sample in family.samples
        if sample.exemplar
    }
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert found == {
        ("syncd_cycle_duration_seconds", "15.0"): ({"cycle_id": "c1"}, 9.0),
        ("syncd_api_request_duration_seconds", "0.5"): ({"cycle_id": "c1"}, 0.3),
    }


def test_without_a_wish_it_is_the_plain_format(metrics: Metrics) -> None:
    """Prometheus' text format has no exemplars, and is what promtool reads."""
    metrics.finished(report())
    content, content_type = metrics.exposition()

    assert content_type.startswith("text/plain; version=0.0.4")
    assert b"cycle_id" not in content


def test_calls_under_way_go_up_and_down(registry: CollectorRegistry, metrics: Metrics) -> None:
    """Two sent and one answered leave one; waits and retries add up."""
    metrics.sent("pe")
    metrics.sent("pe")
    metrics.called("pe", "ListUsers", "ok", 0.3)
    metrics.held_back("pe", 1.5)
    metrics.held_back("pe", 0.25)
    metrics.retried("pe")

    assert value(registry, "syncd_api_inflight_requests") == 1
    assert value(registry, "syncd_api_throttle_wait_seconds_total") == 1.75
    assert value(registry, "syncd_api_retries_total") == 1
    assert value(registry, "syncd_api_request_duration_seconds_count") == 1


def test_the_half_removed_are_counted_after_every_cycle(registry: CollectorRegistry, metrics: Metrics) -> None:
    """From the start as the store has it; then what each report says; where the store could not tell, it stays."""
    metrics.remember("pe", half_removed=3)
    assert value(registry, "syncd_half_removed_entities") == 3

    metrics.finished(replace(report(), half_removed=(half(), half("user:leela"))))
    assert value(registry, "syncd_half_removed_entities") == 2

    metrics.finished(replace(report(), plan=None, error="the store is away", half_removed=None))
    metrics.failed("pe")
    assert value(registry, "syncd_half_removed_entities") == 2

    metrics.finished(replace(report(), plan=None, error="no answer", half_removed=(half(),)))
    assert value(registry, "syncd_half_removed_entities") == 1

    metrics.finished(replace(report(), half_removed=()))
    assert value(registry, "syncd_half_removed_entities") == 0
