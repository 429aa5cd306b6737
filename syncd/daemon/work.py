"""What a daemon does for one organization."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncd.daemon.progress import Progress
from syncd.daemon.settings import Schedule
from syncd.model.report import Report
from syncd.ports import Observer


@dataclass(frozen=True, kw_only=True)
class Work:
    """One organization's cycles: when, and what.

    *cycle* runs one and returns its report, or raises. It must look at *stop* itself, between calls; with *halt* set
    as well, what it has begun may not be ended either. *observer* hears
    everything, *progress* is one of those to whom it passes that on. *settings* is compared: a reload that leaves
    them equal leaves the work as it is. *allows_as_much* says whether these allow all that earlier ones allowed.
    *files* are watched; a change of theirs asks for a cycle.
    """

    organization: str
    schedule: Schedule
    cycle: Callable[[], Report]
    observer: Observer
    progress: Progress
    stop: threading.Event = field(default_factory=threading.Event)
    halt: threading.Event = field(default_factory=threading.Event)
    settings: object = None
    allows_as_much: Callable[[Any], bool] = lambda _before: False
    files: tuple[Path, ...] = ()
    #: Counts what people have decided about it: a new decision asks for a cycle. It may hang, or raise `SyncdError`.
    decisions: Callable[[], int] = int
