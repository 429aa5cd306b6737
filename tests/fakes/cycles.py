"""A whole syncd in memory: directory as values, emulator as a plain object, stores in dicts."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from syncd.cycle import run_cycle
from syncd.emulator import Emulator, Switches
from syncd.guards import GUARDS, SOURCE_GUARDS
from syncd.model.entry import Snapshot
from syncd.model.memory import Approval
from syncd.model.names import STATED
from syncd.model.plan import Plan
from syncd.model.policy import Mode, Policy
from syncd.model.report import Report
from syncd.model.state import Desired
from syncd.parts import Options, Parts
from syncd.planning.judge import approvable
from syncd.workmail.facets import FACETS
from syncd.workmail.limits import workmail_limits
from syncd.workmail.pages import PAGES
from syncd.workmail.target import WorkmailTarget
from tests.builders import WIDE_OPEN
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver
from tests.fakes.service import PlainCaller, Service
from tests.fakes.stores import FakeDetails, FakeStores, ListSource

ORGANIZATION_ID = "m-0123456789abcdef0123456789abcdef"
DOMAIN = "planetexpress.example"


@dataclass
class World:
    """An organization, a directory (change *desired*), and syncd between them (`sync`, `plan`)."""

    policy: Policy = field(default_factory=lambda: Policy(mode=Mode.FULL, guards=WIDE_OPEN))
    switches: Switches = field(default_factory=Switches)
    wrap: Callable[[Emulator], Service] = lambda emulator: emulator
    verify_within: timedelta = timedelta(0)
    configuration: str = "as it is"
    source_name: str = "csv:employee_id"

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.emulator = Emulator(clock=self.clock.timestamp, switches=self.switches)
        self.emulator.create_organization(alias="planetexpress", domains=[DOMAIN], organization_id=ORGANIZATION_ID)
        self.caller = PlainCaller(self.wrap(self.emulator), timestamp=self.clock.timestamp)
        self.stores = FakeStores(self.clock)
        self.observer = RecordingObserver()
        self.desired = Desired(entities={})

    def call(self, operation: str, **parameters: object) -> dict[str, object]:
        """Do something behind syncd's back."""
        return self.emulator.call(operation, {"OrganizationId": ORGANIZATION_ID, **parameters})

    def parts(self) -> Parts:
        target = WorkmailTarget(
            self.caller,
            ORGANIZATION_ID,
            clock=self.clock,
            observer=self.observer,
            make_password=lambda: "Tr0ub4dor&3xyz",
        )
        return Parts(
            organization="planetexpress",
            organization_id=ORGANIZATION_ID,
            source=ListSource(Snapshot(entries={}, read=frozenset(STATED))),
            source_name=self.source_name,
            configuration=self.configuration,
            map_snapshot=lambda _: self.desired,
            given=frozenset({"profile"}),
            limits=workmail_limits(),
            target=target,
            policy=self.policy,
            memory=self.stores,
            details=FakeDetails(self.stores),
            journal=lambda _: self.stores,
            history=self.stores,
            lock=self.stores,
            facets=FACETS,
            guards=GUARDS,
            source_guards=SOURCE_GUARDS,
            pages=PAGES,
            clock=self.clock,
            observer=self.observer,
            verify_within=self.verify_within,
        )

    def sync(self, **options: object) -> Report:
        return run_cycle(self.parts(), replace(Options(command="sync"), **options))  # type: ignore[arg-type] # the names are those of Options

    def plan(self) -> Plan:
        report = run_cycle(self.parts(), Options(command="plan", dry_run=True))
        assert report.plan is not None
        return report.plan

    def approve(self, plan: Plan) -> None:
        expires = self.clock.now() + timedelta(hours=4)
        operations = approvable(plan, SOURCE_GUARDS)
        self.stores.approve(Approval(digest=plan.digest, operations=operations, by="ada", expires_at=expires))
