"""Details kept between cycles: a cache, in which is nothing but what was read.

Values lie as compact JSON: aliases and members as sorted lists, profiles as objects. A hundred thousand of
them are read each cycle, so many rows are parsed at once, and strings that recur become one object.
"""

import gc
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, literal_column, select, text

from syncd.model.names import EntityId
from syncd.model.state import DETAILS, Detail, Details
from syncd.store.columns import to_json, to_moment, to_number
from syncd.store.schema import details
from syncd.store.scope import Scope

#: Rows per transaction: what an interrupted first read loses at most ...
BATCH: Final = 1000
#: ... or as many as come in this time, where the service is slow.
BATCH_S: Final = 5.0
_PARSED_AT_ONCE = 250
_NOTHING: frozenset[str] = frozenset()

# Not written: what was read before the entity was last touched (a `plan` may read while a `sync` applies), or
# before what is there already.
_KEEP = text(
    """
    INSERT INTO details (organization, detail, entity, value, read_at)
    SELECT :organization, :detail, :entity, :value, :read_at
    WHERE NOT EXISTS (
        SELECT 1 FROM journal
        WHERE organization = :organization AND touches = :entity AND (at > :read_at OR settled_at > :read_at)
    )
    ON CONFLICT (organization, detail, entity)
    DO UPDATE SET value = excluded.value, read_at = excluded.read_at WHERE excluded.read_at >= details.read_at
    """
)


class StoredDetails:
    """The port `DetailsStore` over one organization's rows."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def load(self, *, valid: Collection[Detail]) -> tuple[Details, Mapping[Detail, Mapping[EntityId, datetime]]]:
        """Return the kept details of the *valid* kinds, and when each was read; no other kind is looked at."""
        one_object: dict[str, str] = {}
        values: dict[Detail, dict[EntityId, Any]] = {}
        read_at: dict[Detail, dict[EntityId, datetime]] = {}
        with self._scope.reading("read the details") as connection, _no_collection():
            for detail in DETAILS:
                values[detail], read_at[detail] = {}, {}
                if detail in valid:
                    rows = self._rows(connection, detail)
                    _take(rows, _READERS[detail], one_object, values[detail], read_at[detail])
        found = Details(aliases=values["aliases"], profile=values["profile"], members=values["members"])
        return found, {detail: read_at[detail] for detail in DETAILS if detail in valid}

    def keep(self, rows: Iterable[tuple[Detail, EntityId, Any]], *, read_at: datetime) -> None:
        """Write details just read, batch by batch; what came before an error in *rows* is kept too."""
        moment = to_number(read_at)
        batch: list[dict[str, object]] = []
        due = self._scope.clock.monotonic() + BATCH_S
        try:
            for detail, entity, value in rows:
                batch.append(
                    {
                        "organization": self._scope.organization,
                        "detail": detail,
                        "entity": entity,
                        "value": to_json(_plain(value)),
                        "read_at": moment,
                    }
                )
                if len(batch) >= BATCH or self._scope.clock.monotonic() >= due:
                    full, batch = batch, []
                    self._write(full)
                    due = self._scope.clock.monotonic() + BATCH_S
        finally:
            self._write(batch)

    def prune(self, present: Collection[EntityId]) -> None:
        """Forget the details of entities not in *present*."""
        organization = self._scope.organization
        here = present if isinstance(present, AbstractSet | Mapping) else frozenset(present)
        with self._scope.reading("look for details of what is gone") as connection:
            query = select(details.c.entity).distinct().where(details.c.organization == organization)
            gone = [entity for entity in connection.execute(query).scalars() if entity not in here]
        if gone:
            with self._scope.writing("forget details of what is gone") as connection:
                drop_details(connection, organization, gone)

    def _rows(self, connection: Connection, detail: Detail) -> Iterator[Sequence[Any]]:
        query = select(details.c.entity, details.c.value, details.c.read_at).where(
            details.c.organization == self._scope.organization, details.c.detail == detail
        )
        result = connection.execution_options(stream_results=True).execute(query)
        while rows := result.fetchmany(_PARSED_AT_ONCE):
            yield rows

    def _write(self, batch: list[dict[str, object]]) -> None:
        if batch:
            with self._scope.writing("keep details") as connection:
                connection.execute(_KEEP, batch)


def drop_details(connection: Connection, organization: str, entities: Collection[str]) -> None:
    """Forget all details of *entities*, within the transaction of *connection*."""
    connection.execute(_DROP, [{"of": organization, "id": entity} for entity in entities])


_DROP = delete(details).where(
    details.c.organization == bindparam("of"),
    # Named one by one, so that each is one look into the primary key.
    details.c.detail.in_([literal_column(f"'{detail}'") for detail in DETAILS]),
    details.c.entity == bindparam("id"),
)


def _plain(value: Mapping[str, str] | Iterable[str]) -> object:
    return dict(value) if isinstance(value, Mapping) else sorted(value)


def _take(
    chunks: Iterator[Sequence[Any]],
    read: Callable[[Any, dict[str, str]], Any],
    one_object: dict[str, str],
    values: dict[EntityId, Any],
    read_at: dict[EntityId, datetime],
) -> None:
    same = one_object.setdefault
    for rows in chunks:
        # Parsed together: keys of objects are shared then, and it takes half the time.
        parsed = json.loads(f"[{','.join([row[1] for row in rows])}]")
        for (entity, _, moment), value in zip(rows, parsed, strict=True):
            entity_id = EntityId(same(entity, entity))
            values[entity_id] = read(value, one_object)
            read_at[entity_id] = to_moment(moment)


def _as_aliases(value: list[str], _: dict[str, str]) -> frozenset[str]:
    return frozenset(value) if value else _NOTHING


def _as_profile(value: dict[str, str], _: dict[str, str]) -> dict[str, str]:
    return value


def _as_members(value: list[str], one_object: dict[str, str]) -> frozenset[str]:
    # Copied from a set, the table is made for its size; grown item by item it takes twice the memory.
    return frozenset(set(map(one_object.setdefault, value, value))) if value else _NOTHING


_READERS: Final[Mapping[Detail, Callable[[Any, dict[str, str]], Any]]] = {
    "aliases": _as_aliases,
    "profile": _as_profile,
    "members": _as_members,
}


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector from walking over a million new objects, none of which can be garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
