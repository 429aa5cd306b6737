"""Sentences about removals that have begun and are not over: who, since when, and what happens next."""

from datetime import datetime

from syncd.model.half_removed import HalfRemoved, Next
from syncd.rendering.safe import safe

BY_HAND = (
    "To have a removal finished, mend what stops it; to have it given back, put the entry back in the directory "
    "(enabled), list it under protected: in the configuration, or revoke its approval. Then let a cycle run."
)


def called(one: HalfRemoved) -> str:
    """Return who it is: `amy (user:4711)`, or the key alone where no name is known."""
    return safe(f"{one.name} ({one.key})" if one.name else one.key)


def what_next(one: HalfRemoved, *, personal: bool = True) -> str:
    """Return what the next cycle makes of it, and by when at the latest; why only in *personal*: it may name people."""
    why = f": {one.why}" if personal else ""
    match one.next:
        case Next.FINISHED:
            return f"the next cycle goes on with it; what is not finished by {_moment(one.until)} is given back"
        case Next.GIVEN_BACK:
            return safe(f"what it took is given back, and it is over when a cycle finds nothing left to give back{why}")
        case Next.NOTHING:
            return safe(f"it stays as it is{why}")


def sentence(one: HalfRemoved) -> str:
    """Return everything about one in a line."""
    return f"{called(one)}: since {_moment(one.since)}; {what_next(one)}"


def in_numbers(count: int) -> str:
    """Return how many there are, and no names."""
    began, end = ("its removal", "is") if count == 1 else ("their removals", "are")
    entities = "entity is" if count == 1 else "entities are"
    return f"{count:,} {entities} half removed: {began} began, and {end} neither finished nor given back."


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
