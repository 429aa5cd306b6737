"""The daemon, composed: what `syncd run` makes of the configuration, and makes again when it is told to reload."""

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import SystemRandom

from syncd import wiring
from syncd.clock import SystemClock
from syncd.cycle import run_cycle
from syncd.daemon.daemon import Daemon, Surroundings
from syncd.daemon.health import LifeSigns
from syncd.daemon.notify import Notifier
from syncd.daemon.observers import Several
from syncd.daemon.progress import Progress
from syncd.daemon.requests import Mailbox, Wish
from syncd.daemon.timetable import Timetable
from syncd.daemon.work import Work
from syncd.errors import StoreError, SyncdError
from syncd.model.status import BoardOrganization
from syncd.notices.report_files import ReportFiles
from syncd.notices.settings import HEARTBEAT
from syncd.parts import DAEMON, Options
from syncd.ports import Clock
from syncd.settings import Loaded, OrganizationSettings
from syncd.settings.loosening import allows_as_much
from syncd.sources.registry import row_of
from syncd.status.board import Board
from syncd.status.pages import StatusPages
from syncd.store.store import Store
from syncd.telemetry.logs import get_logger, log_event
from syncd.telemetry.metrics import new_metrics
from syncd.telemetry.observer import TelemetryObserver
from syncd.web.app import Probes, make_app
from syncd.web.server import HttpServer
from syncd.wiring import past


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigReader:
    """How the configuration is read, at the start and again: *load* reads the file, *choose* its organizations.

    *taken* is called with each one that was taken over, since a new log level holds and new secrets are to be hidden;
    it returns what hides them in a text.
    """

    load: Callable[[], Loaded]
    choose: Callable[[Loaded], Sequence[OrganizationSettings]]
    taken: Callable[[Loaded], Callable[[str], str]]


@dataclass(frozen=True, slots=True)
class _Seat:
    """What an organization keeps when the configuration is read again."""

    progress: Progress
    stop: threading.Event = field(default_factory=threading.Event)
    halt: threading.Event = field(default_factory=threading.Event)


class Service:
    """Everything around the cycles of one process.

    Cycles and all who tell of them live by *clock*; the scheduler has none but the machine's (APScheduler asks it).

    Raises:
        SyncdError: the configuration can't be used, or the store not be opened.
    """

    def __init__(
        self, reading: ConfigReader, *, loaded: Loaded, store: Store, mailbox: Mailbox, clock: Clock | None = None
    ) -> None:
        self._reading = reading
        self._loaded = loaded
        self._store = store
        self._mailbox = mailbox
        self._own_clock = clock
        self._machine = SystemClock()
        self._clock = clock or self._machine
        self._random = SystemRandom()
        self._log = get_logger()
        self._seats: dict[str, _Seat] = {}
        self._clean: Callable[[str], str] = str
        self._metrics = new_metrics(organizations=(), guards=wiring.guard_names())
        self._board = Board(self._clock, clean=self._hide)
        self._health = health = LifeSigns(self._machine)
        self._app = make_app(
            loaded.settings.http,
            Probes(live=health.live, ready=health.ready, started=health.start),
            metrics=self._metrics.exposition,
            pages=StatusPages(self._board),
            sync=self._ask,
            read_web=wiring.read_web_settings,
            event=_log,
        )
        self._notices = wiring.notices(loaded, on_outcome=self._metrics.noticed, event=self._note, clock=self._clock)
        self._works = self._take_over(loaded)

    def run(self) -> bool:
        """Serve and work until asked to stop; return whether every cycle ended in time."""
        with HttpServer(self._app) as server, self._telling():
            self._log.info("http_started", listen=server.address)
            around = Surroundings(
                clock=self._machine,
                random=self._random,
                mailbox=self._mailbox,
                health=self._health,
                notifier=Notifier(),
                metrics=self._metrics,
                reload=self._reload,
                probe=self._probe,
            )
            return Daemon(self._works, around).run()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        self._notices.start()
        try:
            yield
        finally:
            self._notices.stop()

    def _note(self, name: str, **fields: object) -> None:
        """Log what became of a notice or a report."""
        say = self._log.info if name == "report_written" else self._log.warning
        say(name, **fields)

    def _hide(self, text: str) -> str:
        """Return *text* without the secrets of the configuration that is in force."""
        return self._clean(text)

    def _ask(self, name: str | None) -> tuple[str, ...]:
        """Ask for a cycle of the organization *name*, or of each; return the names. KeyError: there is none."""
        names = tuple(self._seats) if name is None else (name,)
        if not set(names) <= self._seats.keys():
            raise KeyError(name)
        for each in names:
            self._mailbox.ask(Wish.SYNC, "http", each)
        return names

    def _reload(self) -> tuple[Work, ...]:
        """Read the configuration again.

        Raises:
            SyncdError: it can't be used; nothing has changed.
        """
        try:
            loaded = self._reading.load()
            before, now = self._loaded.settings, loaded.settings
            # The address stays; whatever else stands in the section is swapped.
            swap = self._app.prepare(now.http.model_copy(update={"listen": before.http.listen}))
            works = self._take_over(loaded)
        except SyncdError:
            self._metrics.reloaded(ok=False, at=self._clock.now(), sha256="")
            raise
        swap()
        late = {
            "store": before.store != now.store,
            "instance": before.instance != now.instance,
            "http.listen": before.http.listen != now.http.listen,
        }
        if any(late.values()):
            self._log.warning("configuration_needs_restart", keys=[key for key, changed in late.items() if changed])
        self._loaded = loaded
        return works

    def _take_over(self, loaded: Loaded) -> tuple[Work, ...]:
        """Make the works of *loaded*, then let everything else know of it: nothing is done by halves."""
        organizations = self._reading.choose(loaded)
        seats = {each.name: self._seats.get(each.name) or _Seat(Progress(self._machine)) for each in organizations}
        files = wiring.report_files(loaded, on_failure=self._not_reported, event=self._note, clock=self._clock)
        works = tuple(self._work(loaded, each, seats[each.name], files) for each in organizations)
        self._clean = self._reading.taken(loaded)
        heartbeats = wiring.heartbeats(loaded)
        sinks = [*(each.name for each in loaded.settings.notices), *([HEARTBEAT] if heartbeats else [])]
        self._metrics.configure([each.name for each in organizations], notices=sinks)
        self._notices.replace(loaded.settings.notices, heartbeats)
        self._board.configure(map(self._shown, organizations))
        tellers = past.Tellers(metrics=self._metrics, board=self._board, notices=self._notices)
        for each in organizations:
            if each.name not in self._seats:
                stored = self._store.organization(each.workmail.organization_id)
                past.take_up(tellers, each.name, stored, each.policy, self._clock.now())
        self._seats = seats
        self._metrics.reloaded(ok=True, at=self._clock.now(), sha256=_sha256(loaded.path))
        return works

    def _shown(self, organization: OrganizationSettings) -> BoardOrganization:
        schedule = organization.schedule
        return BoardOrganization(
            name=organization.name,
            organization_id=organization.workmail.organization_id,
            mode=organization.mode.value,
            schedule=str(schedule),
            interval=Timetable(schedule, self._random).longest_gap(self._clock.now()),
            stalled_after=schedule.stalled_after,
        )

    def _work(self, loaded: Loaded, organization: OrganizationSettings, seat: _Seat, files: ReportFiles | None) -> Work:
        name, mode, source = organization.name, organization.mode.value, organization.source
        telling = [self._notices.observer(name, mode), *([files.observer(name, mode)] if files is not None else [])]
        observer = Several(seat.progress, TelemetryObserver(name, self._metrics), self._board.observer(name), *telling)
        parts = wiring.build(
            loaded,
            organization,
            store=self._store,
            observer=observer,
            stop=seat.stop,
            halt=seat.halt,
            clock=self._own_clock,
        )
        return Work(
            organization=name,
            schedule=organization.schedule,
            cycle=partial(run_cycle, parts, Options(command=DAEMON)),
            observer=observer,
            progress=seat.progress,
            stop=seat.stop,
            halt=seat.halt,
            settings=organization,
            allows_as_much=partial(_allows_as_much, organization),
            files=row_of(source).files(source, loaded.folder),
            decisions=self._store.organization(organization.workmail.organization_id).decisions.number,
        )

    def _not_reported(self, _organization: str, _error: OSError) -> None:
        self._metrics.report_failed()

    def _probe(self) -> None:
        """Ask the store whether it answers; it may hang."""
        try:
            facts = self._store.facts()
            free = shutil.disk_usage(facts.path.parent).free
        except (StoreError, OSError):
            self._health.store_answered(good=False)
            self._metrics.store(up=False)
        else:
            self._health.store_answered(good=True)
            self._metrics.store(up=True, size=facts.size, free=free)


def _allows_as_much(now: OrganizationSettings, before: OrganizationSettings) -> bool:
    return allows_as_much(before, now)


def _log(name: str, **fields: object) -> None:
    """Log an event of the server, by what holds for the log then: a reload may have changed it."""
    log_event(get_logger(), name, **fields)


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
