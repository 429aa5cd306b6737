"""What people decided: approvals, holds, pauses; each heard by whatever runs now, and remembered by what comes next."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from syncd.model.memory import Approval, Hold, Pause
from syncd.model.names import Key
from syncd.store.memory import holds_in_force, pause_in_force, unspent_approvals
from syncd.store.records import ApprovalRecord, Revocation
from syncd.store.schema import approvals, approved_operations, bindings, holds, organizations
from syncd.store.scope import Scope


class StoredDecisions:
    """The decisions about one organization. Each is counted, so that a daemon hears that there is a new one."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def number(self) -> int:
        """Return how many decisions were ever made: another number says that there are new ones."""
        query = select(organizations.c.decisions).where(organizations.c.id == self._scope.organization)
        with self._scope.reading("look for decisions") as connection:
            return connection.execute(query).scalar() or 0

    @contextmanager
    def _deciding(self, doing: str) -> Iterator[Connection]:
        """Open a transaction that writes a decision, and count it."""
        with self._scope.writing(doing) as connection:
            yield connection
            ours = update(organizations).where(organizations.c.id == self._scope.organization)
            connection.execute(ours.values(decisions=organizations.c.decisions + 1))

    def approve(self, approval: Approval) -> None:
        """Record *approval*."""
        organization = self._scope.organization
        with self._deciding("record the approval") as connection:
            row = {
                "organization": organization,
                "digest": approval.digest,
                "approved_by": approval.by,
                "approved_at": self._scope.clock.now(),
                "expires_at": approval.expires_at,
                "why": approval.why,
            }
            number = connection.execute(insert(approvals).values(row).returning(approvals.c.id)).scalar_one()
            if approval.operations:
                connection.execute(
                    insert(approved_operations),
                    [
                        {"approval": number, "operation": operation, "organization": organization}
                        for operation in sorted(approval.operations)
                    ],
                )

    def revoke(self, digest: str, *, by: str) -> Revocation:
        """Take back every approval of the plan *digest*, and return what that comes to; none was in force: it is empty.

        Those that have expired are taken back as well: a removal that began under one is given up.
        """
        organization, now = self._scope.organization, self._scope.clock.now()
        with self._deciding("revoke the approval") as connection:
            of_plan = (
                approvals.c.organization == organization,
                approvals.c.digest == digest,
                approvals.c.revoked_at.is_(None),
            )
            rows = connection.execute(select(approvals.c.id, approvals.c.expires_at).where(*of_plan))
            found = {number: expires_at for number, expires_at in rows}  # noqa: C416 - a row is no pair to the type checker
            connection.execute(update(approvals).where(*of_plan).values(revoked_at=now, revoked_by=by))
            in_force = [number for number, expires_at in found.items() if expires_at > now]
            unspent = select(approved_operations.c.operation).where(
                approved_operations.c.approval.in_(in_force), approved_operations.c.spent_at.is_(None)
            )
            taken = frozenset(connection.execute(unspent).scalars())
            others = [each for each in unspent_approvals(connection, organization, now) if each.operations & taken]
            under_way = select(bindings.c.key).where(bindings.c.approval.in_(found), bindings.c.began_at.is_not(None))
            return Revocation(
                approvals=len(found),
                in_force=len(in_force),
                operations=taken.difference(*(each.operations for each in others)),
                also_by=tuple(dict.fromkeys(each.digest for each in others)),
                under_way=tuple(sorted(map(Key, connection.execute(under_way).scalars()))),
            )

    def approvals(self, limit: int = 50) -> tuple[ApprovalRecord, ...]:
        """Return the approvals that were given, the last first, whatever became of them."""
        left = func.count(approved_operations.c.operation).filter(approved_operations.c.spent_at.is_(None))
        query = (
            select(approvals, func.count(approved_operations.c.operation).label("all"), left.label("left"))
            .outerjoin(approved_operations, approved_operations.c.approval == approvals.c.id)
            .where(approvals.c.organization == self._scope.organization)
            .group_by(approvals.c.id)
            .order_by(approvals.c.id.desc())
            .limit(limit)
        )
        with self._scope.reading("read the approvals") as connection:
            return tuple(
                ApprovalRecord(
                    digest=row.digest,
                    by=row.approved_by,
                    at=row.approved_at,
                    expires_at=row.expires_at,
                    why=row.why,
                    approved=row.all,
                    left=row.left,
                    revoked_at=row.revoked_at,
                    revoked_by=row.revoked_by,
                )
                for row in connection.execute(query)
            )

    def hold(self, hold: Hold) -> None:
        """Let everything of a key stay as it is; a hold that there was before is replaced."""
        with self._deciding("record the hold") as connection:
            self._drop_hold(connection, hold.key)
            connection.execute(
                insert(holds).values(
                    organization=self._scope.organization,
                    key=hold.key,
                    held_by=hold.by,
                    held_at=hold.at,
                    why=hold.why,
                    until=hold.until,
                )
            )

    def release(self, key: Key) -> bool:
        """End the hold of *key*; return whether there was one."""
        with self._deciding("end the hold") as connection:
            return self._drop_hold(connection, key)

    def _drop_hold(self, connection: Connection, key: Key) -> bool:
        ours = (holds.c.organization == self._scope.organization, holds.c.key == key)
        return bool(connection.execute(delete(holds).where(*ours)).rowcount)

    def holds(self) -> Mapping[Key, Hold]:
        """Return the holds in force."""
        with self._scope.reading("read the holds") as connection:
            return holds_in_force(connection, self._scope.organization, self._scope.clock.now())

    def pause(self, pause: Pause) -> None:
        """Let nothing be sent from now on; a pause that there was before is replaced."""
        self._set_pause(by=pause.by, at=pause.at, why=pause.why, until=pause.until)

    def resume(self) -> Pause | None:
        """End the pause; return the one that was in force, None where there was none."""
        before = self.paused()
        self._set_pause(by="", at=None, why="", until=None)
        return before

    def paused(self) -> Pause | None:
        """Return the pause in force."""
        with self._scope.reading("look for a pause") as connection:
            return pause_in_force(connection, self._scope.organization, self._scope.clock.now())

    def _set_pause(self, *, by: str, at: datetime | None, why: str, until: datetime | None) -> None:
        with self._deciding("record the pause") as connection:
            ours = update(organizations).where(organizations.c.id == self._scope.organization)
            connection.execute(ours.values(paused_by=by, paused_at=at, paused_why=why, paused_until=until))
