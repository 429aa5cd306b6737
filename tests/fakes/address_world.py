"""A little organization that knows nothing but addresses, and is strict about them (`workmail.md` B9, B13, B22 to B29).

It refuses more than the service does: what a good plan never asks for, such as removing an alias that
isn't there, is an error here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations, product
from random import Random

from syncd.model.limits import Limits
from syncd.model.memory import Binding, Memory
from syncd.model.names import EntityId, Key, Kind, fold, identity_of, kind_of
from syncd.model.observed import Observed
from syncd.model.operation import Operation, Ref
from syncd.model.plan import Note
from syncd.model.policy import Manage, Mode, Policy
from syncd.model.situation import Situation
from syncd.model.standing import Freeze, Frozen, Standings
from syncd.model.state import Entity, Organization, State, Wanted
from syncd.planning.dependencies import StartingFacts, link, rank
from syncd.planning.ownership import is_parking
from syncd.workmail.facets.accounts import create, deregister
from syncd.workmail.facets.addresses import Addresses
from syncd.workmail.observe import FUSE
from syncd.workmail.pages import PAGES
from tests.builders import NOW, SOURCE, desired, known, limits

DOMAIN = "corp.example"
DEFAULT_DOMAIN = "corp.awsapps.com"


class Refused(Exception):
    """The service's answer: the code says why."""


@dataclass(slots=True)
class Holder:
    """An entity and what it holds; addresses as written."""

    id: EntityId
    kind: Kind
    name: str
    state: State = State.DISABLED
    primary: str = ""
    aliases: list[str] = field(default_factory=list)

    @property
    def addresses(self) -> list[str]:
        """Everything it holds, the primary first."""
        return [self.primary, *self.aliases] if self.primary else list(self.aliases)


@dataclass(slots=True, kw_only=True)
class AddressWorld:
    """The organization. *reserves* is the answer to B13: does a deregistered entity keep its addresses to itself?"""

    reserves: bool = True
    limit: int = 100
    holders: dict[EntityId, Holder] = field(default_factory=dict)
    reserved: dict[str, EntityId] = field(default_factory=dict)
    calls: int = 0

    def add(self, name: str, primary: str = "", aliases: Iterable[str] = (), kind: Kind = Kind.USER) -> EntityId:
        """Put an entity there, ENABLED if it has a *primary*."""
        identity = EntityId(f"id-{name}")
        state = State.ENABLED if primary else State.DISABLED
        self.holders[identity] = Holder(identity, kind, name, state, primary, list(aliases))
        return identity

    def send(self, operation: Operation) -> None:
        """Carry *operation* out, or refuse it; either way nothing is held twice afterwards."""
        call = operation.call
        if call is None:
            return
        self.calls += 1
        parameters = {
            name: f"id-{identity_of(value.key)}" if isinstance(value, Ref) else value
            for name, value in call.parameters.items()
        }
        if call.operation in ("CreateUser", "CreateGroup"):
            self.add(str(parameters["Name"]), kind=kind_of(operation.subject))
            return
        holder = self.holders.get(EntityId(str(parameters["EntityId"])))
        if holder is None:
            raise Refused("EntityNotFoundException")
        address = str(parameters.get("Email", parameters.get("Alias", "")))
        _CALLS[call.operation](self, holder, address)
        self.check()

    def check(self) -> None:
        """Nobody ever holds what another does, has an alias too many, or a primary among the aliases."""
        seen: set[str] = set()
        for holder in self.holders.values():
            mine = [fold(address) for address in holder.addresses]
            assert seen.isdisjoint(mine), f"held twice: {seen.intersection(mine)}"
            seen.update(mine)
            assert len(set(mine)) == len(mine), f"{holder.name} holds an address twice"
            assert len(holder.aliases) <= self.limit, f"{holder.name} has too many aliases"

    def _must_be_free(self, address: str, holder: Holder) -> None:
        for other in self.holders.values():
            if fold(address) in map(fold, other.addresses):
                raise Refused("EmailAddressInUseException" if other is not holder else "needless")
        if self.reserved.get(fold(address), holder.id) != holder.id:
            raise Refused("EmailAddressInUseException")

    def register(self, holder: Holder, address: str) -> None:
        """B3, B4, B9; whatever was reserved stays so, but is not back by itself."""
        if holder.state is not State.DISABLED:
            raise Refused("EntityAlreadyRegisteredException")
        self._must_be_free(address, holder)
        holder.state, holder.primary = State.ENABLED, address
        self.reserved.pop(fold(address), None)

    def deregister(self, holder: Holder, _: str = "") -> None:
        """B10, B13."""
        _must_be_enabled(holder)
        if self.reserves:
            self.reserved |= {fold(address): holder.id for address in holder.addresses}
        holder.state, holder.primary, holder.aliases = State.DISABLED, "", []

    def make_primary(self, holder: Holder, address: str) -> None:
        """B27, B28, B29."""
        _must_be_enabled(holder)
        own = [alias for alias in holder.aliases if fold(alias) == fold(address)]
        if not own:
            self._must_be_free(address, holder)
            if len(holder.aliases) >= self.limit:
                raise Refused("LimitExceededException")
        holder.aliases = [alias for alias in holder.aliases if alias not in own] + [holder.primary]
        holder.primary = address
        self.reserved.pop(fold(address), None)

    def add_alias(self, holder: Holder, address: str) -> None:
        """B22, B23, B25."""
        _must_be_enabled(holder)
        self._must_be_free(address, holder)
        if len(holder.aliases) >= self.limit:
            raise Refused("LimitExceededException")
        holder.aliases.append(address)
        self.reserved.pop(fold(address), None)

    def remove_alias(self, holder: Holder, address: str) -> None:
        """B22, B26: a primary address can't be removed."""
        _must_be_enabled(holder)
        rest = [alias for alias in holder.aliases if fold(alias) != fold(address)]
        if len(rest) == len(holder.aliases):
            raise Refused("InvalidParameterException" if fold(holder.primary) == fold(address) else "needless")
        holder.aliases = rest


_CALLS: Mapping[str, Callable[[AddressWorld, Holder, str], None]] = {
    "RegisterToWorkMail": AddressWorld.register,
    "DeregisterFromWorkMail": AddressWorld.deregister,
    "UpdatePrimaryEmailAddress": AddressWorld.make_primary,
    "CreateAlias": AddressWorld.add_alias,
    "DeleteAlias": AddressWorld.remove_alias,
}


def _must_be_enabled(holder: Holder) -> None:
    if holder.state is not State.ENABLED:
        raise Refused("EntityStateException")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the directory and the operator want of an AddressWorld.

    Who is ENABLED and not in *wants* leaves, unless *fixed* (frozen) or *foreign* says otherwise.
    """

    wants: tuple[Wanted, ...]
    fixed: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    manage: str = "exact"
    bindings: tuple[Binding, ...] = ()

    def situation(self, world: AddressWorld) -> Situation:
        """What syncd knows before a cycle."""
        ours = {
            Key(f"{holder.kind.value}:{holder.name}"): holder.id
            for holder in world.holders.values()
            if holder.name not in self.foreign
        }
        wanted = {one.key for one in self.wants}
        frozen = {key: "outside the pilot" for key in ours if identity_of(key) in self.fixed}
        leaving = {
            key: "missing since 2026-02-01"
            for key, identity in ours.items()
            if key not in wanted and key not in frozen and world.holders[identity].state is State.ENABLED
        }
        return Situation(
            pages=PAGES,
            organization="corp",
            source=SOURCE,
            configuration="as it is",
            policy=Policy(
                mode=Mode.FULL,
                manage=Manage.model_validate({"aliases": self.manage if self.manage != "false" else False}),
            ),
            limits=replace_limit(world.limit),
            desired=desired(*self.wants),
            observed=observe(world),
            memory=Memory(bindings={binding.key: binding for binding in self.bindings}),
            standings=Standings(
                entity_of=ours,
                key_of={identity: key for key, identity in ours.items()},
                leaving=leaving,
                frozen={key: Frozen(Freeze.PENDING, why) for key, why in frozen.items()},
                newcomers=frozenset(wanted.difference(ours)),
            ),
            now=NOW,
        )


def replace_limit(aliases: int) -> Limits:
    """The usual limits, with room for so many *aliases*."""
    return replace(limits(), aliases=aliases)


def observe(world: AddressWorld) -> Observed:
    """What the lists and ListAliases say."""
    return Observed(
        organization=Organization(
            id="m-0123456789abcdef0123456789abcdef",
            alias="corp",
            default_domain=DEFAULT_DOMAIN,
            domains={DOMAIN: True, DEFAULT_DOMAIN: True},
            fuse=FUSE,
        ),
        entities={
            holder.id: Entity(holder.id, holder.kind, holder.name, holder.name, holder.primary, holder.state)
            for holder in world.holders.values()
        },
        details=known(
            aliases={
                holder.id: frozenset(holder.aliases)
                for holder in world.holders.values()
                if holder.state is State.ENABLED
            }
        ),
    )


def plan(situation: Situation) -> tuple[tuple[Operation, ...], Sequence[Note]]:
    """The linked operations of the addresses facet, with creations and deregistrations around them."""
    proposed = Addresses().propose(situation)
    standings, entities = situation.standings, situation.observed.entities
    operations = [
        *proposed.operations,
        *(
            create(situation, situation.desired.entities[key])
            for key in sorted(standings.newcomers.difference(proposed.blocked))
        ),
        *(deregister(situation, entity=entities[standings.entity_of[key]]) for key in sorted(standings.leaving)),
    ]
    linked, waiting = link(operations, StartingFacts(situation))
    assert not waiting, f"these await what nothing gives: {waiting}"
    return linked, proposed.notes


Chooser = Callable[[Sequence[Operation]], Operation]


def run(
    world: AddressWorld,
    operations: Sequence[Operation],
    choose: Chooser,
    fails: Callable[[Operation], bool] = lambda _: False,
) -> list[Operation]:
    """Send *operations* in a topological order that *choose* picks; return those that failed or were skipped."""
    open_ones = list(operations)
    ids = {operation.id for operation in operations}
    ended: set[str] = set()
    lost: list[Operation] = []
    while open_ones:
        ready = [one for one in open_ones if ((one.needs | one.follows) & ids) <= ended]
        assert ready, f"a circle: {[one.summary for one in open_ones]}"
        chosen = choose(ready)
        open_ones.remove(chosen)
        ended.add(chosen.id)
        if any(one.id in chosen.needs for one in lost) or fails(chosen):
            lost.append(chosen)
        else:
            world.send(chosen)
    return lost


def in_order(ready: Sequence[Operation]) -> Operation:
    """Choose what the plan would send first."""
    return min(ready, key=lambda one: (rank(one), one.subject, one.kind, one.id))


def first(ready: Sequence[Operation]) -> Operation:
    """Choose the first by key and kind."""
    return min(ready, key=lambda one: (one.subject, one.kind, one.id))


def last(ready: Sequence[Operation]) -> Operation:
    """Choose the last by key and kind."""
    return max(ready, key=lambda one: (one.subject, one.kind, one.id))


def chance(seed: int) -> Chooser:
    """Choose by chance."""
    random = Random(seed)
    return lambda ready: random.choice(sorted(ready, key=lambda one: one.id))


# --- every reassignment, up to renaming ------------------------------------------------------------------------------

#: Per address: nobody's, or whose, and whether as primary.
Ownership = tuple[tuple[int, bool] | None, ...]


def ownerships(entities: int, addresses: int) -> list[Ownership]:
    """Every way to hold *addresses*: one primary at most each, and no alias without a primary."""
    options = [None, *product(range(entities), (True, False))]
    found = []
    for state in product(options, repeat=addresses):
        primaries = [cell[0] for cell in state if cell is not None and cell[1]]
        owners = {cell[0] for cell in state if cell is not None}
        if len(primaries) == len(set(primaries)) and owners == set(primaries):
            found.append(state)
    return found


def reassignments(entities: int, addresses: int) -> Iterator[tuple[int, Ownership, Ownership]]:
    """Yield every (number of users, before, after), up to renaming users, groups (the others) and addresses."""
    states = ownerships(entities, addresses)
    for users in range(entities + 1):
        people = permutations(range(users))
        lists = list(permutations(range(users, entities)))
        who = [one + two for one in people for two in lists]
        renamings = list(product(who, permutations(range(addresses))))
        for before in states:
            keeps = _stabilizer(before, renamings)
            if keeps is None:
                continue
            seen: set[Ownership] = set()
            for after in states:
                if after not in seen:
                    seen.update(_renamed(after, one) for one in keeps)
                    yield users, before, after


_Renaming = tuple[tuple[int, ...], tuple[int, ...]]


def _stabilizer(state: Ownership, renamings: Iterable[_Renaming]) -> list[_Renaming] | None:
    """The renamings that leave *state* as it is; None when another state stands for it."""
    mine, keeps = _rank(state), []
    for renaming in renamings:
        other = _renamed(state, renaming)
        if other == state:
            keeps.append(renaming)
        elif _rank(other) < mine:
            return None
    return keeps


def _rank(state: Ownership) -> tuple[tuple[int, bool], ...]:
    return tuple((-1, False) if cell is None else cell for cell in state)


def _renamed(state: Ownership, renaming: _Renaming) -> Ownership:
    who, where = renaming
    result: list[tuple[int, bool] | None] = [None] * len(state)
    for address, cell in enumerate(state):
        result[where[address]] = None if cell is None else (who[cell[0]], cell[1])
    return tuple(result)


def world_of(users: int, entities: int, before: Ownership, *, reserves: bool) -> AddressWorld:
    """The world in which *before* is true. Users without address don't exist yet, groups without are DISABLED."""
    world = AddressWorld(reserves=reserves)
    for number in range(entities):
        primary, aliases = _held(before, number)
        if primary or number >= users:
            world.add(f"e{number}", primary, aliases, Kind.USER if number < users else Kind.GROUP)
    return world


def wants_of(users: int, entities: int, after: Ownership) -> tuple[Wanted, ...]:
    """The directory in which *after* is wanted."""
    wants = []
    for number in range(entities):
        primary, aliases = _held(after, number)
        kind = Kind.USER if number < users else Kind.GROUP
        if primary:
            key = Key(f"{kind.value}:e{number}")
            origin = f"people.csv:{number + 2}"
            wants.append(Wanted(key, kind, origin, f"e{number}", "", True, primary, tuple(aliases), {}, frozenset()))
    return tuple(wants)


def check_one_pass(
    users: int, before: Ownership, after: Ownership, *, manage: str, choosers: Sequence[tuple[bool, Chooser]]
) -> tuple[Operation, ...]:
    """Assert that one plan turns *before* into *after*, in each order and under each answer to B13; return the plan."""
    entities = 1 + max((cell[0] for cell in (*before, *after) if cell is not None), default=-1)
    wants = wants_of(users, entities, after)
    wish = Wish(wants=wants, manage=manage)
    world = world_of(users, entities, before, reserves=True)
    operations, notes = plan(wish.situation(world))
    assert not notes
    for reserves, choose in choosers:
        world = world_of(users, entities, before, reserves=reserves)
        assert not run(world, operations, choose)
        check_wish(world, wants, exact=manage == "exact")
    if operations:
        assert plan(wish.situation(world)) == ((), ()), "the second plan is not empty"
    return operations


def check_wish(world: AddressWorld, directory: Iterable[Wanted], *, exact: bool) -> None:
    """Assert that everybody holds what they want, and nobody else holds anything."""
    wanted = {EntityId(f"id-{one.name}"): one for one in directory}
    for identity, holder in world.holders.items():
        one = wanted.pop(identity, None)
        if one is None:
            assert holder.state is State.DISABLED, f"{holder.name} stayed"
            continue
        assert fold(holder.primary) == fold(one.primary), f"{holder.name} has {holder.primary}, wants {one.primary}"
        held, wants = set(map(fold, holder.aliases)), set(map(fold, one.aliases))
        assert wants <= held, f"{holder.name} lacks an alias"
        assert not (held - wants if exact else any(map(is_parking, held))), f"{holder.name} has too many"
    assert not wanted, "somebody was not created"


def _held(state: Ownership, number: int) -> tuple[str, list[str]]:
    written = {address: f"a{address}@{DOMAIN}" for address in range(len(state))}
    aliases = [written[address] for address, cell in enumerate(state) if cell == (number, False)]
    primaries = [written[address] for address, cell in enumerate(state) if cell == (number, True)]
    return (primaries or [""])[0], aliases
