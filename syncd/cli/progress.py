"""A bar while reading and applying: on stderr, on a terminal only, gone when the result comes."""

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from syncd.model.report import Outcome
from syncd.ports import Observer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

#: What people call the stages of a cycle.
_STAGES = {
    "read_lists": "Reading the organization",
    "read_details": "Reading details",
    "read_source": "Reading the directory",
    "plan": "Planning",
    "apply": "Applying",
}


class Silent(Observer):
    """Observes and says nothing."""


class ProgressBar(Silent):
    """Shows the stage of one cycle; use as a context manager around it."""

    def __init__(self, organization: str, console: "Console | None" = None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._organization = organization
        self._progress = Progress(
            TextColumn("{task.fields[organization]}: {task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def refresh(self) -> None:
        """Draw it now."""
        self._progress.refresh()

    def stage(self, name: str, total: int | None = None) -> None:
        """Replace the bar by one for this stage."""
        with self._lock:
            if self._task is not None:
                self._progress.remove_task(self._task)
            description = _STAGES.get(name, name)
            self._task = self._progress.add_task(description, total=total, organization=self._organization)

    def advanced(self, count: int = 1) -> None:
        """Move the bar."""
        with self._lock:
            if self._task is not None:
                self._progress.advance(self._task, count)

    def settled(self, outcome: Outcome) -> None:  # noqa: ARG002 - how it ended is for the report
        """Move the bar: while applying, each operation is a step."""
        self.advanced()


def is_watched() -> bool:
    """Return whether a person looks at stderr."""
    return sys.stderr.isatty()
