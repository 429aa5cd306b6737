"""What syncd shows to Prometheus, as Prometheus' own tool reads it."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from syncd.model.report import Outcome, Report, Result
from syncd.telemetry.metrics import Metrics, new_metrics
from syncd.telemetry.observer import MetricsObserver
from syncd.wiring import guard_names
from tests.builders import NOW, operation, plan
from tests.fakes.debian import need
from tests.fakes.logging_state import logging_as_before


@pytest.fixture(autouse=True)
def promtool() -> Iterator[None]:
    need("promtool", ["prometheus"])
    with logging_as_before():
        yield


def promtool_says(text: bytes) -> tuple[int, bytes]:
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


def live(metrics: Metrics) -> None:
    """Tell *metrics* of a cycle in which everything happens that has a metric."""
    one = operation()
    observer = MetricsObserver("pe", metrics)
    observer.began(NOW)
    observer.event("cycle_started", cycle_id="c1")
    observer.event("source_read", users=41, groups=12, rejected=1)
    observer.event("api_call_sent", call="ListUsers")
    observer.event("api_call_retried", call="ListUsers", code="Throttling")
    observer.event("api_call_delayed", call="ListUsers", waited_s=1.5)
    observer.event("ldap_plaintext_used", server="ldap://dc1.corp.example:389")
    observer.event("ldap_certificate_seen", peer="dc1.corp.example:636", expires_at=NOW)
    observer.called("ListUsers", "ok", 0.1)
    observer.settled(Outcome(operation=one, result=Result.APPLIED))
    observer.finished(
        Report(
            cycle_id="c1",
            organization="pe",
            command="run",
            started_at=NOW,
            finished_at=NOW + timedelta(seconds=3),
            plan=plan(one),
            took={"plan": 0.5},
        )
    )
    observer.scheduled(NOW)
    metrics.reloaded(ok=True, at=NOW, sha256="ab" * 32)
    metrics.store(up=True, size=4096, free=10**9)
    metrics.noticed("chat", "sent")
    metrics.report_failed()


@pytest.mark.parametrize("is_lived", [False, True], ids=["at the start", "after a cycle"])
def test_a_scrape_has_no_fault(is_lived: bool) -> None:
    """Names, units, types and help texts are as Prometheus wants them, with every series there is."""
    metrics = new_metrics(organizations=["pe", "mom"], guards=guard_names(), notices=["chat"])
    if is_lived:
        live(metrics)
        assert [each.name for each in metrics.registry.collect() if not each.samples] == []

    assert promtool_says(metrics.exposition()[0]) == (0, b"")


def test_the_file_of_a_run_has_no_fault() -> None:
    """The textfile collector reads the same format."""
    metrics = new_metrics(organizations=["pe"], guards=guard_names(), from_start=False)
    live(metrics)

    assert promtool_says(metrics.textfile()) == (0, b"")


def test_a_fault_is_found() -> None:
    """The check can fail: a counter whose name doesn't say so is one."""
    code, told = promtool_says(b"# HELP syncd_cycles Cycles.\n# TYPE syncd_cycles counter\nsyncd_cycles 1\n")

    assert code != 0
    assert b"_total" in told


def test_hostile_names_of_the_configuration_stay_within_their_label() -> None:
    """Whatever stands in a label that we don't check ourselves is escaped."""
    metrics = Metrics(CollectorRegistry(), organizations=["pe"])
    metrics.noticed('a"} 1\nup 0\\', "sent")

    assert promtool_says(metrics.exposition()[0]) == (0, b"")
