"""What is shown, in which order, before anything is drawn: plan and report become one shape.

    View
      header     organization, mode, when, populations
      figures    what is added, changed, removed, withheld, by kind of thing
      record     what a change ticket keeps: who asked, the whole digest
      budgets    what each guard measured
      orders     what may be typed next
      sections   Leaving, New, Changes, Memberships; Waiting for approval; Pending, Rejected, Notes, ...
        parts    a lead (why these are withheld) and its cards
          cards  one person, group, address move or row
            lines  one attribute, one call, or many names

Every text in it has gone through `safe`: the three drawings need to know nothing about hostile names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from syncd.model.names import Kind


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
    #: What it is about where no line says so.
    about: Symbol | None = None

    @property
    def changes(self) -> frozenset[Symbol]:
        """What it adds, changes or removes: what a filter goes by."""
        marks = {line.symbol for line in self.lines} | {self.about}
        return frozenset(mark for mark in marks if mark in (Symbol.ADD, Symbol.CHANGE, Symbol.REMOVE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Cards that share a *lead*."""

    lead: str = ""
    cards: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSection:
    """*size* says how much there is (`3 people`); *command* is to be typed next, for its *effect*."""

    name: str
    title: str
    size: str = ""
    intro: str = ""
    parts: tuple[Part, ...] = ()
    command: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One way in which operations end: *name* is what a style sheet calls it."""

    name: str
    title: str
    symbol: Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How many operations end how: each row is a kind of thing with a number for each of *columns*."""

    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @property
    def totals(self) -> tuple[int, ...]:
        """The sum of each column."""
        return tuple(sum(numbers) for numbers in zip(*(numbers for _, numbers in self.rows), strict=True))

    @property
    def largest(self) -> int:
        """The sum of the longest row: as long is a bar of full length."""
        return max((sum(numbers) for _, numbers in self.rows), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one guard measured; *used* names the limits where it has any."""

    guard: str
    used: str
    tripped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A *command* that may be typed next, for its *effect*."""

    command: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything; *verdict* is the last line, *state* the one word of it: clean, changes, waiting or failed.

    *aside* are numbers of what is no operation (pending, rejected), with their words.
    """

    title: str
    header: tuple[tuple[str, str], ...]
    sections: tuple[ViewSection, ...]
    verdict: str
    state: str = "changes"
    figures: Figures = Figures()
    aside: tuple[tuple[int, str], ...] = ()
    record: tuple[tuple[str, str], ...] = ()
    budgets: tuple[Budget, ...] = ()
    orders: tuple[Order, ...] = ()


#: What people call one of each kind, and several.
NOUNS: Mapping[Kind, tuple[str, str]] = {
    Kind.USER: ("person", "people"),
    Kind.GROUP: ("group", "groups"),
    Kind.RESOURCE: ("resource", "resources"),
}


def in_kinds(sizes: Mapping[Kind, int]) -> str:
    """Return how many there are of each kind in *sizes*: `41 people, 12 groups`."""
    return ", ".join(counted(sizes[kind], *NOUNS[kind]) for kind in Kind if kind in sizes)


def counted(number: int, one: str, many: str = "") -> str:
    """Return *number* with its noun: `1 person`, `4,812 people`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
