"""A real Prometheus watches a real daemon: every panel shows something, and every alert can see what it is about.

The daemon of this test has a bad day: calls are throttled, people can't be created, a read breaks off, half the
directory is gone, a notice is refused.
"""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncd.emulator import Emulator
from syncd.emulator.faults import ErrorAnswer, Fault
from syncd.emulator.seed import plant
from syncd.emulator.server import EmulatorServer
from tests.fakes.authority import Authority
from tests.fakes.ldap_world import directory
from tests.fakes.monitoring import (
    FOLDER,
    README,
    RULES,
    RUNBOOK,
    alerts,
    blocks,
    questions,
    selectors_of,
)
from tests.fakes.prometheus import Prometheus, get, need_prometheus, promtool, wait_until
from tests.fakes.slapd import READER_PASSWORD, Slapd, free_port, skip_without_slapd
from tests.functional.places import DATA, ORGANIZATION, ROOT, Site, the_warm_one

pytestmark = skip_without_slapd

DEMO = ROOT / "config" / "demo" / "day1"
#: The second organization of watched.yaml.
CORP = "m-fedcba9876543210fedcba9876543210"
ORGANIZATIONS = [
    {"organization_id": ORGANIZATION, "alias": "planetexpress", "domains": ["planetexpress.example"]},
    {"organization_id": CORP, "alias": "corp", "domains": ["corp.example"]},
]
#: What stands for Grafana's variables: the test is over within one window.
VARIABLES = {"$job": "syncd", "$__rate_interval": "60s", "$window": "60s"}
#: What the day must lead to, without waiting for `for`.
EXPECTED = {"SyncdGuardTripped", "SyncdNoticesFailing", "SyncdRejections", "SyncdCertificateExpiring"}
#: What must not be taken for a fault, whatever else goes wrong.
UNTOUCHED = {
    "SyncdApprovalPending",
    "SyncdConfigReloadFailed",
    "SyncdCycleStale",
    "SyncdCycleStalled",
    "SyncdDown",
    "SyncdRestarting",
    "SyncdStoreDiskFilling",
    "SyncdStoreUnavailable",
    "SyncdTargetUnreachable",
}
PE = 'organization="planetexpress"'


@dataclass(frozen=True, slots=True)
class Watched:
    """A daemon at the end of its bad day, still running, and the Prometheus that saw it all."""

    prometheus: Prometheus
    port: int


@contextmanager
def a_daemon(site: Site, port: int) -> Iterator[None]:
    """Run the daemon in *site* until the end of the block; it must end well."""
    with (site.folder / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(site.command("run"), cwd=site.folder, env=site.env(), stdout=log, stderr=log)
    try:
        wait_until(lambda: process.poll() is not None or get(port, "/livez")[0] == 200, "the daemon answers")
        assert process.poll() is None, (site.folder / "log").read_text(encoding="utf-8")
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


@contextmanager
def two_organizations(folder: Path, port: int) -> Iterator[Site]:
    """Make a place with a directory in CSV and one in LDAP, and both their organizations."""
    authority = Authority(folder / "authority")
    emulator = Emulator()
    plant(emulator, {"organizations": ORGANIZATIONS}, "the seed")
    slapd = Slapd(folder=folder / "slapd", identity=authority.issue("127.0.0.1", days=10))
    place = folder / "site"
    place.mkdir()
    with EmulatorServer(emulator) as server, slapd.load(directory()) as ldap:
        site = Site(place, server, the_warm_one(), "watched.yaml")
        for csv in DEMO.iterdir():
            site.write(csv.name, csv.read_bytes())
        site.write("password", READER_PASSWORD)
        # Nobody takes notices there: each is refused for good, at once.
        site.write("webhook", f"{server.endpoint_url}/nobody")
        site.write("webhook_key", "0123456789abcdef")
        site.write("watched.yaml", (DATA / "watched.yaml").read_bytes())
        site.environment |= {
            "LISTEN": f"127.0.0.1:{port}",
            "ENDPOINT": server.endpoint_url,
            "LDAP": ldap.tls_url,
            "CA_FILE": str(authority.ca_file),
        }
        yield site


def a_bad_day(site: Site, prometheus: Prometheus) -> None:
    """Let everything happen that alerts and panels are about."""
    cycles = f"sum(syncd_cycles_total{{{PE},result=~'in_sync|applied'}})"
    wait_until(lambda: prometheus.value(cycles) >= 2, "cycles succeed")
    site.faults(
        Fault(operation="List*", error=ErrorAnswer(code="ThrottlingException"), probability=0.1, seed=1),
        Fault(operation="CreateUser", error=ErrorAnswer(code="InvalidParameterException")),
    )
    people = (site.folder / "people.csv").read_text(encoding="utf-8")
    header, *rows = people.splitlines()
    newcomer = rows[0].replace("1001", "2001").replace("hubert", "cubert").replace("professor@", "clone@")
    newcomer = newcomer.replace("ceo@", "nobody@")
    nameless = "2002,,Nobody At All,,,nobody.at.all@planetexpress.example,,active,,,"
    changed = "\n".join([header, *rows[: len(rows) // 2], newcomer, nameless])
    # Without its line end, the file may have been cut off: it isn't believed.
    site.write("people.csv", changed)
    wait_until(lambda: prometheus.value(f"sum(syncd_source_errors_total{{{PE}}})") >= 1, "a read breaks off")
    site.write("people.csv", changed + "\n")
    wait_until(lambda: prometheus.value(f"sum(syncd_guard_tripped{{{PE}}})") >= 1, "a guard trips")
    failed = f'sum(syncd_operations_total{{{PE},outcome="failed"}})'
    wait_until(lambda: prometheus.value(failed) >= 1, "an operation fails")
    throttled = f'sum(syncd_api_requests_total{{{PE},code="ThrottlingException"}})'
    wait_until(lambda: prometheus.value(throttled) >= 1, "a call is throttled")
    certificates = 'count(syncd_tls_peer_certificate_expiration_timestamp_seconds{organization="corp"} > 0)'
    wait_until(lambda: prometheus.value(certificates) >= 1, "a certificate is seen")
    wait_until(lambda: prometheus.value('sum(syncd_notices_total{outcome="failed"})') >= 1, "a notice fails")
    more = prometheus.value("sum(syncd_cycle_duration_seconds_count)") + 2
    wait_until(lambda: prometheus.value("sum(syncd_cycle_duration_seconds_count)") >= more, "more cycles end")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A daemon that has had its bad day."""
    need_prometheus()
    folder = tmp_path_factory.mktemp("watched")
    port = free_port()
    with two_organizations(folder, port) as site, a_daemon(site, port):
        prometheus = Prometheus(folder=folder / "prometheus", target=f"127.0.0.1:{port}", rules=RULES)
        with prometheus:
            a_bad_day(site, prometheus)
            yield Watched(prometheus, port)


def in_grafana(expr: str, organization: str) -> str:
    """Return *expr* as Grafana sends it when this organization is chosen."""
    for name, value in {**VARIABLES, "$organization": organization}.items():
        expr = expr.replace(name, value)
    assert "$" not in expr
    return expr


def test_every_panel_shows_something(watched: Watched) -> None:
    """Every query of every dashboard returns data for one of the organizations; nearly all for the one with CSV."""
    both = ("planetexpress", "corp")
    answered = {
        question: [each for each in both if watched.prometheus.query(in_grafana(question.expr, each))]
        for question in questions()
    }

    assert len(answered) > 60
    assert [str(question) for question, found in answered.items() if not found] == []
    only_ldap = [question.panel for question, found in answered.items() if "planetexpress" not in found]
    assert only_ldap == ["Certificates are valid for another"]


@pytest.mark.parametrize("name", sorted({alert.name for alert in alerts()}))
def test_every_alert_sees_what_it_is_about(name: str, watched: Watched) -> None:
    """An alert that is silent returns nothing: so each metric in it, with its matchers, is asked for by itself."""
    expressions = [alert.expr for alert in alerts() if alert.name == name]
    blind = [
        selector
        for expr in expressions
        for selector in sorted(selectors_of(expr))
        if not watched.prometheus.query(selector)
    ]

    for expr in expressions:
        watched.prometheus.query(expr)
    assert blind == []


def test_prometheus_evaluates_the_rules(watched: Watched) -> None:
    """Every rule is healthy, what went wrong is noticed, and what did not go wrong is not."""

    def states() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for group in watched.prometheus.ask("rules")["groups"]:
            for rule in group["rules"]:
                assert (rule["health"], rule.get("lastError", "")) == ("ok", "")
                found.setdefault(rule["name"], set()).add(rule["state"])
        return found

    def noticed() -> set[str]:
        return {name for name, seen in states().items() if seen & {"pending", "firing"}}

    wait_until(lambda: noticed() >= EXPECTED, f"these are noticed: {EXPECTED}")

    assert set(states()) == {alert.name for alert in alerts()}
    assert noticed() & UNTOUCHED == set()


def test_durations_lead_to_cycles(watched: Watched) -> None:
    """The exemplars of durations carry the id of the cycle that the log tells of."""
    for metric in ("syncd_cycle_duration_seconds_bucket", "syncd_api_request_duration_seconds_bucket"):
        found = watched.prometheus.ask("query_exemplars", query=metric, start="0", end="9999999999")
        ids = {each["labels"]["cycle_id"] for series in found for each in series["exemplars"]}
        assert ids
        assert all(re.fullmatch(r"[0-9a-f]{12}", each) for each in ids)


def test_a_scrape_is_clean(watched: Watched) -> None:
    """`promtool check metrics` has nothing to say about names, units and help texts."""
    status, text = get(watched.port, "/metrics", accept="text/plain")

    assert status == 200
    assert promtool("check", "metrics", given=text) == (0, "")


def test_the_runbook_asks_what_answers(watched: Watched) -> None:
    """Every address that the runbook tells to ask of the daemon answers."""
    paths = set(re.findall(r"127\.0\.0\.1:9780(/[^\s'`]*)", RUNBOOK.read_text(encoding="utf-8")))

    assert {"/metrics", "/livez?verbose", "/readyz?verbose"} <= paths
    assert {path: get(watched.port, path)[0] for path in paths} == dict.fromkeys(paths, 200)


def test_the_rules_are_valid() -> None:
    """`promtool check rules` accepts the alerts, and finds no two that are the same."""
    need_prometheus()
    code, said = promtool("check", "rules", str(RULES))

    assert code == 0, said
    assert "duplicate" not in said
    assert f"SUCCESS: {len(alerts())} rules found" in said


@pytest.mark.parametrize("name", sorted(path.name for path in (FOLDER / "tests").iterdir()))
def test_the_rules_do_what_they_say(name: str) -> None:
    """`promtool test rules`: each alert fires when it should, with its texts, and is silent when it should be."""
    need_prometheus()
    code, said = promtool("test", "rules", name, folder=FOLDER / "tests")

    assert code == 0, said
    assert "SUCCESS" in said


def test_the_examples_for_prometheus_are_valid(tmp_path: Path) -> None:
    """What the manual says to put into prometheus.yml is accepted."""
    need_prometheus()
    [scraping] = [block for block in blocks(README.read_text(encoding="utf-8"), "yaml") if "scrape_configs" in block]
    (tmp_path / "prometheus.yml").write_text(scraping, encoding="utf-8")
    code, said = promtool("check", "config", "--syntax-only", str(tmp_path / "prometheus.yml"))

    assert code == 0, said
