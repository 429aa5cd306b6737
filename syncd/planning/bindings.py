"""How ownership changes with an operation: before it is sent, and after it succeeded."""

from dataclasses import replace

from syncd.model.memory import Binding
from syncd.model.names import EntityId, Key
from syncd.model.operation import Operation
from syncd.model.situation import Situation
from syncd.model.standing import ProposalKind


def before_sending(situation: Situation, operation: Operation) -> Binding | None:
    """Return the binding to write with the intent: a leaver's addresses, so that a return can put them back."""
    prefix, _, key = operation.bundle.partition(":")
    binding = situation.memory.bindings.get(Key(key))
    if prefix != "removal" or binding is None:
        return None
    entity = situation.observed.entities[binding.entity]
    aliases = situation.observed.details.aliases.get(binding.entity, ())
    return replace(binding, addresses=(entity.primary, *sorted(aliases)))


def after_success(
    situation: Situation, operation: Operation, created: EntityId | None
) -> tuple[Binding | None, Key | None]:
    """Return the binding to write with the outcome, and the key whose binding it replaces."""
    key, binding = operation.subject, situation.memory.bindings.get(operation.subject)
    if created is not None:
        return Binding(key=key, entity=created, source=situation.source, since=situation.now), None
    match operation.kind:
        case ProposalKind.ADOPT | ProposalKind.REBIND if operation.entity is not None:
            proposal = situation.standings.proposals[key]
            adopted = Binding(
                key=key, entity=operation.entity, source=situation.source, adopted=True, since=situation.now
            )
            return adopted, proposal.previous
        case "deregister" if binding is not None:
            stored = before_sending(situation, operation) or binding
            return replace(stored, removed_at=situation.now), None
        case "register" if binding is not None and binding.removed_at is not None:
            return replace(binding, removed_at=None, addresses=()), None
        case _:
            return None, None
