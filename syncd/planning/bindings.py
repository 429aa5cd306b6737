"""How ownership changes with an operation: before it is sent, and after it succeeded."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from syncd.model.action import Action
from syncd.model.detail import ALIASES, MEMBERS
from syncd.model.look import Look, look_of
from syncd.model.memory import Binding
from syncd.model.names import EntityId, Key, Kind, fold, kind_of
from syncd.model.operation import Bundle, BundleKind, Operation, removal_of, rollback_of
from syncd.model.page import Role
from syncd.model.plan import Plan
from syncd.model.policy import Mode
from syncd.model.report import Outcome, Result
from syncd.model.situation import Situation
from syncd.model.standing import ProposalKind
from syncd.model.state import State
from syncd.planning.exchanges import before_moving
from syncd.planning.ownership import is_parking
from syncd.planning.strangers import are_managed


def remembered(situation: Situation, key: Key) -> Binding | None:
    """Return the binding of *key*, or that of the key which it is proposed to replace."""
    proposal = situation.standings.proposals.get(key)
    previous = None if proposal is None else proposal.previous
    return situation.memory.bindings.get(key if previous is None else previous)


def before_sending(situation: Situation, freed: Mapping[Bundle, int], operation: Operation) -> Binding | None:
    """Return the binding to write with the intent: all that a leaver holds before the first step of its removal.

    So a return, or giving the removal up, can put it back, wherever the program ends. *freed* are the removals that an
    approval frees, with its number: revoking it gives them up.
    """
    if operation.bundle.kind is BundleKind.MOVE:
        return before_moving(situation, operation)
    memento = _memento(situation, operation)
    if memento is None or memento.approval is not None:
        return memento
    return replace(memento, approval=freed.get(operation.bundle))


def _memento(situation: Situation, operation: Operation) -> Binding | None:
    if operation.bundle.kind is not BundleKind.REMOVAL:
        return None
    binding = situation.memory.bindings.get(Key(operation.bundle.key))
    if binding is None:
        return None
    entity = situation.observed.entities[binding.entity]
    aliases = situation.observed.details.of(ALIASES).get(binding.entity, ())
    has = [entity.primary, *sorted(aliases)]
    # What was given up before, by a removal that goes on, is remembered already.
    owed = binding.owed and binding.removed_at is None
    before = binding if binding.began_at is not None or owed else replace(binding, addresses=(), groups=())
    holds = [address for address in has if address and not is_parking(address)]
    kept = dict.fromkeys([*holds, *before.addresses] if owed else [*before.addresses, *holds])
    members = situation.observed.details.of(MEMBERS)
    groups = dict.fromkeys([*before.groups, *sorted(g for g, inside in members.items() if binding.entity in inside)])
    began = binding.began_at or situation.now
    held = replace(binding, addresses=tuple(kept), groups=tuple(groups))
    return replace(held, began_at=began, stuck="", stuck_under="")


def after_failure(situation: Situation, operation: Operation, code: str) -> Binding | None:
    """Return the binding to write with an outcome that no later try would change: its removal is given up."""
    begun = _memento(situation, operation)
    return None if begun is None else replace(begun, stuck=code, stuck_under=situation.configuration)


def rolled_back(situation: Situation, plan: Plan, outcomes: Iterable[Outcome]) -> Iterator[Binding]:
    """Yield the bindings of those whose removal was given up, and who have everything back after *outcomes*.

    A plan that left something for later may have left something of this.
    """
    if plan.deferred:
        return
    applied = {outcome.operation.id for outcome in outcomes if outcome.result is Result.APPLIED}
    steps = (operation for operation in plan.operations if operation.bundle.kind is BundleKind.ROLLBACK)
    lacking = {operation.bundle.key for operation in steps if operation.id not in applied}
    for key in situation.standings.rollbacks:
        if key in situation.memory.begun and key not in lacking:
            yield replace(situation.memory.bindings[key], began_at=None, approval=None, addresses=(), groups=())


def begun_bundles(situation: Situation) -> Iterator[Bundle]:
    """Yield the removals that an earlier cycle began, and what gives them back."""
    for key in situation.memory.begun:
        yield from (removal_of(key), rollback_of(key))


def ended_elsewhere(situation: Situation) -> Iterator[Binding]:
    """Yield the bindings of those whose removal is over though no outcome says so.

    The answer to its last step was lost, or an administrator took that step: they are out of use, or gone.
    """
    for binding in situation.memory.begun.values():
        entity = situation.observed.entities.get(binding.entity)
        if entity is None or entity.state is not State.ENABLED:
            yield replace(binding, began_at=None, approval=None, removed_at=situation.now)


def begun_anew(situation: Situation) -> Iterator[Binding]:
    """Yield the bindings of those whose removal was given up for good, and who are back: the next one is another."""
    for binding in situation.memory.given_up.values():
        wanted = situation.desired.entities.get(binding.key)
        if wanted is not None and wanted.enabled:
            yield replace(binding, stuck="", stuck_under="")


def newly_enabled(situation: Situation) -> Iterator[Key]:
    """Yield whose entity is seen ENABLED as ours for the first time: if it is DISABLED later, somebody did that."""
    entities = situation.observed.entities
    for key, binding in situation.memory.bindings.items():
        entity = None if binding.seen_enabled else entities.get(binding.entity)
        if entity is not None and entity.state is State.ENABLED:
            yield key


def given_back(situation: Situation, plan: Plan) -> Iterator[Binding]:
    """Yield the bindings of those who are back, and to whom nothing of *plan* gives what they had before.

    A plan that left something for later may have left something of this.
    """
    details, standings = situation.observed.details, situation.standings
    owing = [binding for binding in situation.memory.mementos.values() if binding.owed]
    if not owing or plan.deferred or situation.policy.mode is Mode.OBSERVE:
        return
    adding = [operation for operation in plan.operations if operation.action is Action.ADD]
    busy = {key for operation in adding for key in (operation.subject, operation.effect.get("member"))}
    for binding in owing:
        wanted, entity = situation.desired.entities.get(binding.key), situation.observed.entities.get(binding.entity)
        if wanted is None or not wanted.enabled or entity is None or entity.state is not State.ENABLED:
            continue
        settled = binding.key not in busy and binding.key not in standings.frozen
        if settled and (not binding.addresses or binding.entity in details.of(ALIASES)):
            yield replace(binding, addresses=(), groups=(), removed_at=None)


def after_success(
    situation: Situation, operation: Operation, created: EntityId | None
) -> tuple[Binding | None, Key | None]:
    """Return the binding to write with the outcome, and the key whose binding it replaces."""
    key, binding = operation.subject, remembered(situation, operation.subject)
    if created is not None:
        managed = kind_of(key) is Kind.GROUP and are_managed(situation)
        bound = Binding(key=key, entity=created, source=situation.source, since=situation.now, members_managed=managed)
        return replace(bound, look=_look(situation, key)), None
    if operation.entity is None:
        return None, None
    proposal = situation.standings.proposals.get(key)
    owns = proposal.kind if proposal is not None and operation.verb.role is Role.OWNS else None
    match owns or operation.verb.role:
        case ProposalKind.ADOPT:
            adopted = Binding(
                key=key,
                entity=operation.entity,
                source=situation.source,
                adopted=True,
                since=situation.now,
                look=_look(situation, key),
            )
            return adopted, None
        case ProposalKind.REBIND if binding is not None:
            look = _look(situation, key)
            return replace(binding, key=key, source=situation.source, since=situation.now, look=look), binding.key
        case Role.ENDS | Role.ENABLES if binding is None or binding.entity != operation.entity:
            return None, None  # about an entity that its own operation has just bound; ours, if any, is lost
        case Role.ENDS if binding is not None:
            stored = _memento(situation, operation) or binding
            return replace(stored, removed_at=situation.now, began_at=None, approval=None), None
        case Role.ENABLES if binding is not None and (binding.removed_at or binding.began_at) is not None:
            return _back(situation, replace(binding, key=key)), None
        case _:
            return None, None


def _look(situation: Situation, key: Key) -> Look | None:
    wanted = situation.desired.entities.get(key)
    return None if wanted is None else look_of(wanted)


def _back(situation: Situation, binding: Binding) -> Binding:
    """Return the binding of somebody registered again: what the directory doesn't say is owed until it was given."""
    manage = situation.policy.manage
    return replace(
        binding,
        source=situation.source,
        removed_at=None,
        began_at=None,
        approval=None,
        addresses=() if manage.aliases == "exact" else binding.addresses,
        groups=() if manage.members == "exact" else binding.groups,
    )


def reserved_addresses(situation: Situation) -> Mapping[str, Key]:
    """Return the addresses (folded) of removals that aren't over: nobody gets them before, so all can be undone."""
    standings, aliases = situation.standings, situation.observed.details.of(ALIASES)
    found: dict[str, Key] = {}
    for key, binding in situation.memory.begun.items():
        found.update(dict.fromkeys(map(fold, binding.addresses), key))
    for key in standings.leaving:
        entity = situation.observed.entities[standings.entity_of[key]]
        found.update(dict.fromkeys(map(fold, filter(None, (entity.primary, *aliases.get(entity.id, ())))), key))
    return found
