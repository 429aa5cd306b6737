"""What an operation awaits when its key is under a proposal, and which operation *is* the proposal."""

from dataclasses import replace

from syncd.model.names import Key
from syncd.model.operation import Fact, Operation, enabled, exists, permitted
from syncd.model.situation import Situation
from syncd.model.standing import ProposalKind

#: Adopt and rebind have operations of their own. The others are carried out by what gives this fact: so their
#: approval is spent by the call that does it, and not before.
_CARRIED_BY = {ProposalKind.RECREATE: exists, ProposalKind.REREGISTER: enabled}


def gate(situation: Situation, key: Key) -> frozenset[Fact]:
    """Return what every operation about *key* awaits: the proposal about it carried out, if there is one."""
    proposal = situation.standings.proposals.get(key)
    return frozenset() if proposal is None else frozenset({permitted(proposal.kind, key)})


def carrying(situation: Situation, operation: Operation) -> Operation:
    """Return *operation* as the proposal about its key, if it is what carries that proposal out."""
    proposal = situation.standings.proposals.get(operation.subject)
    fact = None if proposal is None else _CARRIED_BY.get(proposal.kind)
    if proposal is None or fact is None or fact(operation.subject) not in operation.gives:
        return operation
    permission = gate(situation, operation.subject)
    return replace(
        operation,
        reason=proposal.reason,
        awaits=operation.awaits - permission,
        gives=operation.gives | permission,
        proposal=proposal.needs_approval,
    )
