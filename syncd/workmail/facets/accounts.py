"""Accounts: whether an entity exists, is ours, and stays.

| entry    | entity                    | operation                                                     |
|----------|---------------------------|---------------------------------------------------------------|
| wanted   | –                         | user.create / group.create (addresses registers it)           |
| wanted   | foreign, matches          | adopt: our binding only; approval, unless `exact` or made by us |
| wanted   | ours under a missing key  | rebind: our binding only; approval                            |
| wanted   | in doubt who this is      | rebind: of one, of all who changed hands, or of a whole source |
| wanted   | bound, but gone           | *recreate*: as without entity, but with approval              |
| wanted   | DISABLED for over 30 days | *re-register*: addresses registers it, with approval          |
| leaving  | ENABLED                   | deregister: starts the 30-day fuse (`workmail.md` B10)        |
| leaving  | DISABLED                  | –                                                             |
"""

from collections.abc import Iterator

from syncd.model.action import Action
from syncd.model.names import Kind
from syncd.model.operation import Bundle, Generated, Operation, Parameter, ended, exists, permitted, removal_of, single
from syncd.model.plan import Proposed
from syncd.model.situation import Situation
from syncd.model.standing import Proposal, ProposalKind, Rebinding
from syncd.model.state import Entity, State, Wanted
from syncd.planning.proposals import carrying, gate
from syncd.planning.rebinding import bundle_of, shown
from syncd.planning.strangers import are_managed, names_of, unplaced, would_leave
from syncd.workmail.calls import make
from syncd.workmail.pages import ACCOUNTS, ADOPT, CREATE, DEREGISTER, OWNER, REBIND


class Accounts:
    """Creates, deregisters, and puts proposals about ownership."""

    name = "accounts"
    things = frozenset({ACCOUNTS.thing, OWNER.thing})

    def propose(self, situation: Situation) -> Proposed:
        """Return creations, deregistrations and proposals."""
        return Proposed(operations=_operations(situation))


def _operations(situation: Situation) -> Iterator[Operation]:
    standings = situation.standings
    for key in sorted(standings.leaving):
        entity = situation.observed.entities[standings.entity_of[key]]
        if entity.state is State.ENABLED:
            yield deregister(situation, entity=entity)
    for _, proposal in sorted(standings.proposals.items()):
        if proposal.kind not in (ProposalKind.ADOPT, ProposalKind.REBIND) or proposal.previous == proposal.key:
            continue  # of a key that stays with its entity, the rebinding asks
        if proposal.key not in standings.frozen:
            yield propose(situation, proposal)
    for rebinding in standings.rebindings:
        yield rebind(situation, rebinding)
    for key in sorted(standings.newcomers):
        yield create(situation, situation.desired.entities[key])


def create(situation: Situation, wanted: Wanted) -> Operation:
    """Make the entity of *wanted*: DISABLED and without mailbox until it is registered (`workmail.md` B1)."""
    user = wanted.kind is Kind.USER
    parameters: dict[str, Parameter] = (
        {"Name": wanted.name, "DisplayName": wanted.display_name, "Password": Generated("password")}
        if user
        else {"Name": wanted.name}
    )
    after = {"name": wanted.name, **({"display_name": wanted.display_name} if user else {})}
    again = wanted.key in situation.standings.lost
    creation = Operation(
        verb=CREATE[wanted.kind],
        action=Action.ADD,
        subject=wanted.key,
        entity=None,
        bundle=single("create", wanted.key),
        summary=f"{'recreate' if again else 'create'} {wanted.kind.value} {wanted.name}"
        + ("; what the old one held is lost" if again else ""),
        reason=f"new in {wanted.origin}",
        call=make(CREATE[wanted.kind], wanted.kind, None, **parameters),
        effect=after,
        after=after,
        awaits=gate(situation, wanted.key),
        gives=frozenset({exists(wanted.key)}),
    )
    return carrying(situation, creation)


def deregister(situation: Situation, *, entity: Entity) -> Operation:
    """Take the mailbox (or the group's address) away; it can be put back while the fuse burns."""
    subject = situation.standings.key_of[entity.id]
    fuse = situation.observed.organization.fuse.get(entity.kind)
    lost = f"; its mailbox can be put back for {fuse.days} days, then it is destroyed" if fuse else ""
    return Operation(
        verb=DEREGISTER,
        action=Action.REMOVE,
        subject=subject,
        entity=entity.id,
        bundle=removal_of(subject),
        summary=f"deregister {entity.kind.value} {entity.name}{lost}",
        reason=situation.standings.leaving[subject],
        call=make(DEREGISTER, entity.kind, entity.id),
        effect={},
        gives=frozenset({ended(subject)}),
        before={"state": "ENABLED", "primary": entity.primary},
        after={"state": "DISABLED"},
    )


def propose(situation: Situation, proposal: Proposal) -> Operation:
    """Put *proposal*, an adoption or a rebinding, as an operation without a call: it changes only what we remember."""
    entity = situation.observed.entities[proposal.entity] if proposal.entity else None
    wanted = situation.desired.entities[proposal.key]
    adopts = proposal.kind is ProposalKind.ADOPT
    return Operation(
        verb=ADOPT if adopts else REBIND,
        action=Action.ADD if adopts else Action.CHANGE,
        subject=proposal.key,
        entity=proposal.entity,
        bundle=single("proposal", proposal.key),
        summary=f"adopt {wanted.kind.value} {entity.name if entity else ''} as {proposal.key}"
        if adopts
        else f"rebind {wanted.name} from {proposal.previous} to {proposal.key}",
        reason=proposal.reason + _strangers(situation, wanted),
        call=None,
        effect={"key": proposal.key, "previous": proposal.previous or ""},
        before={"key": proposal.previous} if proposal.previous else {},
        after={"key": proposal.key},
        gives=frozenset({permitted(proposal.kind, proposal.key)}),
        proposal=proposal.needs_approval,
    )


def rebind(situation: Situation, rebinding: Rebinding) -> Operation:
    """Put *rebinding*, of however many keys, as one operation without a call."""
    before, after = shown(situation, rebinding)
    return Operation(
        verb=REBIND,
        action=Action.CHANGE,
        subject=rebinding.key,
        entity=None,
        bundle=Bundle.parse(bundle_of(rebinding)),
        summary=rebinding.summary,
        reason=rebinding.reason,
        call=None,
        effect=rebinding.effect,
        before=before,
        after=after,
        gives=frozenset(
            permitted(ProposalKind.REBIND, key) for key in rebinding.moves if key in situation.standings.proposals
        ),
        proposal=rebinding.needs_approval,
    )


def _strangers(situation: Situation, wanted: Wanted) -> str:
    """Return who would leave a group that becomes ours, as people read it: an approval covers just these."""
    if wanted.kind is not Kind.GROUP or not are_managed(situation) or unplaced(situation, wanted):
        return ""
    found = would_leave(situation, wanted)
    return f"; who isn't listed there leaves it then: {names_of(situation, found)}" if found else ""
