"""The whole configuration as values: the sections that the rooms define, composed."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, model_validator

from syncd.mapping.settings import MappingSettings
from syncd.model.durations import Duration
from syncd.model.policy import Adopt, GuardSettings, Manage, Mode, Pilot, Policy, Removal, Section
from syncd.notices.settings import HeartbeatSettings, NoticeList, ReportsSettings
from syncd.sources.settings import SourceSettings
from syncd.store.settings import StoreUrl
from syncd.telemetry.settings import HttpSettings, LogSettings
from syncd.workmail.settings import WorkmailSettings

MODES = (
    "say how far syncd may go: observe (never writes), create (adds only), upsert (adds and changes) "
    "or full (removes too)"
)


class Schedule(Section):
    """When cycles of an organization begin."""

    every: Duration = timedelta(minutes=15)
    jitter: Duration = timedelta(seconds=30)

    @model_validator(mode="before")
    @classmethod
    def _only_intervals(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the file says
        if isinstance(value, dict) and "cron" in value:
            message = "cron schedules are not supported yet, write for instance {every: 15m, jitter: 30s}"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _sensible(self) -> "Schedule":  # noqa: N804 - an "after" validator is given the instance
        if self.every < timedelta(seconds=1):
            message = "every must be at least 1s"
            raise ValueError(message)
        if self.jitter >= self.every:
            message = "jitter must be shorter than every"
            raise ValueError(message)
        return self


class ApplySettings(Section):
    """How a plan is carried out."""

    max_operations: Annotated[int, Field(ge=1)] = 20_000
    workers: Annotated[int, Field(ge=1, le=64)] = 8


class OrganizationSettings(Section):
    """One organization: where its people come from, and how far syncd may go."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", description="a short name of your own")]
    mode: Annotated[Mode, Field(description=MODES)]
    schedule: Schedule = Schedule()
    heartbeat: HeartbeatSettings | None = None
    source: SourceSettings
    mapping: MappingSettings
    workmail: WorkmailSettings
    only: Pilot = Pilot()
    manage: Manage = Manage()
    adopt: Adopt = Adopt.ASK
    protected: tuple[str, ...] = ()
    removal: Removal = Removal()
    guards: GuardSettings = GuardSettings()
    verify_within: Duration = timedelta(hours=24)
    apply: ApplySettings = ApplySettings()

    @property
    def policy(self) -> Policy:
        """What planning and guards may look at."""
        return Policy(
            mode=self.mode,
            only=self.only,
            manage=self.manage,
            adopt=self.adopt,
            protected=self.protected,
            removal=self.removal,
            guards=self.guards,
            max_operations=self.apply.max_operations,
        )


class Settings(Section):
    """The configuration file."""

    store: StoreUrl
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    reports: ReportsSettings = ReportsSettings()
    notices: NoticeList = ()
    organizations: Annotated[tuple[OrganizationSettings, ...], Field(min_length=1)]
