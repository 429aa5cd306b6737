"""Members of groups, and the exits of those who leave.

| wanted | member now          | operation                                                              |
|--------|---------------------|------------------------------------------------------------------------|
| yes    | no                  | member.add (needs both ENABLED, `workmail.md` B32)                     |
| no     | yes, wanted nowhere | member.remove, under `members: exact` (needs the group ENABLED, B32);  |
|        |                     | of strangers as `planning/strangers.py` says                           |
| any    | frozen              | – (a rejected or waiting person stays in every group)                  |
| any    | DISABLED            | – (neither counted nor removed)                                        |
| –      | leaving             | member.remove, in the removal's own bundle                             |
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from syncd.model.action import Action
from syncd.model.detail import MEMBERS
from syncd.model.memory import Binding
from syncd.model.names import EntityId, Key, Kind
from syncd.model.operation import Bundle, Operation, Ref, apart, enabled, removal_of, rollback_of, single
from syncd.model.plan import Proposed
from syncd.model.situation import Situation
from syncd.model.state import Entity, State, Wanted
from syncd.planning.proposals import gate
from syncd.planning.strangers import are_managed, must_be_asked_for, note_of, unplaced
from syncd.workmail.calls import make, named
from syncd.workmail.pages import ADD_MEMBER, MEMBERSHIPS, REMOVE_MEMBER


class Members:
    """Keeps who is in which group."""

    name = "members"
    things = frozenset({MEMBERSHIPS.thing})

    def propose(self, situation: Situation) -> Proposed:
        """Return exits of leavers, then joins and exits group by group."""
        desired = situation.desired
        if situation.policy.manage.members is False or Kind.GROUP not in desired.read or not desired.lists_members:
            operations = (*_leavers_exits(situation), *_given_back(situation))
            return Proposed(operations=operations)
        groups = sorted(_differing(situation), key=lambda group: group.key)
        notes = filter(None, (note_of(situation, group) for group in groups if are_managed(situation)))
        return Proposed(operations=(*_operations(situation, groups), *_given_back(situation)), notes=tuple(notes))


def _operations(situation: Situation, groups: list[Wanted]) -> Iterator[Operation]:
    known = situation.observed.details.of(MEMBERS)
    unnested: list[Operation] = []
    for operation in (*_leavers_exits(situation), *_all_exits(situation, groups)):
        if named(operation, "MemberId") in known:
            unnested.append(operation)
        yield operation
    for operation in _all_joins(situation, groups):
        yield _after_circles(operation, unnested, known) if unnested else operation


def _all_exits(situation: Situation, groups: list[Wanted]) -> Iterator[Operation]:
    entity_of, known = situation.standings.entity_of, situation.observed.details.of(MEMBERS)
    for group in groups:
        identity = entity_of.get(group.key)
        if identity is not None and are_managed(situation) and not unplaced(situation, group):
            wanted = {entity_of.get(member) for member in group.members}
            yield from _exits(situation, group, identity, known[identity] - wanted)


def _all_joins(situation: Situation, groups: list[Wanted]) -> Iterator[Operation]:
    entity_of, known = situation.standings.entity_of, situation.observed.details.of(MEMBERS)
    for group in groups:
        identity = entity_of.get(group.key)
        held = known[identity] if identity is not None else frozenset()
        absent = [member for member in group.members if entity_of.get(member) not in held]
        yield from _joins(situation, group, identity, absent)


def _differing(situation: Situation) -> Iterator[Wanted]:
    """Yield the groups whose members differ. This loop runs over every membership, in every cycle."""
    standings, known = situation.standings, situation.observed.details.of(MEMBERS)
    entity_of, frozen = standings.entity_of, standings.frozen
    for key, group in situation.desired.entities.items():
        if group.kind is not Kind.GROUP or not group.enabled or key in frozen:
            continue
        identity = entity_of.get(key)
        if identity is None:
            if key in standings.newcomers:
                yield group
        elif identity in known and known[identity] != set(map(entity_of.get, group.members)):
            yield group


def _joins(situation: Situation, group: Wanted, identity: EntityId | None, members: list[Key]) -> Iterator[Operation]:
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
    asks = must_be_asked_for(situation, group.key)
    for member in sorted(members):
        key = standings.key_of.get(member)
        entity = entities.get(member)
        if entity is None or entity.state is not State.ENABLED:
            continue
        if key is not None and (key in standings.frozen or key in standings.leaving):
            continue
        reason = f"not a member in {group.origin}" + ("" if key else "; it is not ours, but the group is")
        bundle = single("member", group.key, member)
        exit_ = remove(situation, group.key, identity, member, bundle=bundle, reason=reason)
        asked = f"{reason}; it was in it when its members became ours to manage"
        yield replace(exit_, proposal=True, reason=asked) if asks else exit_


def _leavers_exits(situation: Situation) -> Iterator[Operation]:
    """Yield the exits of those who leave, from every group of ours that can be changed now.

    Nobody stays for the sake of a group that waits for something itself.
    """
    standings = situation.standings
    if not standings.leaving:
        return
    leavers = {standings.entity_of[key]: key for key in standings.leaving}
    held: Mapping[EntityId, frozenset[EntityId]] = situation.observed.details.of(MEMBERS)
    for group, members in sorted(held.items()):
        owner = standings.key_of.get(group)
        if owner is None or owner in standings.frozen or owner in standings.leaving or owner in standings.proposals:
            continue
        if situation.observed.entities[group].state is not State.ENABLED:
            continue
        for member in sorted(members & leavers.keys()):
            if situation.observed.entities[member].state is State.ENABLED:
                key = leavers[member]
                yield remove(situation, owner, group, member, bundle=removal_of(key), reason=standings.leaving[key])


def _given_back(situation: Situation) -> Iterator[Operation]:
    """Yield the joins that put people back into the groups that a removal took them out of.

    That removal was given up; or its end is undone by a return, where the directory doesn't say who is a member.
    """
    standings, policy = situation.standings, situation.policy
    for key, binding in sorted(situation.memory.mementos.items()):
        gives_up = key in standings.rollbacks
        returns = policy.manage.members != "exact" and _returns(situation, binding)
        if not (gives_up or returns):
            continue
        for group in binding.groups:
            entity, owner = situation.observed.entities.get(group), standings.key_of.get(group)
            held = situation.observed.details.of(MEMBERS).get(group)
            if entity is None or owner is None or held is None or entity.state is not State.ENABLED:
                continue
            if binding.entity not in held:
                yield _rejoin(situation, owner, entity, binding, whole=gives_up)


def _returns(situation: Situation, binding: Binding) -> bool:
    wanted, entity = situation.desired.entities.get(binding.key), situation.observed.entities.get(binding.entity)
    is_back = wanted is not None and wanted.enabled and binding.key not in situation.standings.frozen
    return (
        is_back
        and entity is not None
        and (entity.state is State.DISABLED or (entity.state is State.ENABLED and binding.owed))
    )


def _rejoin(situation: Situation, owner: Key, group: Entity, binding: Binding, *, whole: bool) -> Operation:
    name = situation.observed.entities[binding.entity].name
    return Operation(
        verb=ADD_MEMBER,
        action=Action.ADD,
        subject=owner,
        entity=group.id,
        bundle=rollback_of(binding.key) if whole else single("member", owner, binding.key),
        summary=f"add {name} to {group.name}",
        reason=f"{name} was in it before the removal",
        call=make(ADD_MEMBER, Kind.GROUP, group.id, MemberId=binding.entity),
        effect={"member": binding.key},
        after={"member": name},
        awaits=gate(situation, owner) | gate(situation, binding.key) | {enabled(owner), enabled(binding.key)},
    )


def _after_circles(
    join: Operation, unnested: list[Operation], known: Mapping[EntityId, frozenset[EntityId]]
) -> Operation:
    """Let *join* come after the exits without which a group would contain itself (`workmail.md` B33)."""
    outer, inner = named(join, "GroupId"), named(join, "MemberId")
    if inner not in known or outer not in known:
        return join
    below = _reached(inner, known)
    inside = [operation for operation in unnested if operation.entity in below]
    circle = [one for one in inside if outer in _reached(named(one, "MemberId"), known)]
    return replace(join, awaits=join.awaits.union(*(operation.gives for operation in circle)))


def _reached(group: object, known: Mapping[EntityId, frozenset[EntityId]]) -> set[object]:
    """Return *group* and all groups in it, however deep."""
    found, queue = {group}, [group]
    while queue:
        for member in known.get(queue.pop(), ()):  # type: ignore[call-overload]  # whatever isn't an id isn't known
            if member in known and member not in found:
                found.add(member)
                queue.append(member)
    return found


def add(situation: Situation, group: Wanted, identity: EntityId | None, member: Wanted) -> Operation:
    """Put *member* into *group*; both must be ENABLED."""
    held = situation.standings.entity_of.get(member.key)
    return Operation(
        verb=ADD_MEMBER,
        action=Action.ADD,
        subject=group.key,
        entity=identity,
        bundle=single("member", group.key, member.key),
        summary=f"add {member.name} to {group.name}",
        reason=group.origin,
        call=make(
            ADD_MEMBER,
            Kind.GROUP,
            identity if identity is not None else Ref(group.key),
            MemberId=held if held is not None else Ref(member.key),
        ),
        effect={"member": member.key},
        after={"member": member.name},
        awaits=gate(situation, group.key) | gate(situation, member.key) | {enabled(group.key), enabled(member.key)},
    )


def remove(
    situation: Situation, group: Key, identity: EntityId, member: EntityId, *, bundle: Bundle, reason: str
) -> Operation:
    """Take *member* out of the group *identity*."""
    entities, who = situation.observed.entities, situation.standings.key_of.get(member)
    return Operation(
        verb=REMOVE_MEMBER,
        action=Action.REMOVE,
        subject=group,
        entity=identity,
        bundle=bundle,
        summary=f"remove {entities[member].name} from {entities[identity].name}",
        reason=reason,
        call=make(REMOVE_MEMBER, Kind.GROUP, identity, MemberId=member),
        effect={"member": member},
        before={"member": entities[member].name},
        gives=frozenset({apart(identity, member)}),
        awaits=gate(situation, group) | (gate(situation, who) if who else frozenset()) | {enabled(group)},
    )
