"""What lies in deploy/monitoring, as the tests look at it: alerts, their tests, dashboards, the runbook."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from syncd.settings.strict_yaml import parse, plain

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "monitoring"
RULES = FOLDER / "alerts" / "syncd.yaml"
RUNBOOK = FOLDER / "RUNBOOK.md"
README = FOLDER / "README.md"

#: What may stand for a metric: everything of ours, what the client library tells of the process, and Prometheus' own.
_METRIC = re.compile(r"(?<![\w:.])(?:syncd_\w+|process_\w+|up)(?![\w(])")
_SELECTOR = re.compile(_METRIC.pattern + r"(?:\{[^}]*\})?(?:\[\w+\])?")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One rule; the same *name* may have one for each severity."""

    name: str
    expr: str
    lasts: str
    severity: str
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of promtool's: which *series* there are, and whether *alert* *fires* at any moment that is looked at."""

    file: str
    name: str
    alert: str
    series: frozenset[str]
    fires: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a panel of a dashboard asks."""

    board: str
    panel: str
    expr: str

    def __str__(self) -> str:
        return f"{self.board}: {self.panel}: {self.expr}"


def read_yaml(text: str, name: str) -> Any:  # noqa: ANN401 - whatever stands there
    node, problems = parse(text, name)
    assert not problems, problems
    assert node is not None
    return plain(node)


def alerts() -> list[Alert]:
    """Return every rule of the rules file, which has alerts only."""
    document = read_yaml(RULES.read_text(encoding="utf-8"), RULES.name)
    return [
        Alert(
            name=rule["alert"],
            expr=rule["expr"],
            lasts=rule.get("for", ""),
            severity=rule.get("labels", {}).get("severity", ""),
            annotations=rule.get("annotations", {}),
        )
        for group in document["groups"]
        for rule in group["rules"]
    ]


def cases() -> Iterator[Case]:
    """Yield what promtool is told to try, alert by alert."""
    for path in sorted((FOLDER / "tests").glob("*.yaml")):
        document = read_yaml(path.read_text(encoding="utf-8"), path.name)
        for case in document["tests"]:
            series = frozenset(name for row in case["input_series"] for name in metrics_of(row["series"]))
            for alert in {moment["alertname"] for moment in case["alert_rule_test"]}:
                moments = [moment for moment in case["alert_rule_test"] if moment["alertname"] == alert]
                fires = any(moment["exp_alerts"] for moment in moments)
                yield Case(file=path.name, name=case["name"], alert=alert, series=series, fires=fires)


def boards() -> dict[str, dict[str, Any]]:
    """Return every dashboard by the name of its file."""
    found = sorted((FOLDER / "dashboards").glob("*.json"))
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in found}


def panels(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the panels of *board* that show something: a row is only a title."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def questions() -> list[Question]:
    """Return everything that the dashboards ask."""
    return [
        Question(board=name, panel=panel["title"], expr=target["expr"])
        for name, board in boards().items()
        for panel in panels(board)
        for target in panel["targets"]
    ]


def metrics_of(expr: str) -> set[str]:
    """Return the metrics that a PromQL expression names; what stands in quotes or braces names none."""
    bare = re.sub(r"\{[^}]*\}", "", _QUOTED.sub('""', expr))
    return set(_METRIC.findall(bare))


def selectors_of(expr: str) -> set[str]:
    """Return each metric of *expr* with its label matchers, and without its range."""
    return {match.group().partition("[")[0] for match in _SELECTOR.finditer(expr)}


def exported(registry: CollectorRegistry) -> set[str]:
    """Return every name under which a sample of *registry* is or will be scraped."""
    return {family.name + suffix for family in registry.collect() for suffix in _SUFFIXES[family.type]}


def sections(markdown: str) -> dict[str, str]:
    """Return the headings of a document by their anchors, as forges and wikis make them."""
    headings = re.findall(r"^#{1,6} (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-"): heading for heading in headings}


def blocks(markdown: str, language: str) -> list[str]:
    """Return the fenced blocks of *language*."""
    return re.findall(rf"^```{language}\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL)


def syncd_commands(markdown: str) -> list[Sequence[str]]:
    """Return the arguments of each `syncd` that a reader is told to type, once."""
    lines = [line for block in blocks(markdown, "sh") for line in block.splitlines() if re.match(r"syncd [a-z]", line)]
    return [
        list(arguments) for arguments in dict.fromkeys(tuple(shlex.split(line, comments=True)[1:]) for line in lines)
    ]


def labels_of(expr: str) -> set[str]:
    """Return the labels that a PromQL expression matches, groups by, or joins on."""
    matched = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expr)
    listed = re.findall(r"\b(?:by|without|on|ignoring|group_left)\s*\(([^)]*)\)", expr)
    return {*matched, *(label.strip() for each in listed for label in each.split(",") if label.strip())}
