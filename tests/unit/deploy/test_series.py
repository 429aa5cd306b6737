"""What is asked and what syncd tells, compared as sets."""

import re
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, ProcessCollector

from syncd.telemetry.metrics import Metrics
from tests.fakes.monitoring import (
    RUNBOOK,
    alerts,
    boards,
    exported,
    labels_of,
    metrics_of,
    panels,
    questions,
)

#: Made by Prometheus, not by syncd.
PROMETHEUS = {"up"}
#: Labels that Prometheus adds, and that of the buckets of a histogram.
ADDED = {"instance", "job", "le"}
#: What nobody asks, and why.
UNUSED = {
    "process_virtual_memory_bytes": "address space says nothing of a Python process; resident memory is shown",
}


def made() -> Metrics:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return Metrics(registry, organizations=["planetexpress"], guards=["removals"])


def told() -> set[str]:
    return exported(made().registry)


def asked() -> list[tuple[str, str]]:
    """Every expression, and where it stands."""
    return [(alert.name, alert.expr) for alert in alerts()] + [(str(each), each.expr) for each in questions()]


def labels_told() -> Mapping[str, set[str]]:
    """The labels of each metric, by the name under which it is scraped."""
    return {
        sample: set(definition.labels)
        for definition in made().definitions
        for sample in (definition.name, *(f"{definition.name}_{part}" for part in ("bucket", "sum", "count")))
    }


def unknown_labels(expr: str, labels: set[str]) -> set[str]:
    """Those of *labels* that no metric of *expr* has."""
    known = labels_told()
    return labels - ADDED - {label for metric in metrics_of(expr) for label in known.get(metric, ())}


def test_everything_asked_is_told() -> None:
    """Each metric in an alert or a dashboard is one that the daemon exports."""
    there = told() | PROMETHEUS

    assert [(where, metrics_of(expr) - there) for where, expr in asked() if metrics_of(expr) - there] == []


def test_everything_told_is_asked() -> None:
    """Each metric that the daemon exports is looked at somewhere, or it is said why nobody does."""
    looked_at = {metric for _, expr in asked() for metric in metrics_of(expr)}

    assert told() - looked_at == set(UNUSED)


def test_every_label_exists() -> None:
    """What an expression matches, groups by or joins on is a label of one of its metrics."""
    assert [(where, expr) for where, expr in asked() if unknown_labels(expr, labels_of(expr))] == []


def test_every_text_names_labels_that_exist() -> None:
    """What an alert says of its labels, and what a line in a panel is called by, is there to be said."""
    texts = [
        (alert.expr, set(re.findall(r"\$labels\.(\w+)", " ".join(alert.annotations.values())))) for alert in alerts()
    ] + [
        (target["expr"], set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])))
        for board in boards().values()
        for panel in panels(board)
        for target in panel["targets"]
    ]

    assert sum(bool(labels) for _, labels in texts) > 40
    assert [(expr, labels) for expr, labels in texts if unknown_labels(expr, labels)] == []


def test_the_runbook_names_metrics_that_exist() -> None:
    """What somebody is told to look for in a scrape is there."""
    # `grep -E 'syncd_source_(up|errors_total)'` names several at once: the part in common must begin one.
    named = {name.rstrip("_") for name in re.findall(r"syncd_[a-z_]+", RUNBOOK.read_text(encoding="utf-8"))}

    assert len(named) > 5
    assert [name for name in named if not any(metric.startswith(name) for metric in told())] == []
