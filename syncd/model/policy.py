"""What the operator allows: mode, pilot, ownership, removal, guards. Settings types, and all of planning's options."""

from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from syncd.model.action import Action
from syncd.model.durations import Duration
from syncd.model.names import fold


class Section(BaseModel):
    """A part of the configuration file: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


class Mode(StrEnum):
    """How far syncd may go; mandatory, no default."""

    OBSERVE = "observe"
    CREATE = "create"
    UPSERT = "upsert"
    FULL = "full"

    @property
    def allows(self) -> frozenset[Action]:
        """The actions within this mode."""
        return _ALLOWED[self]


_ALLOWED = {
    Mode.OBSERVE: frozenset[Action](),
    Mode.CREATE: frozenset({Action.ADD}),
    Mode.UPSERT: frozenset({Action.ADD, Action.CHANGE}),
    Mode.FULL: frozenset(Action),
}


class Adopt(StrEnum):
    """What to do with an entity that is not ours but matches an entry."""

    NEVER = "never"
    ASK = "ask"
    EXACT = "exact"


class Pilot(Section):
    """Only these are synchronized; everyone else is frozen. *group* is the key of a group of the source."""

    keys: tuple[str, ...] = ()
    group: str | None = None

    def __bool__(self) -> bool:
        """Return whether a pilot is on."""
        return bool(self.keys or self.group)


class Manage(Section):
    """What is ours to change. What is not managed is neither read (where nobody else needs it) nor changed."""

    profile: bool = True
    aliases: Literal["exact", "additive", False] = "additive"
    members: Literal["exact", "additive", False] = "exact"


class Removal(Section):
    """Evidence needed before someone may leave."""

    after_cycles: Annotated[int, Field(ge=1)] = 3
    after: Duration = timedelta(hours=24)
    disabled_after: Duration = timedelta(0)
    #: A removal that has begun and can't be ended within this time is given up: what it took is put back.
    finish_within: Duration = timedelta(hours=1)
    delete: Literal["never"] = "never"


class Threshold(Section):
    """Trips when n > count, or n > percent of the population; below *minimum_population* when n > 2."""

    percent: Annotated[float, Field(ge=0, le=100)] = 5
    count: Annotated[int, Field(ge=0)] = 50
    minimum_population: Annotated[int, Field(ge=0)] = 20


class RejectionThreshold(Section):
    """Trips when more than *percent* **and** more than *count* entries can't be used."""

    percent: Annotated[float, Field(ge=0, le=100)] = 5
    count: Annotated[int, Field(ge=0)] = 10


class SourceThreshold(Section):
    """Trips when the source has lost more than *percent* of its entries; below *minimum_population* more than 2."""

    percent: Annotated[float, Field(ge=0, le=100)] = 20
    minimum_population: Annotated[int, Field(ge=0)] = 20


class GuardSettings(Section):
    """The limits of all guards; each counts entities of one organization."""

    removals: Threshold = Threshold()
    membership_removals: Threshold = Threshold(percent=30, count=100, minimum_population=10)
    alias_removals: Threshold = Threshold(percent=5, count=50)
    primary_changes: Threshold = Threshold(percent=5, count=50)
    other_removals: Threshold = Threshold(percent=5, count=50)
    rejections: RejectionThreshold = RejectionThreshold()
    source_shrink: SourceThreshold = SourceThreshold()


#: What may stand before the colon of a pattern: the kinds that are ever changed.
_PREFIXES = ("user", "group")


def read_pattern(pattern: str) -> tuple[str, str]:
    """Return the kind that *pattern* is limited to, "" for any, and what names and addresses are compared with.

    Raises:
        ValueError: it would cover nobody, whoever there is.
    """
    prefix, colon, rest = pattern.partition(":")
    text = fold((rest if colon else pattern).strip())
    if colon and prefix not in _PREFIXES:
        near = get_close_matches(prefix.strip().casefold(), _PREFIXES, 1, cutoff=0.5)
        hint = f"did you mean {near[0]}:{rest}?" if near else "write user:NAME, group:NAME, or an address or a name"
        message = f"{pattern!r} protects nobody: there is no {prefix!r}; {hint}"
        raise ValueError(message)
    if not text:
        message = f"{pattern!r} protects nobody: it names no name and no address"
        raise ValueError(message)
    return prefix if colon else "", text


def _covering(pattern: str) -> str:
    read_pattern(pattern)
    return pattern


ProtectedPattern = Annotated[str, AfterValidator(_covering)]


class Policy(Section):
    """Everything that planning and guards may look at besides the two states.

    *asked* are the keys that the command line names (`--only`): they narrow the pilot.
    *protected* are patterns on addresses and names (`postmaster@*`), or `user:NAME` / `group:NAME`.
    """

    mode: Mode
    only: Pilot = Pilot()
    manage: Manage = Manage()
    adopt: Adopt = Adopt.ASK
    protected: tuple[ProtectedPattern, ...] = ()
    removal: Removal = Removal()
    guards: GuardSettings = GuardSettings()
    max_operations: Annotated[int, Field(ge=1)] = 20_000
    asked: tuple[str, ...] = ()

    @property
    def pilots(self) -> tuple[Pilot, ...]:
        """The pilots that are on, of configuration and command line: only who is in all of them isn't frozen."""
        return tuple(pilot for pilot in (self.only, Pilot(keys=self.asked)) if pilot)

    def protects(self, kind: str, *names: str) -> bool:
        """Return whether a pattern covers an entity of *kind* with these names and addresses."""
        if not self.protected:
            return False
        for pattern in self.protected:
            prefix, wanted = read_pattern(pattern)
            if prefix and prefix != kind:
                continue
            if any(fnmatchcase(fold(name), wanted) for name in names if name):
                return True
        return False
