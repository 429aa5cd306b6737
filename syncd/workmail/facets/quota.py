"""Quota: how many MB a mailbox may hold.

| wanted | held     | operation                                                                |
|--------|----------|--------------------------------------------------------------------------|
| a      | b        | quota.update                                                             |
| a      | newcomer | quota.update, after the registration                                     |
| a      | not read | – (not ENABLED yet: only who is has one that can be set, `workmail.md` B44) |
| –      | b        | – (not managed)                                                          |

A smaller one deletes no mail and can be made larger again, so that no guard counts it.
"""

from collections.abc import Iterator

from syncd.model.action import Action
from syncd.model.names import EntityId
from syncd.model.operation import Operation, Ref, enabled, single
from syncd.model.plan import Proposed
from syncd.model.situation import Situation
from syncd.model.state import Wanted
from syncd.planning.proposals import gate
from syncd.workmail.calls import make
from syncd.workmail.pages import GIVEN_QUOTA, QUOTA, QUOTAS, UPDATE_QUOTA


class Quotas:
    """Keeps how much mail a user may have."""

    name = "quota"
    things = frozenset({QUOTAS.thing})

    def propose(self, situation: Situation) -> Proposed:
        """Return the updates, in the order of keys."""
        return Proposed(operations=_operations(situation))


def _operations(situation: Situation) -> Iterator[Operation]:
    standings, held = situation.standings, situation.observed.details.of(QUOTA)
    given = {key: one for key, one in situation.desired.entities.items() if GIVEN_QUOTA.name in one.given}
    for key, wanted in sorted(given.items()):
        quota = wanted.given[GIVEN_QUOTA.name]
        if not wanted.enabled or key in standings.frozen:
            continue
        identity = standings.entity_of.get(key)
        if identity is None:
            if key in standings.newcomers:
                yield update(situation, wanted, None, before=None, after=quota)
        elif identity in held and held[identity] != quota:
            yield update(situation, wanted, identity, before=held[identity], after=quota)


def update(
    situation: Situation, wanted: Wanted, identity: EntityId | None, *, before: int | None, after: int
) -> Operation:
    """Set the quota to *after* MB."""
    target = identity if identity is not None else Ref(wanted.key)
    return Operation(
        verb=UPDATE_QUOTA,
        action=Action.CHANGE if identity is not None else Action.ADD,
        subject=wanted.key,
        entity=identity,
        bundle=single("quota", wanted.key),
        summary=f"set quota of {wanted.name} to {after} MB",
        reason=wanted.origin,
        call=make(UPDATE_QUOTA, wanted.kind, target, MailboxQuota=after),
        effect={"quota": f"{after} MB"},
        before={} if before is None else {"quota": f"{before} MB"},
        after={"quota": f"{after} MB"},
        awaits=gate(situation, wanted.key) | {enabled(wanted.key)},
    )
