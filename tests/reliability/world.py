"""A whole syncd on virtual time: the real cycle, executor, store, mapping and CSV source before the emulator.

Nothing is asked of the network and no clock of the machine; SQLite lies in memory where the machine has such a
folder. `SimWorld` is what the events of a story change, and it runs the cycles.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from syncd.cycle import run_cycle
from syncd.emulator import Emulator, ServiceFault
from syncd.errors import SyncdError
from syncd.mapping.snapshot import map_snapshot
from syncd.model.entry import Snapshot
from syncd.model.memory import Approval
from syncd.model.names import EntityId, Key
from syncd.model.plan import Plan
from syncd.model.report import Report
from syncd.model.state import Desired
from syncd.parts import Options, Parts
from syncd.planning import document
from syncd.store.store import OrganizationStore, Store
from syncd.workmail.pages import PAGES
from syncd.workmail.target import WorkmailTarget
from tests.fakes.clock import FakeClock
from tests.fakes.cycles import DOMAIN, ORGANIZATION_ID, World
from tests.fakes.service import PlainCaller
from tests.fakes.stores import FakeStores
from tests.reliability.clock import SimClock
from tests.reliability.directory import CANARY, Directory
from tests.reliability.ports import Ear, Export, Line, Log, Mortal, rules
from tests.reliability.strikes import Died, Script, Strike

Document = Mapping[str, Any]
#: Where SQLite needn't wait for a disk.
_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The parts of the mapping that an operator changes in a story."""

    key: str = "employee_id"
    display_name: str = "full_name"
    primary: str = "mail"


@dataclass
class Approved:
    """What the operator said yes to."""

    digest: str
    operations: frozenset[str]
    at: datetime
    expires_at: datetime
    revoked: bool = False


class _Operator(FakeStores):
    """Lets `World.approve` reach the real store, and keeps books of its own."""

    def __init__(self, world: "SimWorld") -> None:
        super().__init__(world.clock)
        self._world = world

    def approve(self, approval: Approval) -> None:
        self._world.stored.decisions.approve(approval)
        book = Approved(approval.digest, frozenset(approval.operations), self._world.clock.now(), approval.expires_at)
        self._world.approvals.append(book)


class Shelf:
    """A folder with one store that is opened once: each story begins with an empty file in its place.

    Opening a store takes as long as a cycle, and what SQLAlchemy has compiled for it serves all stories.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.path = place / "syncd.db"
        self.store = Store(
            self.path,
            clock=FakeClock(),
            encode=lambda plan: document.dumps(plan, indent=None),
            decode=partial(document.loads, pages=PAGES),
            details=PAGES.details,
        )
        self.close()
        self._empty = self.path.read_bytes()

    def put(self, content: bytes | None = None) -> None:
        """Let the store be *content*, or empty; nobody has it open."""
        for end in ("-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)
        self.path.write_bytes(self._empty if content is None else content)

    def open(self, clock: FakeClock) -> OrganizationStore:
        """Return what a new process finds, whose time is *clock*'s."""
        self.store._clock = clock
        return self.store.organization(ORGANIZATION_ID)

    def close(self) -> None:
        """End every connection, as the end of a process does; the next use opens new ones."""
        self.store.close()


@contextmanager
def shelf() -> Iterator[Shelf]:
    """A shelf in a folder of its own, in memory if the machine has that."""
    with TemporaryDirectory(prefix="syncd-sim-", dir=_MEMORY if _MEMORY.is_dir() else None) as path:
        found = Shelf(Path(path))
        try:
            yield found
        finally:
            found.close()


class Bound(NamedTuple):
    """What a key is bound to, and whether its removal has begun."""

    entity: EntityId
    began: bool


@dataclass(kw_only=True)
class Cycled:
    """How a cycle ended: with a report, with an error (*failed*), or with the process (*died*)."""

    report: Report | None = None
    failed: str = ""
    exit_code: int | None = None
    died: bool = False


@dataclass
class SimWorld(World):
    """One organization whose store is on a shelf; *tell* gets the lines of its trace."""

    shelf: Shelf = field(kw_only=True)
    tell: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.clock: SimClock = SimClock()
        self.emulator = Emulator(clock=self.clock.timestamp, switches=self.switches)
        self.emulator.create_organization(alias="planetexpress", domains=[DOMAIN], organization_id=ORGANIZATION_ID)
        self.directory = Directory()
        self.script = Script()
        self.log: Log = []
        self.line = Line(self.emulator, self.script, self.log, self.tell)
        self.line.monotonic = self.clock.monotonic
        self.caller = PlainCaller(self.line, remember=False, timestamp=self.clock.timestamp)
        self.ear = Ear()
        self.mapping = Columns()
        #: What the directory came to in each complete read.
        self.mapped: list[Desired] = []
        self.export = Export(self.shelf.place, self.directory.files)
        self.approvals: list[Approved] = []
        self.passwords = 0
        self.stores = _Operator(self)
        self.backups: list[bytes] = []
        self.restored = False
        self.made_by_hand: set[str] = set()
        self.shelf.put()
        self._open_store()

    # --- the process and its store

    def _open_store(self) -> None:
        self.stored: OrganizationStore = self.shelf.open(self.clock)
        self._reader = sqlite3.connect(self.shelf.path, isolation_level=None)

    def restart(self) -> None:
        """A new process: the store is opened again, nothing else is remembered."""
        self.close()
        self._open_store()

    def close(self) -> None:
        self._reader.close()
        self.shelf.close()

    def back_up(self) -> None:
        """Keep a copy of the store."""
        self.close()
        self.backups.append(self.shelf.path.read_bytes())
        self._open_store()

    def restore(self) -> None:
        """Put the last copy of the store in its place."""
        self.close()
        self.shelf.put(self.backups[-1])
        self.restored = True
        self._open_store()

    # --- the cycle

    def password(self) -> str:
        """Return a password by which it would be recognized wherever it doesn't belong."""
        self.passwords += 1
        return f"{CANARY}-Pass-{self.passwords}"

    def parts(self) -> Parts:
        chosen = rules(self.mapping.key, self.mapping.display_name, self.mapping.primary)
        self.export.rules = chosen
        parts = super().parts()
        target = WorkmailTarget(
            self.caller,
            ORGANIZATION_ID,
            clock=self.clock,
            observer=self.ear,
            make_password=self.password,
            stop=self.line.stopped,
        )

        def mapped(snapshot: Snapshot) -> Desired:
            self.mapped.append(map_snapshot(snapshot, rules=chosen, limits=parts.limits))
            return self.mapped[-1]

        def mortal(port: object, name: str) -> Any:  # noqa: ANN401 - stands for any port
            return Mortal(port, name, self.script, self.log)

        return replace(
            parts,
            source=self.export,
            source_name=f"csv:{self.mapping.key}",
            configuration=f"{self.mapping} {self.policy}",
            map_snapshot=mapped,
            given=chosen.given,
            target=target,
            memory=mortal(self.stored.memory, "memory"),
            details=mortal(self.stored.details, "details"),
            journal=lambda cycle: mortal(self.stored.journal(cycle), "journal"),
            history=mortal(self.stored.history, "history"),
            lock=self.stored.lock,
            observer=self.ear,
            stop=self.line.stopped,
        )

    def cycle(self, options: Options, strikes: tuple[Strike, ...] = ()) -> Cycled:
        """Run one cycle, which *strikes* may end; a process that died is started again."""
        self.script.begin(strikes)
        self.line.stopped.clear()
        self.export.write()
        try:
            report = run_cycle(self.parts(), options)
        except SyncdError as error:
            return Cycled(failed=f"{type(error).__name__}: {error}", exit_code=error.exit_code)
        except Died:
            self.restart()
            return Cycled(died=True)
        finally:
            self.script.strikes = ()
        return Cycled(report=report, exit_code=report.exit_code)

    # --- what there is

    def bindings(self) -> Mapping[Key, Bound]:
        """Return who is bound to what: read past syncd's store, in a hundredth of its time."""
        rows = self._reader.execute("SELECT key, entity, began_at IS NOT NULL FROM bindings").fetchall()
        return {Key(key): Bound(EntityId(entity), bool(began)) for key, entity, began in rows}

    def documents(self) -> dict[EntityId, Document]:
        """Return everything that the organization holds, by id, ghosts left out."""
        snapshot: Any = self.emulator.snapshot()
        (organization,) = [one for one in snapshot["organizations"] if one["id"] == ORGANIZATION_ID]
        living: dict[EntityId, dict[str, Any]] = {
            EntityId(one["id"]): {"kind": kind, **one}
            for kind in ("users", "groups", "resources")
            for one in organization[kind]
            if one["state"] != "DELETED"
        }
        for one in living.values():
            one["members"] = [member for member in one.get("members", ()) if member in living]
        return dict(living)

    def meddle(self, operation: str, **parameters: object) -> bool:
        """Do something behind syncd's back, if the service allows it."""
        try:
            self.call(operation, **parameters)
        except ServiceFault:
            return False
        return True

    def last_plan(self) -> Plan | None:
        return self.stored.history.last_plan()

    def yes(self, digest: str) -> bool:
        """Approve the stored plan *digest*, if it withholds anything."""
        before = len(self.approvals)
        plan = self.stored.history.find_plan(digest)
        if plan.withheld or any(finding.tripped for finding in plan.findings):
            self.approve(plan)
        return len(self.approvals) > before

    def revoke(self) -> str:
        """Take back the last approval; return its digest, "" where there is none."""
        standing = [one for one in self.approvals if not one.revoked]
        if not standing:
            return ""
        digest = standing[-1].digest
        self.stored.decisions.revoke(digest, by="ada")
        for one in self.approvals:
            one.revoked |= one.digest == digest
        return digest

    def is_approved(self, operation: str, at: datetime) -> bool:
        """Return whether somebody said yes to this operation id, as of *at*."""
        return any(operation in one.operations and not one.revoked and one.expires_at > at for one in self.approvals)


def options(command: str = "sync", **others: Any) -> Options:  # noqa: ANN401 - those of Options
    """Options of a cycle."""
    return Options(command=command, **others)
