"""What `syncd doctor` looks at: the examinations of the rooms, put together; what needs nothing comes first."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from syncd.clock import SystemClock
from syncd.errors import ConfigurationError, SyncdError
from syncd.model.check import Check, fail, failed, not_asked, ok, warn
from syncd.ports import Observer
from syncd.settings import Loaded, OrganizationSettings
from syncd.sources.registry import row_of
from syncd.wiring import heartbeats, making_of, run_examples, target_of

if TYPE_CHECKING:
    from syncd.workmail.client import Caller, Heard


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One part of the surroundings; *examine* looks at it, and asks whom it must."""

    name: str
    examine: Callable[[], Iterator[Check]]


def areas_of_machine(loaded: Loaded) -> tuple[Area, ...]:
    """Return what is the same for all organizations."""
    return (
        Area(name="configuration", examine=partial(_configuration, loaded)),
        Area(name="surroundings", examine=partial(_surroundings, loaded)),
        Area(name="store", examine=partial(_store, loaded)),
        Area(name="http", examine=partial(_http, loaded)),
        *([Area(name="notices", examine=partial(_notices, loaded))] if _tells_anybody(loaded) else []),
    )


def _tells_anybody(loaded: Loaded) -> bool:
    return bool(loaded.settings.notices or heartbeats(loaded))


def areas_of(loaded: Loaded, organization: OrganizationSettings) -> tuple[Area, ...]:
    """Return what is looked at for *organization*."""
    return (
        Area(name="configuration", examine=partial(_settings, loaded, organization)),
        Area(name="store", examine=partial(_lock, loaded, organization)),
        Area(name="source", examine=partial(_source, loaded, organization)),
        Area(name="workmail", examine=partial(_workmail, organization)),
        *([Area(name="protected", examine=partial(_protected, organization))] if organization.protected else []),
    )


def areas_without_configuration(error: ConfigurationError) -> tuple[Area, ...]:
    """Return what can be looked at where the configuration can't be used, which *error* tells."""
    reason = "the configuration can't be used"
    return (
        Area(name="configuration", examine=lambda: iter([failed("file", error)])),
        Area(name="surroundings", examine=partial(_surroundings, None)),
        *(
            Area(name=name, examine=lambda: iter([not_asked("rest", reason)]))
            for name in ("store", "http", "notices", "source", "workmail")
        ),
    )


def _configuration(loaded: Loaded) -> Iterator[Check]:
    from syncd.settings.examination import examine

    yield from examine(loaded, os.environ)


def _settings(loaded: Loaded, organization: OrganizationSettings) -> Iterator[Check]:
    from syncd.settings.examination import examine_organization

    yield from examine_organization(organization)
    problems = run_examples(loaded, organization)
    for problem in problems:
        yield fail("examples", f"{problem.where}: {problem.reason}", problem.remedy, ConfigurationError.exit_code)
    if not problems and organization.mapping.tests:
        yield ok("examples", f"all of the mapping hold ({len(organization.mapping.tests)})")


def _surroundings(loaded: Loaded | None) -> Iterator[Check]:
    from syncd.daemon.surroundings import examine, this_place

    zones = {each.schedule.timezone for each in loaded.settings.organizations} if loaded else set()
    yield from examine(this_place(), zones)


def _store(loaded: Loaded) -> Iterator[Check]:
    from syncd.store.examination import examine
    from syncd.store.instance import instance_name
    from syncd.store.settings import store_path

    instance = instance_name(loaded.settings.instance)
    yield from examine(store_path(loaded.settings.store, loaded.folder), instance=instance)


def _lock(loaded: Loaded, organization: OrganizationSettings) -> Iterator[Check]:
    from syncd.store.examination import examine_lock
    from syncd.store.settings import store_path

    path = store_path(loaded.settings.store, loaded.folder)
    yield from examine_lock(path, organization.workmail.organization_id)


def _http(loaded: Loaded) -> Iterator[Check]:
    from syncd.web.examination import examine

    yield from examine(loaded.settings.http)


def _notices(loaded: Loaded) -> Iterator[Check]:
    from syncd.notices.examination import examine

    yield from examine(loaded.settings.notices, heartbeats(loaded))


def _source(loaded: Loaded, organization: OrganizationSettings) -> Iterator[Check]:
    from syncd.mapping.rules import Rules

    making = making_of(loaded, organization, Rules(organization.mapping_in_force), clock=SystemClock())
    yield from row_of(organization.source).examine(organization.source, making)


def _protected(organization: OrganizationSettings) -> Iterator[Check]:
    """Look whether each pattern covers somebody who is in WorkMail; aliases are not read."""
    from syncd.planning.protection import uncovered

    try:
        observed = target_of(organization, SystemClock(), Observer(), Event()).lists(bound={})
    except SyncdError as error:
        yield not_asked("patterns", error.message)
        return
    nobody = list(uncovered(organization.protected, observed))
    for pattern in nobody:
        remedy = "correct it, or take it out: it is a name, an address, user:NAME or group:NAME, with * and ?"
        yield warn("patterns", f"{pattern!r} covers nobody in WorkMail", remedy)
    if not nobody:
        yield ok("patterns", f"each of {len(organization.protected)} covers somebody")


def _workmail(organization: OrganizationSettings) -> Iterator[Check]:
    from syncd.workmail.client import BotoCaller, find_credentials
    from syncd.workmail.examination import Service, examine

    settings = organization.workmail

    def make_caller(service: Service, heard: "Heard") -> "Caller":
        return BotoCaller(settings, connections=1, service=service, heard=heard)

    yield from examine(settings, make_caller, partial(find_credentials, settings), SystemClock())
