"""Refuses to take too many members out of one group or of all groups, and to empty any group.

A nested group stands for the people behind it: everybody in it loses what it is taken out of.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from syncd.guards.counting import CountingGuard, Measure, Row, tallied
from syncd.guards.threshold import Few
from syncd.model.detail import MEMBERS
from syncd.model.names import EntityId, Key, Kind
from syncd.model.operation import Bundle, Operation
from syncd.model.page import Count, Role
from syncd.model.plan import Plan
from syncd.model.situation import Situation
from syncd.model.state import Entity, State
from syncd.model.tally import Tally


class MembershipRemovals(CountingGuard):
    """Counts exits per group; what lies inside a person's removal counts as that removal only."""

    name = Count.MEMBERSHIP_REMOVALS.value
    means = "More members would leave a group than the limit allows."
    counts = frozenset({Count.MEMBERSHIP_REMOVALS})
    few = Few.OUT_OF_A_GROUP

    def tally(self, operation: Operation, situation: Situation) -> Tally | None:
        """Return who leaves the group, and how many people that is."""
        return _exit(operation, situation)

    def measures(self, plan: Plan, situation: Situation) -> Iterator[Measure]:
        """Yield one measure per group that loses members."""
        exits: dict[str, list[tuple[Operation, Tally]]] = defaultdict(list)
        for operation, tally in tallied(self, plan, situation):
            exits[_group(operation)].append((operation, tally))
        leavers: dict[str, int] = defaultdict(int)
        joined: set[str] = set()
        for operation in plan.operations:
            if _refills(operation, situation):
                joined.add(_group(operation))
            elif operation.verb.counts_as in self.counts and operation.counts_as not in self.counts:
                leavers[_group(operation)] += 1
        for group, counted in sorted(exits.items()):
            yield self._of_group(group, counted, situation, plan, leavers[group], refilled=group in joined)

    def _of_group(
        self,
        group: str,
        counted: list[tuple[Operation, Tally]],
        situation: Situation,
        plan: Plan,
        leavers: int,
        *,
        refilled: bool,
    ) -> Measure:
        deferred = sum(map(plan.deferred_as, self.counts))  # of which group isn't known, so they count for each
        known = situation.observed.entities.get(EntityId(group))  # None: a group that isn't made yet, or in no list
        name, scope = known.name if known is not None else group, counted[0][1].scope
        members = list(_members(situation, EntityId(group)))
        rows: dict[Row, int] = {(tally.scope, tally.row): tally.weight for _, tally in counted}
        always = ""
        if len(rows) + deferred + leavers >= len(members) > 0 and not refilled:
            always = f"would empty the group {name!r}:"
        elif any(_is_unread(tally, situation) for _, tally in counted):
            always = f"would take a group, of whose members nothing is known, out of the group {name!r}:"
        return Measure(
            label=f"members of {name!r}",
            what=f"would take members out of the group {name!r}:",
            rows=rows,
            bundles=frozenset(operation.bundle for operation, _ in counted),
            population=sum(_people_behind(situation, member) for member in members),
            earlier=situation.memory.tallied.get((Count.MEMBERSHIP_REMOVALS, scope), ()),
            deferred=deferred,
            gone=True,
            few=self.few,
            always=always,
            about=name,
            scope=scope,
        )


class AllMembershipRemovals(CountingGuard):
    """Counts exits over all groups: a few out of each of many are many."""

    name = "all_membership_removals"
    means = "More memberships would end, over all groups, than the limit allows."
    counts = frozenset({Count.MEMBERSHIP_REMOVALS})
    what = "would end memberships, over all groups:"

    def tally(self, operation: Operation, situation: Situation) -> Tally | None:
        """Return who leaves which group."""
        return _exit(operation, situation)

    def measures(self, plan: Plan, situation: Situation) -> Iterator[Measure]:
        """Yield the one measure, of all memberships in groups of ours."""
        counted = list(tallied(self, plan, situation))
        rows: dict[Row, int] = {(tally.scope, tally.row): tally.weight for _, tally in counted}
        deferred = sum(map(plan.deferred_as, self.counts))
        tallies = situation.memory.tallied.items()
        earlier = [one for (count, _), found in tallies if count in self.counts for one in found]
        if not (rows or deferred or earlier):
            return  # counting them takes a look at every membership, which isn't worth it
        yield Measure(
            label="memberships in all",
            what=self.what,
            rows=rows,
            bundles=frozenset[Bundle](operation.bundle for operation, _ in counted),
            population=_memberships(situation),
            earlier=earlier,
            deferred=deferred,
            gone=True,
            few=Few.OUT_OF_A_GROUP,
        )


def _refills(operation: Operation, situation: Situation) -> bool:
    """Return whether somebody joins who is surely there: ours, ENABLED, and no question about them is open.

    A join that waits for a person, or for a newcomer whom another guard may withhold, leaves the group empty meanwhile.
    """
    if operation.verb.role is not Role.JOINS or operation.destructive:
        return False
    key = Key(str(operation.effect.get("member", "")))
    identity = situation.standings.entity_of.get(key)
    entity = None if identity is None else situation.observed.entities.get(identity)
    proposal = situation.standings.proposals.get(key)
    asked = proposal is not None and proposal.needs_approval
    return entity is not None and entity.state is State.ENABLED and not asked


def _group(operation: Operation) -> str:
    return operation.entity or operation.subject


def _exit(operation: Operation, situation: Situation) -> Tally | None:
    if operation.counts_as is not Count.MEMBERSHIP_REMOVALS:
        return None
    member = str(operation.effect.get("member", operation.id))
    entity = situation.observed.entities.get(EntityId(member))
    weight = 1 if entity is None else _people_behind(situation, entity)
    return Tally(count=Count.MEMBERSHIP_REMOVALS, row=member, scope=operation.subject, weight=weight)


def _members(situation: Situation, group: EntityId) -> Iterator[Entity]:
    """Yield the members of *group* that can be reached; DISABLED ones are neither counted nor removed."""
    entities = situation.observed.entities
    for member in situation.observed.details.of(MEMBERS).get(group, ()):
        entity = entities.get(member)
        if entity is not None and entity.state is State.ENABLED:
            yield entity


def _people_behind(situation: Situation, member: Entity) -> int:
    """Return how many people *member* stands for: one, or all in a group, however deep; of an empty group one."""
    if member.kind is not Kind.GROUP:
        return 1
    found: set[EntityId] = set()
    groups, queue = {member.id}, [member.id]
    while queue:
        for one in _members(situation, queue.pop()):
            if one.kind is not Kind.GROUP:
                found.add(one.id)
            elif one.id not in groups:
                groups.add(one.id)
                queue.append(one.id)
    return max(len(found), 1)


def _is_unread(tally: Tally, situation: Situation) -> bool:
    """Return whether it is about a group of which nobody knows who is in it, or in a group in it."""
    known: Mapping[EntityId, frozenset[EntityId]] = situation.observed.details.of(MEMBERS)
    entity = situation.observed.entities.get(EntityId(tally.row))
    groups = [] if entity is None or entity.kind is not Kind.GROUP else [entity.id]
    seen = set(groups)
    while groups:
        group = groups.pop()
        if group not in known:
            return True
        inner = {one.id for one in _members(situation, group) if one.kind is Kind.GROUP} - seen
        seen |= inner
        groups += inner
    return False


def _memberships(situation: Situation) -> int:
    """Return how many memberships there are in groups of ours, a nested group as the people behind it."""
    standings, entities = situation.standings, situation.observed.entities
    people: dict[EntityId, int] = {}
    total = 0
    for group, members in situation.observed.details.of(MEMBERS).items():
        owner = standings.key_of.get(group)
        frozen = None if owner is None else standings.frozen.get(owner)
        if owner is None or (frozen is not None and frozen.cause.is_out_of_reach):
            continue
        for member in members:
            entity = entities.get(member)
            if entity is None or entity.state is not State.ENABLED:
                continue
            if entity.kind is not Kind.GROUP:
                total += 1
                continue
            if member not in people:
                people[member] = _people_behind(situation, entity)
            total += people[member]
    return total
