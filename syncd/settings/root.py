"""The whole configuration as values: the sections that the rooms define, composed."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from syncd.daemon.rhythm import why_never_complete
from syncd.daemon.settings import Schedule
from syncd.mapping.settings import MappingSettings, mapping_settings
from syncd.model.durations import Duration
from syncd.model.policy import Adopt, GuardSettings, Manage, Mode, Pilot, Policy, ProtectedPattern, Removal, Section
from syncd.notices.settings import HeartbeatSettings, NoticeList, ReportsSettings
from syncd.sources.registry import SourceSettings, row_of
from syncd.store.settings import StoreUrl
from syncd.telemetry.settings import LogSettings
from syncd.web.settings import HttpSettings
from syncd.workmail.pages import PAGES
from syncd.workmail.settings import WorkmailSettings

MODES = (
    "say how far syncd may go: observe (never writes), create (adds only), upsert (adds and changes) "
    "or full (removes too)"
)


if TYPE_CHECKING:
    Mapped = MappingSettings
else:
    #: The mapping, with what the pages ask of the directory; only at run time is it known which keys these are.
    Mapped = mapping_settings(PAGES.given)


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
    mapping: Mapped
    workmail: WorkmailSettings
    only: Pilot = Pilot()
    manage: Manage = Manage()
    adopt: Adopt = Adopt.ASK
    protected: tuple[ProtectedPattern, ...] = ()
    removal: Removal = Removal()
    guards: GuardSettings = GuardSettings()
    verify_within: Duration = timedelta(hours=24)
    apply: ApplySettings = ApplySettings()

    @model_validator(mode="after")
    def _evidence_can_complete(self) -> "OrganizationSettings":  # noqa: N804 - an "after" validator is given the instance
        """Refuse a schedule under which nobody who is missing could ever leave."""
        why = why_never_complete(self.schedule, self.removal)
        if why:
            raise ValueError(
                f"no evidence that somebody is missing can ever be complete under this schedule: {why}; "
                "leave removal.hole out, or make it longer"
            )
        return self

    @property
    def mapping_in_force(self) -> MappingSettings:
        """The mapping; what it leaves out is as usual for the type of source."""
        return self.mapping.with_user_defaults(row_of(self.source).user_defaults)

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
    instance: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    reports: ReportsSettings = ReportsSettings()
    notices: NoticeList = ()
    organizations: Annotated[tuple[OrganizationSettings, ...], Field(min_length=1)]
