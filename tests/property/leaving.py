"""Organizations that somebody is about to leave, and a point at which leaving can be broken off.

Nothing here knows how a removal is made: its calls are those that write and name somebody who leaves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Event

from syncd.errors import SyncdError
from syncd.model.names import EntityId, Key, Kind, fold, kind_of
from syncd.model.policy import GuardSettings, Manage, Mode, Policy, Removal, SourceThreshold, Threshold
from syncd.model.state import Desired, Wanted
from syncd.parts import Parts
from tests.builders import WIDE_OPEN, wanted
from tests.fakes.cycles import DOMAIN
from tests.fakes.service import PlainCaller
from tests.property.worlds import Directory, Document, Line, LivingWorld

#: Two hours pass before these of a row of cycles, unless told otherwise.
LATER = (2, 4)
_READS = ("Describe", "List", "Get")
_GIVES = {"CreateAlias": "Alias", "RegisterToWorkMail": "Email", "UpdatePrimaryEmailAddress": "Email"}


class Killed(BaseException):
    """The process is gone: nothing of it catches this."""


# --- the world and its breaking point --------------------------------------------------------------------------------

Strike = Callable[["Breaker", str, Mapping[str, object]], dict[str, object]]


class Breaker:
    """Between syncd and the service: *strike* happens at the *at*-th writing call about somebody who leaves.

    It notes who was *struck*, and each address that was given away *too_early*: before its leaver was deregistered.
    """

    def __init__(self, line: Line, world: "TroubledWorld") -> None:
        self.line = line
        self.world = world
        self.leavers: dict[EntityId, Key] = {}
        self.owned: dict[str, EntityId] = {}
        self.too_early: list[str] = []
        self.seen = 0
        self.struck: Key | None = None
        self._at = 0
        self._strike: Strike | None = None

    def arm(self, at: int, strike: Strike) -> None:
        self.seen, self._at, self._strike = 0, at, strike

    def call(self, operation: str, params: Mapping[str, object]) -> dict[str, object]:
        if operation.startswith(_READS):
            return self.line.call(operation, params)
        concerned = [key for identity, key in self.leavers.items() if identity in params.values()]
        self.seen += bool(concerned)
        if concerned and self.struck is None and self._strike is not None and self.seen == self._at:
            self.struck = concerned[0]
            return self._strike(self, operation, params)
        return self.through(operation, params)

    def through(self, operation: str, params: Mapping[str, object]) -> dict[str, object]:
        """Let the call have its effect."""
        address = fold(str(params.get(_GIVES.get(operation, ""), "")))
        owner = self.owned.get(address)
        early = owner is not None and owner != params.get("EntityId") and self.world.is_enabled(owner)
        answer = self.line.call(operation, params)
        if early:
            self.too_early.append(f"{operation} {address}")
        return answer


@dataclass
class TroubledWorld(LivingWorld):
    """A world with a breaking point, whose process can be told to stop."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.stop = Event()
        self.breaker = Breaker(Line(self.service, self.log), self)
        self.caller = PlainCaller(self.breaker, remember=False)

    def parts(self) -> Parts:
        return replace(super().parts(), stop=self.stop)

    def exit_code(self, desired: Desired) -> int | None:
        """Run a cycle of a process of its own, which may die (None) or be told to stop."""
        self.desired = desired
        self.stop.clear()
        try:
            return self.fresh().exit_code
        except SyncdError as error:
            return error.exit_code
        except Killed:
            return None

    def is_enabled(self, identity: EntityId) -> bool:
        return str(self.documents()[identity]["state"]) == "ENABLED"


# --- scenarios -------------------------------------------------------------------------------------------------------


#: What only a source that shrinks would trip.
_GUARDS = WIDE_OPEN.model_copy(update={"source_shrink": SourceThreshold()})
_EXACT = Manage(aliases="exact", members="exact")
_FRY, _HUBERT = Key("user:fry"), Key("user:hubert")
CREW, OFFICE, LOUNGE = Key("group:crew"), Key("group:office"), Key("group:lounge")
_STAYING = tuple(Key(f"user:{name}") for name in ("leela", "amy", "kif", "zoidberg", "nibbler", "scruffy"))
FIVE = (_FRY, *(Key(f"user:{name}") for name in ("bender", "hermes", "zapp", "mom")))


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Who leaves (they get the status *how*), from what, under which policy.

    *admin* does before what only WorkMail knows of; *newcomer* appears with the removal, and wants what the first
    leaver has.
    """

    name: str
    leavers: tuple[Key, ...] = (_FRY,)
    how: str = "disabled"
    manage: Manage = _EXACT
    guards: GuardSettings = _GUARDS
    admin: Callable[["Play"], None] = lambda _: None
    newcomer: Key | None = None
    approved: bool = False

    @property
    def policy(self) -> Policy:
        """Who is missing leaves at once; the source must not shrink."""
        removal = Removal(after_cycles=1, after=timedelta(0))
        return Policy(mode=Mode.FULL, manage=self.manage, removal=removal, guards=self.guards)


def _aliases(key: Key) -> tuple[str, ...]:
    name = key.partition(":")[2]
    return (f"{name}.alias@{DOMAIN}", f"{name[0]}.{name}@{DOMAIN}")


def _directory(scenario: Scenario) -> Directory:
    """Six who stay, the leavers with two aliases each in two groups; a group with aliases is in another."""
    directory = Directory()
    leaving = [key for key in scenario.leavers if kind_of(key) is Kind.USER]
    for key in (*_STAYING, *leaving):
        directory.put(wanted(key.partition(":")[2], aliases=_aliases(key) if key in leaving else ()))
    directory.put(wanted("crew", kind=Kind.GROUP, aliases=_aliases(CREW), members=(*_STAYING[:2], *leaving)))
    directory.put(wanted("staff", kind=Kind.GROUP, members=(CREW, *_STAYING[1:4], *leaving)))
    directory.put(wanted("office", kind=Kind.GROUP, members=_STAYING[2:5]))
    directory.put(wanted("lounge", kind=Kind.GROUP, members=_STAYING[3:]))
    return directory


def _unmanaged(play: "Play") -> None:
    """WorkMail alone says which aliases the leaver has, and in which groups he is."""
    fry = play.leavers[_FRY]
    for alias in _aliases(_FRY):
        play.world.call("CreateAlias", EntityId=fry, Alias=alias)
    for group in (CREW, OFFICE):
        play.world.call("AssociateMemberToGroup", GroupId=play.bound(group), MemberId=fry)


def _extras(play: "Play") -> None:
    """WorkMail has an alias and two memberships more than the source says; one of the groups isn't ours."""
    fry = play.leavers[_FRY]
    play.world.call("CreateAlias", EntityId=fry, Alias=f"philip@{DOMAIN}")
    club = play.world.call("CreateGroup", Name="club")["GroupId"]
    play.world.call("RegisterToWorkMail", EntityId=club, Email=f"club@{DOMAIN}")
    for group in (play.bound(OFFICE), club):
        play.world.call("AssociateMemberToGroup", GroupId=group, MemberId=fry)


SCENARIOS = (
    Scenario(name="two aliases, two groups"),
    Scenario(name="a newcomer wants the address", newcomer=_HUBERT),
    Scenario(name="aliases and members unmanaged", manage=Manage(aliases=False, members=False), admin=_unmanaged),
    Scenario(name="additive, with extras", manage=Manage(aliases="additive", members="additive"), admin=_extras),
    Scenario(
        name="five leavers, approved",
        leavers=FIVE,
        guards=_GUARDS.model_copy(update={"removals": Threshold(percent=100, count=2)}),
        approved=True,
    ),
    Scenario(name="a group", leavers=(CREW,), how="absent"),
)


# --- playing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How an entity stands: what it holds, where it is a member, and who is a member of it."""

    state: str
    primary: str
    aliases: frozenset[str]
    groups: frozenset[EntityId]
    members: frozenset[EntityId]


NOTHING = Shape(state="", primary="", aliases=frozenset(), groups=frozenset(), members=frozenset())


def shapes(documents: Mapping[EntityId, Document]) -> dict[EntityId, Shape]:
    """Return how everybody stands; of whoever is DISABLED also what is reserved to them."""
    return {
        identity: Shape(
            state=document["state"],
            primary=fold(document.get("email") or ""),
            aliases=frozenset(map(fold, document.get("aliases", ()))),
            groups=frozenset(group for group, other in documents.items() if identity in other["members"]),
            members=frozenset(document["members"]),
        )
        for identity, document in documents.items()
    }


@dataclass(kw_only=True)
class Play:
    """One scenario while it is played: the directory, the world, and how everybody stood before."""

    scenario: Scenario
    directory: Directory
    world: TroubledWorld
    before: dict[EntityId, Shape] = field(default_factory=dict)
    leavers: dict[Key, EntityId] = field(default_factory=dict)
    returned: set[Key] = field(default_factory=set)
    #: What an admin has given to somebody half removed.
    given: Shape = NOTHING
    given_to: Key | None = None
    #: The digest of the plan that was approved.
    approved: str = ""
    exit_codes: list[int | None] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def bound(self, key: Key) -> EntityId:
        return self.world.stores.bindings[key].entity

    @property
    def newcomer(self) -> Wanted | None:
        """The row of who came with the removal."""
        key = self.scenario.newcomer
        return None if key is None else self.directory.rows.get(key)

    @property
    def struck(self) -> Key:
        """Whose removal was struck."""
        assert self.world.breaker.struck is not None, "nothing was struck: that proves nothing"
        return self.world.breaker.struck

    def cycle(self) -> None:
        """Run one cycle, and note how it ended."""
        self.exit_codes.append(self.world.exit_code(self.directory.mapped()))

    def cycles(self, count: int, *, later: tuple[int, ...] = LATER) -> None:
        """Run *count* cycles a minute apart, those that *later* numbers two hours later."""
        for number in range(1, count + 1):
            if number in later:
                self.world.clock.advance(hours=2)
            self.cycle()

    def leave(self) -> None:
        """The leavers leave; where that needs a yes, it is given."""
        for key in self.scenario.leavers:
            self.directory.set_status(key, self.scenario.how)
        if self.scenario.newcomer is not None:
            address = self.directory.rows[self.scenario.leavers[0]].primary
            self.directory.put(wanted("hubert", key=self.scenario.newcomer, primary=address))
        self.world.desired = self.directory.mapped()
        if self.scenario.approved:
            assert self.world.fresh().exit_code == 3
            plan = self.world.fresh_plan()
            self.approved = plan.digest
            self.world.approve(plan)


def opened(scenario: Scenario) -> Play:
    """Return the scenario on the eve of the removal: everybody is in sync."""
    play = Play(scenario=scenario, directory=_directory(scenario), world=TroubledWorld(policy=scenario.policy))
    play.cycle()
    play.leavers = {key: play.bound(key) for key in scenario.leavers}
    scenario.admin(play)
    play.cycle()
    assert play.exit_codes == [0, 0]
    play.exit_codes.clear()
    play.before = shapes(play.world.documents())
    breaker = play.world.breaker
    breaker.leavers = {identity: key for key, identity in play.leavers.items()}
    breaker.owned = {address: identity for identity in breaker.leavers for address in addresses(play.before[identity])}
    return play


def addresses(shape: Shape) -> frozenset[str]:
    return shape.aliases | {shape.primary}


def writing_calls(scenario: Scenario) -> int:
    """Return how many calls an undisturbed removal takes."""
    play = opened(scenario)
    play.leave()
    play.world.breaker.seen = 0
    play.cycle()
    return play.world.breaker.seen
