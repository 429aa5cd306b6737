"""Refuses to deregister too many people or groups at once."""

from collections.abc import Iterator

from syncd.guards.threshold import budget, exceeds, refusal
from syncd.model.names import Kind, kind_of
from syncd.model.plan import Finding, Plan
from syncd.model.situation import Situation


class Removals:
    """Counts removals per kind against the owned and ENABLED entities of that kind."""

    name = "removals"

    def examine(self, plan: Plan, situation: Situation) -> Iterator[Finding]:
        """Yield one finding per kind that has a population or a removal; deferred removals count with the people."""
        threshold = situation.policy.guards.removals
        for kind in (Kind.USER, Kind.GROUP):
            removals = [o for o in plan.operations if o.kind == "deregister" and kind_of(o.subject) is kind]
            counted = len(removals) + (plan.deferred.get("deregister", 0) if kind is Kind.USER else 0)
            population = plan.populations.get(f"{kind.value}s_owned_enabled", 0)
            if not counted and not population:
                continue
            tripped = exceeds(counted, population, threshold)
            what = f"would deregister {kind.value}s:"
            yield Finding(
                guard=self.name,
                counted=counted,
                population=population,
                tripped=tripped,
                used=f"{kind.value} removals {budget(counted, population, threshold)}",
                text=refusal(what, counted, population, threshold, "guards.removals") if tripped else "",
                bundles=frozenset(o.bundle for o in removals) if tripped else frozenset(),
            )
