"""The metrics of this process: what they are is in `series.py`, here they are fed.

Nobody waits for them: what is told is kept, and a scrape reads only what is kept (`ops.md` OPS-5).
"""

import platform
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from syncd import __version__
from syncd.model.action import Action
from syncd.model.names import Kind
from syncd.model.plan import HELD, Cause, Plan
from syncd.model.policy import WINDOWED
from syncd.model.report import SUCCESSES, Outcome, Report
from syncd.model.window import Window
from syncd.telemetry.catalogue import Catalogue, Definition
from syncd.telemetry.logs import count_lines
from syncd.telemetry.series import (
    LEVELS,
    NOTICE_OUTCOMES,
    STAGES,
    ApiSeries,
    CycleSeries,
    DecisionSeries,
    EndSeries,
    PlanSeries,
    ProcessSeries,
)

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
#: Error codes come from the service, or from whatever stands between: more than it has are lumped together.
_MOST_CODES = 40


@dataclass(slots=True)
class _Past:
    """What the next value of a gauge rests on."""

    failures: int = 0
    waiting_since: float = 0.0


class Metrics:
    """All metrics of one process, for *organizations* and the *guards* that may trip; *notices* are names of sinks.

    Without *from_start* a series exists once it has a value: for the run of one command, whose zeros would be taken
    for what is so. What is told of an organization that isn't (any more) configured is left out.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        organizations: Collection[str],
        guards: Collection[str] = (),
        notices: Collection[str] = (),
        from_start: bool = True,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
        self.registry = registry
        self._guards = tuple(guards)
        self._codes: set[str] = set()
        self._past: dict[str, _Past] = {}
        self._notices: set[str] = set()
        self._from_start = from_start
        self._catalogue = make = Catalogue(registry, from_start=from_start)
        self.process = ProcessSeries(make)
        self.cycle = CycleSeries(make)
        self.ends = EndSeries(make)
        self.plan = PlanSeries(make, guards)
        self.decisions = DecisionSeries(make)
        self.api = ApiSeries(make)
        self.process.build.labels(version=__version__, python=platform.python_version()).set(1)
        if from_start:
            self.process.reload_worked.set(1)
        self.configure(organizations, notices=notices)

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """Return what each metric is."""
        return self._catalogue.definitions

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Return all that is known and its content type: OpenMetrics, with exemplars, if *accept* asks for it."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def textfile(self) -> bytes:
        """Return what the run of one command knows, as the textfile collector of node_exporter reads it."""
        return generate_latest(_Known(self._catalogue))

    # --- the process -----------------------------------------------------------------------------------------------

    def configure(self, organizations: Collection[str], *, notices: Collection[str] | None = None) -> None:
        """Begin the series of new organizations and end those of gone ones; what stays keeps its values.

        Certificates are an exception: which servers are still configured is known after the next connection.
        """
        for gone in self._past.keys() - set(organizations):
            del self._past[gone]
            self._catalogue.end(gone)
        for name in organizations:
            if name not in self._past:
                self._past[name] = _Past()
                self._catalogue.begin(name)
        self.process.organizations.set(len(self._past))
        self.ends.certificates.clear()
        if notices is not None:
            for gone in self._notices - set(notices):
                self.process.notices.remove_by_labels({"notice": gone})
            self._notices = set(notices)
            for name in notices if self._from_start else ():
                for outcome in NOTICE_OUTCOMES:
                    self.process.notices.labels(name, outcome)

    def reloaded(self, *, ok: bool, at: datetime, sha256: str) -> None:
        """Note whether a configuration took effect, and which (*sha256*) if it did."""
        self.process.reload_worked.set(ok)
        if ok:
            self.process.reloaded_at.set(at.timestamp())
            self.process.config.clear()
            self.process.config.labels(sha256).set(1)

    def logged(self, level: str) -> None:
        """Count a log line."""
        self.process.log_lines.labels(level if level in LEVELS else "error").inc()

    def store(self, *, up: bool, size: int = 0, free: int = 0) -> None:
        """Note whether the store can be read; *size* and *free*, in bytes, stay as they were when it can't."""
        self.process.store_up.set(up)
        if up:
            self.process.store_size.set(size)
            self.process.store_free.set(free)

    def noticed(self, name: str, outcome: str) -> None:
        """Count what became of a notice to the sink *name*: `sent`, `failed` or `dropped`."""
        self.process.notices.labels(name, outcome).inc()

    def report_failed(self) -> None:
        """Count a report file that could not be written."""
        self.process.reports_failed.inc()

    # --- the cycles of an organization -----------------------------------------------------------------------------

    def remember(
        self,
        organization: str,
        *,
        last_success: datetime | None = None,
        failures: int = 0,
        waiting_since: datetime | None = None,
        half_removed: int = 0,
    ) -> None:
        """Take over what the store knows of the past: a restart forgets nothing."""
        if past := self._past.get(organization):
            past.failures = failures
            past.waiting_since = waiting_since.timestamp() if waiting_since else 0.0
            self.cycle.last_success.labels(organization).set(last_success.timestamp() if last_success else 0)
            self.cycle.failures.labels(organization).set(failures)
            self.plan.waiting_since.labels(organization).set(past.waiting_since)
            self.decisions.half_removed.labels(organization).set(half_removed)

    def attempted(self, organization: str, at: datetime) -> None:
        """Note that a cycle of *organization* begins."""
        if organization in self._past:
            self.cycle.last_attempt.labels(organization).set(at.timestamp())
            self.cycle.in_progress.labels(organization).set(1)

    def succeeded(self, organization: str, at: datetime) -> None:
        """Note when the last success was."""
        if organization in self._past:
            self.cycle.last_success.labels(organization).set(at.timestamp())

    def scheduled(self, organization: str, at: datetime | None) -> None:
        """Note when the next cycle is due."""
        if organization in self._past:
            self.cycle.next.labels(organization).set(at.timestamp() if at else 0)

    def interval(self, organization: str, seconds: float) -> None:
        """Note the longest regular distance between two cycles."""
        if organization in self._past:
            self.cycle.interval.labels(organization).set(seconds)

    def skipped(self, organization: str, reason: str) -> None:
        """Count a cycle that was due and not begun; *reason* is `running` or `window`."""
        if organization in self._past:
            self.cycle.skipped.labels(organization, reason).inc()

    def finished(self, report: Report) -> None:
        """Take over what came of a cycle."""
        name = report.organization
        if name not in self._past:
            return
        took = (report.finished_at - report.started_at).total_seconds()
        self._ended(name, report.summary)
        self.cycle.duration.labels(name).observe(took, exemplar={"cycle_id": report.cycle_id})
        for stage in STAGES:
            self.cycle.stages.labels(name, stage).set(report.took.get(stage, 0))
        if report.summary in SUCCESSES:
            self.succeeded(name, report.finished_at)
        if report.half_removed is not None:
            self.decisions.half_removed.labels(name).set(len(report.half_removed))
        if report.plan is not None:
            self._planned(name, report.plan)
            self._judged(name, report.plan)
            self.plan.oldest_detail.labels(name).set(report.started_at.timestamp() - report.oldest_detail_s)

    def failed(self, organization: str) -> None:
        """Count a cycle of which there is no report."""
        if organization in self._past:
            self._ended(organization, "failed")

    def _ended(self, name: str, result: str) -> None:
        self.cycle.results.labels(name, result).inc()
        self.cycle.in_progress.labels(name).set(0)
        past = self._past[name]
        past.failures = past.failures + 1 if result == "failed" else 0
        self.cycle.failures.labels(name).set(past.failures)

    def _planned(self, name: str, plan: Plan) -> None:
        for action in Action:
            count = sum(operation.action is action for operation in plan.operations)
            self.plan.operations.labels(name, action.value).set(count)
        sizes = plan.populations
        counts = {"owned": sizes.owned_in_all, "foreign": sizes.foreign or 0, "frozen": sizes.frozen or 0}
        for standing, count in counts.items():
            self.plan.entities.labels(name, standing).set(count)
        self.plan.rejections.labels(name).set(len(plan.rejections))
        self.plan.pending.labels(name).set(len(plan.pending))
        self.plan.uncounted.labels(name).set(sum(bool(pending.because) for pending in plan.pending))
        self.plan.notes.labels(name).set(len(plan.notes))
        self.decisions.doubted.labels(name).set(len(plan.doubted))
        self.plan.deferred.labels(name).set(sum(plan.deferred.values()))
        self.decisions.paused.labels(name).set(bool(plan.paused))
        self.decisions.held.labels(name).set(sum(note.code == HELD for note in plan.notes))
        contested = sum(why.cause is Cause.CONTESTED for why in plan.withheld.values())
        self.decisions.contested.labels(name).set(contested)

    def _judged(self, name: str, plan: Plan) -> None:
        tripped = {finding.guard for finding in plan.findings if finding.tripped}
        for guard in {*self._guards, *(finding.guard for finding in plan.findings)}:
            self.plan.tripped.labels(name, guard).set(guard in tripped)
            self.plan.trips.labels(name, guard).inc(guard in tripped)
        for (guard, window), part in _windows_used(plan).items():
            if guard in self._guards:
                self.plan.window_used.labels(name, guard, window).set(part)
        past = self._past[name]
        if not plan.waits:
            past.waiting_since = 0.0
        elif not past.waiting_since:
            past.waiting_since = plan.created_at.timestamp()
        self.plan.waiting_since.labels(name).set(past.waiting_since)
        self.plan.withheld.labels(name).set(len(plan.withheld))

    def settled(self, organization: str, outcome: Outcome) -> None:
        """Count an operation that ended."""
        if organization in self._past:
            self.plan.outcomes.labels(organization, outcome.operation.action.value, outcome.result.value).inc()

    # --- source and target -----------------------------------------------------------------------------------------

    def source(self, organization: str, *, up: bool, reason: str = "") -> None:
        """Note whether the directory could be read whole, and if not *reason*: `unreachable` or `incomplete`."""
        if organization in self._past:
            self.ends.source_up.labels(organization).set(up)
            if reason:
                self.ends.source_errors.labels(organization, reason).inc()

    def read(self, organization: str, entries: Mapping[Kind, int]) -> None:
        """Note how many entries of each kind the directory has."""
        if organization in self._past:
            for kind, count in entries.items():
                self.ends.source_entries.labels(organization, kind.value).set(count)

    def target(self, organization: str, *, up: bool) -> None:
        """Note whether the service answered."""
        if organization in self._past:
            self.ends.target_up.labels(organization).set(up)

    def certificate(self, organization: str, peer: str, until: datetime) -> None:
        """Note until when the certificate of *peer* (as the configuration names it) is good."""
        if organization in self._past:
            self.ends.certificates.labels(organization, peer).set(until.timestamp())

    def connected_in_clear_text(self, organization: str) -> None:
        """Count a connection to a directory without TLS."""
        if organization in self._past:
            self.ends.plaintext.labels(organization).inc()

    # --- calls -----------------------------------------------------------------------------------------------------

    def sent(self, organization: str) -> None:
        """Note that a call is under way."""
        if organization in self._past:
            self.api.in_flight.labels(organization).inc()

    def called(self, organization: str, operation: str, code: str, seconds: float, cycle_id: str = "") -> None:
        """Count a call that was answered, or not, after *seconds*."""
        if organization in self._past:
            self.api.in_flight.labels(organization).dec()
            self.api.requests.labels(organization, operation, self._bounded(code)).inc()
            exemplar = {"cycle_id": cycle_id} if cycle_id else None
            self.api.duration.labels(organization).observe(seconds, exemplar=exemplar)

    def retried(self, organization: str) -> None:
        """Count a call that is sent again."""
        if organization in self._past:
            self.api.retries.labels(organization).inc()

    def held_back(self, organization: str, seconds: float) -> None:
        """Count the time for which a call was held back."""
        if organization in self._past:
            self.api.throttle_wait.labels(organization).inc(seconds)

    def _bounded(self, code: str) -> str:
        if code in self._codes:
            return code
        if len(self._codes) >= _MOST_CODES or not _CODE.fullmatch(code):
            return "other"
        self._codes.add(code)
        return code


class _Known(Collector):
    """Collects what the run of one command knows."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def collect(self) -> Iterator[Metric]:
        return self._catalogue.known_to_one_run()


def new_metrics(
    *,
    organizations: Collection[str],
    guards: Collection[str],
    notices: Collection[str] = (),
    from_start: bool = True,
) -> Metrics:
    """Return the metrics of this process on a registry of their own; log lines are counted from now on."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    metrics = Metrics(registry, organizations=organizations, guards=guards, notices=notices, from_start=from_start)
    count_lines(metrics.logged)
    return metrics


def _windows_used(plan: Plan) -> dict[tuple[str, str], float]:
    """Return how full the fullest of each guard's windows is; what a guard withholds fills nothing."""
    places = ((guard, window.value) for guard in WINDOWED for window in Window)
    found: dict[tuple[str, str], float] = dict.fromkeys(places, 0.0)
    for finding in plan.findings:
        for use in finding.windows:
            used = use.before if finding.tripped else use.counted
            part = used / use.passes if use.passes else float(used > 0)
            place = finding.guard, use.window.value
            found[place] = max(found.get(place, 0.0), part)
    return found
