"""Refuses to take too many members out of one group, and to empty any group."""

from collections import defaultdict
from collections.abc import Iterator

from syncd.guards.threshold import budget, exceeds, refusal
from syncd.model.names import EntityId
from syncd.model.operation import Operation
from syncd.model.plan import Finding, Plan
from syncd.model.situation import Situation
from syncd.model.state import State


class MembershipRemovals:
    """Counts exits per group; what lies inside a person's removal counts as that removal only."""

    name = "membership_removals"

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield one finding per group that loses members, and a last one for the budget when none does."""
        exits: dict[EntityId, list[Operation]] = defaultdict(list)
        leavers: dict[EntityId, int] = defaultdict(int)
        joined: set[EntityId] = set()
        for operation in plan.operations:
            if operation.entity is None:
                continue
            if operation.kind == "member.add":
                joined.add(operation.entity)
            elif operation.kind == "member.remove":
                if operation.bundle.startswith("removal:"):
                    leavers[operation.entity] += 1
                else:
                    exits[operation.entity].append(operation)
        for group, operations in sorted(exits.items()):
            yield self._of_group(group, operations, situation, plan, leavers[group], refilled=group in joined)

    def _of_group(
        self,
        group: EntityId,
        operations: list[Operation],
        situation: Situation,
        plan: Plan,
        leavers: int,
        *,
        refilled: bool,
    ) -> Finding:
        threshold = situation.policy.guards.membership_removals
        deferred = plan.deferred.get("member.remove", 0)  # of which group isn't known, so they count for each
        entities = situation.observed.entities
        population = sum(
            1
            for member in situation.observed.details.members.get(group, ())
            if member in entities and entities[member].state is State.ENABLED
        )
        counted, name = len(operations) + deferred, entities[group].name
        empties = counted + leavers >= population > 0 and not refilled
        tripped = empties or exceeds(counted, population, threshold)
        what = f"would {'empty' if empties else 'take members out of'} the group {name!r}:"
        return Finding(
            guard=self.name,
            counted=counted,
            population=population,
            tripped=tripped,
            used=f"members of {name!r} {budget(counted, population, threshold)}",
            text=refusal(what, counted, population, threshold, "guards.membership_removals") if tripped else "",
            bundles=frozenset(operation.bundle for operation in operations) if tripped else frozenset(),
        )
