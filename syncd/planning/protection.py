"""Which patterns of `protected` cover nobody? A mistyped one protects nobody, and looks as if it did."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from syncd.model.detail import ALIASES
from syncd.model.names import Kind, fold
from syncd.model.observed import Observed
from syncd.model.plan import Note
from syncd.model.policy import read_pattern
from syncd.model.state import Desired, State


def notes(patterns: Iterable[str], observed: Observed, desired: Desired) -> list[Note]:
    """Return a note for each of *patterns* that covers nobody, neither in the service nor in the directory."""
    return [
        Note(
            code="protected_covers_nobody",
            subject="",
            text=f"the pattern {pattern!r} of `protected` covers nobody: neither a name nor an address is like that",
        )
        for pattern in uncovered(patterns, observed, desired)
    ]


def uncovered(patterns: Iterable[str], observed: Observed, desired: Desired | None = None) -> Iterator[str]:
    """Yield those of *patterns* that cover nobody."""
    names: dict[Kind, set[str]] = {}
    for pattern in patterns:
        if not names:
            names = _names(observed, desired)
        prefix, text = read_pattern(pattern)
        known = (names[kind] for kind in names if not prefix or kind.value == prefix)
        if not any(text in each or any(fnmatchcase(name, text) for name in each) for each in known):
            yield pattern


def _names(observed: Observed, desired: Desired | None) -> dict[Kind, set[str]]:
    """Return the names and addresses of everybody, folded, by kind."""
    names: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    aliases = observed.details.of(ALIASES)
    for entity in observed.entities.values():
        if entity.state is not State.DELETED:
            names[entity.kind].update(map(fold, (entity.name, entity.primary, *aliases.get(entity.id, ()))))
    for wanted in desired.entities.values() if desired is not None else ():
        names[wanted.kind].update(map(fold, (wanted.name, wanted.primary)))
    for each in names.values():
        each.discard("")
    return names
