"""Every event that syncd logs: its level, what it means, and its fields. Their names are a contract.

Names are lower snake case; values are fields, never part of a name. A field that is not among
`redaction.OPEN_FIELDS` shows numbers only, unless `log.personal_data` is on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from syncd.model.names import STATED

Level = Literal["debug", "info", "warning", "error"]

#: What every line has, and what the lines of an organization and of a cycle have as soon as it is known.
COMMON_FIELDS: Mapping[str, str] = {
    "timestamp": "when, in UTC, to the millisecond",
    "level": "debug, info, warning or error",
    "event": "what happened: one of these names",
    "logger": "syncd; a library's own lines have its name, and a sentence as event",
    "organization": "the organization of the configuration, where it is about one",
    "cycle_id": "the cycle; `syncd history` knows it too",
    "plan": "the first digits of the plan's digest, once there is a plan: `syncd approve` takes them",
}
#: Fields that may name people, whatever else they say: never among `redaction.OPEN_FIELDS`.
PERSONAL_FIELDS = frozenset({"ldapsearch", "summary"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """One event. Its line has the first of *levels*, unless how it went says another."""

    name: str
    levels: tuple[Level, ...]
    meaning: str
    fields: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        """Return the level that its line usually has."""
        return self.levels[0]


def _event(name: str, level: Level, meaning: str, *fields: str, also: tuple[Level, ...] = ()) -> LogEvent:
    return LogEvent(name=name, levels=(level, *also), meaning=meaning, fields=fields)


_OPERATION = ("kind", "subject", "entity", "operation_id", "attempts", "summary", "code", "message")
_COUNTS = ("add", "change", "remove", "withheld", "outside", "deferred", "pending", "rejected")

_ALL = (
    # --- the daemon ---------------------------------------------------------------------------------------------------
    _event("daemon_started", "info", "The schedule is on.", "organizations"),
    _event("daemon_stopped", "info", "Every cycle has ended, and so does the process."),
    _event(
        "daemon_stop_timed_out",
        "error",
        "A call in flight didn't end in time; the process ends without it. The journal knows it.",
        "waited_s",
    ),
    _event("stop_requested", "info", "A signal asked for the end; a second one ends at once.", "signal"),
    _event("http_started", "info", "Metrics, probes and the status page answer here.", "listen"),
    _event("cycle_requested", "info", "A cycle was asked for outside of its turn: see the reason.", "reason"),
    _event(
        "cycle_skipped",
        "warning",
        "A cycle was due and not begun: the one before it still runs.",
        "reason",
    ),
    _event("cycle_postponed", "info", "A cycle was due outside of its windows and waits for the next one.", "until"),
    _event(
        "cycle_deadline_exceeded",
        "error",
        "A cycle took longer than schedule.deadline; it ends between two calls.",
        "after_s",
    ),
    _event(
        "cycle_interrupted",
        "warning",
        "A new configuration allows less, or something else: the cycle ends between two calls, and another one begins.",
    ),
    _event(
        "cycle_stalled",
        "error",
        "A cycle has shown no progress for schedule.stalled_after; the watchdog will restart syncd.",
        "idle_s",
    ),
    _event(
        "configuration_reloaded",
        "info",
        "The new configuration is in use; so many organizations came, went, and changed.",
        "added",
        "removed",
        "changed",
    ),
    _event(
        "configuration_rejected",
        "error",
        "The new configuration is wrong; the old one stays in use.",
        "message",
        "exception",
    ),
    _event(
        "configuration_needs_restart",
        "warning",
        "These keys changed, and take effect with the next start only.",
        "keys",
    ),
    _event("backing_off", "warning", "Cycles failed in a row, so the next one waits longer.", "failures", "wait_s"),
    _event("clock_jumped", "warning", "The machine's clock was set; the schedule is reckoned anew.", "by_s"),
    _event("watchdog_withheld", "error", "systemd's watchdog is not fed, so that it restarts syncd.", "reason"),
    # --- a cycle ------------------------------------------------------------------------------------------------------
    _event("cycle_started", "info", "A cycle begins; its id is on every line that follows.", "command"),
    _event("stage_started", "debug", "A part of the cycle begins, with so many things to do.", "stage", "total"),
    _event(
        "source_read",
        "info",
        "The directory was read whole: so many entries, so many of them unusable.",
        *(f"{kind.value}s" for kind in STATED),
        "rejected",
    ),
    _event("marks_cleared", "info", "So many who had been missing or disabled were seen: counting is over.", "count"),
    _event(
        "evidence_began_anew",
        "warning",
        "For so many, the reads that missed them were not in a row: counting began anew, for this reason.",
        "count",
        "reason",
    ),
    _event("plan_made", "info", "There is a plan, in numbers; its digest is on the lines that follow.", *_COUNTS),
    _event(
        "identity_doubted",
        "warning",
        "Somebody else seems to be behind so many keys than before; nothing is done about them until it is approved.",
        "doubted",
        "rebindings",
    ),
    _event("operation_applied", "info", "An operation was carried out.", *_OPERATION),
    _event("operation_failed", "warning", "The service refused an operation.", *_OPERATION),
    _event("operation_unknown", "warning", "An operation was sent and no answer came back.", *_OPERATION),
    _event("operation_skipped", "warning", "An operation was not sent; the message says why.", *_OPERATION),
    _event(
        "cycle_finished",
        "info",
        "The one line that says everything of a cycle; a warning if something failed or was withheld.",
        "command",
        "result",
        "exit_code",
        "took_s",
        "message",
        *_COUNTS,
        "paused",
        "held",
        "contested",
        "guards",
        "applied",
        "failed",
        "unknown",
        "skipped",
        "half_removed",
        "doubted",
        "api_calls",
        "oldest_detail_s",
        "stages_s",
        also=("warning", "error"),
    ),
    _event(
        "cycle_failed",
        "error",
        "A cycle ended before it had an id: another syncd holds the organization, or the store can't be read.",
        "error_type",
        "message",
        "exit_code",
    ),
    _event(
        "cycle_crashed",
        "error",
        "A cycle met an error that nobody expected; please report it with the traceback.",
        "error_type",
        "exception",
    ),
    _event(
        "observer_failed",
        "error",
        "What only watches the cycles met an error that nobody expected; the cycle goes on. Please report it.",
        "observer",
        "exception",
    ),
    _event(
        "thread_crashed",
        "error",
        "Something in the background met an error that nobody expected; please report it with the traceback.",
        "thread",
        "error_type",
        "exception",
    ),
    # --- notices and reports ------------------------------------------------------------------------------------------
    _event("notice_failed", "warning", "A notice or ping was tried in vain, for good.", "notice", "reason", "attempts"),
    _event(
        "notice_dropped",
        "warning",
        "A notice or ping was never sent: too many waited, or the end came.",
        "notice",
        "reason",
        "attempts",
    ),
    _event(
        "notice_not_made", "warning", "A notice met an error that nobody expected; the cycle went on.", "error_type"
    ),
    _event("report_written", "info", "A page and a Markdown file tell of the cycle.", "path"),
    _event("report_failed", "warning", "The report of a cycle could not be written; the cycle went on.", "reason"),
    # --- HTTP ---------------------------------------------------------------------------------------------------------
    _event(
        "http_plaintext_allowed",
        "warning",
        "Passwords or tokens come in clear text from other machines; the web configuration names no certificate.",
        "listen",
        "reason",
    ),
    _event("web_config_reloaded", "info", "A changed certificate, password or token is in use.", "path"),
    _event(
        "web_config_rejected",
        "error",
        "The changed web configuration can't be used; the old one stays.",
        "path",
        "message",
        "error_type",
        "exception",
    ),
    # --- the service --------------------------------------------------------------------------------------------------
    _event("api_call_sent", "debug", "A call to the service is under way.", "call"),
    _event("api_called", "debug", "A call to the service was answered, or not.", "call", "code", "took_s"),
    _event("api_call_retried", "debug", "A call failed in a way that may pass; it is sent again.", "call", "code"),
    _event("api_call_delayed", "debug", "The service asked for less; a call was held back.", "call", "waited_s"),
    # --- the directory ------------------------------------------------------------------------------------------------
    _event(
        "ldap_server_failed", "warning", "A directory server can't be used; the next one is tried.", "server", "reason"
    ),
    _event(
        "ldap_certificate_seen",
        "debug",
        "A directory server proved who it is, with a certificate that ends then.",
        "peer",
        "expires_at",
    ),
    _event(
        "ldap_plaintext_used",
        "warning",
        "A credential went over a connection without TLS, since the configuration allows it.",
        "server",
    ),
    _event(
        "ldap_fast_reading_unavailable",
        "warning",
        "The directory is read by ldap3's own decoder, several times slower.",
        "server",
        "reason",
    ),
    _event(
        "ldap_search_sent",
        "debug",
        "A search was sent; the ldapsearch command repeats it, and may name people.",
        "server",
        "ldapsearch",
    ),
)

#: The inventory: every event by its name.
EVENTS: Mapping[str, LogEvent] = {event.name: event for event in _ALL}
