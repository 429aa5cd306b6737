"""What the simulator knows of a world apart from syncd: who is who, who was seen when, and what a cycle did."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from syncd.guards import SOURCE_GUARDS
from syncd.model.names import EntityId, Key, Kind, fold
from syncd.model.operation import Operation
from syncd.model.plan import Plan
from syncd.model.policy import Policy
from syncd.model.state import Desired
from tests.reliability.directory import Person
from tests.reliability.ports import Sent
from tests.reliability.world import Bound, Cycled, Document, SimWorld


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody appears: what identity is doubted by."""

    soul: int
    login: str
    words: frozenset[str]
    local: str
    given: str

    def fits(self, row: "Look", aliases: frozenset[str], *, by_given: bool) -> bool:
        """Return whether *row* may be the same person as far as anybody can tell."""
        return (
            self.login == row.login
            or self.words == row.words
            or self.local == row.local
            or self.local in aliases
            or (by_given and self.given == row.given)
        )


def look_of(person: Person) -> Look:
    return Look(
        soul=person.soul,
        login=fold(person.login),
        words=frozenset(fold(person.full_name).split()),
        local=_local(person.mail),
        given=fold(person.given),
    )


def _local(address: str) -> str:
    return fold(address).partition("@")[0]


@dataclass(kw_only=True)
class Seen:
    """One cycle: what was before, what was sent, and what is after it."""

    world: SimWorld
    policy: Policy
    at: datetime
    began: float
    before: Mapping[EntityId, Document]
    bound: Mapping[Key, Bound]
    ended: Cycled = field(default_factory=Cycled)
    after: Mapping[EntityId, Document] = field(default_factory=dict)
    bound_after: Mapping[Key, Bound] = field(default_factory=dict)
    sent: tuple[Sent, ...] = ()
    log: tuple[Sent | Operation, ...] = ()
    intents: tuple[Operation, ...] = ()
    #: What the directory said, None where it couldn't be read.
    desired: Desired | None = None
    #: Whose rows stand in the file, by key.
    rows: Mapping[Key, Person] = field(default_factory=dict)
    plan: Plan | None = None
    #: Nothing happened since a cycle that left nothing to do.
    idle: bool = False
    heard: tuple[object, ...] = ()

    @property
    def mutations(self) -> Iterator[Sent]:
        return (one for one in self.sent if one.mutates)

    @property
    def ours(self) -> frozenset[EntityId]:
        """Whom syncd owns, before or after."""
        return frozenset(one.entity for bindings in (self.bound, self.bound_after) for one in bindings.values())

    def is_approved(self, operation: Operation) -> bool:
        """Return whether somebody said yes to *operation*, or to the removal it is a part of."""
        world = self.world
        ends = (o.id for o in self.plan.operations if o.bundle == operation.bundle) if self.plan is not None else ()
        return any(world.is_approved(identity, self.at) for identity in (operation.id, *ends))


@dataclass
class Books:
    """Kept over a whole story."""

    #: Complete reads in a row in which a bound key was missing, and since when, by the service's clock.
    missing: Counter[Key] = field(default_factory=Counter)
    missing_since: dict[Key, datetime] = field(default_factory=dict)
    #: For each key the number of complete reads since it was last seen, cycles that failed later included.
    unseen: dict[Key, int] = field(default_factory=dict)
    #: Whose each entity is, and how they looked last.
    looks: dict[EntityId, Look] = field(default_factory=dict)
    #: Removals that nobody approved: when, by the service's clock, and whose.
    removals: list[tuple[datetime, Key]] = field(default_factory=list)

    def note_read(self, seen: Seen) -> None:
        """Count who was missing in the read of this cycle, if it was complete.

        *missing* forgets only what a cycle saw that came to a plan which trips no guard about the source, *unseen* and
        *missing_since* whatever was read.
        """
        desired = seen.desired
        if desired is None:
            return
        present = {*desired.entities, *(one.key for one in desired.rejections if one.key is not None)}
        readable = all(one.key is not None for one in desired.rejections)
        for key in seen.bound:
            if key in present:
                self.unseen[key] = 0
                self.missing_since.pop(key, None)
                if self._was_recorded(seen):
                    del self.missing[key]
            elif readable:
                self.unseen[key] = self.unseen.get(key, 0) + 1
                self.missing[key] += 1
                self.missing_since.setdefault(key, seen.world.clock.true_now())

    @staticmethod
    def _was_recorded(seen: Seen) -> bool:
        plan = seen.plan
        return plan is not None and not any(f.tripped and f.guard in SOURCE_GUARDS for f in plan.findings)

    def note_end(self, seen: Seen) -> None:
        """Learn who owns what: who was created, and whom a person said to be the same."""
        now = seen.world.clock.true_now()
        for one in seen.intents:
            if one.kind == "deregister" and not seen.is_approved(one) and not _began(seen, one):
                self.removals.append((now, one.subject))
        for key, binding in seen.bound_after.items():
            person = seen.rows.get(key)
            if person is None:
                continue
            look = self.looks.get(binding.entity)
            if look is None or look.soul == person.soul or self._was_said(seen, key):
                self.looks[binding.entity] = look_of(person)

    def _was_said(self, seen: Seen, key: Key) -> bool:
        kinds = ("adopt", "rebind", "register")
        return any(one.subject == key and one.kind in kinds and seen.is_approved(one) for one in seen.intents)


def _began(seen: Seen, operation: Operation) -> bool:
    """Return whether the removal of which *operation* is a part had begun before this cycle."""
    bound = seen.bound.get(operation.subject)
    return bound is not None and bound.began


def rows_in_the_file(world: SimWorld, desired: Desired | None) -> dict[Key, Person]:
    """Return whose row each key of the file is: by the login, which no wrong export changes."""
    if desired is None:
        return {}
    by_login = {fold(person.login): person for person in world.directory.people.values()}
    found = {}
    for key, row in desired.entities.items():
        person = by_login.get(fold(row.name)) if row.kind is Kind.USER else None
        if person is not None:
            found[key] = person
    return found
