"""A whole cycle without change, against the emulator as a plain object: its CPU time and peak memory.

The process holds both sides: the emulator with 100,000 users, 10,000 groups and 1,000,000 memberships, and syncd with
its real CSV source, mapping and store. Run it alone (`python -m tests.bench cycle`): the peak is the process's.
"""

import resource
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

from syncd.clock import SystemClock
from syncd.cycle import run_cycle
from syncd.emulator import Emulator, Switches
from syncd.guards import GUARDS, SOURCE_GUARDS
from syncd.mapping.rules import Rules
from syncd.mapping.settings import MappingSettings
from syncd.mapping.snapshot import map_snapshot
from syncd.model.memory import Binding
from syncd.model.names import EntityId, group_key, user_key
from syncd.model.policy import Mode, Policy
from syncd.parts import Options, Parts
from syncd.planning import document
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.source import CsvSource
from syncd.store.store import Store
from syncd.workmail.facets import FACETS
from syncd.workmail.limits import workmail_limits
from syncd.workmail.pages import PAGES
from syncd.workmail.target import WorkmailTarget
from tests.bench.directory import Size, groups, users, write_groups, write_users
from tests.fakes.observer import RecordingObserver
from tests.fakes.service import PlainCaller

SIZE = Size()
LIMIT_MB = 600.0
ORGANIZATION_ID = "m-0123456789abcdef0123456789abcdef"
MAPPING = MappingSettings.model_validate(
    {
        "key": "employee_id",
        "users": {
            "name": "login",
            "display_name": "full_name",
            "primary_email": "mail",
            "enabled": "{{ status == 'active' }}",
            "profile": {"first_name": "given", "last_name": "family", "department": "department"},
        },
        "groups": {
            "key": "group_id",
            "name": "group",
            "primary_email": "mail",
            "members": {"from": "members", "by": "employee_id"},
        },
    }
)


def run() -> list[tuple[str, float, float]]:
    """Return the peak memory in MB of a cycle without change; print its CPU time."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        parts, _ = make_parts(Path(folder))
        run_cycle(parts, Options(command="sync"))
        _forget_peak()
        before = memory_of("VmRSS")
        begun = time.process_time()
        report = run_cycle(parts, Options(command="sync"))
        took = time.process_time() - begun
        if report.plan is None or report.plan.operations or report.plan.rejections:
            message = f"the cycle should find nothing to do: {report.plan and report.plan.counts}"
            raise AssertionError(message)
    peak = memory_of("VmHWM")
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.took.items())
    print(
        f"  cycle without change: {took:.1f} s of CPU ({stages}); {before:.0f} MB before it, {peak:.0f} MB at its peak"
    )
    return [("peak memory of a cycle without change, both sides, MB", peak, LIMIT_MB)]


def make_parts(folder: Path) -> tuple[Parts, Emulator]:
    """Write the directory into *folder*, and fill a store there and an emulator with it."""
    write_users(folder / "people.csv", SIZE)
    write_groups(folder / "groups.csv", SIZE)
    clock, observer = SystemClock(), RecordingObserver()
    store = Store(
        folder / "syncd.db",
        clock=clock,
        encode=partial(document.dumps, indent=None),
        decode=partial(document.loads, pages=PAGES),
        details=PAGES.details,
    ).organization(ORGANIZATION_ID)
    emulator = Emulator(switches=Switches(users_limit=None))
    emulator.create_organization(alias="corp", domains=[SIZE.domain], organization_id=ORGANIZATION_ID)
    for binding in _populate(emulator, clock):
        store.memory.bind(binding)
    rules, limits = Rules(MAPPING), workmail_limits()
    parts = Parts(
        organization="corp",
        organization_id=ORGANIZATION_ID,
        source=CsvSource(
            CsvSettings.model_validate({"type": "csv", "users": "people.csv", "groups": "groups.csv"}),
            folder=folder,
            needs=rules.needs,
        ),
        source_name="csv:employee_id",
        configuration="as it is",
        map_snapshot=partial(map_snapshot, rules=rules, limits=limits),
        given=frozenset({"profile"}),
        limits=limits,
        target=WorkmailTarget(
            PlainCaller(emulator, remember=False),
            ORGANIZATION_ID,
            clock=clock,
            observer=observer,
            make_password=lambda: "",
        ),
        policy=Policy(mode=Mode.FULL),
        memory=store.memory,
        details=store.details,
        journal=store.journal,
        history=store.history,
        lock=store.lock,
        facets=FACETS,
        guards=GUARDS,
        source_guards=SOURCE_GUARDS,
        pages=PAGES,
        clock=clock,
        observer=observer,
        verify_within=timedelta(days=7),
    )
    return parts, emulator


def _populate(emulator: Emulator, clock: SystemClock) -> list[Binding]:
    """Make the same people and groups in the emulator as in the files; return who is whose."""
    bindings = []
    ids: dict[str, str] = {}

    def call(operation: str, **parameters: object) -> Mapping[str, object]:
        return emulator.call(operation, {"OrganizationId": ORGANIZATION_ID, **parameters})

    def bind(key: str, identity: str) -> Binding:
        return Binding(key=key, entity=EntityId(identity), source="csv:employee_id", since=clock.now())  # type: ignore[arg-type] # made by user_key or group_key

    for number, login, name, mail, _, given, family, department in users(SIZE):
        identity = str(
            call("CreateUser", Name=login, DisplayName=name, FirstName=given, LastName=family)["UserId"],
        )
        call("RegisterToWorkMail", EntityId=identity, Email=mail)
        call("UpdateUser", UserId=identity, FirstName=given, LastName=family, Department=department)
        ids[number] = identity
        bindings.append(bind(user_key(number), identity))
    for number, name, mail, members in groups(SIZE):
        identity = str(call("CreateGroup", Name=name)["GroupId"])
        call("RegisterToWorkMail", EntityId=identity, Email=mail)
        for member in members:
            call("AssociateMemberToGroup", GroupId=identity, MemberId=ids[member])
        bindings.append(bind(group_key(number), identity))
    return bindings


def memory_of(what: str, pid: int | str = "self") -> float:
    """Return a line of /proc/self/status in MB; elsewhere than on Linux, the peak since the process began."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{what}:"))


def _forget_peak() -> None:
    """Make the kernel count the peak anew from here."""
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5", encoding="ascii")
