"""What may happen between two cycles, by name: data in a story, functions here.

Each function changes the world and returns a sentence that says what happened, "" where nothing could.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.reliability.strikes import Strike
from tests.reliability.world import SimWorld

Argument = int | str | float


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens; a cycle is an event too, with what strikes it."""

    name: str
    args: tuple[Argument, ...] = ()
    strikes: tuple[Strike, ...] = ()


Happens = Callable[..., str]
EVENTS: dict[str, Happens] = {}
#: Of these the directory isn't told: after one, who is who is for a person to say.
CONFUSING: set[str] = set()


def event(happens: Happens) -> Happens:
    """Enter *happens* under its name."""
    EVENTS[happens.__name__] = happens
    return happens


def happen(world: SimWorld, one: Event) -> str:
    """Let *one* happen; return what is told of it."""
    return EVENTS[one.name](world, *one.args)
