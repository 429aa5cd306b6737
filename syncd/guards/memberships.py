"""Refuses to take too many members out of one group, and to empty any group."""

from collections import defaultdict
from collections.abc import Iterator

from syncd.guards.threshold import budget, exceeds, limit_of, refusal
from syncd.model.detail import MEMBERS
from syncd.model.names import EntityId
from syncd.model.operation import Operation
from syncd.model.page import Count, Role
from syncd.model.plan import Finding, Plan
from syncd.model.situation import Situation
from syncd.model.state import State


class MembershipRemovals:
    """Counts exits per group; what lies inside a person's removal counts as that removal only."""

    name = Count.MEMBERSHIP_REMOVALS.value
    means = "More members would leave a group than the limit allows."
    counts = frozenset({Count.MEMBERSHIP_REMOVALS})

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield one finding per group that loses members, and a last one for the budget when none does."""
        exits: dict[str, list[Operation]] = defaultdict(list)
        leavers: dict[str, int] = defaultdict(int)
        joined: set[str] = set()
        for operation in plan.operations:
            group: str = operation.entity or operation.subject
            if operation.verb.role is Role.JOINS and not operation.destructive:
                joined.add(group)
            elif operation.counts_as in self.counts:
                exits[group].append(operation)
            elif operation.verb.counts_as in self.counts:
                leavers[group] += 1
        for group, operations in sorted(exits.items()):
            yield self._of_group(group, operations, situation, plan, leavers[group], refilled=group in joined)

    def _of_group(
        self,
        group: str,
        operations: list[Operation],
        situation: Situation,
        plan: Plan,
        leavers: int,
        *,
        refilled: bool,
    ) -> Finding:
        threshold = situation.policy.guards.membership_removals
        deferred = plan.deferred_as(Count.MEMBERSHIP_REMOVALS)  # of which group isn't known, so they count for each
        entities = situation.observed.entities
        known = entities.get(EntityId(group))  # None: an id that no list shows, or a group that isn't made yet
        members = situation.observed.details.of(MEMBERS).get(EntityId(group), ())
        population = sum(1 for one in members if one in entities and entities[one].state is State.ENABLED)
        counted, name = len(operations) + deferred, known.name if known is not None else group
        empties = counted + leavers >= population > 0 and not refilled
        tripped = empties or exceeds(counted, population, threshold)
        what = f"would {'empty' if empties else 'take members out of'} the group {name!r}:"
        return Finding(
            guard=self.name,
            counted=counted,
            population=population,
            tripped=tripped,
            label=f"members of {name!r}",
            budget=budget(counted, population, threshold),
            limit=limit_of(population, threshold),
            about=name,
            text=refusal(what, counted, population, threshold, "guards.membership_removals") if tripped else "",
            bundles=frozenset(operation.bundle for operation in operations) if tripped else frozenset(),
        )
