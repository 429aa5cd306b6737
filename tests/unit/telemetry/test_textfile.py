"""The metrics of one run, in a file."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.errors import SourceUnreachable, UsageError
from syncd.model.report import Report
from syncd.telemetry.metrics import Metrics, new_metrics
from syncd.telemetry.observer import MetricsObserver
from syncd.telemetry.textfile import ensure_writable, write_whole
from tests.builders import NOW, operation, plan
from tests.fakes.logging_state import logging_as_before


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    with logging_as_before():
        yield new_metrics(organizations=["pe"], guards=["removals"], from_start=False)


def lines(metrics: Metrics) -> dict[str, float]:
    text = metrics.textfile().decode()
    pairs = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_what_nobody_told_is_not_there(metrics: Metrics) -> None:
    """Before the run knows anything, the file holds no zeros that would be taken for what is so."""
    assert {name.partition("{")[0] for name in lines(metrics)} == {"syncd_build_info", "syncd_organizations"}


def test_a_run_tells_what_is_so_and_no_counters(metrics: Metrics) -> None:
    """A count of one run says nothing, since the next begins anew; what only a daemon knows is left out too."""
    observer = MetricsObserver("pe", metrics)
    observer.began(NOW)
    observer.event("api_call_sent", call="ListUsers")
    observer.called("ListUsers", "ok", 0.1)
    end = NOW + timedelta(seconds=3)
    told = Report(
        cycle_id="c1", organization="pe", command="sync", started_at=NOW, finished_at=end, plan=plan(operation())
    )
    observer.finished(told)
    metrics.store(up=True, size=4096, free=10**9)
    found = lines(metrics)

    assert found['syncd_cycle_last_success_timestamp_seconds{organization="pe"}'] == end.timestamp()
    assert found['syncd_plan_operations{action="add",organization="pe"}'] == 1
    assert found["syncd_store_free_bytes"] == 10**9
    names = {name.partition("{")[0] for name in found}
    assert [name for name in names if name.endswith(("_total", "_bucket", "_count", "_sum"))] == []
    assert (
        names
        & {
            "syncd_cycle_in_progress",
            "syncd_cycle_next_timestamp_seconds",
            "syncd_cycle_interval_seconds",
            "syncd_api_inflight_requests",
            "syncd_config_last_reload_successful",
            "process_open_fds",
        }
        == set()
    )


def test_a_failed_run_keeps_the_last_success(metrics: Metrics) -> None:
    """It is known from the store; of the plan that was never made nothing is said."""
    metrics.remember("pe", last_success=NOW, failures=2)
    observer = MetricsObserver("pe", metrics)
    observer.began(NOW + timedelta(hours=1))
    observer.failed(SourceUnreachable("no answer"))
    found = lines(metrics)

    assert found['syncd_cycle_last_success_timestamp_seconds{organization="pe"}'] == NOW.timestamp()
    assert found['syncd_cycle_consecutive_failures{organization="pe"}'] == 3
    assert found['syncd_source_up{organization="pe"}'] == 0
    assert not any(name.startswith(("syncd_target_up", "syncd_plan", "syncd_entities")) for name in found)


def test_an_organization_that_never_succeeded_says_so(metrics: Metrics) -> None:
    """0 is no lie there: the store knows of no success, and an alert on a stale cycle must see it."""
    metrics.remember("pe")

    assert lines(metrics)['syncd_cycle_last_success_timestamp_seconds{organization="pe"}'] == 0


def test_the_file_is_replaced_at_once(tmp_path: Path) -> None:
    """Whoever has the old file open reads it to its end; others may read the new one; nothing is left beside it."""
    path = tmp_path / "syncd.prom"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_whole(path, b"new\n")
        assert reader.read() == b"old"

    assert path.read_bytes() == b"new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["syncd.prom"]


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def test_the_collector_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    """It runs as another user: a service with a strict umask writes a file that others can read all the same."""
    with umask(0o077):
        write_whole(tmp_path / "syncd.prom", b"x")

    assert stat.S_IMODE((tmp_path / "syncd.prom").stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("nowhere/syncd.prom", "No such file or directory"),
        ("a_file/syncd.prom", "Not a directory"),
        ("a_folder", "Is a directory"),
    ],
)
def test_an_unusable_place_is_told_before_the_work(where: str, why: str, tmp_path: Path) -> None:
    """Which file, why, and what to do; the check leaves nothing behind."""
    (tmp_path / "a_file").touch()
    (tmp_path / "a_folder").mkdir()
    with pytest.raises(
        UsageError, match=f"--metrics-file .*{where} can't be written: {why}\\n  name a file in a folder"
    ):
        ensure_writable(tmp_path / where)

    ensure_writable(tmp_path / "fine.prom")
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["a_file", "a_folder"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """What can't take its place is taken away again."""
    path = tmp_path / "syncd.prom"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(UsageError, match="can't be written"):
        write_whole(path, b"new")

    assert sorted(each.name for each in tmp_path.rglob("*")) == ["old", "syncd.prom"]
