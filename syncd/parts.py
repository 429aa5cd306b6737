"""What a cycle is made of, and how it is run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

from syncd.model.entry import Snapshot
from syncd.model.limits import Limits
from syncd.model.page import Pages
from syncd.model.policy import Policy
from syncd.model.state import Desired
from syncd.ports import (
    Clock,
    DetailsStore,
    Facet,
    Guard,
    History,
    Journal,
    Lock,
    MemoryStore,
    Observer,
    Source,
    Target,
)

#: The command of cycles that the daemon begins, by the schedule.
DAEMON = "run"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a cycle is made of; `wiring.py` puts it together.

    *source_name* names source type and key attribute (`csv:employee_id`); *configuration* stands for all settings of
    the organization. *map_snapshot* maps entries within the target's limits. *given* names what the mapping gives.
    *stop* ends a cycle where nothing is left half done; set together with *halt*, removals that have begun end as well.
    *source_guards* are the names of the guards about the source itself; *pages* say what the target stores.
    """

    organization: str
    organization_id: str
    source: Source
    source_name: str
    configuration: str
    map_snapshot: Callable[[Snapshot], Desired]
    given: frozenset[str]
    limits: Limits
    target: Target
    policy: Policy
    memory: MemoryStore
    details: DetailsStore
    journal: Callable[[str], Journal]
    history: History
    lock: Lock
    facets: tuple[Facet, ...]
    guards: tuple[Guard, ...]
    source_guards: frozenset[str]
    pages: Pages
    clock: Clock
    observer: Observer
    workers: int = 1
    verify_within: timedelta = timedelta(hours=24)
    #: The longest gap between two cycles at a moment that is no hole by the schedule; None: nobody follows one.
    hole: Callable[[datetime], timedelta] | None = None
    stop: Event = field(default_factory=Event)
    halt: Event = field(default_factory=Event)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How this cycle is run. *approved_plan* (a digest prefix) restricts it to a stored plan's operations."""

    command: str
    dry_run: bool = False
    refresh: bool = False
    only: tuple[str, ...] = ()
    approved_plan: str | None = None
    strict: bool = False
