"""`syncd run`: the daemon."""

import os
import signal
import sys

from syncd.cli.options import ConfigOption, OrganizationOption
from syncd.cli.selection import abandon, begin, log_to_stderr, open_store
from syncd.collector import uncollected


def run(*, config: ConfigOption = None, organization: OrganizationOption = None) -> int:
    """Run cycles on schedule until told to stop; serve metrics, health and a status page."""
    with uncollected():
        from syncd.daemon.requests import Mailbox, Wish
        from syncd.daemon.signals import taking_signals
        from syncd.telemetry.logs import get_logger
        from syncd.wiring.daemon import ConfigReader, Service

    selection = begin(config, organization)
    log_to_stderr(selection.loaded)
    mailbox = Mailbox()
    stops: list[str] = []

    def stop(name: str) -> None:
        if stops:
            abandon()
        stops.append(name)
        get_logger().info("stop_requested", signal=name)
        mailbox.ask(Wish.STOP, "signal")

    actions = {
        signal.SIGTERM: stop,
        signal.SIGINT: stop,
        signal.SIGHUP: lambda _: mailbox.ask(Wish.RELOAD, "signal"),
        signal.SIGUSR1: lambda _: mailbox.ask(Wish.SYNC, "signal"),
    }
    reading = ConfigReader(
        load=lambda: begin(selection.loaded.path, organization).loaded,
        choose=lambda loaded: begin(loaded.path, organization).organizations,
        taken=log_to_stderr,
    )
    # The signals come first: threads that begin later inherit that they don't take them.
    with taking_signals(actions), open_store(selection) as store:
        store.claim()
        in_time = Service(reading, loaded=selection.loaded, store=store, mailbox=mailbox).run()
    sys.stderr.flush()
    if not in_time:
        # A call that never ends holds a thread that the interpreter would wait for. Nothing is lost: the journal
        # knows what was begun, and the next cycle finds out what became of it.
        os._exit(0)
    return 0
