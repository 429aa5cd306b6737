"""Worlds that a whole life happens in: a directory, an organization with its own admins, faults, and syncd between.

`LivingWorld` watches every call and every intent, so that a test can say of a cycle: what it sent, in which
order, and what it left alone.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from syncd import wire
from syncd.cycle import run_cycle
from syncd.emulator import Emulator, ServiceFault, Switches
from syncd.emulator.faults import ConnectionDropped, ErrorAnswer, Fault, FaultyService, TimedOut
from syncd.errors import SyncdError
from syncd.model.entry import Rejection
from syncd.model.memory import Binding
from syncd.model.names import EntityId, Key, Kind, fold
from syncd.model.operation import Call, Generated, Merged, Operation, Ref
from syncd.model.plan import Plan
from syncd.model.policy import Pilot
from syncd.model.report import Outcome, Refusal, Report, Result
from syncd.model.state import Desired, Wanted
from syncd.parts import Options, Parts
from syncd.planning.dependencies import dependents
from tests.builders import wanted
from tests.fakes.cycles import DOMAIN, ORGANIZATION_ID, World
from tests.fakes.service import PlainCaller
from tests.fakes.stores import FakeStores

OPAQUE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|r-[0-9a-f]{32}|S-1-1-12-[0-9-]+")
_READS = ("Describe", "List", "Get")

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that reached the service."""

    operation: str
    parameters: Mapping[str, Any]

    @property
    def mutates(self) -> bool:
        return not self.operation.startswith(_READS)


class Line:
    """The way to the service: it can break. Notes every call in *log*."""

    def __init__(self, service: FaultyService, log: list[Sent | Operation]) -> None:
        self._service = service
        self._log = log

    def call(self, operation: str, params: Mapping[str, object]) -> dict[str, object]:
        self._log.append(Sent(operation, dict(params)))
        try:
            return self._service.call(operation, params)
        except (TimedOut, ConnectionDropped) as cut:
            raise ConnectionError(str(cut)) from cut


class WatchedStores(FakeStores):
    """The stores, noting every intent in *log*."""

    def __init__(self, clock: Any, log: list[Sent | Operation]) -> None:  # noqa: ANN401 - FakeStores' own
        super().__init__(clock)
        self._log = log

    def intend(self, operation: Operation, *rest: Any, **more: Any) -> Refusal | None:  # noqa: ANN401 - as they come
        refusal = super().intend(operation, *rest, **more)
        if refusal is None:
            self._log.append(operation)
        return refusal


@dataclass
class LivingWorld(World):
    """A World that is watched, and whose service fails where `fail` says so."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.log: list[Sent | Operation] = []
        self.service = FaultyService(self.emulator, clock=self.clock)
        self.caller = PlainCaller(Line(self.service, self.log), remember=False)
        self.stores = WatchedStores(self.clock, self.log)

    def fail(self, *faults: Fault) -> None:
        """Let these faults strike from now on; none lets everything work again."""
        self.service.set_rules(faults)

    def parts(self) -> Parts:
        """What a cycle is made of; the operator takes keys out of the pilot that nobody knows any more."""
        rejected = {one.key for one in self.desired.rejections}
        known = {*self.desired.entities, *self.stores.bindings, *rejected}
        keys = tuple(key for key in self.policy.only.keys if key in known)
        self.policy = self.policy.model_copy(update={"only": Pilot(keys=keys)})
        return super().parts()

    def meddle(self, operation: str, **parameters: object) -> None:
        """Do something behind syncd's back, if the service allows it."""
        with suppress(ServiceFault):
            self.call(operation, **parameters)

    def documents(self) -> dict[EntityId, Document]:
        """Everything that the organization holds, by id, hidden or not."""
        return documents(self.emulator)

    def fresh(self, *, refresh: bool = True) -> Report:
        """One cycle, a minute later."""
        self.clock.advance(seconds=60)
        return self.sync(refresh=refresh)

    def fresh_plan(self) -> Plan:
        """What a cycle that reads everything anew would do, a minute later."""
        self.clock.advance(seconds=60)
        report = run_cycle(self.parts(), Options(command="plan", dry_run=True, refresh=True))
        assert report.plan is not None
        return report.plan


def documents(emulator: Emulator) -> dict[EntityId, Document]:
    """The entities of the one organization, ghosts left out."""
    snapshot: dict[str, Any] = deepcopy(emulator.snapshot())
    (organization,) = [one for one in snapshot["organizations"] if one["id"] == ORGANIZATION_ID]
    living: dict[EntityId, dict[str, Any]] = {
        EntityId(one["id"]): {"kind": kind, **one}
        for kind in ("users", "groups", "resources")
        for one in organization[kind]
        if one["state"] != "DELETED"
    }
    for one in living.values():
        one["members"] = [member for member in one.get("members", ()) if member in living]
    return dict(living)


def addresses_of(document: Document) -> list[str]:
    """What an entity holds or has reserved, folded."""
    given = [document["email"]] if document.get("email") else []
    return [fold(address) for address in (*given, *document.get("aliases", ()))]


def hidden_addresses(world: LivingWorld) -> dict[str, EntityId]:
    """Addresses that an entity which isn't ENABLED keeps to itself: no call shows them (`workmail.md` B13)."""
    return {
        address: identity
        for identity, document in world.documents().items()
        if document["state"] != "ENABLED"
        for address in addresses_of(document)
    }


# --- the directory ---------------------------------------------------------------------------------------------------


@dataclass
class Directory:
    """Rows as a person at the source would keep them: *status* is `enabled`, `disabled`, `absent` or `rejected`."""

    rows: dict[Key, Wanted] = field(default_factory=dict)
    status: dict[Key, str] = field(default_factory=dict)
    unreadable: bool = False

    def put(self, row: Wanted) -> None:
        self.rows[row.key] = row
        self.status[row.key] = "enabled"

    def change(self, key: Key, **fields: Any) -> None:  # noqa: ANN401 - Wanted's own
        if key in self.rows:
            self.rows[key] = replace(self.rows[key], **fields)

    def set_status(self, key: Key, status: str) -> None:
        if key in self.rows:
            self.status[key] = status

    def present(self, key: Key) -> bool:
        return self.status.get(key, "absent") != "absent"

    def mapped(self) -> Desired:
        """What the mapping would make of it: of two that want the same name or address neither is used."""
        rows = {
            key: replace(
                row,
                enabled=self.status[key] == "enabled",
                members=frozenset(member for member in row.members if self.present(member)),
            )
            for key, row in self.rows.items()
            if self.status[key] in ("enabled", "disabled")
        }
        claims = Counter(claim for row in rows.values() if row.enabled for claim in _claims(row))
        reasons = {key: "a bad value" for key in self.rows if self.status[key] == "rejected"}
        for key, row in rows.items():
            if row.enabled and any(claims[claim] > 1 for claim in _claims(row)):
                reasons[key] = "wanted twice"
        unreadable = [Rejection(key=None, origin="people.csv:99", reason="no key", remedy="give it one")]
        return Desired(
            entities={key: row for key, row in rows.items() if key not in reasons},
            rejections=(
                *(
                    Rejection(key=key, origin=self.rows[key].origin, reason=reason, remedy="mend it")
                    for key, reason in sorted(reasons.items())
                ),
                *(unreadable if self.unreadable else ()),
            ),
            counts={
                kind: sum(self.present(key) and row.kind is kind for key, row in self.rows.items()) for kind in _KINDS
            },
        )


_KINDS = (Kind.USER, Kind.GROUP)


def _claims(row: Wanted) -> set[str]:
    return {f"name {fold(row.name)}", fold(row.primary), *map(fold, row.aliases)}


# --- strategies ------------------------------------------------------------------------------------------------------

USERS = tuple(Key(f"user:{number}") for number in range(6))
GROUPS = tuple(Key(f"group:{number}") for number in range(3))
KEYS = (*USERS, *GROUPS)
NAMES = ("fry", "leela", "amy", "bender", "kif", "hermes")
GROUP_NAMES = ("crew", "pilots", "staff")
#: Few, so that they meet; two differ in case only.
ADDRESSES = tuple(f"{name}@{DOMAIN}" for name in (*NAMES, *GROUP_NAMES, "a", "b", "c", "A", "Fry"))
BAD_ADDRESS = "a@elsewhere.example"

addresses = st.sampled_from(ADDRESSES)
profiles = st.fixed_dictionaries(
    {},
    optional={
        "department": st.sampled_from(["Delivery", "Münster", ""]),
        "first_name": st.sampled_from(["Philip", "王小明", ""]),
        "hidden": st.sampled_from(["true", "false"]),
    },
)


def _mostly(usual: str, others: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.integers(0, 3).flatmap(lambda roll: others if roll == 0 else st.just(usual))


@st.composite
def people(draw: st.DrawFn) -> Wanted:
    """A row of a person, who mostly has a name and an address of their own."""
    number = draw(st.integers(0, len(USERS) - 1))
    return wanted(
        draw(_mostly(NAMES[number], st.sampled_from((*NAMES, *GROUP_NAMES)))),
        key=USERS[number],
        display_name=draw(st.sampled_from(["Ada", "Zoë", "X Y"])),
        primary=draw(_mostly(ADDRESSES[number], addresses | addresses | st.just(BAD_ADDRESS))),
        aliases=draw(st.lists(addresses, max_size=2, unique_by=fold)),
        profile=draw(profiles),
    )


@st.composite
def teams(draw: st.DrawFn) -> Wanted:
    """A row of a group; it contains only groups before it, so that there is no circle."""
    number = draw(st.integers(0, len(GROUPS) - 1))
    return wanted(
        draw(_mostly(GROUP_NAMES[number], st.sampled_from((*NAMES, *GROUP_NAMES)))),
        key=GROUPS[number],
        kind=Kind.GROUP,
        primary=draw(_mostly(f"{GROUP_NAMES[number]}@{DOMAIN}", addresses)),
        aliases=draw(st.lists(addresses, max_size=1)),
        profile=draw(st.fixed_dictionaries({}, optional={"hidden": st.sampled_from(["true", "false"])})),
        members=draw(st.frozensets(st.sampled_from((*USERS, *GROUPS[:number])), max_size=4)),
    )


def newcomers() -> tuple[Wanted, ...]:
    """A directory as it starts: everybody with a name and an address of their own, in one group."""
    persons = [wanted(name, key=key) for key, name in zip(USERS, NAMES, strict=True)][:4]
    crew = wanted("crew", key=GROUPS[0], kind=Kind.GROUP, members=USERS[:3])
    return (*persons, crew, wanted("staff", key=GROUPS[2], kind=Kind.GROUP, members=(GROUPS[0], USERS[3])))


switches = st.builds(
    Switches,
    deregistered_addresses=st.sampled_from(["reserved", "released", "kept"]),
    deleted_members=st.sampled_from(["removed", "kept"]),
    ghosts_listed=st.booleans(),
    describe_deleted=st.sampled_from(["state", "not_found"]),
    omitted_clears=st.booleans(),
    primary_among_aliases=st.booleans(),
    register_enabled=st.sampled_from(["refused", "unchanged"]),
    shuffle=st.booleans(),
    short_pages=st.booleans(),
    empty_pages=st.booleans(),
    group_cycles=st.booleans(),
)

_MUTATIONS = (
    "CreateUser",
    "CreateGroup",
    "RegisterToWorkMail",
    "UpdateUser",
    "CreateAlias",
    "DeleteAlias",
    "UpdatePrimaryEmailAddress",
    "AssociateMemberToGroup",
    "DisassociateMemberFromGroup",
    "DeregisterFromWorkMail",
)


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    """Something that goes wrong with the calls of one cycle."""
    named = draw(st.sampled_from((*_MUTATIONS, "*", "Create*", "List*", "Describe*")))
    how: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"error": ErrorAnswer(code="ThrottlingException")},
                {"error": ErrorAnswer(code="InternalFailure", status=500)},
                {"error": ErrorAnswer(code="EntityStateException")},
                {"error": ErrorAnswer(code="AccessDeniedException")},
                {"timeout": "before"},
                {"timeout": "after"},
                {"drop": "after"},
            ]
        )
    )
    when: dict[str, Any] = draw(
        st.one_of(
            st.integers(1, 6).map(lambda nth: {"nth": nth}),
            st.just({"probability": 0.3, "seed": 1}),
            st.just({}),
        )
    )
    return Fault(operation=named, **how, **when)


lags = st.sampled_from([{"settle": 0.5}, {"settle": 5.0}]).map(lambda settle: Fault(switches=settle))


# --- what must hold of every cycle -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What was before a cycle, to compare with afterwards."""

    before: Mapping[EntityId, Document]
    bound: Mapping[Key, Binding]
    began: int
    directory: Desired


def watch(world: LivingWorld) -> Watch:
    """Remember the world as it is."""
    return Watch(
        before=world.documents(),
        bound=dict(world.stores.bindings),
        began=len(world.log),
        directory=world.desired,
    )


def cycle(world: LivingWorld, *, refresh: bool = True) -> tuple[Report | None, Watch]:
    """Run one cycle; an error that it reports as such ends it."""
    seen = watch(world)
    try:
        return world.fresh(refresh=refresh), seen
    except SyncdError:
        return None, seen


def assert_lawful(world: LivingWorld, seen: Watch, report: Report | None) -> None:
    """What holds of every cycle, whatever the directory says and whatever goes wrong."""
    _assert_calls_are_journalled(world.log[seen.began :])
    _assert_foreign_untouched(world, seen)
    _assert_addresses_have_one_owner(world)
    if report is None or report.plan is None:
        assert not [one for one in world.log[seen.began :] if isinstance(one, Sent) and one.mutates]
        return
    _assert_frozen_untouched(world, seen, report.plan)
    intended = {one.id for one in world.log[seen.began :] if isinstance(one, Operation)}
    assert intended.isdisjoint(report.plan.withheld), "something withheld was sent"
    assert intended <= report.plan.by_id.keys(), "something was sent that the plan doesn't show"
    allowed = world.policy.mode.allows
    assert all(report.plan.by_id[one].action in allowed for one in intended), "something outside the mode was sent"


def filled(call: Call) -> dict[str, object]:
    """The parameters of *call* as they would be sent, with something in the place of each placeholder."""
    found: dict[str, object] = {"OrganizationId": ORGANIZATION_ID}
    for name, value in call.parameters.items():
        if isinstance(value, Ref):
            found[name] = "0123abcd-0123-0123-0123-0123456789ab"
        elif isinstance(value, Generated):
            found[name] = "Tr0ub4dor&3xyz"
        elif not isinstance(value, Merged):
            found[name] = value
    return found


def assert_valid(plan: Plan) -> None:
    """Every call in *plan* is one that WorkMail's own model allows."""
    for operation in (*plan.operations, *plan.outside):
        if operation.call is not None:
            assert not wire.problems(operation.call.operation, filled(operation.call)), operation


def _assert_calls_are_journalled(log: Sequence[Sent | Operation]) -> None:
    """Each change has its intent before it, and names opaque ids only."""
    intent: Operation | None = None
    for one in log:
        if isinstance(one, Operation):
            intent = one
        elif one.mutates:
            assert intent is not None, f"{one.operation} without intent"
            assert intent.call is not None
            assert intent.call.operation == one.operation
            for name, value in one.parameters.items():
                if name.endswith("Id") and name not in ("OrganizationId", "IdentityProviderUserId"):
                    assert OPAQUE.fullmatch(value), f"{one.operation} names {name}={value}"


def _assert_foreign_untouched(world: LivingWorld, seen: Watch) -> None:
    ours = {one.entity for one in seen.bound.values()} | {one.entity for one in world.stores.bindings.values()}
    after = world.documents()
    for identity, document in seen.before.items():
        if identity not in ours:
            assert after.get(identity) == document, f"foreign {document['name']} was changed"


def _assert_addresses_have_one_owner(world: LivingWorld) -> None:
    owned = Counter(
        address
        for document in world.documents().values()
        if document["state"] == "ENABLED"
        for address in addresses_of(document)
    )
    assert not [address for address, owners in owned.items() if owners > 1]


def _assert_frozen_untouched(world: LivingWorld, seen: Watch, plan: Plan) -> None:
    """Whoever is rejected, pending or outside the pilot stays as they are, in every group."""
    frozen = {rejection.key for rejection in plan.rejections} | {pending.key for pending in plan.pending}
    only = set(world.policy.only.keys)
    if only:
        frozen |= {key for key in seen.bound if key not in only}
    after = world.documents()
    for key in frozen:
        binding = seen.bound.get(key) if key is not None else None
        rebound = key not in world.stores.bindings  # approved: from now on the entity is somebody else's
        if binding is None or rebound or binding.entity not in seen.before:
            continue
        assert after.get(binding.entity) == seen.before[binding.entity], f"frozen {key} was changed"
        assert _groups_with(after, binding.entity) == _groups_with(seen.before, binding.entity), f"{key} was moved"


def _groups_with(documents: Mapping[EntityId, Document], member: EntityId) -> list[EntityId]:
    return [identity for identity, document in documents.items() if member in document.get("members", ())]


@dataclass
class Evidence:
    """Counts, apart from syncd's own books, how long and how often each key was missing."""

    since: dict[Key, datetime] = field(default_factory=dict)
    reads: Counter[Key] = field(default_factory=Counter)

    def note(self, world: LivingWorld, at: datetime) -> None:
        """A cycle is about to read the directory at *at*."""
        readable = all(rejection.key is not None for rejection in world.desired.rejections)
        rejected = {rejection.key for rejection in world.desired.rejections}
        for key in world.stores.bindings:
            if key in world.desired.entities or key in rejected:
                self.since.pop(key, None)
                del self.reads[key]
            elif readable:
                self.since.setdefault(key, at)
                self.reads[key] += 1

    def assert_enough(self, world: LivingWorld, seen: Watch) -> None:
        """Nobody is deregistered who isn't disabled in the directory, or missing often and long enough."""
        removal = world.policy.removal
        for one in world.log[seen.began :]:
            if not isinstance(one, Operation) or one.kind != "deregister":
                continue
            row = seen.directory.entities.get(one.subject)
            assert row is None or not row.enabled, f"{one.subject} is wanted"
            if row is None:
                assert self.reads[one.subject] >= removal.after_cycles, f"{one.subject}: too few reads"
                assert world.clock.now() - self.since[one.subject] >= removal.after, f"{one.subject}: too early"


# --- what a clean cycle leaves behind --------------------------------------------------------------------------------


def stuck(world: LivingWorld, plan: Plan) -> set[str]:
    """Operations that want an address which somebody DISABLED keeps to itself, and what needs them.

    No read shows it (`workmail.md` B13), so no plan can know: it stays until that entity is deleted.
    """
    hidden = hidden_addresses(world)
    wanting = [
        operation.id
        for operation in plan.operations
        if operation.call is not None
        for address in (operation.call.parameters.get("Email"), operation.call.parameters.get("Alias"))
        if isinstance(address, str)
        and operation.kind != "alias.remove"
        and hidden.get(fold(address), operation.entity) != operation.entity
    ]
    return dependents(plan.operations, wanting)


def left(world: LivingWorld, plan: Plan) -> list[Operation]:
    """What *plan* would still do although a clean cycle has just ended."""
    excused = stuck(world, plan)
    return [one for one in plan.sendable if one.id not in excused]


def failures(world: LivingWorld, report: Report) -> list[Outcome]:
    """What went wrong in a cycle in which nothing should have."""
    assert report.plan is not None
    excused = stuck(world, report.plan)
    return [one for one in report.outcomes if one.result is not Result.APPLIED and one.operation.id not in excused]


def registered_again(report: Report, seen: Watch) -> bool:
    """Whether somebody came back whose mailbox holds what no call showed before (`workmail.md` B13, B34)."""
    return any(
        one.operation.kind == "register"
        and one.operation.entity is not None
        and seen.before[one.operation.entity].get("enabled") is not None
        for one in report.outcomes
        if one.operation.entity in seen.before
    )


def rebound(report: Report) -> bool:
    """Whether keys changed hands: whoever has one of them was frozen until then."""
    return any(one.operation.kind == "rebind" and one.operation.entity is None for one in report.outcomes)


def listed(operations: Iterable[Operation]) -> Iterator[str]:
    """*operations* as a failing test shows them."""
    for one in operations:
        yield f"{one.kind} {one.summary} [{one.reason}] awaits {sorted(one.awaits)}"
