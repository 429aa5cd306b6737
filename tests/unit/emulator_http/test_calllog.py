import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncd.emulator.calllog import CallLog
from syncd.errors import ConfigurationError
from tests.fakes.clock import FakeClock

CLOCK = FakeClock(datetime(2026, 3, 1, 12, 30, 15, 250_900, tzinfo=UTC))
CALL = {"OrganizationId": "m-1", "Name": "fry", "DisplayName": "Philip J. Fry", "Password": "Good-news-3000"}


def test_each_call_is_a_line(tmp_path: Path) -> None:
    """A call becomes one JSON line: time in UTC, organization, operation, what isn't secret, outcome, duration."""
    path = tmp_path / "calls.ndjson"
    log = CallLog(CLOCK, path=path)

    log.record("CreateUser", CALL, took_s=0.00123456)
    log.record("ListOrganizations", {}, outcome="ThrottlingException")
    log.close()

    assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] == [
        {
            "time": "2026-03-01T12:30:15.250Z",
            "organization": "m-1",
            "operation": "CreateUser",
            "params": {"OrganizationId": "m-1", "Name": "fry"},
            "outcome": "ok",
            "took_s": 0.001235,
        },
        {
            "time": "2026-03-01T12:30:15.250Z",
            "organization": "",
            "operation": "ListOrganizations",
            "params": {},
            "outcome": "ThrottlingException",
            "took_s": 0.0,
        },
    ]


def test_a_line_is_there_at_once_and_others_stay(tmp_path: Path) -> None:
    """Lines are added to what the file has, and can be read while the log is open."""
    path = tmp_path / "calls.ndjson"
    path.write_text("before\n", encoding="utf-8")
    log = CallLog(CLOCK, path=path)

    log.record("ListOrganizations", {})

    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    log.close()


def test_an_unknown_operation_shows_no_parameters() -> None:
    """Of an operation that doesn't exist nobody knows which parameters are secret: none is kept."""
    log = CallLog(CLOCK)

    log.record("CreateUsr", CALL, outcome="UnknownOperationException")

    assert log.recent()[0].params == {}


def test_the_latest_calls_are_kept() -> None:
    """Only so many calls are remembered; the counters know of all."""
    log = CallLog(CLOCK, keep=2)

    for name in ("ListUsers", "ListGroups", "ListResources"):
        log.record(name, {"OrganizationId": "m-1"})

    assert [record.operation for record in log.recent()] == ["ListGroups", "ListResources"]
    assert sum(counts["ok"] for counts in log.counters().values()) == 3


def test_only_calls_that_may_change_count_as_changes() -> None:
    """Reading changes nothing; a change that failed may have; forgetting counters doesn't undo changes."""
    log = CallLog(CLOCK)

    for name in ("ListUsers", "DescribeUser", "GetMailboxDetails", "CreateUser"):
        log.record(name, {"OrganizationId": "m-1"}, outcome="InternalFailure")
    log.reset()

    assert log.changes == 1


def test_an_unwritable_file_is_said(tmp_path: Path) -> None:
    """A log that can't be written is refused at the start, with its path."""
    with pytest.raises(ConfigurationError, match=r"calls\.ndjson: No such file"):
        CallLog(CLOCK, path=tmp_path / "nowhere" / "calls.ndjson")
