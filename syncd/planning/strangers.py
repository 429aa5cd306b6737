"""Who is in a group that its entry doesn't list, and may they be taken out?

| the group's members                      | a stranger, found in it                                          |
|------------------------------------------|------------------------------------------------------------------|
| aren't ours to manage                    | stays                                                            |
| list somebody who can't be placed        | stays: the stranger may be that very person                      |
| have become ours (adoption, a new        | leaves once a person approved just that; asked for once, with    |
| mapping of members, `manage`)            | the adoption where there is one                                  |
| are ours since they were found in order  | leaves within the guards: that is what `exact` says              |

A stranger is whoever the entry doesn't list, ours or not. That a group was found in order is remembered with its
binding, and forgotten as soon as its members aren't managed any more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from syncd.model.detail import MEMBERS
from syncd.model.memory import Binding
from syncd.model.names import EntityId, Key, Kind, kind_of
from syncd.model.plan import Note
from syncd.model.situation import Situation
from syncd.model.state import State, Wanted

_SHOWN = 5


def are_managed(situation: Situation) -> bool:
    """Return whether the directory says who is in a group, and nobody else may be."""
    desired = situation.desired
    return situation.policy.manage.members == "exact" and Kind.GROUP in desired.read and desired.lists_members


def must_be_asked_for(situation: Situation, group: Key) -> bool:
    """Return whether the strangers in *group* leave by approval only: it was never found in order."""
    proposal = situation.standings.proposals.get(group)
    rebound = None if proposal is None else proposal.previous
    binding = situation.memory.bindings.get(group if rebound is None else rebound)
    return binding is None or not binding.members_managed


def unplaced(situation: Situation, group: Wanted) -> str:
    """Return whom *group* lists and nobody can place, as people read it; "" when everybody has a place.

    A newcomer has one: no entity matches it, so that it is none of the strangers.
    """
    desired, standings = situation.desired, situation.standings
    for member in sorted(group.members):
        if standings.entity_of.get(member) is None and member not in standings.newcomers:
            frozen = standings.frozen.get(member)
            rejected = next((each.reason for each in desired.rejections if each.key == member), "")
            why = str(frozen) if frozen is not None else rejected and f"rejected: {rejected}"
            return f"{member} ({why})" if why else str(member)
    if group.key in desired.unplaced:
        first = desired.outsiders.get(group.key, ())
        return f"{', '.join(first[:_SHOWN])}, which names nobody" if first else "somebody whom no entry is"
    return ""


def strangers(situation: Situation, group: Wanted) -> frozenset[EntityId]:
    """Return the members of the entity of *group* whom the entry doesn't list, ghosts and leavers left out."""
    standings, entities = situation.standings, situation.observed.entities
    identity = standings.entity_of.get(group.key)
    held = situation.observed.details.of(MEMBERS).get(identity, frozenset()) if identity is not None else frozenset()
    wanted = {standings.entity_of.get(member) for member in group.members}
    return frozenset(
        member
        for member in held - wanted
        if member in entities
        and entities[member].state is not State.DELETED
        and standings.key_of.get(member) not in standings.leaving
    )


def would_leave(situation: Situation, group: Wanted) -> frozenset[EntityId]:
    """Return the strangers who can be taken out of *group* now: enabled, and not frozen."""
    standings, entities = situation.standings, situation.observed.entities
    return frozenset(
        member
        for member in strangers(situation, group)
        if entities[member].state is State.ENABLED and standings.key_of.get(member) not in standings.frozen
    )


def names_of(situation: Situation, members: frozenset[EntityId]) -> str:
    """Return the names of *members*, the first few, with the number of the others."""
    names = sorted(situation.observed.entities[member].name for member in members)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def note_of(situation: Situation, group: Wanted) -> Note | None:
    """Return what is to be told of the strangers in *group*, None where there is nothing."""
    found = would_leave(situation, group)
    if not found:
        return None
    who, why = names_of(situation, found), unplaced(situation, group)
    if why:
        text = f"keeps {who}, whom {group.origin} doesn't list, since it lists {why}"
        return Note(code="strangers_stay", subject=group.key, text=text)
    if must_be_asked_for(situation, group.key):
        text = f"holds {who}, whom {group.origin} doesn't list: approve that they leave, or add them there"
        return Note(code="strangers_found", subject=group.key, text=text)
    return None


def found_in_order(situation: Situation, said: Mapping[Key, Binding]) -> Iterator[Binding]:
    """Yield the bindings of the groups whose members become ours to manage, or cease to be.

    *said* are bindings that are about to be written: these rest on them.
    """
    standings, managed = situation.standings, are_managed(situation)
    details = situation.observed.details.of(MEMBERS)
    for key, binding in situation.memory.bindings.items():
        if kind_of(key) is not Kind.GROUP or key in standings.lost or binding.members_managed is managed:
            continue
        group = situation.desired.entities.get(key)
        if managed and (
            group is None
            or not group.enabled
            or key in standings.frozen
            or standings.entity_of.get(key) not in details
            or strangers(situation, group)
        ):
            continue
        yield replace(said.get(key, binding), members_managed=managed)
