"""The store: one file, opened and brought up to date; of each organization the objects that speak for it."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import func, select

from syncd.model.detail import Detail
from syncd.ports import Clock
from syncd.store.backup import back_up
from syncd.store.decisions import StoredDecisions
from syncd.store.details import StoredDetails
from syncd.store.engine import Database
from syncd.store.history import Decode, Encode, StoredHistory
from syncd.store.instance import claim, owner_of, take_over
from syncd.store.journal import StoredJournal
from syncd.store.lock import FileLock
from syncd.store.memory import StoredMemory
from syncd.store.migrations import migrate
from syncd.store.records import StoreFacts
from syncd.store.schema import organizations, schema_version
from syncd.store.scope import Scope


@dataclass(frozen=True, slots=True)
class OrganizationStore:
    """What the store offers for one organization, port by port."""

    memory: StoredMemory
    details: StoredDetails
    history: StoredHistory
    decisions: StoredDecisions
    lock: FileLock
    scope: Scope

    def journal(self, cycle_id: str) -> StoredJournal:
        """Return the journal of one cycle."""
        return StoredJournal(self.scope, cycle_id)


class Store:
    """The store in the file *path*.

    *encode* and *decode* turn a plan into its document and back; *details* are kept. *must_exist* is for commands
    that only tell what is in it. *instance* names who works with it.

    Raises:
        StoreError: it can't be opened, or it belongs to a newer syncd or to another program.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        encode: Encode,
        decode: Decode,
        details: Iterable[Detail[Any]],
        must_exist: bool = False,
        instance: str = "",
    ) -> None:
        self._database = Database(path, must_exist=must_exist)
        self._clock = clock
        self._instance = instance
        self._encode = encode
        self._decode = decode
        self._details = tuple(details)
        try:
            migrate(self._database, now=clock.now())
        except BaseException:
            self._database.close()
            raise

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def organization(self, organization_id: str) -> OrganizationStore:
        """Return what is stored of one organization; nothing is written by asking."""
        scope = Scope(self._database, organization_id, self._clock)
        return OrganizationStore(
            memory=StoredMemory(scope),
            details=StoredDetails(scope, self._details),
            history=StoredHistory(scope, encode=self._encode, decode=self._decode),
            decisions=StoredDecisions(scope),
            lock=FileLock(self.path, organization_id, self._clock, claim=self.claim),
            scope=scope,
        )

    def organizations(self) -> tuple[str, ...]:
        """Return the ids of the organizations of which something is stored."""
        with self._database.reading("read the organizations") as connection:
            return tuple(connection.execute(select(organizations.c.id).order_by(organizations.c.id)).scalars())

    def facts(self) -> StoreFacts:
        """Return the store in numbers; raises where it can't be read, which is what readiness asks."""
        known = self.organizations()
        with self._database.reading("read the schema version") as connection:
            version = connection.execute(select(func.max(schema_version.c.version))).scalar_one()
        files = (self.path, *(self.path.with_name(self.path.name + end) for end in ("-wal", "-shm")))
        size = sum(file.stat().st_size for file in files if file.exists())
        free = shutil.disk_usage(self.path.parent).free
        return StoreFacts(path=self.path, size=size, free=free, schema_version=version, organizations=known)

    @property
    def instance(self) -> str:
        """The name of this instance; "" where nothing tells it from others."""
        return self._instance

    def owner(self) -> str:
        """Return the name of the instance to which the store belongs, "" while it is nobody's."""
        return owner_of(self._database)

    def claim(self) -> None:
        """Take the store if it is nobody's. Raises `OtherInstance` where it is another's."""
        claim(self._database, self._instance, self._clock.now())

    def lock(self, organization_id: str) -> FileLock:
        """Return the lock of one organization, whoever's the store is."""
        return FileLock(self.path, organization_id, self._clock)

    def accept(self) -> str:
        """Let the store belong to this instance; return to which it did."""
        before = self.owner()
        take_over(self._database, self._instance, self._clock.now())
        return before

    def back_up(self, target: Path, *, force: bool = False) -> None:
        """Copy the store to *target* while others go on writing.

        Raises:
            UsageError: *target* exists and *force* is not set, or *target* is the store itself.
        """
        back_up(self.path, target, force=force)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
