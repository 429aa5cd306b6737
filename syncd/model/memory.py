"""What syncd remembers between cycles: loaded once per cycle, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from syncd.model.names import EntityId, Key, Kind

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
    """Evidence for removal: since when, and in how many complete reads in a row, a bound key is absent or disabled."""

    key: Key
    missing_since: datetime | None = None
    missing_cycles: int = 0
    disabled_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Operations that a person freed, by operation id, until *expires_at*.

    Each is spent by its success, those of a removal by its first call. *number* is given by the store.
    """

    number: int = field(default=0, compare=False)
    digest: str
    operations: frozenset[str]
    by: str
    expires_at: datetime


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
    *counts* are the entries per kind of the last read that tripped no source guard or was approved.
    """

    bindings: Mapping[Key, Binding] = field(default_factory=dict)
    marks: Mapping[Key, Mark] = field(default_factory=dict)
    approvals: tuple[Approval, ...] = ()
    revoked: frozenset[str] = frozenset()
    counts: Mapping[Kind, int] = field(default_factory=dict)
    open_intents: tuple[OpenIntent, ...] = ()

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
