"""The alerts, what is tested of them, and the runbook say the same."""

import re

import pytest

from syncd.workmail.failures import THROTTLES
from tests.fakes.monitoring import (
    FOLDER,
    RUNBOOK,
    Alert,
    alerts,
    cases,
    metrics_of,
    questions,
    sections,
    selectors_of,
)

ALERTS = alerts()
NAMES = {alert.name for alert in ALERTS}
#: What the issue asks for.
WANTED = {
    "SyncdApprovalPending",
    "SyncdCertificateExpiring",
    "SyncdConfigReloadFailed",
    "SyncdCycleStale",
    "SyncdCycleStalled",
    "SyncdCyclesFailing",
    "SyncdDown",
    "SyncdGuardTripped",
    "SyncdHalfRemoved",
    "SyncdPaused",
    "SyncdIdentityDoubted",
    "SyncdNotCounted",
    "SyncdNoticesFailing",
    "SyncdOperationsFailing",
    "SyncdRejections",
    "SyncdRestarting",
    "SyncdSourceShrank",
    "SyncdSourceUnreachable",
    "SyncdStoreDiskFilling",
    "SyncdStoreUnavailable",
    "SyncdTargetUnreachable",
    "SyncdThrottled",
}


def test_every_alert_has_a_section_and_every_section_an_alert() -> None:
    """Whoever is woken finds what to do, and nothing in the runbook is about an alert that is gone."""
    about = {title for title in sections(RUNBOOK.read_text(encoding="utf-8")).values() if title.startswith("Syncd")}

    assert NAMES == WANTED
    assert about == NAMES


def test_every_section_answers_the_same_questions() -> None:
    """Meaning, impact, diagnosis with commands, mitigation, and when to call somebody else: in that order."""
    text = RUNBOOK.read_text(encoding="utf-8")
    incomplete = {}
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title = part.splitlines()[0]
        answers = re.findall(r"^\*\*(Meaning\.|Impact\.|Diagnosis\.|Mitigation\.|Escalate\*\*)", part, re.MULTILINE)
        whole = [answer.rstrip(".*") for answer in answers] == [
            "Meaning",
            "Impact",
            "Diagnosis",
            "Mitigation",
            "Escalate",
        ]
        if title in NAMES and not (whole and "```sh" in part):
            incomplete[title] = answers

    assert incomplete == {}


@pytest.mark.parametrize("fires", [True, False])
def test_every_alert_is_tried(fires: bool) -> None:
    """Each alert has a case in which it fires, and one in which it is silent at every moment."""
    assert {case.alert for case in cases() if case.fires is fires} == NAMES


def test_no_case_is_silent_for_lack_of_data() -> None:
    """A case in which an alert is silent has a series that the alert looks at."""
    looked_at = {alert.name: metrics_of(alert.expr) for alert in ALERTS}

    assert [case.name for case in cases() if not case.series & looked_at[case.alert]] == []


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.severity}")
def test_an_alert_says_what_whom_and_where(alert: Alert) -> None:
    """It waits before it fires, has a known severity, a summary, a description, and a section that exists."""
    anchor = alert.annotations["runbook_url"].partition("RUNBOOK.md#")[2]

    assert re.fullmatch(r"[1-9]\d*[mh]", alert.lasts)
    assert alert.severity in {"warning", "critical"}
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    assert sections(RUNBOOK.read_text(encoding="utf-8"))[anchor] == alert.name


def test_certificates_have_two_severities() -> None:
    """Two weeks are a warning, three days are critical; every other alert has one severity."""
    by_name: dict[str, set[str]] = {}
    for alert in ALERTS:
        by_name.setdefault(alert.name, set()).add(alert.severity)

    assert {name for name, severities in by_name.items() if len(severities) > 1} == {"SyncdCertificateExpiring"}


def test_what_is_throttled_is_what_syncd_takes_for_a_throttle() -> None:
    """The alert and the dashboards count exactly the codes after which syncd slows down."""
    expressions = [alert.expr for alert in ALERTS] + [question.expr for question in questions()]
    patterns = {found for expr in expressions for found in re.findall(r'code=~"([^"]+)"', expr)}

    [pattern] = patterns
    assert [code for code in THROTTLES if not re.fullmatch(pattern, code)] == []
    assert not re.fullmatch(pattern, "LimitExceededException")


def test_the_rules_are_one_plain_file() -> None:
    """Prometheus reads alerts/syncd.yaml as it is; nothing else lies there."""
    assert [path.name for path in (FOLDER / "alerts").iterdir()] == ["syncd.yaml"]


@pytest.mark.parametrize(
    ("expr", "metrics", "selectors"),
    [
        ('up{job="syncd_x"} == 0', {"up"}, {'up{job="syncd_x"}'}),
        ("rate(syncd_a_total[5m])", {"syncd_a_total"}, {"syncd_a_total"}),
        (
            'sum by (le) (increase(syncd_b_bucket{c=~"d"}[$window]))',
            {"syncd_b_bucket"},
            {'syncd_b_bucket{c=~"d"}'},
        ),
        ("absent(syncd_c) and on () syncd_up", {"syncd_c", "syncd_up"}, {"syncd_c", "syncd_up"}),
    ],
)
def test_metrics_are_found_in_an_expression(expr: str, metrics: set[str], selectors: set[str]) -> None:
    """Names and matchers are told from functions, labels and text."""
    assert metrics_of(expr) == metrics
    assert selectors_of(expr) == selectors
