"""As what an operation was counted by guards: what a window adds up."""

from dataclasses import dataclass
from datetime import datetime

from syncd.model.names import Kind
from syncd.model.page import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One thing that guards count: *row* (a key, or a member) as *count*, within *scope* ("" for all, a kind, a group).

    The same row counts once, however often. *weight* is how many it stands for: the people behind a nested group.
    *freed* says that a person approved it: then it takes nothing of a window.
    """

    count: Count
    row: str
    scope: str = ""
    weight: int = 1
    freed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tallied:
    """What was counted *at* a time, because the operation was sent."""

    tally: Tally
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodRead:
    """How many *entries* of *kind* a read had that tripped no source guard or was approved, and *at* what time."""

    kind: Kind
    at: datetime
    entries: int
