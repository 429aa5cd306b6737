"""Whose removal has begun and is not over: since when, and what the next cycle makes of it.

| the first row that holds decides                                         | next       |
|--------------------------------------------------------------------------|------------|
| the mode is observe                                                      | nothing    |
| the last plan gave it up                                                 | given back |
| it is stuck (refused for good, revoked), late, or the mode removes nobody | given back |
| they are outside a pilot of keys                                         | nothing    |
| anything else                                                            | finished   |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from syncd.model.memory import Binding
from syncd.model.moments import in_future
from syncd.model.names import EntityId, Key, identity_of
from syncd.model.plan import HALF_REMOVED, HALF_REMOVED_WAITS, Gist, Plan
from syncd.model.policy import Mode, Policy


class Next(StrEnum):
    """What the next cycle makes of a removal that has begun."""

    FINISHED = "finished"
    GIVEN_BACK = "given back"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfRemoved:
    """One whose removal began at *since*; what isn't finished by *until* is given back.

    *name* is what people call them, "" where that isn't known; *why* is why the removal doesn't simply go on.
    """

    key: Key
    entity: EntityId
    name: str
    since: datetime
    until: datetime
    next: Next
    why: str = ""


def half_removed(
    bindings: Mapping[Key, Binding], policy: Policy, plan: Plan | Gist | None, now: datetime
) -> tuple[HalfRemoved, ...]:
    """Return those of *bindings* whose removal has begun and is not over, by key; *plan* is the last one."""
    waits = {} if plan is None else {note.subject: note.text for note in plan.notes if note.code == HALF_REMOVED_WAITS}
    given_up = {} if plan is None else {note.subject: note.text for note in plan.notes if note.code == HALF_REMOVED}
    found = []
    for key, binding in sorted(bindings.items()):
        if binding.began_at is not None:
            until = binding.began_at + policy.removal.finish_within
            following, why = _following(binding, policy, given_up.get(key, ""), now)
            if key in waits:
                following, why = Next.NOTHING, waits[key]
            found.append(
                HalfRemoved(
                    key=key,
                    entity=binding.entity,
                    name="" if plan is None else plan.names.get(key, ""),
                    since=binding.began_at,
                    until=until,
                    next=following,
                    why=why,
                )
            )
    return tuple(found)


def why_given_up(binding: Binding, policy: Policy, now: datetime) -> str:
    """Return why a removal that has begun may not go on, whatever the directory says; "" where it may."""
    if binding.stuck:
        return binding.why_stuck
    if policy.mode is not Mode.FULL:
        return f"mode {policy.mode.value} removes nobody"
    if binding.began_at is not None and now - binding.began_at > policy.removal.finish_within:
        return "it could not be finished in time"
    if binding.began_at is not None and in_future(binding.began_at, now):
        return "it began in the future: a clock was wrong, then or now"
    return ""


def _following(binding: Binding, policy: Policy, given_up: str, now: datetime) -> tuple[Next, str]:
    if policy.mode is Mode.OBSERVE:
        return Next.NOTHING, "nothing is written in mode observe"
    if given_up:
        return Next.GIVEN_BACK, given_up
    if why := why_given_up(binding, policy, now):
        return Next.GIVEN_BACK, f"its removal is given up: {why}"
    own = {binding.key, identity_of(binding.key)}
    if any(not pilot.group and not own & {*pilot.keys} for pilot in policy.pilots):
        return Next.NOTHING, "they are outside the pilot"
    return Next.FINISHED, ""
