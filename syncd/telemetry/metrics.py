"""The metrics of design.md section 9, on a registry that is handed in.

Their names are a contract: dashboards and alerts of other people rest on them. Every series that can be
known beforehand exists from the start (0, not absent), so that `rate()` and `absent()` work; no label
value comes from the directory.
"""

import platform
import re
from collections.abc import Collection
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, disable_created_metrics

from syncd import __version__
from syncd.model.operation import Action
from syncd.model.report import RESULTS, SUCCESSES, Outcome, Report, Result

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
#: Error codes come from the service, or from whatever stands between: more than it has are lumped together.
_MOST_CODES = 40


class Metrics:
    """All metrics of one process, for *organizations* and the *guards* that may trip."""

    def __init__(
        self, registry: CollectorRegistry, *, organizations: Collection[str], guards: Collection[str] = ()
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
        self.registry = registry
        self._guards = tuple(guards)
        self._codes: set[str] = set()
        each = ["organization"]
        self.last_attempt = Gauge(
            "syncd_cycle_last_attempt_timestamp_seconds",
            "When the last cycle began.",
            each,
            registry=registry,
        )
        self.last_success = Gauge(
            "syncd_cycle_last_success_timestamp_seconds",
            "When the last cycle ended whose read was complete and in which nothing failed or was withheld.",
            each,
            registry=registry,
        )
        self.cycles = Counter("syncd_cycles", "Cycles by result.", [*each, "result"], registry=registry)
        self.plan_operations = Gauge(
            "syncd_plan_operations",
            "Operations of the last plan by action.",
            [*each, "action"],
            registry=registry,
        )
        self.operations = Counter(
            "syncd_operations",
            "Operations carried out, by action and outcome.",
            [*each, "action", "outcome"],
            registry=registry,
        )
        self.api_requests = Counter(
            "syncd_api_requests",
            "Calls to the service by operation and code (ok, or the error code).",
            [*each, "operation", "code"],
            registry=registry,
        )
        self.guard_tripped = Gauge(
            "syncd_guard_tripped",
            "1 while the last plan trips this guard.",
            [*each, "guard"],
            registry=registry,
        )
        self.plaintext = Counter(
            "syncd_ldap_plaintext_connections",
            "Connections to a directory on another machine without TLS, allowed by the configuration.",
            each,
            registry=registry,
        )
        build = Gauge(
            "syncd_build_info",
            "Always 1; what runs is in the labels.",
            ["version", "python"],
            registry=registry,
        )
        build.labels(version=__version__, python=platform.python_version()).set(1)
        for organization in organizations:
            self._begin(organization)

    def attempted(self, organization: str, at: datetime) -> None:
        """Note that a cycle of *organization* begins."""
        self.last_attempt.labels(organization).set(at.timestamp())

    def succeeded(self, organization: str, at: datetime) -> None:
        """Note when the last success was: a restart doesn't forget it."""
        self.last_success.labels(organization).set(at.timestamp())

    def called(self, organization: str, operation: str, code: str) -> None:
        """Count a call to the service."""
        self.api_requests.labels(organization, operation, self._bounded(code)).inc()

    def settled(self, organization: str, outcome: Outcome) -> None:
        """Count an operation that ended."""
        self.operations.labels(organization, outcome.operation.action.value, outcome.result.value).inc()

    def finished(self, report: Report) -> None:
        """Take over what came of a cycle."""
        self.cycles.labels(report.organization, report.summary).inc()
        if report.summary in SUCCESSES:
            self.succeeded(report.organization, report.finished_at)
        if report.plan is None:
            return
        for action in Action:
            self.plan_operations.labels(report.organization, action.value).set(
                sum(operation.action is action for operation in report.plan.operations)
            )
        tripped = {finding.guard for finding in report.plan.findings if finding.tripped}
        for guard in {*self._guards, *tripped, *(finding.guard for finding in report.plan.findings)}:
            self.guard_tripped.labels(report.organization, guard).set(guard in tripped)

    def configure(self, organizations: Collection[str]) -> None:
        """Stand-in."""
        for organization in organizations:
            self._begin(organization)

    def reloaded(self, *, ok: bool, at: datetime, sha256: str) -> None:
        """Stand-in."""

    def store(self, *, up: bool, size: int, free: int) -> None:
        """Stand-in."""

    def interval(self, organization: str, seconds: float) -> None:
        """Stand-in."""

    def skipped(self, organization: str, reason: str) -> None:
        """Stand-in."""

    def failed(self, organization: str) -> None:
        """Count a cycle of which there is no report."""
        self.cycles.labels(organization, "failed").inc()

    def _begin(self, organization: str) -> None:
        self.last_attempt.labels(organization)
        self.last_success.labels(organization)
        self.plaintext.labels(organization)
        for result in RESULTS:
            self.cycles.labels(organization, result)
        for action in Action:
            self.plan_operations.labels(organization, action.value)
            for outcome in Result:
                self.operations.labels(organization, action.value, outcome.value)
        for guard in self._guards:
            self.guard_tripped.labels(organization, guard)

    def _bounded(self, code: str) -> str:
        if code in self._codes:
            return code
        if len(self._codes) >= _MOST_CODES or not _CODE.fullmatch(code):
            return "other"
        self._codes.add(code)
        return code


def new_metrics(*, organizations: Collection[str], guards: Collection[str]) -> Metrics:
    """Return the metrics of this process on a registry of their own, with what the process itself uses."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return Metrics(registry, organizations=organizations, guards=guards)
