"""The metrics of design.md section 9, group by group. Their names are a contract.

Dashboards and alerts of other people rest on them: they change only by adding. No label value comes from the
directory; times are timestamps, not ages, so that they stay true while nobody updates them.
"""

from collections.abc import Collection

from syncd.model.action import Action
from syncd.model.names import STATED
from syncd.model.policy import WINDOWED
from syncd.model.report import RESULTS, Result
from syncd.model.window import Window
from syncd.telemetry.catalogue import Catalogue

#: The stages of a cycle, in the order in which they come.
STAGES = ("read_lists", "read_source", "read_details", "plan", "apply")
SKIPS = ("running", "window")
SOURCE_ERRORS = ("unreachable", "incomplete")
STANDINGS = ("owned", "foreign", "frozen")
LEVELS = ("info", "warning", "error")
NOTICE_OUTCOMES = ("sent", "failed", "dropped")
_CYCLE_BUCKETS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
_CALL_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ACTIONS = tuple(action.value for action in Action)
#: Stands for "the values of this label are not known beforehand".
_OPEN: tuple[str, ...] = ()


class ProcessSeries:
    """What is so of the whole process."""

    def __init__(self, make: Catalogue) -> None:
        self.build = make.gauge(
            "syncd_build_info", "Always 1; what runs is in the labels.", version=_OPEN, python=_OPEN
        )
        self.config = make.gauge(
            "syncd_config_info", "Always 1; the label is the sha256 of the configuration in use.", sha256=_OPEN
        )
        self.reload_worked = make.gauge(
            "syncd_config_last_reload_successful",
            "1 when the last reload of the configuration took effect, 0 when the one before it stays in use.",
            in_files=False,
        )
        self.reloaded_at = make.gauge(
            "syncd_config_last_reload_success_timestamp_seconds",
            "When the configuration in use was read.",
            in_files=False,
        )
        self.organizations = make.gauge("syncd_organizations", "Organizations of the configuration.")
        self.log_lines = make.counter("syncd_log_messages_total", "Lines logged, by level.", level=LEVELS)
        self.store_up = make.gauge("syncd_store_up", "1 while the store can be read.")
        self.store_size = make.gauge("syncd_store_size_bytes", "Size of the store, with what SQLite keeps beside it.")
        self.store_free = make.gauge("syncd_store_free_bytes", "Bytes free on the file system of the store.")
        self.notices = make.counter(
            "syncd_notices_total",
            "Notices by configured name and by what became of them.",
            notice=_OPEN,
            outcome=NOTICE_OUTCOMES,
        )
        self.reports_failed = make.counter("syncd_reports_failed_total", "Report files that could not be written.")


class CycleSeries:
    """When the cycles of an organization are, and how they end."""

    def __init__(self, make: Catalogue) -> None:
        self.last_attempt = make.gauge(
            "syncd_cycle_last_attempt_timestamp_seconds", "When the last cycle began.", organization=_OPEN
        )
        self.last_success = make.gauge(
            "syncd_cycle_last_success_timestamp_seconds",
            "When the last cycle ended whose read was complete and in which nothing failed or was withheld; 0: never.",
            organization=_OPEN,
        )
        self.next = make.gauge(
            "syncd_cycle_next_timestamp_seconds",
            "When the next cycle is due; 0 while none is planned.",
            in_files=False,
            organization=_OPEN,
        )
        self.interval = make.gauge(
            "syncd_cycle_interval_seconds",
            "The longest regular distance between the beginnings of two cycles.",
            in_files=False,
            organization=_OPEN,
        )
        self.in_progress = make.gauge(
            "syncd_cycle_in_progress", "1 while a cycle runs.", in_files=False, organization=_OPEN
        )
        self.failures = make.gauge(
            "syncd_cycle_consecutive_failures", "Cycles in a row that ended with an error.", organization=_OPEN
        )
        self.results = make.counter("syncd_cycles_total", "Cycles by result.", organization=_OPEN, result=RESULTS)
        self.skipped = make.counter(
            "syncd_cycles_skipped_total",
            "Cycles that were due and not begun: the one before still ran, or no window was open.",
            organization=_OPEN,
            reason=SKIPS,
        )
        self.duration = make.histogram(
            "syncd_cycle_duration_seconds",
            "How long cycles took.",
            buckets=_CYCLE_BUCKETS,
            organization=_OPEN,
        )
        self.stages = make.gauge(
            "syncd_cycle_stage_duration_seconds",
            "How long each stage of the last cycle took; 0 where it had none.",
            organization=_OPEN,
            stage=STAGES,
        )


class EndSeries:
    """How the two ends are: the directory and the service."""

    def __init__(self, make: Catalogue) -> None:
        self.source_up = make.gauge(
            "syncd_source_up",
            "1 when the directory could be read whole the last time; 0 before the first time.",
            organization=_OPEN,
        )
        self.source_entries = make.gauge(
            "syncd_source_entries",
            "Entries that the last read of the directory found.",
            organization=_OPEN,
            kind=tuple(kind.value for kind in STATED),
        )
        self.source_errors = make.counter(
            "syncd_source_errors_total",
            "Reads of the directory that failed: it didn't answer, or not completely.",
            organization=_OPEN,
            reason=SOURCE_ERRORS,
        )
        self.target_up = make.gauge(
            "syncd_target_up",
            "1 when the service answered the last reads; 0 before the first time.",
            organization=_OPEN,
        )
        self.plaintext = make.counter(
            "syncd_ldap_plaintext_connections_total",
            "Connections to a directory on another machine without TLS, allowed by the configuration.",
            organization=_OPEN,
        )
        self.certificates = make.gauge(
            "syncd_tls_peer_certificate_expiration_timestamp_seconds",
            "When the certificate ends that a directory server showed; the peer is named as in the configuration.",
            organization=_OPEN,
            peer=_OPEN,
        )


class PlanSeries:
    """What the last plan says, and what became of its operations."""

    def __init__(self, make: Catalogue, guards: Collection[str]) -> None:
        self.rejections = make.gauge(
            "syncd_rejections", "Entries of the directory that can't be used.", organization=_OPEN
        )
        self.pending = make.gauge("syncd_pending_removals", "Removals that are not due yet.", organization=_OPEN)
        self.uncounted = make.gauge(
            "syncd_uncounted_removals",
            "Who is absent and can't be counted as missing, because a row of the directory may mean them.",
            organization=_OPEN,
        )
        self.notes = make.gauge("syncd_notes", "Notes of the last plan.", organization=_OPEN)
        self.entities = make.gauge(
            "syncd_entities",
            "Entities of the service: owned (bound and enabled), foreign, and frozen keys.",
            organization=_OPEN,
            standing=STANDINGS,
        )
        self.operations = make.gauge(
            "syncd_plan_operations", "Operations of the last plan by action.", organization=_OPEN, action=_ACTIONS
        )
        self.withheld = make.gauge(
            "syncd_plan_withheld_operations", "Operations of the last plan that await approval.", organization=_OPEN
        )
        self.deferred = make.gauge(
            "syncd_plan_deferred_operations", "Operations that the last plan leaves to the next.", organization=_OPEN
        )
        self.tripped = make.gauge(
            "syncd_guard_tripped", "1 while the last plan trips this guard.", organization=_OPEN, guard=tuple(guards)
        )
        self.trips = make.counter(
            "syncd_guard_trips_total", "Plans that tripped this guard.", organization=_OPEN, guard=tuple(guards)
        )
        self.window_used = make.gauge(
            "syncd_guard_window_used_ratio",
            "What was counted within a day or a week, as a part of what may pass; 1: nothing more passes.",
            organization=_OPEN,
            guard=tuple(guard for guard in guards if guard in WINDOWED),
            window=tuple(Window),
        )
        self.waiting_since = make.gauge(
            "syncd_approval_oldest_pending_timestamp_seconds",
            "Since when each plan has had something that awaits approval; 0: nothing waits.",
            organization=_OPEN,
        )
        self.oldest_detail = make.gauge(
            "syncd_details_oldest_timestamp_seconds",
            "When the oldest detail known at the beginning of the last cycle had been read.",
            organization=_OPEN,
        )
        self.outcomes = make.counter(
            "syncd_operations_total",
            "Operations carried out, by action and outcome.",
            organization=_OPEN,
            action=_ACTIONS,
            outcome=tuple(result.value for result in Result),
        )


class DecisionSeries:
    """What people have decided, and what they are asked."""

    def __init__(self, make: Catalogue) -> None:
        self.paused = make.gauge(
            "syncd_paused", "1 while nothing is sent since a person paused the organization.", organization=_OPEN
        )
        self.held = make.gauge("syncd_held_entities", "Entities that a person holds as they are.", organization=_OPEN)
        self.contested = make.gauge(
            "syncd_contested_operations",
            "Operations of the last plan that wait since somebody changes back what they change.",
            organization=_OPEN,
        )
        self.half_removed = make.gauge(
            "syncd_half_removed_entities",
            "Entities whose removal has begun and is neither finished nor given back.",
            organization=_OPEN,
        )
        self.doubted = make.gauge(
            "syncd_doubted_identities",
            "Keys of the last plan behind which somebody else seems to stand than before: nothing is done about them.",
            organization=_OPEN,
        )


class ApiSeries:
    """How the calls to the service go."""

    def __init__(self, make: Catalogue) -> None:
        self.requests = make.counter(
            "syncd_api_requests_total",
            "Calls to the service by operation and code (ok, or the error code).",
            organization=_OPEN,
            operation=_OPEN,
            code=_OPEN,
        )
        self.duration = make.histogram(
            "syncd_api_request_duration_seconds",
            "How long calls to the service took.",
            buckets=_CALL_BUCKETS,
            organization=_OPEN,
        )
        self.retries = make.counter(
            "syncd_api_retries_total", "Calls that were sent again after an error that may pass.", organization=_OPEN
        )
        self.throttle_wait = make.counter(
            "syncd_api_throttle_wait_seconds_total",
            "Seconds for which calls were held back after the service asked for less, summed over all workers.",
            organization=_OPEN,
        )
        self.in_flight = make.gauge(
            "syncd_api_inflight_requests",
            "Calls that were sent and have no answer yet.",
            in_files=False,
            organization=_OPEN,
        )
