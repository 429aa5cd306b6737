"""Exchanges of addresses that were interrupted: whoever is parked for one has no address that anybody writes to.

| the first row that holds decides of the parked one                 | gets                                 |
|--------------------------------------------------------------------|--------------------------------------|
| leaves, is protected, outside the pilot; or the mode is observe    | nothing                              |
| is frozen, the source isn't believed, or the mode takes nothing;   | back what it had, as does whoever    |
| or the address that comes next isn't free                          | has taken that in this exchange; if  |
|                                                                    | a stranger has, what it was to get   |
| anything else                                                      | what the directory gives: it goes on |
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace

from syncd.model.memory import Binding, Memory
from syncd.model.names import Key, fold
from syncd.model.observed import Observed
from syncd.model.operation import BundleKind, Operation
from syncd.model.plan import PARKED, Note
from syncd.model.policy import Mode, Policy
from syncd.model.situation import Situation
from syncd.model.standing import Freeze, Frozen
from syncd.model.state import State
from syncd.planning.ownership import Wait, is_parking

#: Who is not ours to touch, or is being given back already.
_LEFT_ALONE = frozenset({Freeze.UNTOUCHABLE, Freeze.PROTECTED, Freeze.PILOT, Freeze.ROLLBACK, Freeze.UNDER_WAY})


def _parked(observed: Observed, memory: Memory) -> Iterator[Key]:
    for key, binding in memory.exchanges.items():
        entity = observed.entities.get(binding.entity)
        if entity is not None and entity.state is State.ENABLED and is_parking(entity.primary):
            yield key


def given_up(
    observed: Observed,
    memory: Memory,
    frozen: Mapping[Key, Frozen],
    leaving: Container[Key],
    policy: Policy,
    *,
    disbelieved: bool,
) -> Iterator[tuple[Key, str]]:
    """Yield who is parked for an exchange that may not go on, and why: nobody stays parked."""
    if policy.mode is Mode.OBSERVE:
        return
    for key in _parked(observed, memory):
        held = frozen.get(key)
        if key in leaving or (held is not None and held.cause in _LEFT_ALONE):
            continue
        if disbelieved:
            why = "the source isn't believed"
        elif held is not None:
            why = held.text
        elif policy.mode is not Mode.FULL:
            why = f"mode {policy.mode.value} takes no address from anybody"
        else:
            continue
        yield key, f"its exchange of addresses is given up: {why}"


def before_moving(situation: Situation, operation: Operation) -> Binding | None:
    """Return the binding to write before *operation* changes a primary address in an exchange; else None."""
    key, had = operation.subject, operation.before.get("primary")
    binding, wanted = situation.memory.bindings.get(key), situation.desired.entities.get(key)
    if operation.bundle.kind is not BundleKind.MOVE or binding is None or wanted is None:
        return None
    # Whoever comes from a parking address has begun: what they had before is known.
    return replace(binding, exchange=(had, wanted.primary)) if isinstance(had, str) and not is_parking(had) else None


def _primaries(situation: Situation) -> dict[str, Key | None]:
    """Return whose primary address each is, folded; None for a stranger's."""
    key_of = situation.standings.key_of
    entities = situation.observed.entities.values()
    return {fold(each.primary): key_of.get(each.id) for each in entities if each.state is State.ENABLED}


def owed_back(situation: Situation, binding: Binding) -> tuple[str, ...]:
    """Return what giving up a removal or an exchange gives back, the primary address first."""
    if binding.began_at is not None or not binding.exchange:
        return binding.addresses
    had, goal = binding.exchange
    holders, rollbacks = _primaries(situation), situation.standings.rollbacks
    is_back = holders.get(fold(had), binding.key) in {binding.key, *rollbacks}
    return (had if is_back or fold(goal) in holders else goal,)


def undone(situation: Situation, waits: Iterable[Wait]) -> Situation:
    """Return *situation* in which all exchanges are given up that can't go on, with as many partners as that takes.

    Whoever is parked can't go on when the address that comes next is not to be had (*waits*). Whoever took what they
    had goes back too, and so on round the ring.
    """
    standings, memory = situation.standings, situation.memory
    waiting, holders = {wait.party for wait in waits if wait.primary}, _primaries(situation)
    queue = [key for key in memory.exchanges if key in standings.rollbacks and key not in memory.begun]
    queue += [key for key in _parked(situation.observed, memory) if key in waiting and key not in standings.rollbacks]
    found: dict[Key, None] = dict.fromkeys(queue)
    while queue:
        taker = holders.get(fold(memory.exchanges[queue.pop()].exchange[0]))
        if taker is not None and taker in memory.exchanges and taker not in found:
            found[taker] = None
            queue.append(taker)
    why = "its exchange of addresses is given up: an address that comes next is not free"
    added = {key: why for key in found if key not in standings.rollbacks}
    frozen = {**standings.frozen, **{key: Frozen(Freeze.ROLLBACK, why) for key in added}}
    return replace(situation, standings=replace(standings, frozen=frozen, rollbacks={**standings.rollbacks, **added}))


def ended_exchanges(situation: Situation) -> Iterator[Binding]:
    """Yield the bindings of those who took part in exchanges once nobody is parked any more."""
    if next(_parked(situation.observed, situation.memory), None) is None:
        yield from (replace(binding, exchange=()) for binding in situation.memory.exchanges.values())


def notes(situation: Situation) -> Iterator[Note]:
    """Name whoever is parked, and whoever gets something back because of that: what goes on too, should it not."""
    goes_on = "has only a parking address: its exchange of addresses was interrupted, and goes on unless it is withheld"
    standings, memory = situation.standings, situation.memory
    back = (key for key in memory.exchanges if key in standings.rollbacks and key not in memory.begun)
    for key in dict.fromkeys((*_parked(situation.observed, memory), *back)):
        if key not in standings.leaving and key not in memory.begun:
            yield Note(code=PARKED, subject=key, text=standings.rollbacks.get(key, goes_on))


def left_parked(situation: Situation, applied: Iterable[Operation]) -> bool:
    """Return whether somebody is parked for an exchange once *applied*, in the order of a plan, is done."""
    parked = set(_parked(situation.observed, situation.memory))
    for operation in applied:
        primary = operation.after.get("primary")
        if isinstance(primary, str) and operation.bundle.kind in (BundleKind.MOVE, BundleKind.ROLLBACK):
            (parked.add if is_parking(primary) else parked.discard)(operation.subject)
    return bool(parked - situation.standings.leaving.keys())
