"""Cycles that ended, their operations, and stored plans: what `history`, `explain` and `approve` look at."""

import re
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, delete, insert, select

from syncd.errors import UsageError
from syncd.model.names import Key
from syncd.model.operation import Change
from syncd.model.plan import Plan
from syncd.model.report import Report, Result
from syncd.store.journal import StoredJournal, to_record
from syncd.store.records import CycleRecord, OperationRecord, StoredPlan
from syncd.store.schema import approvals, cycles, journal, plans
from syncd.store.scope import Scope

KEPT_CYCLES: Final = 2000
KEPT_PLANS: Final = 200
KEPT_JOURNAL: Final = timedelta(days=400)
#: So many values a statement asks for at once.
_AT_ONCE: Final = 500
#: As many digits of a digest as people must type.
SHORTEST_PREFIX: Final = 8

Encode = Callable[[Plan], str]
Decode = Callable[[str], Plan]


class StoredHistory:
    """The port `History` over one organization's rows; plans lie as *encode* writes them, packed."""

    def __init__(self, scope: Scope, *, encode: Encode, decode: Decode) -> None:
        self._scope = scope
        self._encode = encode
        self._decode = decode

    def record(self, report: Report) -> None:
        """Keep *report*, the outcomes that the journal doesn't have, and its plan; forget what is too old."""
        with self._scope.writing("record the cycle") as connection:
            row = self._cycle_row(report)
            connection.execute(
                delete(cycles).where(
                    cycles.c.organization == self._scope.organization, cycles.c.cycle_id == report.cycle_id
                )
            )
            connection.execute(insert(cycles).values(row))
            self._add_outcomes(connection, report)
            if report.plan is not None:
                self._write_plan(connection, report.plan)
            self._forget(connection)

    def save_plan(self, plan: Plan) -> None:
        """Store *plan* under its digest; the same digest written before is replaced."""
        with self._scope.writing("store the plan") as connection:
            self._write_plan(connection, plan)

    def find_plan(self, prefix: str) -> Plan:
        """Return the stored plan whose digest starts with *prefix*.

        Raises:
            UsageError: none or several match, or the prefix is too short.
        """
        wanted = prefix.strip().lower()
        if len(wanted) < SHORTEST_PREFIX or re.fullmatch("[0-9a-f]+", wanted) is None:
            raise UsageError(
                f"{prefix!r} names no plan: {SHORTEST_PREFIX} or more digits (0-9, a-f) of a digest are needed",
                hint=self._recent(),
            )
        query = self._plans().where(plans.c.digest.startswith(wanted, autoescape=True))
        with self._scope.reading("read the plan") as connection:
            found = connection.execute(query.add_columns(plans.c.document).limit(11)).all()
        if not found:
            raise UsageError(f"no stored plan has a digest that starts with {wanted}", hint=self._recent())
        if len(found) > 1:
            shown = "\n".join(f"  {row.digest}" for row in found)
            raise UsageError(
                f"several stored plans have a digest that starts with {wanted}:\n{shown}",
                hint="Type more digits of the one that you mean.",
            )
        return self._decode(_unpacked(found[0].document))

    def last_plan(self) -> Plan | None:
        """Return the plan that was stored last, None where there is none."""
        document = self.last_document()
        return None if document is None else self._decode(document)

    def last_document(self) -> str | None:
        """Return the document of the plan that was stored last, for whoever needs no plan of it; None without any."""
        with self._scope.reading("read the plan") as connection:
            row = connection.execute(self._plans().add_columns(plans.c.document).limit(1)).first()
        return None if row is None else _unpacked(row.document)

    def plans(self, limit: int = 10) -> tuple[StoredPlan, ...]:
        """Return which plans are stored, the last first."""
        with self._scope.reading("read the plans") as connection:
            return tuple(
                StoredPlan(digest=row.digest, created_at=row.created_at, operations=row.operations)
                for row in connection.execute(self._plans().limit(limit))
            )

    def cycles(self, limit: int = 20) -> tuple[CycleRecord, ...]:
        """Return the cycles that ended, the last first."""
        query = self._cycles().order_by(cycles.c.started_at.desc(), cycles.c.finished_at.desc()).limit(limit)
        with self._scope.reading("read the history") as connection:
            return tuple(_to_cycle(row) for row in connection.execute(query))

    def cycle(self, cycle_id: str) -> CycleRecord | None:
        """Return the cycle of this id, None where there is none."""
        with self._scope.reading("read the history") as connection:
            row = connection.execute(self._cycles().where(cycles.c.cycle_id == cycle_id)).first()
        return None if row is None else _to_cycle(row)

    def operations_in(self, cycle_id: str) -> tuple[OperationRecord, ...]:
        """Return the operations of one cycle, in the order in which they were begun."""
        query = self._journal().where(journal.c.cycle_id == cycle_id).order_by(journal.c.id)
        with self._scope.reading("read the journal") as connection:
            return tuple(to_record(row) for row in connection.execute(query))

    def operations_of(self, key: Key, limit: int = 20) -> tuple[OperationRecord, ...]:
        """Return the operations whose subject is *key*, the last first."""
        query = self._journal().where(journal.c.subject == key).order_by(journal.c.id.desc()).limit(limit)
        with self._scope.reading("read the journal") as connection:
            return tuple(to_record(row) for row in connection.execute(query))

    def sent(self, places: Collection[str]) -> Mapping[str, tuple[tuple[Change, datetime], ...]]:
        """Return what was made of each place and when, in the order in which it was applied."""
        found: dict[str, list[tuple[Change, datetime]]] = {}
        wanted = sorted(places)
        with self._scope.reading("read the journal") as connection:
            for some in (wanted[at : at + _AT_ONCE] for at in range(0, len(wanted), _AT_ONCE)):
                query = self._journal().with_only_columns(journal.c.place, journal.c.after, journal.c.at)
                query = query.where(journal.c.place != "", journal.c.place.in_(some))
                query = query.where(journal.c.result == Result.APPLIED.value).order_by(journal.c.id)
                for place, after, at in connection.execute(query):
                    found.setdefault(place, []).append((after or {}, at))
        return {place: tuple(made) for place, made in found.items()}

    def newest_whole_plan(self) -> Plan | None:
        """Return the plan stored last that is about everybody, None where there is none."""
        query = self._plans().add_columns(plans.c.document).where(plans.c.restricted.is_(False)).limit(1)
        with self._scope.reading("read the plan") as connection:
            row = connection.execute(query).first()
        return None if row is None else self._decode(_unpacked(row.document))

    def _plans(self) -> Select[Any]:
        query = select(plans.c.digest, plans.c.created_at, plans.c.operations)
        return query.where(plans.c.organization == self._scope.organization).order_by(plans.c.id.desc())

    def _cycles(self) -> Select[Any]:
        return select(cycles).where(cycles.c.organization == self._scope.organization)

    def _journal(self) -> Select[Any]:
        return select(journal).where(journal.c.organization == self._scope.organization)

    def _recent(self) -> str:
        recent = self.plans(5)
        if not recent:
            return "No plan is stored yet: `syncd plan` makes one."
        lines = [
            f"    {plan.digest[:12]}  {plan.created_at:%Y-%m-%d %H:%M:%S} UTC, {plan.operations} operations"
            for plan in recent
        ]
        return "\n".join(["The last plans are:", *lines])

    def _write_plan(self, connection: Connection, plan: Plan) -> None:
        organization = self._scope.organization
        connection.execute(delete(plans).where(plans.c.organization == organization, plans.c.digest == plan.digest))
        row = {
            "organization": organization,
            "digest": plan.digest,
            "created_at": plan.created_at,
            "operations": len(plan.operations),
            "restricted": bool(plan.only),
            # A tenth of the size for little time: twenty thousand operations are many megabytes.
            "document": zlib.compress(self._encode(plan).encode(), 3),
        }
        connection.execute(insert(plans).values(row))

    def _cycle_row(self, report: Report) -> dict[str, Any]:
        return {
            "organization": self._scope.organization,
            "cycle_id": report.cycle_id,
            "command": report.command,
            "started_at": report.started_at,
            "finished_at": report.finished_at,
            "summary": report.summary,
            "exit_code": report.exit_code,
            "error": report.error,
            "digest": None if report.plan is None else report.plan.digest,
            "counts": {} if report.plan is None else dict(report.plan.counts),
            "results": Counter(outcome.result.value for outcome in report.outcomes),
            "calls": dict(report.calls),
            "took": dict(report.took),
            "oldest_detail_s": report.oldest_detail_s,
        }

    def _add_outcomes(self, connection: Connection, report: Report) -> None:
        """Write the outcomes of what was never begun; of the rest the journal has them."""
        query = self._journal().with_only_columns(journal.c.operation)
        known = set(connection.execute(query.where(journal.c.cycle_id == report.cycle_id)).scalars())
        cycle_journal = StoredJournal(self._scope, report.cycle_id)
        for outcome in report.outcomes:
            if outcome.operation.id not in known:
                cycle_journal.add_ended(connection, outcome)

    def _forget(self, connection: Connection) -> None:
        organization, now = self._scope.organization, self._scope.clock.now()
        newest = self._cycles().with_only_columns(cycles.c.cycle_id).order_by(cycles.c.started_at.desc())
        connection.execute(
            delete(cycles).where(
                cycles.c.organization == organization, cycles.c.cycle_id.not_in(newest.limit(KEPT_CYCLES))
            )
        )
        connection.execute(
            delete(journal).where(journal.c.organization == organization, journal.c.at < now - KEPT_JOURNAL)
        )
        connection.execute(
            delete(approvals).where(
                approvals.c.organization == organization, approvals.c.expires_at < now - KEPT_JOURNAL
            )
        )
        in_use = select(approvals.c.digest).where(
            approvals.c.organization == organization, approvals.c.expires_at > now
        )
        latest = self._plans().with_only_columns(plans.c.id).limit(KEPT_PLANS)
        connection.execute(
            delete(plans).where(
                plans.c.organization == organization,
                plans.c.id.not_in(latest),
                plans.c.digest.not_in(in_use),
            )
        )


def _unpacked(document: bytes) -> str:
    return zlib.decompress(document).decode()


def _to_cycle(row: Row[Any]) -> CycleRecord:
    return CycleRecord(
        cycle_id=row.cycle_id,
        command=row.command,
        started_at=row.started_at,
        finished_at=row.finished_at,
        summary=row.summary,
        exit_code=row.exit_code,
        error=row.error,
        digest=row.digest,
        counts=row.counts,
        results=row.results,
        calls=row.calls,
        took=row.took,
        oldest_detail_s=row.oldest_detail_s,
    )
