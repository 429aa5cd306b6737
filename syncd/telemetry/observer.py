"""Turns what happens in a cycle into log lines and metrics: the Observer port, and the report at its end."""

import threading
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from syncd.errors import Interrupted, SourceError, SourceIncomplete, StoreError, SyncdError, TargetError
from syncd.model.names import STATED
from syncd.model.plan import HELD, Cause
from syncd.model.report import SUCCESSES, Outcome, Report, Result
from syncd.ports import Observer
from syncd.telemetry.logs import Logger, get_logger, log_event

if TYPE_CHECKING:
    from syncd.telemetry.metrics import Metrics

#: Digits of a plan's digest on a line.
_SHORT = 12


class MetricsObserver(Observer):
    """Feeds *metrics* with what the cycles of one organization say; safe to call from several threads."""

    def __init__(self, organization: str, metrics: "Metrics") -> None:
        self._organization = organization
        self._metrics = metrics
        self._cycle_id = ""
        self._stage = ""
        self._told = False

    def began(self, at: datetime) -> None:
        """Note that a cycle begins; its id is learnt from the `cycle_started` event."""
        self._cycle_id = self._stage = ""
        self._told = False
        self._metrics.attempted(self._organization, at)

    def stage(self, name: str, total: int | None = None) -> None:  # noqa: ARG002 - only bars show totals
        """Note that the stage before went well: else this one would not begin."""
        self._well_ended()
        self._stage = name

    def advanced(self, count: int = 1) -> None:
        """Progress is for people who watch, and for the watchdog."""

    def called(self, operation: str, code: str, seconds: float) -> None:
        """Count an API call."""
        self._metrics.called(self._organization, operation, code, seconds, self._cycle_id)

    def settled(self, outcome: Outcome) -> None:
        """Count an operation that ended."""
        self._metrics.settled(self._organization, outcome)

    def event(self, name: str, **fields: object) -> None:
        """Pick out what has a metric."""
        metrics, organization = self._metrics, self._organization
        match name, fields:
            case "cycle_started", {"cycle_id": str(cycle_id)}:
                self._cycle_id = cycle_id
            case "source_read", _:
                counts = {kind: fields.get(f"{kind.value}s") for kind in STATED}
                metrics.read(organization, {kind: count for kind, count in counts.items() if isinstance(count, int)})
            case "api_call_sent", _:
                metrics.sent(organization)
            case "api_call_retried", _:
                metrics.retried(organization)
            case "api_call_delayed", {"waited_s": float(waited)}:
                metrics.held_back(organization, waited)
            case "ldap_plaintext_used", _:
                metrics.connected_in_clear_text(organization)
            case "ldap_certificate_seen", {"peer": str(peer), "expires_at": datetime() as until}:
                metrics.certificate(organization, peer, until)
            case _:
                pass

    def finished(self, report: Report) -> None:
        """Set the metrics of a finished cycle."""
        self._told = True
        if report.plan is not None:
            self._well_ended()
        self._metrics.finished(report)

    def failed(self, error: Exception) -> None:
        """Count what ended a cycle, unless `finished` has told it; learn which end is at fault."""
        match error:
            case Interrupted() | StoreError():
                pass
            case SourceError():
                reason = "incomplete" if isinstance(error, SourceIncomplete) else "unreachable"
                self._metrics.source(self._organization, up=False, reason=reason)
            case TargetError():
                self._metrics.target(self._organization, up=False)
            case _ if self._stage == "read_source":
                self._metrics.source(self._organization, up=False)
            case _:
                pass
        if not self._told:
            self._metrics.failed(self._organization)

    def scheduled(self, at: datetime | None) -> None:
        """Note when the next cycle is due."""
        self._metrics.scheduled(self._organization, at)

    def _well_ended(self) -> None:
        if self._stage == "read_lists":
            self._metrics.target(self._organization, up=True)
        elif self._stage == "read_source":
            self._metrics.source(self._organization, up=True)


class TelemetryObserver(Observer):
    """Logs what one organization's cycles say, and feeds *metrics* where there are any; safe for several threads."""

    def __init__(self, organization: str, metrics: "Metrics | None" = None, logger: Logger | None = None) -> None:
        self._metrics = None if metrics is None else MetricsObserver(organization, metrics)
        self._plain = logger or get_logger(organization=organization)
        self._log = self._plain
        self._lock = threading.Lock()
        self._told = False

    def began(self, at: datetime) -> None:
        """Note that a cycle begins; its id is learnt from the `cycle_started` event."""
        with self._lock:
            self._log, self._told = self._plain, False
        if self._metrics is not None:
            self._metrics.began(at)

    def stage(self, name: str, total: int | None = None) -> None:
        """Log that a stage of the cycle begins."""
        if self._metrics is not None:
            self._metrics.stage(name, total)
        self._log.debug("stage_started", stage=name, total=total)

    def advanced(self, count: int = 1) -> None:
        """Progress is for people who watch: see the progress bar of the command line."""

    def called(self, operation: str, code: str, seconds: float) -> None:
        """Count an API call."""
        if self._metrics is not None:
            self._metrics.called(operation, code, seconds)
        self._log.debug("api_called", call=operation, code=code, took_s=round(seconds, 3))

    def settled(self, outcome: Outcome) -> None:
        """Count and log an operation that ended."""
        if self._metrics is not None:
            self._metrics.settled(outcome)
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
        match outcome.result:
            case Result.APPLIED:
                self._log.info("operation_applied", **fields)
            case Result.FAILED:
                self._log.warning("operation_failed", **fields)
            case Result.UNKNOWN:
                self._log.warning("operation_unknown", **fields)
            case Result.SKIPPED:
                self._log.warning("operation_skipped", **fields)
            case _:
                assert_never(outcome.result)

    def event(self, name: str, **fields: object) -> None:
        """Log anything else, at the level of the inventory; ids of cycle and plan stay on the lines that follow."""
        if self._metrics is not None:
            self._metrics.event(name, **fields)
        bound = {key: fields.pop(key) for key in ("cycle_id", "plan") if key in fields}
        if bound:
            with self._lock:
                # A new cycle has no plan yet.
                self._log = (self._plain if "cycle_id" in bound else self._log).bind(**bound)
        log_event(self._log, name, **fields)

    def finished(self, report: Report) -> None:
        """Set the metrics of a finished cycle and write its one canonical line."""
        with self._lock:
            self._told = True
        if self._metrics is not None:
            self._metrics.finished(report)
        log = self._plain.bind(cycle_id=report.cycle_id)
        say = log.info if report.summary in SUCCESSES else log.error if report.error else log.warning
        say("cycle_finished", **_canonical(report))

    def failed(self, error: Exception) -> None:
        """Count and log what ended a cycle, unless `finished` has told it."""
        if self._metrics is not None:
            self._metrics.failed(error)
        if not isinstance(error, SyncdError):
            self._log.error("cycle_crashed", error_type=type(error).__name__, exc_info=error)
        elif not self._told:
            fields = {"error_type": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
            self._log.error("cycle_failed", **fields)

    def scheduled(self, at: datetime | None) -> None:
        """Note when the next cycle is due."""
        if self._metrics is not None:
            self._metrics.scheduled(at)


def _canonical(report: Report) -> dict[str, object]:
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
        fields["plan"] = report.plan.digest[:_SHORT]
        fields |= report.plan.counts
        fields["paused"] = bool(report.plan.paused)
        fields["held"] = sum(note.code == HELD for note in report.plan.notes)
        fields["contested"] = sum(why.cause is Cause.CONTESTED for why in report.plan.withheld.values())
        fields["guards"] = sorted({each.guard for each in report.plan.findings if each.tripped})
    fields |= {result.value: report.count(result) for result in Result}
    fields["half_removed"] = len(report.half_removed or ())
    fields["doubted"] = len(report.plan.doubted) if report.plan is not None else 0
    fields["api_calls"] = sum(report.calls.values())
    fields["oldest_detail_s"] = round(report.oldest_detail_s)
    fields["stages_s"] = {stage: round(seconds, 3) for stage, seconds in report.took.items()}
    return fields
