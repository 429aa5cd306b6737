"""Turns what happens in a cycle into log lines and metrics: the Observer port, and the report at its end."""

import threading
from datetime import datetime

from syncd.errors import SyncdError
from syncd.model.report import SUCCESSES, Outcome, Report, Result
from syncd.ports import CycleObserver
from syncd.telemetry.logs import Logger, get_logger
from syncd.telemetry.metrics import Metrics

#: A credential went over a connection without TLS, since the configuration allows it.
PLAINTEXT = "ldap_plaintext_used"
#: Events that somebody should look at.
_WARNINGS = frozenset({PLAINTEXT, "ldap_fast_reading_unavailable", "ldap_server_failed"})
#: Events for whoever looks for a fault; what may be personal in them shows with `log.personal_data: true` only.
_DETAILS = frozenset({"ldap_search_sent"})


class TelemetryObserver(CycleObserver):
    """What one organization's cycles say; safe to call from several threads.

    Without *metrics* (a command that ends before anyone could scrape it) only the log is written.
    """

    def __init__(self, organization: str, metrics: Metrics | None = None, logger: Logger | None = None) -> None:
        self._organization = organization
        self._metrics = metrics
        self._plain = logger or get_logger(organization=organization)
        self._log = self._plain
        self._lock = threading.Lock()
        self._calls = 0
        self._told = False

    def began(self, at: datetime) -> None:
        """Note that a cycle begins; its id is learnt from the `cycle_started` event."""
        with self._lock:
            self._log, self._calls, self._told = self._plain, 0, False
        if self._metrics is not None:
            self._metrics.attempted(self._organization, at)

    def stage(self, name: str, total: int | None = None) -> None:
        """Log that a stage of the cycle begins."""
        self._log.debug("stage_started", stage=name, total=total)

    def advanced(self, count: int = 1) -> None:
        """Progress is for people who watch: see the progress bar of the command line."""

    def called(self, operation: str, code: str, seconds: float) -> None:
        """Count an API call."""
        with self._lock:
            self._calls += 1
        if self._metrics is not None:
            self._metrics.called(self._organization, operation, code)
        self._log.debug("api_called", call=operation, code=code, took_s=round(seconds, 3))

    def settled(self, outcome: Outcome) -> None:
        """Count and log an operation that ended."""
        if self._metrics is not None:
            self._metrics.settled(self._organization, outcome)
        operation = outcome.operation
        fields: dict[str, object] = {
            "kind": operation.kind,
            "subject": operation.subject,
            "entity": operation.entity or outcome.entity,
            "operation_id": operation.id,
            "attempts": outcome.attempts,
            "summary": operation.summary,
        }
        if outcome.code:
            fields["code"] = outcome.code
        if outcome.message:
            fields["message"] = outcome.message
        say = self._log.info if outcome.result is Result.APPLIED else self._log.warning
        say(f"operation_{outcome.result.value}", **fields)

    def event(self, name: str, **fields: object) -> None:
        """Log anything else; the id of a `cycle_started` stays on every line of that cycle."""
        if "cycle_id" in fields:
            with self._lock:
                self._log = self._plain.bind(cycle_id=fields.pop("cycle_id"))
        if name == PLAINTEXT and self._metrics is not None:
            self._metrics.plaintext.labels(self._organization).inc()
        say = self._log.warning if name in _WARNINGS else self._log.debug if name in _DETAILS else self._log.info
        say(name, **fields)

    def finished(self, report: Report) -> None:
        """Set the metrics of a finished cycle and write its one canonical line."""
        with self._lock:
            calls, self._told = self._calls, True
        if self._metrics is not None:
            self._metrics.finished(report)
        log = self._plain.bind(cycle_id=report.cycle_id)
        say = log.info if report.summary in SUCCESSES else log.error if report.error else log.warning
        say("cycle_finished", **_canonical(report, calls))

    def failed(self, error: Exception) -> None:
        """Count and log what ended a cycle, unless `finished` has told it."""
        if isinstance(error, SyncdError):
            if self._told:
                return
            fields = {"error_type": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
            self._log.error("cycle_failed", **fields)
        else:
            self._log.error("cycle_crashed", error_type=type(error).__name__, exc_info=error)
        if self._metrics is not None:
            self._metrics.failed(self._organization)


def _canonical(report: Report, calls: int) -> dict[str, object]:
    """Return everything an operator greps for, in the order in which it is asked."""
    fields: dict[str, object] = {
        "command": report.command,
        "result": report.summary,
        "exit_code": report.exit_code,
        "took_s": round((report.finished_at - report.started_at).total_seconds(), 3),
    }
    if report.error:
        fields["message"] = report.error
    if report.plan is not None:
        fields["digest"] = report.plan.digest[:12]
        fields |= report.plan.counts
        fields["guards"] = sorted({each.guard for each in report.plan.findings if each.tripped})
    fields |= {result.value: report.count(result) for result in Result}
    fields["api_calls"] = calls
    fields["oldest_detail_s"] = round(report.oldest_detail_s)
    fields["stages_s"] = {stage: round(seconds, 3) for stage, seconds in report.took.items()}
    return fields
