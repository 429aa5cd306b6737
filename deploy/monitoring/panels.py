# ruff: noqa: INP001 - deploy/ is no package, and what is in here is not part of syncd
"""Writes dashboards/fleet.json and dashboards/organization.json: `python -m deploy.monitoring.panels`.

What a panel asks is a few lines here and sixty in Grafana's JSON. The JSON is what is installed; a test
compares it with what this file makes.
"""

import json
from pathlib import Path

from deploy.monitoring.grafana import (
    Json,
    Panel,
    ask,
    choice,
    dashboard,
    lights,
    number,
    override,
    spans,
)

FOLDER = Path(__file__).parent / "dashboards"
FLEET, ORGANIZATION = "syncd-fleet", "syncd-organization"

_GREEN, _YELLOW, _RED, _BLUE = "green", "yellow", "red", "blue"
UP = {"0": ("down", _RED), "1": ("up", _GREEN)}
YES = {"0": ("no", _GREEN), "1": ("yes", _RED)}
LIGHT = {"0": ("good", _GREEN), "1": ("look at it", _YELLOW), "2": ("not in step", _RED)}
THROTTLES = ".*Throttl.*|TooManyRequests.*|RequestLimitExceeded|SlowDown"

#: 0 good, 1 somebody should look, 2 people wait: stale, or failing again and again.
_LIGHT = """clamp_max(
  2 * max by (organization) (
    time() - syncd_cycle_last_success_timestamp_seconds{%(of)s} > bool 3 * syncd_cycle_interval_seconds{%(of)s} + 300
  )
  + 2 * max by (organization) (syncd_cycle_consecutive_failures{%(of)s} >= bool 3)
  + max by (organization) (syncd_guard_tripped{%(of)s})
  + max by (organization) (syncd_rejections{%(of)s} > bool 0),
  2
)"""


def fleet() -> Json:
    """Return the dashboard over all organizations."""
    of = 'job=~"$job"'
    rows = {
        "Now": _fleet_now(of),
        "What goes wrong": _fleet_wrong(of),
        "WorkMail": _fleet_service(of),
        "Process, configuration and notices": _fleet_process(of),
        "Store": _fleet_store(of),
    }
    about = "All organizations: which one is not in step, and why."
    return dashboard(FLEET, "syncd / fleet", about, rows, [_job()])


def _fleet_now(of: str) -> list[Panel]:
    last = f"syncd_cycle_last_success_timestamp_seconds{{{of}}}"
    interval = f"syncd_cycle_interval_seconds{{{of}}}"
    failures = f"syncd_cycle_consecutive_failures{{{of}}}"
    waiting = f"syncd_approval_oldest_pending_timestamp_seconds{{{of}}}"
    stale = f"count(time() - {last} > 3 * {interval} + 300) or vector(0)"
    table = [
        ("Since success", "s", f"max by (organization) (time() - {last})"),
        ("Since attempt", "s", f"max by (organization) (time() - syncd_cycle_last_attempt_timestamp_seconds{{{of}}})"),
        ("Next cycle", "dateTimeFromNow", f"min by (organization) (syncd_cycle_next_timestamp_seconds{{{of}}}) * 1000"),
        ("Interval", "s", f"max by (organization) ({interval})"),
        ("Failures in a row", "short", f"max by (organization) ({failures})"),
        ("Guards tripped", "short", f"sum by (organization) (syncd_guard_tripped{{{of}}})"),
        ("Rejections", "short", f"max by (organization) (syncd_rejections{{{of}}})"),
        ("Pending removals", "short", f"max by (organization) (syncd_pending_removals{{{of}}})"),
    ]
    return [
        number("Organizations", "How many are configured.", f"sum(syncd_organizations{{{of}}})"),
        number("Stale", "No success for three intervals and five minutes.", stale, warn=1, alert="SyncdCycleStale"),
        number("Failing", "The last cycle failed.", f"count({failures} > 0) or vector(0)", warn=1),
        number("Guards tripped", "Changes are held back.", f"sum(syncd_guard_tripped{{{of}}})", warn=1),
        number("Waiting for a yes", "Plans to approve.", f"count({waiting} > 0) or vector(0)", warn=1),
        number("Under way", "Cycles that run now.", f"sum(syncd_cycle_in_progress{{{of}}})"),
        Panel(
            title="Organizations, the stalest first",
            about="Click a name for its own dashboard. Never: no cycle has succeeded yet.",
            queries=[ask(expr) for _, _, expr in table],
            columns=[(title, unit) for title, unit, _ in table],
            overrides=_links_to_each(),
            kind="table",
            width=24,
            height=10,
            alert="SyncdCycleStale",
        ),
        lights(
            "Light of each organization",
            "Red: stale, or three failures in a row. Yellow: a guard trips, or records are rejected.",
            ask(_LIGHT % {"of": of}, "{{organization}}"),
            mappings=LIGHT,
            width=24,
        ),
    ]


def _links_to_each() -> list[Json]:
    """A name leads to the organization's dashboard; an age of decades (its timestamp is 0) means never."""
    never = {"from": 1e9, "to": None, "result": {"text": "never", "color": _RED, "index": 0}}
    url = f"/d/{ORGANIZATION}?${{datasource:queryparam}}&${{job:queryparam}}&var-organization=${{__value.text}}"
    return [
        override("Since success", {"mappings": [{"type": "range", "options": never}]}),
        override("organization", {"displayName": "Organization", "links": [{"title": "Its dashboard", "url": url}]}),
    ]


def _fleet_wrong(of: str) -> list[Panel]:
    def each(metric: str, more: str = "") -> str:
        return f"increase({metric}{{{of}{more}}}[$__rate_interval])"

    broken = 'outcome=~"failed|unknown"'
    return [
        Panel(
            title="Guards that trip",
            about="What each withholds stands in `syncd plan --last`.",
            queries=[
                ask(f"max by (organization, guard) (syncd_guard_tripped{{{of}}}) > 0", "{{organization}} {{guard}}")
            ],
            bars=True,
            alert="SyncdGuardTripped",
        ),
        Panel(
            title="Failures in a row",
            about="Cycles that failed since the last one that did not.",
            queries=[ask(f"max by (organization) (syncd_cycle_consecutive_failures{{{of}}})", "{{organization}}")],
            alert="SyncdCyclesFailing",
        ),
        Panel(
            title="Cycles by result",
            about="in_sync, applied and planned are successes.",
            queries=[ask(f"sum by (result) ({each('syncd_cycles_total')})", "{{result}}")],
            stacked=True,
            bars=True,
        ),
        Panel(
            title="Failed operations",
            about="Changes that WorkMail refused, or of which nobody knows whether they took effect.",
            queries=[
                ask(f"sum by (organization) ({each('syncd_operations_total', ',' + broken)})", "{{organization}}")
            ],
            bars=True,
            alert="SyncdOperationsFailing",
        ),
        Panel(
            title="Failed reads of directories",
            about="Incomplete: answered, but not wholly. Nothing is changed on the strength of such a read.",
            queries=[
                ask(
                    f"sum by (organization, reason) ({each('syncd_source_errors_total')})",
                    "{{organization}} {{reason}}",
                )
            ],
            bars=True,
            alert="SyncdSourceUnreachable",
        ),
        lights(
            "Directory and WorkMail",
            "Whether the last read of each succeeded.",
            ask(f"min by (organization) (syncd_source_up{{{of}}})", "{{organization}} directory"),
            ask(f"min by (organization) (syncd_target_up{{{of}}})", "{{organization}} WorkMail"),
            mappings=UP,
        ),
    ]


def _fleet_service(of: str) -> list[Panel]:
    calls = f"sum by (organization) (rate(syncd_api_requests_total{{{of}}}[$__rate_interval]))"
    refused = f'sum by (organization) (rate(syncd_api_requests_total{{{of},code=~"{THROTTLES}"}}[$__rate_interval]))'
    waits = f"sum by (organization) (rate(syncd_api_throttle_wait_seconds_total{{{of}}}[$__rate_interval]))"
    return [
        Panel(
            title="Calls",
            about="Calls to WorkMail a second, whatever they ended with.",
            queries=[ask(calls, "{{organization}}")],
            unit="reqps",
        ),
        Panel(
            title="Throttled share of calls",
            about="AWS allows an account so many calls. Above a fifth for half an hour an alert fires.",
            queries=[ask(f"{refused} / ({calls} > 0)", "{{organization}}")],
            unit="percentunit",
            alert="SyncdThrottled",
        ),
        Panel(
            title="Time spent waiting for AWS",
            about="Seconds a second, over all workers, in which a throttled call waited.",
            queries=[ask(waits, "{{organization}}")],
            unit="s",
            alert="SyncdThrottled",
        ),
    ]


def _fleet_process(of: str) -> list[Panel]:
    reload = f"syncd_config_last_reload_success_timestamp_seconds{{{of}}}"
    notices = f"sum by (notice, outcome) (increase(syncd_notices_total{{{of}}}[$__rate_interval]))"
    logged = f'sum by (level) (increase(syncd_log_messages_total{{{of},level=~"warning|error"}}[$__rate_interval]))'
    return [
        lights(
            "Answers",
            "Whether Prometheus reaches it.",
            ask(f"up{{{of}}}", "{{instance}}"),
            mappings=UP,
            alert="SyncdDown",
        ),
        Panel(
            title="Restarts within an hour",
            about="Starts of the process.",
            queries=[ask(f"changes(process_start_time_seconds{{{of}}}[1h])", "{{instance}}")],
            alert="SyncdRestarting",
        ),
        Panel(
            title="Running for",
            about="Since the start of the process.",
            queries=[ask(f"time() - process_start_time_seconds{{{of}}}", "{{instance}}")],
            unit="s",
        ),
        Panel(
            title="Memory",
            about="Resident.",
            queries=[ask(f"process_resident_memory_bytes{{{of}}}", "{{instance}}")],
            unit="bytes",
        ),
        Panel(
            title="Processor time",
            about="1 is one core.",
            queries=[ask(f"rate(process_cpu_seconds_total{{{of}}}[$__rate_interval])", "{{instance}}")],
        ),
        Panel(
            title="Open files",
            about="As a share of what the process may open.",
            queries=[ask(f"process_open_fds{{{of}}} / process_max_fds{{{of}}}", "{{instance}}")],
            unit="percentunit",
        ),
        Panel(
            title="Warnings and errors in the log",
            about="Lines of the log by level.",
            queries=[ask(logged, "{{level}}")],
            bars=True,
            stacked=True,
        ),
        Panel(
            title="Notices",
            about="By where they go and what came of them.",
            queries=[ask(notices, "{{notice}} {{outcome}}")],
            bars=True,
            alert="SyncdNoticesFailing",
        ),
        Panel(
            title="Reports that could not be written",
            about="Files in `reports.folder`.",
            queries=[ask(f"increase(syncd_reports_failed_total{{{of}}}[$__rate_interval])", "{{instance}}")],
            bars=True,
        ),
        lights(
            "Configuration in force",
            "No: the last reload found the file wrong, and the old one stays.",
            ask(f"syncd_config_last_reload_successful{{{of}}}", "{{instance}}"),
            mappings={"0": ("old one", _RED), "1": ("newest", _GREEN)},
            alert="SyncdConfigReloadFailed",
        ),
        Panel(
            title="Version",
            about="What runs where.",
            queries=[ask(f"max by (instance, version, python) (syncd_build_info{{{of}}})")],
            columns=[("Running", "short")],
            kind="table",
        ),
        Panel(
            title="Configuration",
            about="Its sha256, and when it was last read.",
            queries=[
                ask(f"max by (instance, sha256) (syncd_config_info{{{of}}})"),
                ask(f"max by (instance) ({reload}) * 1000"),
            ],
            columns=[("In force", "short"), ("Read", "dateTimeAsIso")],
            kind="table",
        ),
    ]


def _fleet_store(of: str) -> list[Panel]:
    return [
        lights(
            "Store",
            "Whether it can be read and written.",
            ask(f"syncd_store_up{{{of}}}", "{{instance}}"),
            mappings=UP,
            alert="SyncdStoreUnavailable",
        ),
        Panel(
            title="Size",
            about="Of the store's file.",
            queries=[ask(f"syncd_store_size_bytes{{{of}}}", "{{instance}}")],
            unit="bytes",
        ),
        Panel(
            title="Free",
            about="On the file system of the store.",
            queries=[ask(f"syncd_store_free_bytes{{{of}}}", "{{instance}}")],
            unit="bytes",
            alert="SyncdStoreDiskFilling",
        ),
    ]


def organization() -> Json:
    """Return the dashboard of one organization."""
    of = 'job=~"$job",organization="$organization"'
    rows = {
        "Now": _now(of),
        "Cycles": _cycles(of),
        "Plans": _plans(of),
        "Operations and WorkMail": _service(of),
        "Directory": _directory(of),
    }
    query = 'label_values(syncd_cycle_last_attempt_timestamp_seconds{job=~"$job"}, organization)'
    named = choice("organization", "Organization", query, several=False)
    window = spans("window", "Window of durations", ["1h", "6h", "1d", "7d"], "6h")
    about = "One organization: its cycles, what they planned and did, WorkMail, and its directory."
    return dashboard(ORGANIZATION, "syncd / organization", about, rows, [_job(), named, window])


def _now(of: str) -> list[Panel]:
    def age(metric: str) -> str:
        return f"time() - max({metric}{{{of}}})"

    waiting = f"time() - max(syncd_approval_oldest_pending_timestamp_seconds{{{of}}} > 0) or vector(0)"
    upcoming = f"clamp_min(max(syncd_cycle_next_timestamp_seconds{{{of}}}) - time(), 0)"
    details = age("syncd_details_oldest_timestamp_seconds")
    return [
        number(
            "Since the last success",
            "A cycle that read everything, and in which nothing failed or was withheld.",
            age("syncd_cycle_last_success_timestamp_seconds"),
            "s",
            alert="SyncdCycleStale",
        ),
        number("Since the last attempt", "Its begin.", age("syncd_cycle_last_attempt_timestamp_seconds"), "s"),
        number("Next cycle in", "0: due, or none is planned.", upcoming, "s"),
        number("Interval", "The longest regular distance.", f"max(syncd_cycle_interval_seconds{{{of}}})", "s"),
        number("Failures in a row", "3 are an alert.", f"max(syncd_cycle_consecutive_failures{{{of}}})", warn=1),
        number("Waiting for a yes since", "0: nothing.", waiting, "s", warn=1, alert="SyncdApprovalPending"),
        number(
            "Rejections",
            "Records that can't be used.",
            f"max(syncd_rejections{{{of}}})",
            warn=1,
            alert="SyncdRejections",
        ),
        number("Pending removals", "Missing, not yet long enough.", f"max(syncd_pending_removals{{{of}}})"),
        number("Notes", "Said by the last plan.", f"max(syncd_notes{{{of}}})"),
        number("Withheld", "Operations held back.", f"max(syncd_plan_withheld_operations{{{of}}})", warn=1),
        number("Oldest detail", "How old what the last plan rests on can be.", details, "s"),
        number(
            "Without TLS",
            "Connections to the directory.",
            f"max(syncd_ldap_plaintext_connections_total{{{of}}})",
            warn=1,
        ),
    ]


def _cycles(of: str) -> list[Panel]:
    def each(metric: str) -> str:
        return f"increase({metric}{{{of}}}[$__rate_interval])"

    took = f"sum by (le) (increase(syncd_cycle_duration_seconds_bucket{{{of}}}[$window]))"
    total, count = (f"sum(increase(syncd_cycle_duration_seconds_{part}{{{of}}}[$window]))" for part in ("sum", "count"))
    return [
        Panel(
            title="Cycles by result",
            about="in_sync, applied and planned are successes.",
            queries=[ask(f"sum by (result) ({each('syncd_cycles_total')})", "{{result}}")],
            stacked=True,
            bars=True,
        ),
        Panel(
            title="Cycles left out",
            about="The one before still ran, or a window was closed.",
            queries=[ask(f"sum by (reason) ({each('syncd_cycles_skipped_total')})", "{{reason}}")],
            bars=True,
        ),
        lights(
            "Under way",
            "While a cycle runs.",
            ask(f"max(syncd_cycle_in_progress{{{of}}})", "cycle"),
            mappings={"0": ("waits", _BLUE), "1": ("runs", _GREEN)},
            alert="SyncdCycleStalled",
        ),
        Panel(
            title="How long cycles took",
            about="Each column: how many cycles took how long.",
            queries=[ask(f"sum by (le) ({each('syncd_cycle_duration_seconds_bucket')})", "{{le}}")],
            kind="heatmap",
            unit="s",
        ),
        Panel(
            title="Typical duration",
            about="Over the window chosen above. An exemplar leads to the cycle_id in the log.",
            queries=[
                ask(f"histogram_quantile(0.5, {took})", "half", exemplar=True),
                ask(f"histogram_quantile(0.95, {took})", "95 %", exemplar=True),
                ask(f"{total} / ({count} > 0)", "mean"),
            ],
            unit="s",
        ),
        Panel(
            title="Stages of the last cycle",
            about="Where its time went.",
            queries=[ask(f"max by (stage) (syncd_cycle_stage_duration_seconds{{{of}}})", "{{stage}}")],
            unit="s",
            stacked=True,
        ),
    ]


def _plans(of: str) -> list[Panel]:
    tripped = f"max by (guard) (syncd_guard_tripped{{{of}}})"
    trips = f"sum by (guard) (increase(syncd_guard_trips_total{{{of}}}[$__rate_interval]))"
    return [
        Panel(
            title="Planned operations",
            about="Of each plan, by what they do.",
            queries=[ask(f"max by (action) (syncd_plan_operations{{{of}}})", "{{action}}")],
            stacked=True,
        ),
        Panel(
            title="Withheld and deferred",
            about="Withheld: by a guard, or until approved. Deferred: left to the cycle that follows at once.",
            queries=[
                ask(f"max(syncd_plan_withheld_operations{{{of}}})", "withheld"),
                ask(f"max(syncd_plan_deferred_operations{{{of}}})", "deferred"),
            ],
            alert="SyncdApprovalPending",
        ),
        lights("Guards", "Which of them trip.", ask(tripped, "{{guard}}"), mappings=YES, alert="SyncdGuardTripped"),
        Panel(
            title="Trips of guards",
            about="Also of those that were content again soon after.",
            queries=[ask(trips, "{{guard}}")],
            bars=True,
            alert="SyncdGuardTripped",
        ),
        Panel(
            title="Rejections, pending removals, notes",
            about="What each plan says of people beside its operations.",
            queries=[
                ask(f"max(syncd_rejections{{{of}}})", "rejections"),
                ask(f"max(syncd_pending_removals{{{of}}})", "pending removals"),
                ask(f"max(syncd_notes{{{of}}})", "notes"),
            ],
            alert="SyncdRejections",
        ),
        Panel(
            title="Entities",
            about="Owned: syncd's own. Foreign: never touched. Frozen: left as they are for now.",
            queries=[ask(f"max by (standing) (syncd_entities{{{of}}})", "{{standing}}")],
        ),
    ]


def _service(of: str) -> list[Panel]:
    def rate(metric: str) -> str:
        return f"rate({metric}{{{of}}}[$__rate_interval])"

    done = f"sum by (outcome) (increase(syncd_operations_total{{{of}}}[$__rate_interval]))"
    kinds = f"sum by (action) (increase(syncd_operations_total{{{of}}}[$__rate_interval]))"
    buckets = rate("syncd_api_request_duration_seconds_bucket")
    total, count = (f"sum({rate('syncd_api_request_duration_seconds_' + part)})" for part in ("sum", "count"))
    calls = rate("syncd_api_requests_total")
    errors = f'rate(syncd_api_requests_total{{{of},code!="ok"}}[$__rate_interval])'
    return [
        Panel(
            title="Operations by outcome",
            about="Skipped: what it needs failed, or the cycle was told to stop.",
            queries=[ask(done, "{{outcome}}")],
            stacked=True,
            bars=True,
            alert="SyncdOperationsFailing",
        ),
        Panel(
            title="Operations by action",
            about="Whatever came of them.",
            queries=[ask(kinds, "{{action}}")],
            stacked=True,
            bars=True,
        ),
        lights(
            "WorkMail",
            "Whether the last read succeeded.",
            ask(f"min(syncd_target_up{{{of}}})", "WorkMail"),
            mappings=UP,
            alert="SyncdTargetUnreachable",
        ),
        Panel(
            title="Calls by operation",
            about="A second.",
            queries=[ask(f"sum by (operation) ({calls})", "{{operation}}")],
            unit="reqps",
            stacked=True,
        ),
        Panel(
            title="Errors by code",
            about="What calls that failed were answered, a second.",
            queries=[ask(f"sum by (code) ({errors})", "{{code}}")],
            unit="reqps",
            stacked=True,
            alert="SyncdThrottled",
        ),
        Panel(
            title="Latency of calls",
            about="An exemplar leads to the cycle_id in the log.",
            queries=[
                ask(f"histogram_quantile(0.5, sum by (le) ({buckets}))", "half", exemplar=True),
                ask(f"histogram_quantile(0.99, sum by (le) ({buckets}))", "99 %", exemplar=True),
                ask(f"{total} / ({count} > 0)", "mean"),
            ],
            unit="s",
        ),
        Panel(
            title="How long calls took",
            about="Each column: how many calls took how long.",
            queries=[ask(f"sum by (le) ({buckets})", "{{le}}")],
            kind="heatmap",
            unit="s",
        ),
        Panel(
            title="Calls under way",
            about="Sent, and not answered yet.",
            queries=[ask(f"max(syncd_api_inflight_requests{{{of}}})", "under way")],
        ),
        Panel(
            title="Repeated calls",
            about="A second: throttled ones, and reads that failed for the moment.",
            queries=[ask(f"sum({rate('syncd_api_retries_total')})", "repeated")],
            unit="reqps",
        ),
        Panel(
            title="Time spent waiting for AWS",
            about="Seconds a second, over all workers.",
            queries=[ask(f"sum({rate('syncd_api_throttle_wait_seconds_total')})", "waiting")],
            unit="s",
            alert="SyncdThrottled",
        ),
    ]


def _directory(of: str) -> list[Panel]:
    expiry = f"min by (peer) (syncd_tls_peer_certificate_expiration_timestamp_seconds{{{of}}} > 0) - time()"
    errors = f"sum by (reason) (increase(syncd_source_errors_total{{{of}}}[$__rate_interval]))"
    return [
        lights(
            "Directory",
            "Whether the last read was complete.",
            ask(f"min(syncd_source_up{{{of}}})", "directory"),
            mappings=UP,
            width=6,
            alert="SyncdSourceUnreachable",
        ),
        Panel(
            title="Entries",
            about="Of the last complete read.",
            queries=[ask(f"max by (kind) (syncd_source_entries{{{of}}})", "{{kind}}s")],
            width=6,
            alert="SyncdSourceShrank",
        ),
        Panel(
            title="Failed reads",
            about="Unreachable: no answer. Incomplete: not a whole one.",
            queries=[ask(errors, "{{reason}}")],
            bars=True,
            width=6,
            alert="SyncdSourceUnreachable",
        ),
        Panel(
            title="Certificates are valid for another",
            about="Of the LDAP servers that syncd has been connected to.",
            queries=[ask(expiry, "{{peer}}")],
            unit="s",
            below_zero=True,
            width=6,
            alert="SyncdCertificateExpiring",
        ),
    ]


def _job() -> Json:
    return choice("job", "Job", "label_values(syncd_build_info, job)", several=True)


def documents() -> dict[str, str]:
    """Return the text of each file by its name."""
    boards = {"fleet.json": fleet(), "organization.json": organization()}
    return {name: json.dumps(board, indent=2) + "\n" for name, board in boards.items()}


if __name__ == "__main__":
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
