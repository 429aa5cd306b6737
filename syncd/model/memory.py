"""What syncd remembers between cycles: loaded once per cycle, frozen."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from syncd.model.look import Look
from syncd.model.moments import Instant
from syncd.model.names import EntityId, Key, Kind
from syncd.model.page import Count
from syncd.model.tally import GoodRead, Tallied

#: Why a removal is stuck whose approval was revoked; whatever else is an error code of the service.
REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The remembered tie key <-> entity: ownership.

    *source* names the source type and key attribute it was made under (`csv:employee_id`).
    *addresses* and *groups* are what it held when its removal began, the primary address first: a return, or giving
    the removal up, puts them back. *began_at* is set while a removal is under way, *removed_at* once it has ended.
    Whoever is registered again keeps them until all was given back: so long something is *owed*.
    *approval* is the number of the approval under which it began, None where it needed none.
    *stuck* says why a removal was given up for good: the error code, or `REVOKED`. It isn't begun again before a person
    approves it, or the configuration is another one than *stuck_under*; where that is "", only an approval helps.
    *members_managed*: a group whose members are ours to manage, and were found in order once: who comes in by another
    hand leaves without a question.
    *exchange* is the primary address that it had when an exchange began, and the one it is to get, until that is over.
    *seen_enabled* says that a cycle has seen it ENABLED as ours: whoever finds it out of use later, without a removal
    of ours, knows that somebody else did it.
    *look* is how the directory showed it when it was last sure who it is; None where no version has noted that yet.
    """

    key: Key
    entity: EntityId
    source: str
    adopted: bool = False
    since: datetime
    addresses: tuple[str, ...] = ()
    removed_at: datetime | None = None
    groups: tuple[EntityId, ...] = ()
    began_at: datetime | None = None
    approval: int | None = None
    stuck: str = ""
    stuck_under: str = ""
    exchange: tuple[str, ...] = ()
    seen_enabled: bool = False
    look: Look | None = None
    members_managed: bool = False

    @property
    def why_stuck(self) -> str:
        """Why its removal was given up for good, as people read it; "" where it wasn't."""
        if self.stuck == REVOKED:
            return "its approval was revoked"
        return f"the service refused it for good ({self.stuck})" if self.stuck else ""

    @property
    def owed(self) -> bool:
        """Whether something is owed, if its entity is ENABLED: then the removal is undone, but maybe not all of it."""
        return bool(self.addresses or self.groups) and self.began_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Evidence for removal: since when, and in how many complete reads in a row, a bound key is absent or disabled.

    *counted* is the time that passed between those reads, *last* the one that was counted last. The next one goes on
    only if it comes within *hole*. *anew* says why counting began anew, "" where it didn't.
    """

    key: Key
    missing_since: datetime | None = None
    missing_cycles: int = 0
    disabled_since: datetime | None = None
    counted: timedelta = timedelta(0)
    last: Instant | None = None
    hole: timedelta | None = None
    anew: str = ""

    @property
    def is_first(self) -> bool:
        """Whether one read alone says so; else it goes on from an earlier mark."""
        return self.missing_cycles <= 1 and not self.counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a person freed until *expires_at*, and *why*: ids of *operations*, words of findings and of what is later.

    An operation is spent by its success, those of a removal by its first call. *number* and *at* come from the store.
    """

    number: int = field(default=0, compare=False)
    digest: str
    operations: frozenset[str]
    by: str
    expires_at: datetime
    why: str = ""
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A person's word that everything of *key* stays as it is, for ever without *until*."""

    key: Key
    by: str
    at: datetime
    why: str = ""
    until: datetime | None = None

    def __str__(self) -> str:
        end = "" if self.until is None else f" until {self.until:%Y-%m-%d %H:%M %Z}"
        return f"held by {self.by} since {self.at:%Y-%m-%d %H:%M %Z}{end}{_because(self.why)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A person's word that nothing at all is sent, for ever without *until*."""

    by: str
    at: datetime
    why: str = ""
    until: datetime | None = None

    def __str__(self) -> str:
        end = "" if self.until is None else f" until {self.until:%Y-%m-%d %H:%M %Z}"
        return f"paused by {self.by} since {self.at:%Y-%m-%d %H:%M %Z}{end}{_because(self.why)}"


def _because(why: str) -> str:
    return f": {why}" if why else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIntent:
    """A creation that was sent and whose outcome never became known; *display_name* is what was sent, "" of a group."""

    operation: str
    key: Key
    kind: Kind
    name: str
    at: datetime
    display_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Everything remembered of one organization.

    *revoked* are the ids of operations whose approval was taken back before they were sent: a person said no to them.
    *holds* and *pause* are those in force.
    *counts* are the entries per kind of the last read that tripped no source guard or was approved; *reads* are such
    reads of the last week, those that were the largest ones since. *tallies* are what guards counted in that time.
    *settled* says that the first load is over: everybody of the first read was registered once.
    """

    bindings: Mapping[Key, Binding] = field(default_factory=dict)
    marks: Mapping[Key, Mark] = field(default_factory=dict)
    approvals: tuple[Approval, ...] = ()
    revoked: frozenset[str] = frozenset()
    holds: Mapping[Key, Hold] = field(default_factory=dict)
    pause: Pause | None = None
    counts: Mapping[Kind, int] = field(default_factory=dict)
    open_intents: tuple[OpenIntent, ...] = ()
    tallies: tuple[Tallied, ...] = ()
    reads: tuple[GoodRead, ...] = ()
    settled: bool = True

    @cached_property
    def tallied(self) -> Mapping[tuple[Count, str], Sequence[Tallied]]:
        """What guards counted, by what it was counted as and within what scope."""
        found: dict[tuple[Count, str], list[Tallied]] = defaultdict(list)
        for one in self.tallies:
            found[one.tally.count, one.tally.scope].append(one)
        return found

    @cached_property
    def begun(self) -> Mapping[Key, Binding]:
        """The bindings of those whose removal has begun and is not over; found once, since there are few among many."""
        return {key: binding for key, binding in self.bindings.items() if binding.began_at is not None}

    @cached_property
    def given_up(self) -> Mapping[Key, Binding]:
        """The bindings of those whose removal was given up for good: it isn't begun again without a reason."""
        return {key: binding for key, binding in self.bindings.items() if binding.stuck and binding.began_at is None}

    @cached_property
    def exchanges(self) -> Mapping[Key, Binding]:
        """The bindings of those who take part in an exchange of addresses that may not be over."""
        return {key: binding for key, binding in self.bindings.items() if binding.exchange}

    @cached_property
    def mementos(self) -> Mapping[Key, Binding]:
        """The bindings that keep what somebody held before a removal, whether it is under way, over or undone."""
        return {key: binding for key, binding in self.bindings.items() if binding.addresses or binding.groups}
