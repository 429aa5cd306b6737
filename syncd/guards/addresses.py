"""Refuses to take aliases away from too many, and to change the primary address of too many."""

from collections.abc import Iterator

from syncd.guards.threshold import budget, exceeds, refusal
from syncd.model.plan import Finding, Plan
from syncd.model.policy import Threshold
from syncd.model.situation import Situation


def _finding(plan: Plan, name: str, kinds: tuple[str, ...], what: str, threshold: Threshold) -> Finding:
    """Count the entities touched by operations of *kinds* outside removals; deferred ones count as one each."""
    operations = [o for o in plan.operations if o.kind in kinds and not o.bundle.startswith("removal:")]
    counted = len({o.subject for o in operations}) + sum(plan.deferred.get(kind, 0) for kind in kinds)
    population = plan.populations.get("users_owned_enabled", 0) + plan.populations.get("groups_owned_enabled", 0)
    tripped = exceeds(counted, population, threshold)
    return Finding(
        guard=name,
        counted=counted,
        population=population,
        tripped=tripped,
        used=f"{name.replace('_', ' ')} {budget(counted, population, threshold)}",
        text=refusal(what, counted, population, threshold, f"guards.{name}") if tripped else "",
        bundles=frozenset(operation.bundle for operation in operations) if tripped else frozenset(),
    )


class AliasRemovals:
    """Counts entities that lose an alias."""

    name = "alias_removals"

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield the one finding."""
        threshold = situation.policy.guards.alias_removals
        yield _finding(plan, self.name, ("alias.remove",), "would take aliases from entities:", threshold)


class PrimaryChanges:
    """Counts entities whose primary address changes."""

    name = "primary_changes"

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield the one finding."""
        threshold = situation.policy.guards.primary_changes
        kinds = ("primary.change", "address.park")
        yield _finding(plan, self.name, kinds, "would change the primary address of entities:", threshold)
