"""The section `schedule` of an organization: when its cycles begin, and how long they may take."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from syncd.daemon.cron import Cron
from syncd.daemon.windows import Weekly, Windows, parse_window
from syncd.model.durations import Duration, format_duration
from syncd.model.policy import Section

#: Any week will do to see whether the windows of a week leave an open moment.
_SOME_WEEK = datetime(2024, 1, 1, tzinfo=UTC)


def _window(text: str) -> str:
    parse_window(text)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        message = f"there is no time zone {name!r}: write UTC, or a name such as Europe/Berlin"
        raise ValueError(message) from error
    return name


WindowText = Annotated[str, AfterValidator(_window)]


class Schedule(Section):
    """When cycles of an organization begin: by *every* and *jitter*, or by *cron*; within *allow*, outside *blackout*.

    A cycle that takes longer than *deadline* is told to stop between two calls. One that has given no sign of progress
    for *stalled_after* is taken for wedged: `/livez` says no, and systemd's watchdog is not fed any more.
    """

    every: Duration = timedelta(minutes=15)
    jitter: Duration = timedelta(seconds=30)
    cron: str | None = None
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    allow: tuple[WindowText, ...] = ()
    blackout: tuple[WindowText, ...] = ()
    deadline: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(hours=12)
    stalled_after: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(minutes=10)
    on_change: bool = True

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of cron and windows."""
        return ZoneInfo(self.timezone)

    @property
    def windows(self) -> Windows:
        """When cycles may begin."""
        return Windows(
            allow=tuple(map(parse_window, self.allow)),
            blackout=tuple(map(parse_window, self.blackout)),
            zone=self.zone,
        )

    def __str__(self) -> str:
        """Return the schedule as people say it."""
        rhythm = f"every {format_duration(self.every)}" if self.cron is None else f"cron {self.cron} ({self.timezone})"
        return f"{rhythm}, within windows" if self.allow or self.blackout else rhythm

    @model_validator(mode="after")
    def _sensible(self) -> "Schedule":  # noqa: N804 - an "after" validator is given the instance
        if self.cron is not None and "every" in self.model_fields_set:
            message = "say every or cron, not both"
            raise ValueError(message)
        if self.every < timedelta(seconds=1):
            message = "every must be at least 1s"
            raise ValueError(message)
        if self.cron is None and self.jitter >= self.every:
            message = "jitter must be shorter than every"
            raise ValueError(message)
        self._fires()
        return self

    def _fires(self) -> None:
        """Refuse a schedule by which nothing would ever begin."""
        weekly = Windows(
            allow=() if any(not isinstance(window, Weekly) for window in self.windows.allow) else self.windows.allow,
            blackout=tuple(window for window in self.windows.blackout if isinstance(window, Weekly)),
            zone=self.zone,
        )
        if weekly.next_open(_SOME_WEEK) is None:
            message = "allow and blackout leave no moment of the week in which a cycle may begin"
            raise ValueError(message)
        if self.cron is not None and Cron(self.cron, self.zone).after(_SOME_WEEK) is None:
            message = f"{self.cron!r} names a day that no year has"
            raise ValueError(message)
