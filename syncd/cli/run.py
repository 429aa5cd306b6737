"""`syncd run`: the daemon."""

import os
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from syncd.cli.options import ConfigOption, OrganizationOption
from syncd.cli.past import remember
from syncd.cli.session import Session, abandon, begin, log_to_stderr, open_store
from syncd.errors import StoreError

if TYPE_CHECKING:
    from syncd.model.report import Report
    from syncd.store.store import Store


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
    from syncd.telemetry.http import HttpServer, make_app
    from syncd.telemetry.logs import get_logger
    from syncd.telemetry.metrics import new_metrics
    from syncd.telemetry.observer import TelemetryObserver

    names = [organization.name for organization in session.organizations]
    metrics = new_metrics(organizations=names, guards=wiring.guard_names())
    observers = {name: TelemetryObserver(name, metrics) for name in names}
    for each in session.organizations:
        remember(metrics, each.name, store.organization(each.workmail.organization_id))
    parts = {
        each.name: wiring.build(session.loaded, each, store=store, observer=observers[each.name], stop=stop)
        for each in session.organizations
    }

    def cycle(name: str) -> "Report":
        return run_cycle(parts[name], Options(command="run"))

    http = session.loaded.settings.http
    jobs = [
        Job(organization=each.name, every=each.schedule.every, jitter=each.schedule.jitter)
        for each in session.organizations
    ]
    with ExitStack() as stack:
        server = HttpServer(make_app(metrics.registry, lambda: _checks(store, stop), http), http)
        stack.enter_context(server)
        get_logger().info("http_started", listen=server.address)
        daemon = Daemon(jobs, cycle, observers=observers, clock=wiring.SystemClock(stop), stop=stop)
        return daemon.run()


def _checks(store: "Store", stop: threading.Event) -> dict[str, bool]:
    """What `/readyz` looks at; that it is asked at all shows that the configuration was read."""
    try:
        store.facts()
    except StoreError:
        readable = False
    else:
        readable = True
    return {"configuration": True, "store": readable, "not stopping": not stop.is_set()}
