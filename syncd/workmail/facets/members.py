"""Members of groups, and the exits of those who leave.

| wanted | member now          | operation                                                              |
|--------|---------------------|------------------------------------------------------------------------|
| yes    | no                  | member.add (needs both ENABLED, `workmail.md` B32)                     |
| no     | yes, wanted nowhere | member.remove, under `members: exact`                                  |
| any    | frozen              | – (a rejected or waiting person stays in every group)                  |
| any    | DISABLED            | – (neither counted nor removed)                                        |
| –      | leaving             | member.remove, in the removal's own bundle                             |
"""

from collections.abc import Iterator, Mapping

from syncd.model.names import EntityId, Key
from syncd.model.operation import Action, Call, Operation, Ref, enabled
from syncd.model.plan import Proposed
from syncd.model.situation import Situation
from syncd.model.state import Detail, State, Wanted
from syncd.planning.proposals import gate


class Members:
    """Keeps who is in which group."""

    name = "members"
    detail: Detail | None = "members"

    def propose(self, situation: Situation) -> Proposed:
        """Return exits of leavers, then joins and exits group by group."""
        if situation.policy.manage.members is False or not situation.desired.has_groups:
            return Proposed(operations=_leavers_exits(situation))
        return Proposed(operations=_operations(situation))


def _operations(situation: Situation) -> Iterator[Operation]:
    yield from _leavers_exits(situation)
    standings, known = situation.standings, situation.observed.details.members
    entity_of = standings.entity_of
    for key, group in sorted(situation.desired.entities.items()):
        if group.kind != "group" or not group.enabled or key in standings.frozen:
            continue
        identity = entity_of.get(key)
        if identity is None:
            if key in standings.newcomers:
                yield from _joins(situation, group, None, group.members)
            continue
        held = known.get(identity)
        if held is None:
            continue
        wanted = {entity_of.get(member) for member in group.members}
        if wanted == held:
            continue
        absent = [member for member in group.members if entity_of.get(member) not in held]
        yield from _joins(situation, group, identity, absent)
        if situation.policy.manage.members == "exact":
            yield from _exits(situation, group, identity, held - wanted)


def _joins(
    situation: Situation, group: Wanted, identity: EntityId | None, members: frozenset[Key] | list[Key]
) -> Iterator[Operation]:
    standings, desired = situation.standings, situation.desired.entities
    for member in sorted(members):
        wanted = desired.get(member)
        if wanted is None or not wanted.enabled or member in standings.frozen:
            continue
        if member in standings.entity_of or member in standings.newcomers:
            yield add(situation, group, identity, wanted)


def _exits(
    situation: Situation, group: Wanted, identity: EntityId, members: frozenset[EntityId] | set[EntityId]
) -> Iterator[Operation]:
    standings, entities = situation.standings, situation.observed.entities
    for member in sorted(members):
        key = standings.key_of.get(member)
        entity = entities.get(member)
        if entity is None or entity.state is not State.ENABLED:
            continue
        if key is not None and (key in standings.frozen or key in standings.leaving):
            continue
        reason = f"not a member in {group.origin}" + ("" if key else "; it is not ours, but the group is")
        yield remove(situation, group.key, identity, member, bundle=f"member:{group.key}:{member}", reason=reason)


def _leavers_exits(situation: Situation) -> Iterator[Operation]:
    """Yield the exits of those who leave, from every group of ours."""
    standings = situation.standings
    if not standings.leaving:
        return
    leavers = {standings.entity_of[key]: key for key in standings.leaving}
    held: Mapping[EntityId, frozenset[EntityId]] = situation.observed.details.members
    for group, members in sorted(held.items()):
        owner = standings.key_of.get(group)
        if owner is None or owner in standings.frozen or owner in standings.leaving:
            continue
        for member in sorted(members & leavers.keys()):
            if situation.observed.entities[member].state is State.ENABLED:
                key = leavers[member]
                yield remove(situation, owner, group, member, bundle=f"removal:{key}", reason=standings.leaving[key])


def add(situation: Situation, group: Wanted, identity: EntityId | None, member: Wanted) -> Operation:
    """Put *member* into *group*; both must be ENABLED."""
    held = situation.standings.entity_of.get(member.key)
    return Operation(
        kind="member.add",
        action=Action.ADD,
        subject=group.key,
        entity=identity,
        bundle=f"member:{group.key}:{member.key}",
        summary=f"add {member.name} to {group.name}",
        reason=group.origin,
        call=Call(
            "AssociateMemberToGroup",
            {
                "GroupId": identity if identity is not None else Ref(group.key),
                "MemberId": held if held is not None else Ref(member.key),
            },
        ),
        after={"member": member.name},
        awaits=gate(situation, group.key) | gate(situation, member.key) | {enabled(group.key), enabled(member.key)},
    )


def remove(
    situation: Situation, group: Key, identity: EntityId, member: EntityId, *, bundle: str, reason: str
) -> Operation:
    """Take *member* out of the group *identity*."""
    entities = situation.observed.entities
    return Operation(
        kind="member.remove",
        action=Action.REMOVE,
        subject=group,
        entity=identity,
        bundle=bundle,
        summary=f"remove {entities[member].name} from {entities[identity].name}",
        reason=reason,
        call=Call("DisassociateMemberFromGroup", {"GroupId": identity, "MemberId": member}),
        before={"member": entities[member].name},
        awaits=gate(situation, group),
        destructive=True,
    )
