"""Whom a plan could take something from: what guards measure against."""

from collections import Counter
from collections.abc import Mapping

from syncd.model.names import STATED, Key, Kind
from syncd.model.page import Count
from syncd.model.situation import Situation
from syncd.model.state import State
from syncd.model.window import Window


def reached(situation: Situation) -> Mapping[Kind, int]:
    """Return how many entities of each kind are ours, ENABLED, and within reach.

    Out of reach are a pilot's outsiders, protected ones, and whoever else waits for a person. Whoever was registered
    within a day without anybody's yes isn't counted either: rubbish must not make room for removals.
    """
    standings, entities, bindings = situation.standings, situation.observed.entities, situation.memory.bindings
    new = _just_made(situation)
    out_of_reach = {key for key, why in standings.frozen.items() if why.cause.is_out_of_reach}
    kinds = Counter(
        entities[identity].kind
        for key, identity in standings.entity_of.items()
        if entities[identity].state is State.ENABLED and key in bindings and key not in new and key not in out_of_reach
    )
    return {kind: kinds[kind] for kind in Kind if kind in STATED or kinds[kind]}


def _just_made(situation: Situation) -> set[Key]:
    since = situation.service_now - Window.DAY.span
    tallied = situation.memory.tallied.get((Count.REGISTRATIONS, ""), ())
    return {Key(one.tally.row) for one in tallied if not one.tally.freed and one.at > since}
