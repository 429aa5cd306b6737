"""The page of a thing: all that the program must know of it, in one row.

Everything that has to hold for each thing (reading, keeping, counting, guarding, ordering, drawing, permitting) loops
over the pages; no other table has a row per thing, and no field that safety rests on has a default.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Any

from syncd.model.action import Action
from syncd.model.detail import Detail, Thing
from syncd.model.given import GivenField
from syncd.model.names import EntityId, Kind
from syncd.model.policy import Manage
from syncd.model.state import Entity


class Role(StrEnum):
    """What a change is in the life of an entity: what planning orders and people read by."""

    BEGINS = "begins"  # makes the entity
    ENABLES = "enables"
    ENDS = "ends"  # takes it out of use: what its removal comes to
    OWNS = "owns"  # changes only what we remember
    MOVES = "moves"  # who holds which address
    SETS = "sets"  # what the entity itself says
    JOINS = "joins"  # who is in which group


class Rank(IntEnum):
    """How early an operation goes where its needs leave a choice: lower is earlier."""

    OWNERSHIP = 0
    EXIT = 1
    END = 2
    CREATION = 3
    REGISTRATION = 4
    ADDRESS = 5
    ATTRIBUTE = 6
    MEMBERSHIP = 7


class Count(StrEnum):
    """What guards count an operation as; the name of the guard and of its limits."""

    NOTHING = "nothing"  # adds to what is there already: somebody to a group, an address, what we remember
    REMOVALS = "removals"
    DELETIONS = "deletions"  # destroys what the fuse would still keep
    MEMBERSHIP_REMOVALS = "membership_removals"
    ALIAS_REMOVALS = "alias_removals"
    PRIMARY_CHANGES = "primary_changes"
    REGISTRATIONS = "registrations"  # somebody gets a mailbox, or a group an address
    PROFILE_CHANGES = "profile_changes"  # a name or any other value becomes another
    CLEARINGS = "clearings"  # a value becomes blank; counts as a change as well
    FULL_ACCESS = "full_access"  # somebody may read the mailbox of another
    #: Whatever destroys and is counted as nothing above.
    OTHER_REMOVALS = "other_removals"


class Right(StrEnum):
    """Which policy must allow a call."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"


#: Said instead of a detail: the lists, which every cycle reads, suffice; or everything that is known of the entity.
LISTS = "lists"
EVERYTHING = "everything"
Read = Detail[Any] | str
#: Sends one read to the target.
Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
#: Reads the detail of one entity; the mapping gives known ids, so that equal ones are the same object.
Reader = Callable[[Ask, Entity, Mapping[str, EntityId]], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verb:
    """One way in which a thing changes.

    *name* is what people and scripts read: `alias.add`. *titles* say, by kind of entity, as what it is counted in a
    plan's figures. *rests_on* are the reads that must be fresh. *calls* are the target's calls that make it so, by
    the kind of entity that is changed, all of them covered by *right*. *believed* says whether it may follow from a
    source that a guard doesn't believe. *fuse* is how long what it takes can still be put back, for the kinds of
    entity for which it is destroyed then.
    """

    name: str
    role: Role
    actions: frozenset[Action]
    titles: Mapping[Kind, str]
    rank: Rank
    counts_as: Count
    rests_on: tuple[Read, ...]
    calls: Mapping[Kind, str]
    right: Right
    destructive: bool
    believed: bool
    fuse: Mapping[Kind, timedelta]

    def __post_init__(self) -> None:
        """Hold together what safety rests on: whatever destroys is counted, and nothing destroys that isn't said to."""
        if self.destructive and (self.counts_as is Count.NOTHING or self.believed):
            message = f"{self.name} is destructive: it must be counted by a guard, and never follow from disbelief"
            raise ValueError(message)
        if Action.REMOVE in self.actions and not self.destructive:
            message = f"{self.name} removes, so it is destructive"
            raise ValueError(message)
        if not self.rests_on or not self.titles or not self.actions:
            message = f"{self.name} must say what it does, what it rests on, and as what it is shown"
            raise ValueError(message)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """What decides whether a thing is ours to change: settings, what the mapping gives, which kinds are read."""

    manage: Manage
    given: frozenset[str]
    read: frozenset[Kind]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Page:
    """Everything about one *thing*: of which *kinds*, how it changes (*verbs*), and what only a call tells of it.

    *reads* maps each call that reads it to what `doctor` asks with it: `user`, `group` and `domain` stand for one that
    a list showed; *read* makes these calls. *is_managed* decides whether its detail is worth reading. *given* are the
    values that the directory may give for it, by keys of `mapping.users`.
    """

    thing: Thing
    kinds: frozenset[Kind]
    verbs: tuple[Verb, ...]
    detail: Detail[Any] | None
    is_managed: Callable[[Managed], bool]
    reads: Mapping[str, Mapping[str, Any]]
    read: Reader | None
    given: tuple[GivenField, ...]

    def __post_init__(self) -> None:
        """A detail is read, by calls that are permitted, or there is none."""
        if not ((self.detail is None) == (self.read is None) == (not self.reads)):
            message = f"{self.thing}: a detail, what reads it, and the calls for it go together"
            raise ValueError(message)
        if any(field.thing != self.thing for field in self.given):
            message = f"{self.thing}: a value that the directory gives is of the page's own thing"
            raise ValueError(message)


class Pages:
    """All pages, in the order in which people read about things."""

    def __init__(self, pages: Sequence[Page]) -> None:
        """Index *pages*.

        Raises:
            ValueError: two verbs have one name, or a thing has two pages.
        """
        self._pages = tuple(pages)
        self._verbs = {verb.name: verb for page in self._pages for verb in page.verbs}
        if len(self._verbs) != sum(len(page.verbs) for page in self._pages):
            raise ValueError("two verbs have one name")
        if len({page.thing for page in self._pages}) != len(self._pages):
            raise ValueError("a thing has two pages")
        self._readers = {page.thing: page.read for page in self._pages if page.read is not None}
        self.details: tuple[Detail[Any], ...] = tuple(page.detail for page in self._pages if page.detail is not None)
        self.verbs: tuple[Verb, ...] = tuple(self._verbs.values())
        self.given: tuple[GivenField, ...] = tuple(field for page in self._pages for field in page.given)

    def __iter__(self) -> Iterator[Page]:
        return iter(self._pages)

    def verb(self, name: str) -> Verb:
        """Return the verb of this name.

        Raises:
            KeyError: no page has it.
        """
        return self._verbs[name]

    def reader(self, thing: Thing) -> Reader:
        """Return what reads the detail of *thing*.

        Raises:
            KeyError: there is none.
        """
        return self._readers[thing]

    def managed(self, what: Managed) -> tuple[Detail[Any], ...]:
        """Return the details worth reading."""
        return tuple(page.detail for page in self._pages if page.detail is not None and page.is_managed(what))

    def calls(self) -> Mapping[str, Right]:
        """Return every call that a page makes, with the least right that any of its uses needs."""
        rights: dict[str, Right] = {}
        for page in self._pages:
            for call in page.reads:
                rights[call] = Right.READ
        for verb in self.verbs:
            for call in sorted(set(verb.calls.values())):
                both = {verb.right, rights.get(call, verb.right)}
                rights[call] = Right.WRITE if Right.WRITE in both else verb.right
        return rights
