"""How ownership changes with an operation: before it is sent, and after it succeeded."""

from dataclasses import replace

from syncd.model.detail import ALIASES
from syncd.model.memory import Binding
from syncd.model.names import EntityId, Key
from syncd.model.operation import BundleKind, Operation
from syncd.model.page import Role
from syncd.model.situation import Situation
from syncd.model.standing import ProposalKind
from syncd.planning.ownership import is_parking


def remembered(situation: Situation, key: Key) -> Binding | None:
    """Return the binding of *key*, or that of the key which it is proposed to replace."""
    proposal = situation.standings.proposals.get(key)
    previous = None if proposal is None else proposal.previous
    return situation.memory.bindings.get(key if previous is None else previous)


def before_sending(situation: Situation, operation: Operation) -> Binding | None:
    """Return the binding to write with the intent: a leaver's addresses, so that a return can put them back."""
    if operation.bundle.kind is not BundleKind.REMOVAL:
        return None
    binding = situation.memory.bindings.get(Key(operation.bundle.key))
    if binding is None:
        return None
    entity = situation.observed.entities[binding.entity]
    aliases = situation.observed.details.of(ALIASES).get(binding.entity, ())
    held = [entity.primary, *sorted(aliases)]
    # A removal that got stuck is tried again: what was given up the first time is remembered already.
    kept = dict.fromkeys([*binding.addresses, *(address for address in held if address and not is_parking(address))])
    return replace(binding, addresses=tuple(kept))


def after_success(
    situation: Situation, operation: Operation, created: EntityId | None
) -> tuple[Binding | None, Key | None]:
    """Return the binding to write with the outcome, and the key whose binding it replaces."""
    key, binding = operation.subject, remembered(situation, operation.subject)
    if created is not None:
        return Binding(key=key, entity=created, source=situation.source, since=situation.now), None
    if operation.entity is None:
        return None, None
    proposal = situation.standings.proposals.get(key)
    owns = proposal.kind if proposal is not None and operation.verb.role is Role.OWNS else None
    match owns or operation.verb.role:
        case ProposalKind.ADOPT:
            adopted = Binding(
                key=key, entity=operation.entity, source=situation.source, adopted=True, since=situation.now
            )
            return adopted, None
        case ProposalKind.REBIND if binding is not None:
            return replace(binding, key=key, source=situation.source, since=situation.now), binding.key
        case Role.ENDS | Role.ENABLES if binding is None or binding.entity != operation.entity:
            return None, None  # about an entity that its own operation has just bound; ours, if any, is lost
        case Role.ENDS if binding is not None:
            stored = before_sending(situation, operation) or binding
            return replace(stored, removed_at=situation.now), None
        case Role.ENABLES if binding is not None and binding.removed_at is not None:
            back = replace(binding, key=key, source=situation.source, removed_at=None, addresses=())
            return back, None
        case _:
            return None, None
