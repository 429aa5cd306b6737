"""From settings to live objects: the one place that names concrete classes."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.clock import SystemClock
from syncd.errors import ConfigurationError, Problem
from syncd.model.names import identity_of, kind_of
from syncd.model.operation import hashed
from syncd.ports import Clock, Observer, Source, Target
from syncd.settings import Loaded, OrganizationSettings
from syncd.sources.registry import row_of
from syncd.sources.row import Making

if TYPE_CHECKING:
    from syncd.mapping.rules import Rules
    from syncd.model.names import Key
    from syncd.model.policy import Section
    from syncd.notices.report_files import ReportFiles
    from syncd.notices.sending import Notices
    from syncd.notices.settings import HeartbeatSettings
    from syncd.parts import Parts
    from syncd.store.store import Store
    from syncd.web.settings import WebSettings


def open_store(loaded: Loaded, *, must_exist: bool = False, clock: Clock | None = None) -> "Store":
    """Open the store of the configuration.

    Raises:
        StoreError: it can't be opened.
    """
    from syncd.planning import document
    from syncd.store.instance import instance_name
    from syncd.store.settings import store_path
    from syncd.store.store import Store
    from syncd.workmail.pages import PAGES

    return Store(
        store_path(loaded.settings.store, loaded.folder),
        clock=clock or SystemClock(),
        encode=lambda plan: document.dumps(plan, indent=None),
        decode=partial(document.loads, pages=PAGES),
        details=PAGES.details,
        must_exist=must_exist,
        instance=instance_name(loaded.settings.instance),
    )


def read_web_settings(path: Path) -> "WebSettings":
    """Read the web configuration in *path*, as strictly as the configuration itself.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    from syncd.settings.reading import read_model
    from syncd.web.settings import WebSettings

    try:
        return read_model(WebSettings, path, os.environ)[0]
    except ConfigurationError as error:
        if error.problems:
            raise
        # It could not be read at all; the reader's own hint is about the configuration.
        raise ConfigurationError(error.message, hint="it is named by http.web_config") from error


def build(
    loaded: Loaded,
    organization: OrganizationSettings,
    *,
    store: "Store",
    observer: Observer,
    stop: threading.Event,
    halt: threading.Event | None = None,
    clock: Clock | None = None,
) -> "Parts":
    """Return what the cycles of *organization* are made of; nothing is asked yet.

    Raises:
        ConfigurationError: the AWS client can't be made.
    """
    from syncd.daemon.rhythm import schedule_hole
    from syncd.guards import GUARDS, SOURCE_GUARDS
    from syncd.mapping.rules import Rules
    from syncd.mapping.snapshot import map_snapshot
    from syncd.parts import Parts
    from syncd.workmail.facets import FACETS
    from syncd.workmail.limits import workmail_limits
    from syncd.workmail.pages import PAGES

    clock = clock or SystemClock(stop)
    stored = store.organization(organization.workmail.organization_id)
    limits = workmail_limits()
    rules = Rules(organization.mapping_in_force)
    return Parts(
        organization=organization.name,
        organization_id=organization.workmail.organization_id,
        source=build_source(loaded, organization, rules, clock=clock, observer=observer),
        source_name=f"{row_of(organization.source).name}:{organization.mapping.key}",
        configuration=hashed(organization.model_dump(mode="json")),
        map_snapshot=partial(map_snapshot, rules=rules, limits=limits),
        given=rules.given,
        limits=limits,
        target=target_of(organization, clock, observer, stop),
        policy=organization.policy,
        memory=stored.memory,
        details=stored.details,
        journal=stored.journal,
        history=stored.history,
        lock=stored.lock,
        facets=FACETS,
        guards=GUARDS,
        source_guards=SOURCE_GUARDS,
        pages=PAGES,
        clock=clock,
        observer=observer,
        workers=organization.apply.workers,
        verify_within=organization.verify_within,
        hole=partial(schedule_hole, organization.schedule),
        stop=stop,
        halt=halt or threading.Event(),
    )


def target_of(organization: OrganizationSettings, clock: Clock, observer: Observer, stop: threading.Event) -> Target:
    """Return WorkMail, as *organization* is configured; nobody is asked yet."""
    from syncd.workmail.client import BotoCaller
    from syncd.workmail.passwords import make_password
    from syncd.workmail.target import WorkmailTarget

    workers = organization.apply.workers
    return WorkmailTarget(
        BotoCaller(organization.workmail, connections=workers),
        organization.workmail.organization_id,
        clock=clock,
        observer=observer,
        make_password=make_password,
        workers=workers,
        stop=stop,
    )


def build_source(
    loaded: Loaded,
    organization: OrganizationSettings,
    rules: "Rules",
    *,
    clock: Clock,
    observer: Observer | None = None,
) -> Source:
    """Return the source of *organization*; nobody is asked yet."""
    making = making_of(loaded, organization, rules, clock=clock, observer=observer)
    source: Source = row_of(organization.source).build(organization.source, making)
    return source


def making_of(
    loaded: Loaded,
    organization: OrganizationSettings,
    rules: "Rules",
    *,
    clock: Clock,
    observer: Observer | None = None,
) -> Making:
    """Return what the source of *organization* is made with."""
    return Making(
        folder=loaded.folder,
        needs=rules.needs,
        clock=clock,
        event=None if observer is None else observer.event,
        settings_now=partial(_source_settings_now, loaded, organization),
    )


def _source_settings_now(loaded: Loaded, organization: OrganizationSettings) -> "Section":
    """Return the settings of the source as the file has them now; those in force where it can't be read."""
    from syncd.settings import load

    with suppress(ConfigurationError):
        for each in load(loaded.path).settings.organizations:
            if each.name == organization.name:
                return each.source
    return organization.source


def look_up(organization: OrganizationSettings, key: "Key") -> tuple[str, ...]:
    """Return the commands that show the entry of *key* in the directory; none where its type of source has none."""
    kind = kind_of(key)
    attribute = organization.mapping.keys.get(kind)
    if attribute is None:
        return ()
    return row_of(organization.source).look_up(organization.source, kind, attribute, identity_of(key))


def notices(
    loaded: Loaded, *, on_outcome: Callable[[str, str], None], event: Callable[..., None], clock: Clock | None = None
) -> "Notices":
    """Return who tells people of cycles, as configured; nothing is sent before its `start`."""
    from syncd.notices.sending import Notices

    return Notices(
        loaded.settings.notices,
        clock=clock or SystemClock(),
        on_outcome=on_outcome,
        heartbeats=heartbeats(loaded),
        event=event,
    )


def heartbeats(loaded: Loaded) -> "dict[str, HeartbeatSettings]":
    """Return the dead-man switches of the organizations that have one."""
    return {each.name: each.heartbeat for each in loaded.settings.organizations if each.heartbeat is not None}


def report_files(
    loaded: Loaded,
    *,
    on_failure: Callable[[str, OSError], None],
    event: Callable[..., None],
    clock: Clock | None = None,
) -> "ReportFiles | None":
    """Return who writes a report of each cycle; None where no folder is configured."""
    reports = loaded.settings.reports
    if reports.folder is None:
        return None
    from syncd.notices.report_files import ReportFiles

    return ReportFiles(reports.folder, reports.keep, clock or SystemClock(), on_failure, event=event)


def guard_names() -> tuple[str, ...]:
    """Return the names of all guards that may trip."""
    from syncd.guards import GUARDS

    return tuple(guard.name for guard in GUARDS)


def serve_emulator(
    listen: str,
    *,
    data: Path | None,
    seed: Path | None,
    faults: Path | None,
    log: Path | None,
    ready: Callable[[str], None],
) -> None:
    """Serve an emulator until SIGTERM or SIGINT.

    Raises:
        UsageError: *listen* is no address to serve on.
        ConfigurationError: a file can't be used.
    """
    from syncd.emulator.server import run_emulator

    run_emulator(listen, data=data, seed=seed, faults=faults, log=log, ready=ready)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedEmulator:
    """An emulator that answers at *url*; *save* writes its state to a file."""

    url: str
    save: Callable[[Path], None]


@contextmanager
def emulator_on_a_free_port(seed: Path) -> Iterator[ServedEmulator]:
    """Serve, within this process, an emulator that holds what *seed* describes."""
    from syncd.emulator import Emulator
    from syncd.emulator.documents import read_document
    from syncd.emulator.persistence import DataFile
    from syncd.emulator.seed import plant
    from syncd.emulator.server import EmulatorServer

    emulator = Emulator()
    plant(emulator, read_document(seed), str(seed))
    with EmulatorServer(emulator) as server:

        def save(path: Path) -> None:
            DataFile(path, emulator, server.log).save(anyway=True)

        yield ServedEmulator(url=server.endpoint_url, save=save)


def run_examples(loaded: Loaded, organization: OrganizationSettings) -> tuple[Problem, ...]:
    """Return a problem for each example of the mapping that doesn't hold; nobody is asked."""
    from syncd.mapping import examples
    from syncd.mapping.rules import Rules
    from syncd.workmail.limits import workmail_limits

    index = loaded.settings.organizations.index(organization)
    rules = Rules(organization.mapping_in_force, where=f"{loaded.path}: organizations[{index}].mapping")
    return examples.run_examples(rules, workmail_limits())
