"""What a cycle's events become in the metrics."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from syncd.errors import (
    Interrupted,
    Locked,
    PermissionDenied,
    SourceIncomplete,
    SourceUnreachable,
    StoreError,
    TargetUnreachable,
)
from syncd.model.names import STATED
from syncd.model.report import Report
from syncd.telemetry.events import EVENTS
from syncd.telemetry.metrics import Metrics
from syncd.telemetry.observer import MetricsObserver
from tests.builders import NOW

ORGANIZATION = {"organization": "pe"}


class Told:
    """An observer, and what the metrics say after it was told something."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.observer = MetricsObserver("pe", Metrics(self.registry, organizations=["pe"]))

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"syncd_{name}", {**ORGANIZATION, **labels})

    @property
    def ups(self) -> tuple[float | None, float | None]:
        return self.value("source_up"), self.value("target_up")


@pytest.fixture
def told() -> Told:
    return Told()


def failed_report() -> Report:
    return Report(
        cycle_id="c1",
        organization="pe",
        command="run",
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=3),
        error="no answer",
        exit_code=69,
    )


def test_both_ends_are_up_as_soon_as_they_were_read(told: Told) -> None:
    """A stage that begins says that the one before went well: nobody waits for the end of a long cycle."""
    seen = []
    for stage in ("read_lists", "read_source", "read_details"):
        told.observer.stage(stage)
        seen.append(told.ups)

    assert seen == [(0, 0), (0, 1), (1, 1)]


@pytest.mark.parametrize(
    ("error", "ups", "errors"),
    [
        (SourceUnreachable("no LDAP server could be used"), (0, 1), (1, 0)),
        (SourceIncomplete("people.csv is cut off"), (0, 1), (0, 1)),
        (TargetUnreachable("WorkMail does not answer"), (1, 0), (0, 0)),
        (PermissionDenied("credentials expired"), (1, 0), (0, 0)),
        (StoreError("disk full"), (1, 1), (0, 0)),
        (Interrupted("told to stop"), (1, 1), (0, 0)),
        (Locked("held by somebody"), (1, 1), (0, 0)),
    ],
)
def test_the_error_says_which_end_is_down(
    error: Exception, ups: tuple[int, int], errors: tuple[int, int], told: Told
) -> None:
    """By its class; an error of the store, of the lock or a stop says nothing of either end."""
    for stage in ("read_lists", "read_source", "plan"):
        told.observer.stage(stage)
    told.observer.began(NOW)
    told.observer.failed(error)

    counted = [told.value("source_errors_total", reason=reason) for reason in ("unreachable", "incomplete")]
    assert [*told.ups, *counted] == [*ups, *errors]


def test_a_defect_while_reading_the_directory_is_no_read(told: Told) -> None:
    """An error that nobody expected, while the directory is read: it could not be read."""
    for stage in ("read_lists", "read_source", "plan"):
        told.observer.stage(stage)
    told.observer.began(NOW)
    told.observer.stage("read_source")
    told.observer.failed(ZeroDivisionError())

    assert told.ups == (0, 1)


def test_a_failed_cycle_counts_once(told: Told) -> None:
    """Told by its report and by its error, or by its error alone: one failed cycle each."""
    told.observer.began(NOW)
    told.observer.finished(failed_report())
    told.observer.failed(SourceUnreachable("no answer"))
    told.observer.began(NOW)
    told.observer.failed(Locked("held by somebody"))

    assert told.value("cycles_total", result="failed") == 2
    assert told.value("cycle_consecutive_failures") == 2
    assert told.value("cycle_in_progress") == 0


def test_a_cycle_that_begins_is_in_progress(told: Told) -> None:
    """From its begin; the next one is known when it is planned."""
    told.observer.began(NOW)
    told.observer.scheduled(NOW + timedelta(minutes=15))

    assert told.value("cycle_in_progress") == 1
    assert told.value("cycle_last_attempt_timestamp_seconds") == NOW.timestamp()
    assert told.value("cycle_next_timestamp_seconds") == NOW.timestamp() + 900


def test_every_kind_that_a_source_may_state_is_counted(told: Told) -> None:
    """A kind that is added has its series and its field of the log without anybody remembering to."""
    told.observer.event("source_read", **{f"{kind.value}s": 7 + place for place, kind in enumerate(STATED)})

    assert [told.value("source_entries", kind=kind.value) for kind in STATED] == [*range(7, 7 + len(STATED))]
    assert {f"{kind.value}s" for kind in STATED} < set(EVENTS["source_read"].fields)


def test_events_that_have_a_metric_move_it(told: Told) -> None:
    """Entries read, retries, waits, calls under way, plain connections, and until when certificates are good."""
    until = datetime(2027, 1, 1, tzinfo=UTC)
    told.observer.event("source_read", users=41, groups=12, rejected=1)
    told.observer.event("api_call_sent", call="ListUsers")
    told.observer.event("api_call_retried", call="ListUsers", code="Throttling")
    told.observer.event("api_call_delayed", call="ListUsers", waited_s=1.5)
    told.observer.event("ldap_plaintext_used", server="ldap://dc1.corp.example:389")
    told.observer.event("ldap_certificate_seen", peer="dc1.corp.example:636", expires_at=until)
    told.observer.event("source_read", users="41", groups=None)

    assert (told.value("source_entries", kind="user"), told.value("source_entries", kind="group")) == (41, 12)
    assert told.value("api_inflight_requests") == 1
    assert told.value("api_retries_total") == 1
    assert told.value("api_throttle_wait_seconds_total") == 1.5
    assert told.value("ldap_plaintext_connections_total") == 1
    name = "tls_peer_certificate_expiration_timestamp_seconds"
    assert told.value(name, peer="dc1.corp.example:636") == until.timestamp()
