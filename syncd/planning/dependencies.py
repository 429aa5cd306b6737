"""Which operation needs which: turns facts into needs, and puts operations into sending order.

An operation needs every operation that gives a fact it awaits. A fact that is neither true at the
start nor given by anything in the plan makes the operation wait; so does, in turn, whatever awaited
what that one would have given.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from syncd.model.detail import ALIASES
from syncd.model.names import Key, fold
from syncd.model.operation import Bundle, BundleKind, Fact, Operation
from syncd.model.page import Rank
from syncd.model.situation import Situation
from syncd.model.state import State


def link(
    operations: Sequence[Operation], is_true: Callable[[Fact], bool]
) -> tuple[tuple[Operation, ...], Mapping[str, Fact]]:
    """Return the operations with their needs, and the ones that must wait with the fact they lack.

    A deregistration needs everything else in its bundle: a removal comes to its end whole, or is given up whole.
    """
    waiting = _without_hope(operations, is_true)
    going = [operation for operation in operations if operation.id not in waiting]
    givers = _givers(going)
    bundles = defaultdict(set)
    for operation in going:
        bundles[operation.bundle].add(operation.id)
    linked = []
    for operation in going:
        needs = frozenset(giver for fact in operation.awaits for giver in givers.get(fact, ()))
        if operation.ends_entity:
            needs |= bundles[operation.bundle] - {operation.id}
        linked.append(replace(operation, needs=needs) if needs != operation.needs else operation)
    return tuple(linked), waiting


def _givers(operations: Iterable[Operation]) -> dict[Fact, list[str]]:
    givers: dict[Fact, list[str]] = defaultdict(list)
    for operation in operations:
        for fact in operation.gives:
            givers[fact].append(operation.id)
    return givers


def _without_hope(operations: Sequence[Operation], is_true: Callable[[Fact], bool]) -> dict[str, Fact]:
    """Return the operations that await a fact which is neither true nor given by one that has hope."""
    giving: dict[Fact, int] = defaultdict(int)
    awaiting: dict[Fact, list[Operation]] = defaultdict(list)
    for operation in operations:
        for fact in operation.gives:
            giving[fact] += 1
        for fact in operation.awaits:
            awaiting[fact].append(operation)
    hopeless: dict[str, Fact] = {}
    missing = [fact for fact in awaiting if not giving[fact] and not is_true(fact)]
    while missing:
        fact = missing.pop()
        for operation in awaiting[fact]:
            if operation.id in hopeless:
                continue
            hopeless[operation.id] = fact
            for given in operation.gives:
                giving[given] -= 1
                if not giving[given] and given in awaiting and not is_true(given):
                    missing.append(given)
    return hopeless


def dependents(
    operations: Collection[Operation], chosen: Iterable[str], *, whole: Callable[[Bundle], bool] = lambda _: False
) -> set[str]:
    """Return the ids in *chosen* and of everything that needs one of them, directly or not.

    A bundle of which *whole* is true is taken as a whole: with one of its operations come all.
    """
    linked: dict[str, list[str]] = defaultdict(list)
    for operation in operations:
        if whole(operation.bundle):
            linked[operation.id].append(f"{operation.bundle}")
            linked[f"{operation.bundle}"].append(operation.id)
        for need in operation.needs:
            linked[need].append(operation.id)
    found = set(chosen)
    queue = list(found)
    while queue:
        for name in linked.get(queue.pop(), ()):
            if name not in found:
                found.add(name)
                queue.append(name)
    return {operation.id for operation in operations if operation.id in found}


def in_sending_order(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """Return the operations so that each comes after what it needs and follows; the same for any input order.

    Raises:
        ValueError: the needs form a circle, which is a fault of whoever stated the facts.
    """
    by_id = {operation.id: operation for operation in operations}
    open_needs = {o.id: {n for n in o.needs | o.follows if n in by_id} for o in operations}
    opens: dict[str, list[str]] = defaultdict(list)
    for identity, needs in open_needs.items():
        for need in needs:
            opens[need].append(identity)
    heap = [(rank(by_id[i]), by_id[i].subject, by_id[i].kind, i) for i, needs in open_needs.items() if not needs]
    heapq.heapify(heap)
    ordered = []
    while heap:
        identity = heapq.heappop(heap)[-1]
        ordered.append(by_id[identity])
        for waiting in opens[identity]:
            open_needs[waiting].discard(identity)
            if not open_needs[waiting]:
                operation = by_id[waiting]
                heapq.heappush(heap, (rank(operation), operation.subject, operation.kind, waiting))
    if len(ordered) != len(by_id):
        stuck = sorted(by_id[i].summary for i, needs in open_needs.items() if needs)
        message = f"operations wait for each other in a circle: {'; '.join(stuck[:5])}"
        raise ValueError(message)
    return tuple(ordered)


def rank(operation: Operation) -> Rank:
    """Return how early *operation* should go where its needs leave a choice: what protects first, the rest last."""
    if operation.proposal or operation.call is None:
        return Rank.OWNERSHIP
    if operation.bundle.kind is BundleKind.ROLLBACK:
        return Rank.OWNERSHIP
    if operation.bundle.kind is BundleKind.REMOVAL:
        return Rank.END if operation.ends_entity else Rank.EXIT
    return operation.verb.rank


class StartingFacts:
    """What is true of the target before the first operation is sent."""

    def __init__(self, situation: Situation) -> None:
        """Look at *situation*; addresses are indexed on first use."""
        self._situation = situation
        self._holders: dict[str, set[Key | None]] | None = None

    def __call__(self, fact: Fact) -> bool:
        """Return whether *fact* is true."""
        family, _, rest = fact.partition(":")
        match family:
            case "exists":
                return Key(rest) in self._situation.standings.entity_of
            case "enabled":
                return self._is_enabled(Key(rest))
            case "ended":
                return not self._is_enabled(Key(rest))
            case "free":
                return not self._held().get(rest)
            case "holds" | "demoted":
                key, _, address = rest.rpartition(":")
                return self._holds(Key(key), address, demoted=family == "demoted")
            case _:
                return False

    def _is_enabled(self, key: Key) -> bool:
        entity = self._situation.standings.entity_of.get(key)
        return entity is not None and self._situation.observed.entities[entity].state is State.ENABLED

    def _holds(self, key: Key, address: str, *, demoted: bool) -> bool:
        entity = self._situation.standings.entity_of.get(key)
        if entity is None:
            return False
        is_primary = fold(self._situation.observed.entities[entity].primary) == address
        is_alias = address in {fold(a) for a in self._situation.observed.details.of(ALIASES).get(entity, ())}
        return is_alias if demoted else is_alias or is_primary

    def _held(self) -> dict[str, set[Key | None]]:
        if self._holders is None:
            holders: dict[str, set[Key | None]] = defaultdict(set)
            observed, key_of = self._situation.observed, self._situation.standings.key_of
            aliases = observed.details.of(ALIASES)
            for entity in observed.entities.values():
                if entity.state is not State.ENABLED:
                    continue
                holders[fold(entity.primary)].add(key_of.get(entity.id))
                for alias in aliases.get(entity.id, ()):
                    holders[fold(alias)].add(key_of.get(entity.id))
            self._holders = holders
        return self._holders
