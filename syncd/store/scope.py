"""Whose rows: one organization within the file, and the time that is written with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from syncd.ports import Clock
from syncd.store.engine import Database
from syncd.store.schema import organizations

_KNOW = insert(organizations).on_conflict_do_nothing()


@dataclass(frozen=True, slots=True)
class Scope:
    """One *organization* (its id) within *database*."""

    database: Database
    organization: str
    clock: Clock

    @contextmanager
    def reading(self, doing: str) -> Iterator[Connection]:
        """Open a transaction that reads."""
        with self.database.reading(doing) as connection:
            yield connection

    @contextmanager
    def writing(self, doing: str) -> Iterator[Connection]:
        """Open a transaction that writes; from here on the organization is known."""
        with self.database.writing(doing) as connection:
            connection.execute(_KNOW, {"id": self.organization, "first_seen_at": self.clock.now()})
            yield connection
