"""The daemon, composed: what `syncd run` makes of the configuration, and makes again when it is told to reload."""

import hashlib
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import SystemRandom

from syncd import wiring
from syncd.cycle import Options, run_cycle
from syncd.daemon.daemon import Daemon, Surroundings
from syncd.daemon.health import Health
from syncd.daemon.notify import Notifier
from syncd.daemon.observers import Several
from syncd.daemon.progress import Progress
from syncd.daemon.requests import Mailbox
from syncd.daemon.work import Work
from syncd.errors import StoreError, SyncdError
from syncd.model.report import SUCCESSES
from syncd.settings import Loaded, OrganizationSettings
from syncd.sources.settings import CsvSettings
from syncd.store.store import Store
from syncd.telemetry.http import HttpServer, make_app
from syncd.telemetry.logs import get_logger
from syncd.telemetry.metrics import new_metrics
from syncd.telemetry.observer import TelemetryObserver

#: Sections that take effect at a start only.
_AT_START = ("store", "http")
#: So far back a last success is looked for, in cycles.
_FAR_BACK = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the configuration is read, at the start and again: *load* reads the file, *choose* its organizations.

    *taken* is called with each one that was taken over (new secrets are to be hidden, a new log level holds).
    """

    load: Callable[[], Loaded]
    choose: Callable[[Loaded], Sequence[OrganizationSettings]]
    taken: Callable[[Loaded], None]


@dataclass(frozen=True, slots=True)
class _Seat:
    """What an organization keeps when the configuration is read again."""

    progress: Progress
    observer: Several
    stop: threading.Event = field(default_factory=threading.Event)


class Service:
    """Everything around the cycles of one process.

    Raises:
        SyncdError: the configuration can't be used, or the store not be opened.
    """

    def __init__(self, reading: Reading, *, loaded: Loaded, store: Store, mailbox: Mailbox) -> None:
        self._reading = reading
        self._loaded = loaded
        self._store = store
        self._mailbox = mailbox
        self._clock = wiring.SystemClock()
        self._log = get_logger()
        self._seats: dict[str, _Seat] = {}
        self._metrics = new_metrics(organizations=(), guards=wiring.guard_names())
        self._health = Health(self._clock)
        self._works = self._take_over(loaded)

    def run(self) -> bool:
        """Serve and work until asked to stop; return whether every cycle ended in time."""
        http = self._loaded.settings.http
        with HttpServer(make_app(self._metrics.registry, self._health.ready, http), http) as server:
            self._log.info("http_started", listen=server.address)
            daemon = Daemon(
                self._works,
                Surroundings(
                    clock=self._clock,
                    random=SystemRandom(),
                    mailbox=self._mailbox,
                    health=self._health,
                    notifier=Notifier(),
                    metrics=self._metrics,
                    reload=self._reload,
                    probe=self._probe,
                ),
            )
            return daemon.run()

    def _reload(self) -> tuple[Work, ...]:
        """Read the configuration again.

        Raises:
            SyncdError: it can't be used; nothing has changed.
        """
        try:
            loaded = self._reading.load()
            works = self._take_over(loaded)
        except SyncdError:
            self._metrics.reloaded(ok=False, at=self._clock.now(), sha256="")
            raise
        before, now = self._loaded.settings, loaded.settings
        if late := [section for section in _AT_START if getattr(before, section) != getattr(now, section)]:
            self._log.warning("configuration_needs_restart", keys=late)
        self._loaded = loaded
        return works

    def _take_over(self, loaded: Loaded) -> tuple[Work, ...]:
        """Make the works of *loaded*, then let everything else know of it: nothing is done by halves."""
        organizations = self._reading.choose(loaded)
        seats = {each.name: self._seats.get(each.name) or self._new_seat(each) for each in organizations}
        works = tuple(self._work(loaded, each, seats[each.name]) for each in organizations)
        self._metrics.configure([each.name for each in organizations])
        for each in organizations:
            if each.name not in self._seats:
                self._remember(each)
        self._seats = seats
        self._reading.taken(loaded)
        self._metrics.reloaded(ok=True, at=self._clock.now(), sha256=_sha256(loaded.path))
        return works

    def _new_seat(self, organization: OrganizationSettings) -> _Seat:
        progress = Progress(self._clock)
        observer = Several(progress, TelemetryObserver(organization.name, self._metrics))
        return _Seat(progress, observer)

    def _work(self, loaded: Loaded, organization: OrganizationSettings, seat: _Seat) -> Work:
        parts = wiring.build(loaded, organization, store=self._store, observer=seat.observer, stop=seat.stop)
        source = organization.source
        files = [source.users, source.groups] if isinstance(source, CsvSettings) else []
        return Work(
            organization=organization.name,
            schedule=organization.schedule,
            cycle=partial(run_cycle, parts, Options(command="run")),
            observer=seat.observer,
            progress=seat.progress,
            stop=seat.stop,
            settings=organization,
            files=tuple(loaded.folder / name for name in files if name is not None),
        )

    def _remember(self, organization: OrganizationSettings) -> None:
        """Take up what earlier processes did: an alert on the last success must outlive a restart."""
        history = self._store.organization(organization.workmail.organization_id).history
        cycles = history.cycles(_FAR_BACK)
        for cycle in cycles:
            if cycle.summary in SUCCESSES:
                self._metrics.succeeded(organization.name, cycle.finished_at)
                break

    def _probe(self) -> None:
        """Ask the store whether it answers; it may hang."""
        try:
            facts = self._store.facts()
            free = shutil.disk_usage(facts.path.parent).free
        except (StoreError, OSError):
            self._health.store_answered(good=False)
            self._metrics.store(up=False, size=0, free=0)
        else:
            self._health.store_answered(good=True)
            self._metrics.store(up=True, size=facts.size, free=free)


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
