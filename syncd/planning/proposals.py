"""What an operation awaits when its key is under a proposal."""

from syncd.model.names import Key
from syncd.model.operation import Fact, permitted
from syncd.model.situation import Situation


def gate(situation: Situation, key: Key) -> frozenset[Fact]:
    """Return what every operation about *key* awaits: the proposal about it carried out, if there is one."""
    proposal = situation.standings.proposals.get(key)
    return frozenset() if proposal is None else frozenset({permitted(proposal.kind, key)})
