"""The metrics, by the names that other people's dashboards rest on."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from syncd.model.names import EntityId, user_key
from syncd.model.operation import Action, Call, Operation
from syncd.model.plan import Finding, Plan
from syncd.model.report import Outcome, Report, Result
from syncd.telemetry.metrics import Metrics

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ORGANIZATION = {"organization": "pe"}


def operation(identity: str, action: Action = Action.ADD) -> Operation:
    return Operation(
        kind="alias.add",
        action=action,
        subject=user_key(identity),
        entity=EntityId("S-1"),
        bundle=identity,
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
        withheld=withheld or {},
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
    return {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def gauges(registry: CollectorRegistry) -> list[float | None]:
    return [
        registry.get_sample_value("syncd_plan_operations", {**ORGANIZATION, "action": "remove"}),
        registry.get_sample_value("syncd_guard_tripped", {**ORGANIZATION, "guard": "removals"}),
    ]


@pytest.mark.usefixtures("metrics")
def test_the_names_are_the_contract(registry: CollectorRegistry) -> None:
    """Before the first cycle every series is there that can be known, under exactly these names."""
    assert names(registry) == {
        "syncd_build_info",
        "syncd_cycle_last_attempt_timestamp_seconds",
        "syncd_cycle_last_success_timestamp_seconds",
        "syncd_cycles_total",
        "syncd_ldap_plaintext_connections_total",
        "syncd_plan_operations",
        "syncd_operations_total",
        "syncd_guard_tripped",
    }
    assert registry.get_sample_value("syncd_cycles_total", {**ORGANIZATION, "result": "failed"}) == 0
    assert registry.get_sample_value("syncd_guard_tripped", {**ORGANIZATION, "guard": "removals"}) == 0


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
    tripped = Finding(guard="removals", counted=9, population=20, tripped=True, used="9 of 5")
    metrics.finished(report(operation("1"), operation("2", Action.REMOVE), findings=(tripped,)))
    first = gauges(registry)
    metrics.finished(report())

    assert (first, gauges(registry)) == ([1, 1], [0, 0])


def test_operations_and_calls_are_counted(registry: CollectorRegistry, metrics: Metrics) -> None:
    """Each outcome by action, each call by operation and code."""
    metrics.settled("pe", Outcome(operation=operation("1"), result=Result.FAILED))
    metrics.called("pe", "CreateAlias", "EmailAddressInUseException")

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
        metrics.called("pe", "CreateUser", f"Code{number}")
    metrics.called("pe", "CreateUser", "no code at all\n")

    assert generate_latest(registry).decode().count("\nsyncd_api_requests_total{") <= 41
    assert registry.get_sample_value(
        "syncd_api_requests_total", {**ORGANIZATION, "operation": "CreateUser", "code": "other"}
    )
