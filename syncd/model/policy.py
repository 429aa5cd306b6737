"""What the operator allows: mode, pilot, ownership, removal, guards. Settings types, and all of planning's options."""

from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from syncd.model.action import Action
from syncd.model.durations import Duration
from syncd.model.names import fold
from syncd.model.window import Window


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
    #: Evidence begins anew after a longer gap between two complete reads. Left out, it is three times the longest gap
    #: that the schedule makes itself; 3 days where others start `syncd sync`.
    hole: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    disabled_after: Duration = timedelta(0)
    #: A removal that has begun and can't be ended within this time is given up: what it took is put back.
    finish_within: Duration = timedelta(hours=1)
    delete: Literal["never"] = "never"


class WindowLimit(Section):
    """What may pass within a window: at most *count*, and *percent* of the population. What isn't given follows.

    Within a day that is what may pass in one cycle, within a week twice as much.
    """

    percent: Annotated[float, Field(ge=0, le=100)] | None = None
    count: Annotated[int, Field(ge=0)] | None = None


class WindowShare(Section):
    """What may be lost within a window, in percent. What isn't given follows: a day as a cycle, a week twice that."""

    percent: Annotated[float, Field(ge=0, le=100)] | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """So many may pass: *count* at most (None: however many), and *percent* of the population; with *both* the larger.

    A 0 means none, whatever the other says.
    """

    percent: float
    count: int | None = None
    both: bool = False


def _filled(percent: float | None) -> float:
    return 0 if percent is None else percent  # a limit that nobody gave lets none pass


#: As often as in a cycle may pass within a window of which nothing is said.
_TIMES = {Window.DAY: 1, Window.WEEK: 2}
#: Said nothing by any more; it stays so that older configurations are read.
_MINIMUM = Field(default=None, ge=0, description="Has no effect any more.", json_schema_extra={"deprecated": True})


class Threshold(Section):
    """At most *count*, and at most *percent* of the population, may pass in one cycle, in a *day*, in a *week*.

    0 means none. Where percent of few is less than one, 2 may pass, but never half of them.
    """

    percent: Annotated[float, Field(ge=0, le=100)] = 5
    count: Annotated[int, Field(ge=0)] = 50
    day: WindowLimit = WindowLimit()
    week: WindowLimit = WindowLimit()
    minimum_population: int | None = _MINIMUM

    @property
    def amount(self) -> Amount:
        """What may pass in one cycle."""
        return Amount(percent=self.percent, count=self.count)

    def model_post_init(self, _: object, /) -> None:
        """Fill in what is not said of a window."""
        for window, times in _TIMES.items():
            said: WindowLimit = getattr(self, window.value)
            follows = WindowLimit(percent=min(self.percent * times, 100), count=self.count * times)
            self.__dict__[window.value] = follows.model_copy(update=said.model_dump(exclude_none=True))

    def within(self, window: Window) -> Amount:
        """Return what may pass within *window*."""
        said: WindowLimit = getattr(self, window.value)
        return Amount(percent=_filled(said.percent), count=said.count)


class RejectionThreshold(Section):
    """Trips when more than *percent* **and** more than *count* entries can't be used; a 0 lets none pass."""

    percent: Annotated[float, Field(ge=0, le=100)] = 5
    count: Annotated[int, Field(ge=0)] = 10

    @property
    def amount(self) -> Amount:
        """What may pass."""
        return Amount(percent=self.percent, count=self.count, both=True)


class SourceThreshold(Section):
    """Trips when the source has lost more than *percent* of its entries since the last good read.

    Likewise since the largest good read of a *day*, and of a *week*.
    """

    percent: Annotated[float, Field(ge=0, le=100)] = 20
    day: WindowShare = WindowShare()
    week: WindowShare = WindowShare()
    minimum_population: int | None = _MINIMUM

    @property
    def amount(self) -> Amount:
        """What may be lost since the last good read."""
        return Amount(percent=self.percent)

    def model_post_init(self, _: object, /) -> None:
        """Fill in what is not said of a window."""
        for window, times in _TIMES.items():
            said: WindowShare = getattr(self, window.value)
            percent = min(self.percent * times, 100) if said.percent is None else said.percent
            self.__dict__[window.value] = WindowShare(percent=percent)

    def within(self, window: Window) -> Amount:
        """Return what may be lost within *window*."""
        said: WindowShare = getattr(self, window.value)
        return Amount(percent=_filled(said.percent))


class GuardSettings(Section):
    """The limits of all guards; each counts entities of one organization."""

    removals: Threshold = Threshold()
    deletions: Threshold = Threshold(percent=1, count=10)
    membership_removals: Threshold = Threshold(percent=30, count=100)
    all_membership_removals: Threshold = Threshold(percent=10, count=100)
    alias_removals: Threshold = Threshold(percent=5, count=50)
    primary_changes: Threshold = Threshold(percent=5, count=50)
    registrations: Threshold = Threshold(percent=20, count=200)
    profile_changes: Threshold = Threshold(percent=20, count=200)
    clearings: Threshold = Threshold(percent=5, count=50)
    full_access: Threshold = Threshold(percent=100, count=3)
    other_removals: Threshold = Threshold(percent=5, count=50)
    rejections: RejectionThreshold = RejectionThreshold()
    source_shrink: SourceThreshold = SourceThreshold()


#: The guards that count over windows: whatever else is measured is the same in the next cycle.
WINDOWED = frozenset(name for name, field in GuardSettings.model_fields.items() if hasattr(field.annotation, "within"))

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
