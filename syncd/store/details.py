"""Details kept between cycles: a cache, in which is nothing but what was read.

Values lie as compact JSON: aliases and members as sorted lists, profiles as objects. A hundred thousand of
them are read each cycle, so many rows are parsed at once, and strings that recur become one object.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select, text

from syncd.collector import uncollected
from syncd.model.detail import Detail, Details, Same, Thing
from syncd.model.moments import TOLERANCE
from syncd.model.names import EntityId
from syncd.store.columns import to_json, to_moment, to_number
from syncd.store.schema import details
from syncd.store.scope import Scope

#: Rows per transaction: what an interrupted first read loses at most ...
BATCH: Final = 1000
#: ... or as many as come in this time, where the service is slow.
BATCH_S: Final = 5.0
_PARSED_AT_ONCE = 250

# Not written: what was read before the entity was last touched (a `plan` may read while a `sync` applies), or
# before what is there already. What bears a date in the future was written while a clock was wrong: it decides nothing.
_KEEP = text(
    """
    INSERT INTO details (organization, detail, entity, value, read_at)
    SELECT :organization, :detail, :entity, :value, :read_at
    WHERE NOT EXISTS (
        SELECT 1 FROM journal
        WHERE organization = :organization AND touches = :entity AND at <= :latest
            AND (at > :read_at OR (settled_at > :read_at AND settled_at <= :latest))
    )
    ON CONFLICT (organization, detail, entity)
    DO UPDATE SET value = excluded.value, read_at = excluded.read_at
    WHERE excluded.read_at >= details.read_at OR details.read_at > :latest
    """
)


class StoredDetails:
    """The port `DetailsStore` over one organization's rows."""

    def __init__(self, scope: Scope, details: Iterable[Detail[Any]]) -> None:
        self._scope = scope
        self._encode = {detail.thing: detail.codec.encode for detail in details}

    def load(self, *, valid: Iterable[Detail[Any]]) -> tuple[Details, Mapping[Thing, Mapping[EntityId, datetime]]]:
        """Return the kept details of the *valid* kinds, and when each was read; no other kind is looked at."""
        one_object: dict[str, str] = {}
        values: dict[Thing, dict[EntityId, Any]] = {}
        read_at: dict[Thing, dict[EntityId, datetime]] = {}
        with self._scope.reading("read the details") as connection, uncollected():
            for detail in valid:
                found, times = values.setdefault(detail.thing, {}), read_at.setdefault(detail.thing, {})
                _take(self._rows(connection, detail.thing), detail.codec.decode, one_object, found, times)
        return Details(values), read_at

    def keep(self, rows: Iterable[tuple[Thing, EntityId, Any]], *, read_at: datetime) -> None:
        """Write details just read, batch by batch; what came before an error in *rows* is kept too."""
        moment = to_number(read_at)
        batch: list[dict[str, object]] = []
        due = self._scope.clock.monotonic() + BATCH_S
        try:
            for thing, entity, value in rows:
                batch.append(
                    {
                        "organization": self._scope.organization,
                        "detail": thing,
                        "entity": entity,
                        "value": to_json(self._encode[thing](value)),
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

    def _rows(self, connection: Connection, thing: Thing) -> Iterator[Sequence[Any]]:
        query = select(details.c.entity, details.c.value, details.c.read_at).where(
            details.c.organization == self._scope.organization, details.c.detail == thing
        )
        result = connection.execution_options(stream_results=True).execute(query)
        while rows := result.fetchmany(_PARSED_AT_ONCE):
            yield rows

    def _write(self, batch: list[dict[str, object]]) -> None:
        if batch:
            with self._scope.writing("keep details") as connection:
                latest = to_number(self._scope.clock.now() + TOLERANCE)
                connection.execute(_KEEP, [{**row, "latest": latest} for row in batch])


def drop_details(connection: Connection, organization: str, entities: Collection[str]) -> None:
    """Forget all details of *entities*, of whatever thing, within the transaction of *connection*."""
    connection.execute(_DROP, [{"of": organization, "id": entity} for entity in entities])


_DROP = delete(details).where(details.c.organization == bindparam("of"), details.c.entity == bindparam("id"))


def _take(
    chunks: Iterator[Sequence[Any]],
    decode: Callable[[Any, Same], Any],
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
            values[entity_id] = decode(value, same)
            read_at[entity_id] = to_moment(moment)
