"""What is shown, in which order, before anything is drawn: plan and report become one shape.

    View
      header     organization, mode, when, populations
      sections   Leaving, New, Changes, Memberships; Waiting for approval; Pending, Rejected, Notes, ...
        parts    a lead (why these are withheld) and its cards
          cards  one person, group, address move or row
            lines  one attribute, one call, or many names

Every text in it has gone through `safe`: the three drawings need to know nothing about hostile names.
"""

from dataclasses import dataclass
from enum import StrEnum


class Symbol(StrEnum):
    """The mark before a line; never the only carrier of its meaning."""

    ADD = "+"
    CHANGE = "~"
    REMOVE = "-"
    WITHHELD = "!"
    PENDING = "?"
    NOTE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One attribute (*label* with *before*, *after*), many *names* under one label, or plain *text*."""

    symbol: Symbol
    label: str = ""
    before: str | None = None
    after: str | None = None
    names: tuple[str, ...] = ()
    text: str = ""
    #: Given on each destructive line, unless the whole card has it.
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One person, group or row: *title* (a name), *key*, *reason*, a free *text* and the lines."""

    symbol: Symbol
    title: str
    key: str = ""
    reason: str = ""
    text: str = ""
    #: What a person can do about it.
    remedy: str = ""
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Cards that share a *lead*."""

    lead: str = ""
    cards: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """*size* says how much there is (`3 people`); *command* is to be typed next, for its *effect*."""

    name: str
    title: str
    size: str = ""
    intro: str = ""
    parts: tuple[Part, ...] = ()
    command: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything; *verdict* is the last line."""

    title: str
    header: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    verdict: str


def counted(number: int, one: str, many: str = "") -> str:
    """Return *number* with its noun: `1 person`, `4,812 people`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
