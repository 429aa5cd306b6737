"""What is asked and what syncd tells, compared as sets."""

import re

from prometheus_client import CollectorRegistry, ProcessCollector

from syncd.telemetry.metrics import Metrics
from tests.fakes.monitoring import RUNBOOK, alerts, exported, metrics_of, questions

#: Made by Prometheus, not by syncd.
PROMETHEUS = {"up"}
#: What nobody asks, and why.
UNUSED = {
    "process_virtual_memory_bytes": "address space says nothing of a Python process; resident memory is shown",
}


def told() -> set[str]:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    Metrics(registry, organizations=["planetexpress"], guards=["removals"])
    return exported(registry)


def asked() -> dict[str, set[str]]:
    """Every metric that is asked for, and where."""
    found: dict[str, set[str]] = {}
    for where, expr in [(alert.name, alert.expr) for alert in alerts()] + [(str(q), q.expr) for q in questions()]:
        for metric in metrics_of(expr):
            found.setdefault(metric, set()).add(where)
    return found


def test_everything_asked_is_told() -> None:
    """Each metric in an alert or a dashboard is one that the daemon exports."""
    there = told() | PROMETHEUS

    assert {metric: where for metric, where in asked().items() if metric not in there} == {}


def test_everything_told_is_asked() -> None:
    """Each metric that the daemon exports is looked at somewhere, or it is said why nobody does."""
    assert told() - set(asked()) == set(UNUSED)


def test_the_runbook_names_metrics_that_exist() -> None:
    """What somebody is told to look for in a scrape is there."""
    # `grep -E 'syncd_source_(up|errors_total)'` names several at once: the part in common must begin one.
    named = {name.rstrip("_") for name in re.findall(r"syncd_[a-z_]+", RUNBOOK.read_text(encoding="utf-8"))}

    assert len(named) > 5
    assert [name for name in named if not any(metric.startswith(name) for metric in told())] == []
