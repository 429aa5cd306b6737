"""`--metrics-file`: the metrics of one run, in a file for those who collect them from there."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from syncd.clock import SystemClock
from syncd.errors import StoreError, SyncdError

if TYPE_CHECKING:
    from syncd.settings import Loaded
    from syncd.store.store import Store
    from syncd.telemetry.metrics import Metrics
    from syncd.telemetry.observer import MetricsObserver


class RunMetrics:
    """What one run of a command has to say in numbers; use as a context manager around the cycles.

    The file is written at the end, however that came. *code* is then what the run should end with for the file's
    sake: 0, or 1 if it can't be written any more.
    """

    def __init__(self, loaded: "Loaded", names: tuple[str, ...], path: Path) -> None:
        """Look whether *path* can be written, before any work is done.

        Raises:
            UsageError: it can't.
        """
        from syncd import wiring
        from syncd.telemetry.metrics import new_metrics
        from syncd.telemetry.textfile import ensure_writable

        ensure_writable(path)
        self._path = path
        self._clock = SystemClock()
        self._metrics: Metrics = new_metrics(organizations=names, guards=wiring.guard_names(), from_start=False)
        digest = hashlib.sha256(loaded.path.read_bytes()).hexdigest()
        self._metrics.reloaded(ok=True, at=self._clock.now(), sha256=digest)
        self._metrics.store(up=False)
        self._store: Store | None = None
        self.code = 0

    def opened(self, store: "Store", ids: dict[str, str]) -> None:
        """Learn from *store* what was before; *ids* are the organizations' ids by name."""
        from syncd.wiring.past import remember

        self._store = store
        for name, identity in ids.items():
            remember(self._metrics, name, store.organization(identity))

    @contextmanager
    def cycle(self, name: str) -> "Iterator[MetricsObserver]":
        """Watch one cycle of the organization *name*."""
        from syncd.telemetry.observer import MetricsObserver

        observer = MetricsObserver(name, self._metrics)
        observer.began(self._clock.now())
        try:
            yield observer
        except Exception as error:
            observer.failed(error)
            raise

    def write(self) -> None:
        """Write the file; what goes wrong is told, since the error or the result of the run matters more."""
        from syncd.telemetry.textfile import write_whole

        self._look_at_the_store()
        try:
            write_whole(self._path, self._metrics.textfile())
        except SyncdError as error:
            typer.echo(f"syncd: {error}", err=True)
            self.code = SyncdError.exit_code

    def _look_at_the_store(self) -> None:
        if self._store is None:
            return
        try:
            facts = self._store.facts()
        except StoreError:
            self._metrics.store(up=False)
        else:
            self._metrics.store(up=True, size=facts.size, free=facts.free)
