"""`syncd run`: the daemon."""

import os
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from syncd.cli.options import ConfigOption, OrganizationOption
from syncd.cli.session import Session, abandon, begin, log_to_stderr, open_store
from syncd.cli.status import last_success
from syncd.errors import StoreError

if TYPE_CHECKING:
    from syncd.model.report import Report
    from syncd.model.status import PastCycle
    from syncd.store.records import CycleRecord
    from syncd.store.store import Store
    from syncd.telemetry.board import Board


def run(*, config: ConfigOption = None, organization: OrganizationOption = None) -> int:
    """Run cycles on schedule until told to stop; serve metrics."""
    from syncd.daemon import stopping_on_signals

    session = begin(config, organization)
    log_to_stderr(session.loaded)
    stop = threading.Event()
    # The signals come first: threads that begin later inherit that they don't take them.
    with stopping_on_signals(stop, told=_tell_stop, abandon=abandon), open_store(session) as store:
        in_time = _serve(session, store, stop)
    if in_time:
        return 0
    # A call that never ends holds a thread that the interpreter would wait for.
    sys.stderr.flush()
    os._exit(1)


def _tell_stop(signal: str) -> None:
    from syncd.telemetry.logs import get_logger

    get_logger().info("stop_requested", signal=signal)


def _serve(session: Session, store: "Store", stop: threading.Event) -> bool:
    """Work until *stop* is set; return whether every cycle ended in time."""
    from syncd import wiring
    from syncd.cycle import Options, run_cycle
    from syncd.daemon import Daemon, Job
    from syncd.telemetry.board import Board
    from syncd.telemetry.http import HttpServer, Probes, make_app
    from syncd.telemetry.logs import get_logger
    from syncd.telemetry.metrics import new_metrics
    from syncd.telemetry.observer import TelemetryObserver

    names = [organization.name for organization in session.organizations]
    metrics = new_metrics(organizations=names, guards=wiring.guard_names())
    observers = {name: TelemetryObserver(name, metrics) for name in names}
    clock = wiring.SystemClock(stop)
    board = Board(clock)
    _show(board, session, store)
    for each in session.organizations:
        last = last_success(store.organization(each.workmail.organization_id))
        if last is not None:
            metrics.succeeded(each.name, last)
    parts = {
        each.name: wiring.build(session.loaded, each, store=store, observer=observers[each.name], stop=stop)
        for each in session.organizations
    }

    def cycle(name: str) -> "Report":
        shown = board.observer(name)
        shown.began(clock.now())
        try:
            report = run_cycle(parts[name], Options(command="run"))
        except Exception as error:
            shown.failed(error)
            raise
        shown.finished(report)
        return report

    probes = Probes(live=dict, ready=lambda: _checks(store, stop), started=dict)
    http = session.loaded.settings.http
    jobs = [
        Job(organization=each.name, every=each.schedule.every, jitter=each.schedule.jitter)
        for each in session.organizations
    ]
    with ExitStack() as stack:
        app = make_app(metrics.registry, probes, http, board=board, sync=None, read_web=wiring.read_web_settings)
        server = stack.enter_context(HttpServer(app))
        get_logger().info("http_started", listen=server.address)
        daemon = Daemon(jobs, cycle, observers=observers, clock=clock, stop=stop)
        return daemon.run()


def _show(board: "Board", session: Session, store: "Store") -> None:
    """Put what the store knows on the status page."""
    from syncd.model.durations import format_duration
    from syncd.model.status import BoardOrganization

    board.configure(
        BoardOrganization(
            name=each.name,
            organization_id=each.workmail.organization_id,
            mode=each.mode.value,
            schedule=f"every {format_duration(each.schedule.every)}",
            interval=each.schedule.every + each.schedule.jitter,
        )
        for each in session.organizations
    )
    for each in session.organizations:
        stored = store.organization(each.workmail.organization_id)
        past = [past_cycle(record) for record in reversed(stored.history.cycles(100))]
        board.seed(each.name, past, stored.history.last_plan(), last_success(stored))


def past_cycle(record: "CycleRecord") -> "PastCycle":
    """Return what the status page shows of a recorded cycle."""
    from syncd.errors import Interrupted
    from syncd.model.status import STOPPED, PastCycle

    applied = record.results.get("applied", 0)
    return PastCycle(
        cycle_id=record.cycle_id,
        started_at=record.started_at,
        finished_at=record.finished_at,
        result=STOPPED if record.exit_code == Interrupted.exit_code else record.summary,
        error=record.error,
        exit_code=record.exit_code,
        applied=applied,
        failed=sum(record.results.values()) - applied,
        withheld=record.counts.get("withheld", 0),
    )


def _checks(store: "Store", stop: threading.Event) -> dict[str, bool]:
    """What `/readyz` looks at; that it is asked at all shows that the configuration was read."""
    try:
        store.facts()
    except StoreError:
        readable = False
    else:
        readable = True
    return {"configuration": True, "store": readable, "not stopping": not stop.is_set()}
