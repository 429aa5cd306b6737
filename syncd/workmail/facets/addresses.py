"""Addresses: primary addresses and aliases of users, groups and resources, one namespace, planned together.

| step of the solver | operation      | call                       |
|--------------------|----------------|----------------------------|
| register           | register       | RegisterToWorkMail         |
| promote            | primary.change | UpdatePrimaryEmailAddress  |
| take               | alias.add      | CreateAlias                |
| release            | alias.remove   | DeleteAlias                |
| park               | address.park   | UpdatePrimaryEmailAddress  |

Making an address the primary of somebody who isn't ENABLED is the registration, so this facet alone registers.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from syncd.model.action import Action
from syncd.model.detail import ALIASES
from syncd.model.names import EntityId, Key, fold, kind_of
from syncd.model.operation import (
    Bundle,
    BundleKind,
    Fact,
    Operation,
    Ref,
    demoted,
    enabled,
    ended,
    exists,
    free,
    holds,
    removal_of,
    rollback_of,
    single,
)
from syncd.model.page import Verb
from syncd.model.plan import Note, Proposed
from syncd.model.situation import Situation
from syncd.model.state import Entity, State, Wanted
from syncd.planning import exchanges
from syncd.planning.addresses import solve
from syncd.planning.bindings import remembered, reserved_addresses
from syncd.planning.ownership import (
    Act,
    Extras,
    Obstacle,
    Party,
    Solution,
    Status,
    Step,
    StepCause,
    Wait,
    blocked_newcomers,
    is_parking,
    parking_address,
    settled,
)
from syncd.planning.proposals import carrying, gate
from syncd.workmail.calls import make
from syncd.workmail.pages import ADD_ALIAS, ADDRESSES, CHANGE_PRIMARY, PARK, REGISTER, REMOVE_ALIAS

_EXTRAS = {"exact": Extras.REMOVED, "additive": Extras.KEPT, False: Extras.UNMANAGED}
_NOTHING: frozenset[str] = frozenset()


class Addresses:
    """Gives every address to whom the directory gives it."""

    name = "addresses"
    things = frozenset({ADDRESSES.thing})

    def propose(self, situation: Situation) -> Proposed:
        """Return the operations, what has to wait, and the newcomers of whom nothing may be created."""
        solution = self.solve(situation)
        if situation.memory.exchanges:
            situation = exchanges.undone(situation, solution.waits)
            solution = self.solve(situation)
        moves = _Moves(situation, solution)
        return Proposed(operations=moves.operations(), notes=moves.notes(), blocked=moves.blocked())

    def solve(self, situation: Situation) -> Solution:
        """Return who gives, takes and changes which address; only those whom it concerns are looked at closely."""
        organization = situation.observed.organization
        return solve(
            _Cast(situation).parties(),
            default_domain=organization.default_domain,
            limit=situation.limits.aliases,
            spared_domain=_test_domain(situation),
        )


def _test_domain(situation: Situation) -> str:
    """Return the domain on which WorkMail makes aliases by itself: they are no extras (`workmail.md` C)."""
    return f"{fold(situation.observed.organization.alias)}.awsapps.com"


class _Cast:
    """Finds the parties of a situation: those who move, and those who hold what these want."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.standings = situation.standings
        self.entities = situation.observed.entities
        self.aliases = situation.observed.details.of(ALIASES)
        self.extras = _EXTRAS[situation.policy.manage.aliases]

    def parties(self) -> list[Party]:
        """Return everybody whom a move could touch."""
        movers = (*self._leavers(), *self._given_up(), *self._claimants(), *self._owed())
        moving = {party.key: party for party in movers}
        return [*moving.values(), *self._holders(moving)] if moving else []

    def _owed(self) -> Iterator[Party]:
        """Yield who is back, but was not given back all that they had before their removal."""
        for key, binding in self.situation.memory.mementos.items():
            wanted, entity = self.situation.desired.entities.get(key), self._entity(key)
            if not (binding.addresses and binding.owed) or wanted is None or entity is None:
                continue
            is_back = entity.state is State.ENABLED and self._may_want(key, wanted)
            if is_back and self._is_ours(key, entity) and self.extras is not Extras.REMOVED:
                yield replace(self._holding(key, entity, Status.STAYING, wanted), returning=binding.addresses)

    def _leavers(self) -> Iterator[Party]:
        for key in self.standings.leaving:
            entity = self._entity(key)
            if entity is not None and entity.state is State.ENABLED and self._is_ours(key, entity):
                yield self._holding(key, entity, Status.LEAVING)

    def _given_up(self) -> Iterator[Party]:
        """Yield whose removal or exchange is given up: they get back what it took, besides what they hold."""
        for key in self.standings.rollbacks:
            entity, binding = self._entity(key), remembered(self.situation, key)
            had = () if binding is None else exchanges.owed_back(self.situation, binding)
            if entity is None or not had:
                continue
            now = self._holding(key, entity, Status.STAYING)
            kept = dict.fromkeys([*had[1:], *(address for address in now.aliases if not is_parking(address))])
            yield replace(now, wanted_primary=had[0], wanted_aliases=tuple(kept), extras=Extras.KEPT, reclaims=True)

    def _claimants(self) -> Iterator[Party]:
        """Yield whoever doesn't have what the directory gives them. This loop runs over everybody, in every cycle."""
        domain, entity_of, entities = _test_domain(self.situation), self.standings.entity_of, self.entities
        aliases, extras = self.aliases, self.extras
        for key, wanted in self.situation.desired.entities.items():
            identity = entity_of.get(key)
            entity = entities.get(identity) if identity is not None else None
            if entity is not None and entity.state is State.ENABLED:
                held = aliases.get(entity.id)
                how = extras if held is not None else Extras.UNMANAGED
                if settled(entity.primary, held or (), wanted.primary, wanted.aliases, how, domain):
                    continue
                if self._may_want(key, wanted) and self._is_ours(key, entity):
                    yield self._holding(key, entity, Status.STAYING, wanted)
            elif self._may_join(key, wanted, entity):
                yield self._joining(wanted)

    def _may_want(self, key: Key, wanted: Wanted) -> bool:
        return wanted.enabled and key not in self.standings.frozen and key not in self.standings.leaving

    def _may_join(self, key: Key, wanted: Wanted, entity: Entity | None) -> bool:
        if not self._may_want(key, wanted):
            return False
        if entity is None or entity.state is State.DELETED:
            return key in self.standings.newcomers
        return self._is_ours(key, entity)

    def _is_ours(self, key: Key, entity: Entity) -> bool:
        return key not in self.standings.frozen and not entity.untouchable

    def _joining(self, wanted: Wanted) -> Party:
        """A return puts back what was held, where aliases may be more than the directory says."""
        binding = remembered(self.situation, wanted.key)
        removed = binding is not None and (binding.removed_at or binding.began_at) is not None
        returns = removed and self.extras is not Extras.REMOVED
        return Party(
            key=wanted.key,
            status=Status.JOINING,
            wanted_primary=wanted.primary,
            wanted_aliases=wanted.aliases,
            extras=self.extras,
            returning=binding.addresses if binding is not None and returns else (),
        )

    def _holding(self, key: str, entity: Entity, status: Status, wanted: Wanted | None = None) -> Party:
        """Aliases that weren't read are not managed in this cycle: nothing is known about them."""
        held = self.aliases.get(entity.id)
        return Party(
            key=key,
            status=status,
            primary=entity.primary,
            aliases=held or (),
            wanted_primary=wanted.primary if wanted is not None else "",
            wanted_aliases=wanted.aliases if wanted is not None else (),
            extras=self.extras if held is not None else Extras.UNMANAGED,
            entity=entity.id,
        )

    def _holders(self, moving: Mapping[str, Party]) -> Iterator[Party]:
        """Yield whoever else holds something that the *moving* ones want, or would park on."""
        claims: set[str] = set()
        domain = self.situation.observed.organization.default_domain
        for party in moving.values():
            claims.update(map(fold, (party.wanted_primary, *party.wanted_aliases, *party.returning)))
            if party.primary:
                claims.add(fold(parking_address(party.parks_as, domain)))
        claims.discard("")
        key_of, aliases = self.standings.key_of, self.aliases
        for entity in self.entities.values():
            held = aliases.get(entity.id, _NOTHING) if entity.state is State.ENABLED else _NOTHING
            if fold(entity.primary) not in claims and claims.isdisjoint(map(fold, held)):
                continue
            if entity.state is not State.DELETED and key_of.get(entity.id, "") not in moving:
                yield self._holder(entity)

    def _holder(self, entity: Entity) -> Party:
        """Of whoever isn't ENABLED nobody knows whether an address that is shown is still held (`workmail.md` B13)."""
        key = self.standings.key_of.get(entity.id)
        key = key if entity.state is State.ENABLED else None
        wanted = None if key is None else self.situation.desired.entities.get(key)
        if key is not None and wanted is not None and self._may_want(key, wanted) and self._is_ours(key, entity):
            return self._holding(key, entity, Status.STAYING, wanted)
        return self._holding(_stranger(entity.id), entity, Status.FIXED)

    def _entity(self, key: Key) -> Entity | None:
        identity = self.standings.entity_of.get(key)
        return None if identity is None else self.entities.get(identity)


def _stranger(identity: EntityId) -> str:
    """Return the party key of whoever only stands in the way: no key of the source has this form."""
    return f"entity:{identity}"


@dataclass(frozen=True, slots=True)
class _Form:
    """How a step looks as an operation; *summary* takes name and address."""

    verb: Verb
    action: Action
    member: str
    field: str
    summary: str


_FORMS = {
    Act.REGISTER: _Form(REGISTER, Action.ADD, "Email", "primary", "register {name} as {address}"),
    Act.TAKE: _Form(ADD_ALIAS, Action.ADD, "Alias", "alias", "add alias {address} to {name}"),
    Act.PROMOTE: _Form(
        CHANGE_PRIMARY,
        Action.CHANGE,
        "Email",
        "primary",
        "make {address} the primary address of {name}",
    ),
    Act.RELEASE: _Form(REMOVE_ALIAS, Action.REMOVE, "Alias", "alias", "remove alias {address} from {name}"),
    Act.PARK: _Form(PARK, Action.REMOVE, "Email", "primary", "park {name} on {address}"),
}


class _Moves:
    """Turns a solution into operations and notes."""

    def __init__(self, situation: Situation, solution: Solution) -> None:
        self.situation = situation
        self.solution = solution
        self.reserved = reserved_addresses(situation)

    def operations(self) -> Iterator[Operation]:
        """Yield one operation a step, party by party."""
        for step in self.solution.steps:
            yield self._operation(step)

    def notes(self) -> tuple[Note, ...]:
        """Return a note for each claim that waits (who holds the address, why, until when), and for who is parked."""
        waits = self.solution.waits
        waiting = (Note(code="address_waits", subject=wait.party, text=self._waiting(wait)) for wait in waits)
        return (*waiting, *exchanges.notes(self.situation))

    def blocked(self) -> Mapping[Key, str]:
        """Return the newcomers who get nothing, with the reason."""
        blocked = blocked_newcomers(self.solution)
        return {
            Key(wait.party): self._waiting(wait)
            for wait in self.solution.waits
            if wait.primary and wait.party in blocked
        }

    # --- operations ------------------------------------------------------------------------------------

    def _operation(self, step: Step) -> Operation:
        key, form = Key(step.party), _FORMS[step.act]
        entity = self._entity(key)
        target = Ref(key) if entity is None else entity.id
        kind = kind_of(key) if entity is None else entity.kind
        gone = step.address if step.act is Act.RELEASE else step.demotes
        operation = Operation(
            verb=form.verb,
            action=form.action,
            subject=key,
            entity=None if entity is None else entity.id,
            bundle=self._bundle(step, form),
            summary=form.summary.format(name=self._name(key), address=step.address),
            reason=self._reason(step),
            call=make(form.verb, kind, target, **{form.member: step.address}),
            # Where somebody is parked is our own affair: the same parking is the same operation.
            effect={} if step.act is Act.PARK else {form.field: step.address},
            before={form.field: gone} if gone else {},
            after={} if step.act is Act.RELEASE else {form.field: step.address},
            awaits=self._awaits(step, entity),
            gives=_gives(step),
            tidies=step.act is Act.RELEASE and step.cause is StepCause.PARKED,
        )
        return carrying(self.situation, operation)

    def _bundle(self, step: Step, form: _Form) -> Bundle:
        if step.party in self.situation.standings.leaving:
            return removal_of(Key(step.party))
        if step.party in self.situation.standings.rollbacks:
            return rollback_of(Key(step.party))
        if step.group:
            return Bundle(BundleKind.MOVE, hashlib.sha256(" ".join(step.group).encode()).hexdigest()[:12])
        return single(form.verb.name, step.party, fold(step.address))

    def _awaits(self, step: Step, entity: Entity | None) -> frozenset[Fact]:
        """Return what isn't true at the start; that a newcomer exists follows from its registration."""
        key = Key(step.party)
        facts = {*gate(self.situation, key), *(free(address) for address in step.frees)}
        leaver = self.reserved.get(fold(step.address))
        if step.act in _TAKING and leaver is not None and leaver != key:
            facts.add(ended(leaver))
        if step.demoted:
            facts.add(demoted(key, fold(step.address)))
        if step.act is Act.REGISTER:
            facts |= {exists(key)} if entity is None else set()
        elif entity is None or entity.state is not State.ENABLED:
            facts.add(enabled(key))
        return frozenset(facts)

    def _reason(self, step: Step) -> str:
        why = self.situation.standings.rollbacks.get(Key(step.party))
        return self._cause(step) if why is None else why

    def _cause(self, step: Step) -> str:
        key, name = Key(step.party), self._name(Key(step.party))
        match step.cause:
            case StepCause.LEAVING:
                return f"{name} is leaving: {self.situation.standings.leaving.get(key, 'no longer wanted')}"
            case StepCause.CLAIMED if step.act is Act.PARK:
                return f"addresses go round: {step.demotes} is wanted by {self._claimant(step.claimant)}"
            case StepCause.CLAIMED:
                return f"{step.address} is wanted by {self._claimant(step.claimant)}"
            case StepCause.EXTRA:
                return f"no longer in {self._origin(key)}"
            case StepCause.PARKED:
                return "it served while addresses were exchanged"
            case StepCause.RETURN:
                return f"{name} had it before the removal{self._removed_on(key)}"
            case StepCause.WISH if step.act is Act.TAKE:
                return f"wanted by {self._origin(key)}"
            case StepCause.WISH:
                return f"the primary address in {self._origin(key)}"

    def _removed_on(self, key: Key) -> str:
        binding = remembered(self.situation, key)
        at = None if binding is None else binding.removed_at
        return "" if at is None else f" on {at:%Y-%m-%d}"

    # --- waiting ---------------------------------------------------------------------------------------

    def _waiting(self, wait: Wait) -> str:
        key = Key(wait.party)
        entity = self._entity(key)
        if not wait.primary:
            outcome = "the rest goes on"
        elif wait.party in self.solution.blocked:
            outcome = "nothing of it is registered" if entity is not None else "nothing of it is created"
        else:
            outcome = f"it keeps {entity.primary if entity is not None else 'what it has'}"
        kind = "primary address" if wait.primary else "alias"
        return f"{self._name(key)} waits for its {kind} {wait.address}: {self._obstacle(wait)}; {outcome}"

    def _obstacle(self, wait: Wait) -> str:
        match wait.obstacle:
            case Obstacle.HELD:
                return self._held(wait.holder)
            case Obstacle.FULL:
                limit = self.situation.limits.aliases
                return (
                    f"there is no room beside {limit} aliases, and an old primary address becomes one too; "
                    f"take one out of {self._origin(Key(wait.party))}"
                )
            case Obstacle.CONTESTED:
                return f"{self._claimant(wait.holder)} wants it too, and comes first"
            case Obstacle.KEPT if any(w.party == wait.holder and w.primary for w in self.solution.waits):
                return f"{self._claimant(wait.holder)} keeps it until its own new one is free"
            case Obstacle.KEPT:
                return f"it is the primary address of {self._claimant(wait.holder)}"

    def _held(self, holder: str) -> str:
        """Say who holds an address that nobody may touch, why not, and until when."""
        identity = EntityId(holder.partition(":")[2])
        entity, standings = self.situation.observed.entities.get(identity), self.situation.standings
        key = standings.key_of.get(identity)
        who = f"the {entity.kind.value} {entity.name}" if entity is not None else self._claimant(holder)
        if key is None:
            return f"{who} holds it and is not ours; until it gives it up, or is adopted"
        pending = standings.waiting.get(key)
        if pending is not None:
            due = f"due {pending.due_at:%Y-%m-%d %H:%M}Z" if pending.due_at else "not due yet"
            return f"{who} holds it; until its removal, {due} ({pending.why})"
        if key in standings.frozen:
            return f"{who} holds it and is frozen ({standings.frozen[key]}); until that is settled"
        if entity is not None and entity.state is not State.ENABLED:
            return f"{who} is not ENABLED and still shows it; until it is deleted, or gives it up"
        return f"{who} holds it and stays as it is in this cycle; until the directory says what becomes of it"

    # --- who is who ------------------------------------------------------------------------------------

    def _entity(self, key: Key) -> Entity | None:
        identity = self.situation.standings.entity_of.get(key)
        entity = None if identity is None else self.situation.observed.entities.get(identity)
        return None if entity is None or entity.state is State.DELETED else entity

    def _name(self, key: Key) -> str:
        wanted = self.situation.desired.entities.get(key)
        entity = self._entity(key)
        return wanted.name if wanted is not None else entity.name if entity is not None else str(key)

    def _origin(self, key: Key) -> str:
        wanted = self.situation.desired.entities.get(key)
        return wanted.origin if wanted is not None else str(key)

    def _claimant(self, key: str) -> str:
        return f"{self._name(Key(key))} ({self._origin(Key(key))})" if key else "nobody"


_TAKING = frozenset({Act.TAKE, Act.PROMOTE, Act.REGISTER})


def _gives(step: Step) -> frozenset[Fact]:
    key, address = Key(step.party), fold(step.address)
    if step.act is Act.RELEASE:
        return frozenset({free(address)})
    facts = {holds(key, address)}
    if step.act is Act.REGISTER:
        facts.add(enabled(key))
    if step.demotes:
        facts.add(demoted(key, fold(step.demotes)))
    return frozenset(facts)
