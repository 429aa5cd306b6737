"""Intent before the call, outcome after: what syncd set out to do, and what it knows of how that ended.

    intend   one transaction: the intent, the details it touches dropped, the approval of a whole removal spent, the
             binding written; unless a person has decided otherwise since: revoked, paused, put on hold
    settle   one transaction: the outcome, the details dropped again, the approval spent, the binding written

Details are dropped again at the end because somebody may have read them while the call was under way.
A creation stays *open* from its intent until its outcome is known or its key is bound; the matching claims
an open one's entity from the list (design.md section 8).
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update

from syncd.model.memory import Binding
from syncd.model.names import EntityId, Key
from syncd.model.operation import BundleKind, Call, Generated, Operation, plain
from syncd.model.page import Role
from syncd.model.plan import words_of
from syncd.model.report import Outcome, Refusal, Result
from syncd.model.tally import Tallied
from syncd.store.details import drop_details
from syncd.store.memory import pause_in_force, write_binding, write_bindings
from syncd.store.records import OperationRecord
from syncd.store.schema import approvals, approved_operations, bindings, holds, journal
from syncd.store.scope import Scope
from syncd.store.windows import add_tallies, take_back_tallies

# Statements are built once: building one costs more than running it.
_ADD = insert(journal)
_LEAVE_OPEN = update(journal).where(
    journal.c.organization == bindparam("of"),
    journal.c.cycle_id == bindparam("within"),
    journal.c.operation == bindparam("what"),
    or_(journal.c.result.is_(None), journal.c.result == Result.UNKNOWN.value),
)
_CLOSE = _LEAVE_OPEN.values(is_open=False)
_SPEND = update(approved_operations).where(
    approved_operations.c.organization == bindparam("of"),
    approved_operations.c.operation == bindparam("what"),
    approved_operations.c.spent_at.is_(None),
)
_HELD = select(holds.c.until).where(
    holds.c.organization == bindparam("of"),
    holds.c.key.in_((bindparam("one"), bindparam("two"), bindparam("three"))),
)
_REVOKED = select(approvals.c.revoked_at).where(
    approvals.c.id == bindparam("which"), approvals.c.revoked_at.is_not(None)
)
_BOUND = select(bindings.c.entity).where(
    bindings.c.organization == bindparam("of"), bindings.c.key == bindparam("whose")
)


class StoredJournal:
    """The port `Journal` for one cycle."""

    def __init__(self, scope: Scope, cycle_id: str) -> None:
        self._scope = scope
        self._cycle_id = cycle_id

    def intend(
        self,
        operation: Operation,
        call: Call | None,
        *,
        binding: Binding | None = None,
        spends: Collection[str] = (),
        tallies: Collection[Tallied] = (),
    ) -> Refusal | None:
        """Record the intent, drop the details that *operation* touches, write *binding*: all or nothing.

        *spends* is what is spent of approvals by it, *tallies* are as what it was counted. Returns why it may not be
        sent, where a person has decided so since: then nothing is recorded.
        """
        organization = self._scope.organization
        with self._scope.writing("record an intent") as connection:
            if (refusal := self._refusal(connection, operation, binding)) is not None:
                return refusal
            if binding is not None:
                write_binding(connection, organization, binding)
            touches = _touches(connection, organization, operation, call)
            connection.execute(_ADD, self._row(operation, call, touches))
            if touches is not None:
                drop_details(connection, organization, [touches])
            self._spend(connection, spends)
            add_tallies(connection, organization, tallies, cycle_id=self._cycle_id, operation=operation.id)
        return None

    def refusal(self, operation: Operation, binding: Binding | None) -> Refusal | None:
        """Return why *operation* may not be sent again, where a person has decided so since."""
        with self._scope.reading("look for decisions") as connection:
            return self._refusal(connection, operation, binding)

    def _refusal(self, connection: Connection, operation: Operation, binding: Binding | None) -> Refusal | None:
        organization, now = self._scope.organization, self._scope.clock.now()
        if pause_in_force(connection, organization, now) is not None:
            return Refusal.PAUSED
        if binding is not None and _is_revoked(connection, binding):
            return Refusal.REVOKED
        if operation.bundle.kind is BundleKind.ROLLBACK:  # gives back, which is what a hold asks for
            return None
        about = operation.effect.get("member")
        asked = {"of": organization, "one": operation.row, "two": operation.subject, "three": str(about or "")}
        held = any(until is None or until > now for until in connection.execute(_HELD, asked).scalars())
        return Refusal.HELD if held else None

    def _spend(self, connection: Connection, ids: Collection[str]) -> None:
        organization, now = self._scope.organization, self._scope.clock.now()
        for identity in ids:
            connection.execute(_SPEND, {"of": organization, "what": identity, "spent_at": now})

    def settle(
        self,
        outcome: Outcome,
        *,
        binding: Binding | None = None,
        replaces: Key | None = None,
        rebound: tuple[Sequence[Binding], Collection[Key]] = ((), ()),
    ) -> None:
        """Record the outcome, spend its approval on success, write *binding* and *rebound*: all or nothing."""
        organization = self._scope.organization
        with self._scope.writing("record an outcome") as connection:
            self._settle_row(connection, outcome)
            if outcome.result is Result.APPLIED:
                self._spend(connection, words_of(outcome.operation))
            elif outcome.result is not Result.UNKNOWN:
                identity = outcome.operation.id
                take_back_tallies(connection, organization, cycle_id=self._cycle_id, operation=identity)
            touches = _touches(connection, organization, outcome.operation, outcome.operation.call)
            if touches is not None:
                drop_details(connection, organization, [touches])
            if binding is not None:
                write_binding(connection, organization, binding, replaces=replaces)
            write_bindings(connection, organization, rebound[0], replaces=rebound[1])

    def _settle_row(self, connection: Connection, outcome: Outcome) -> None:
        where = {
            "of": self._scope.organization,
            "within": self._cycle_id,
            "what": outcome.operation.id,
        }
        end = _LEAVE_OPEN if outcome.result is Result.UNKNOWN else _CLOSE
        found = connection.execute(end, where | self._ended(outcome))
        if not found.rowcount:
            self.add_ended(connection, outcome)

    def add_ended(self, connection: Connection, outcome: Outcome) -> None:
        """Write *outcome* of an operation that was never begun: skipped, most often."""
        row = self._row(outcome.operation, outcome.operation.call, None)
        connection.execute(_ADD, row | self._ended(outcome) | {"is_open": False})

    def _row(self, operation: Operation, call: Call | None, touches: EntityId | None) -> dict[str, Any]:
        creates = operation.verb.role is Role.BEGINS
        return {
            "organization": self._scope.organization,
            "cycle_id": self._cycle_id,
            "operation": operation.id,
            "kind": operation.kind,
            "action": operation.action.value,
            "subject": operation.subject,
            "entity": operation.entity,
            "touches": touches,
            "name": str(operation.after.get("name", "")) if creates else "",
            "summary": operation.summary,
            "reason": operation.reason,
            "call": _without_secrets(operation, call),
            "before": plain(operation.before),
            "after": plain(operation.after),
            "at": self._scope.clock.now(),
            # After an unknown outcome of a creation, an entity of ours may exist under an id that we don't know.
            "is_open": creates,
            "code": "",
            "message": "",
            "attempts": 0,
            "created": "",
            "place": operation.place if call is not None else "",
        }

    def _ended(self, outcome: Outcome) -> dict[str, Any]:
        return {
            "settled_at": self._scope.clock.now(),
            "result": outcome.result.value,
            "code": outcome.code,
            "message": outcome.message,
            "attempts": outcome.attempts,
            "created": outcome.entity,
        }


def _is_revoked(connection: Connection, binding: Binding) -> bool:
    number = binding.approval
    return number is not None and connection.execute(_REVOKED, {"which": number}).scalar() is not None


def to_record(row: Row[Any]) -> OperationRecord:
    """Return one row of the journal as the commands show it."""
    return OperationRecord(
        cycle_id=row.cycle_id,
        operation=row.operation,
        kind=row.kind,
        action=row.action,
        subject=Key(row.subject),
        summary=row.summary,
        reason=row.reason,
        call=row.call,
        before=row.before or {},
        after=row.after or {},
        at=row.at,
        settled_at=row.settled_at,
        result=row.result,
        code=row.code,
        message=row.message,
        attempts=row.attempts,
    )


def _without_secrets(operation: Operation, call: Call | None) -> object:
    """Return *call* in JSON form; what was generated for it is a placeholder again, filled or not."""
    if call is None:
        return None
    planned = operation.call.parameters if operation.call is not None else {}
    parameters = {
        name: planned[name] if isinstance(planned.get(name), Generated) else value
        for name, value in call.parameters.items()
    }
    return {"operation": call.operation, "parameters": plain(parameters)}


def _touches(connection: Connection, organization: str, operation: Operation, call: Call | None) -> EntityId | None:
    """Return the entity that *call* of *operation* changes on the service, None for none that we know of.

    Of a membership that is the group; of whom this cycle created, the id is known by its binding.
    """
    if call is None or operation.verb.role is Role.BEGINS:
        return None
    if operation.entity is not None:
        return operation.entity
    bound = connection.execute(_BOUND, {"of": organization, "whose": operation.subject}).scalar()
    return None if bound is None else EntityId(bound)
