"""Whose removal has begun and is not over: since when, and what the next cycle makes of it.

| the first row that holds decides                             | next       |
|--------------------------------------------------------------|------------|
| the mode is observe                                          | nothing    |
| the service refused it for good, or the last plan gave it up | given back |
| the mode removes nobody, or it could not be finished in time | given back |
| they are outside a pilot of keys                             | nothing    |
| anything else                                                | finished   |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from syncd.model.memory import Binding
from syncd.model.names import EntityId, Key, identity_of
from syncd.model.plan import HALF_REMOVED, Gist, Plan
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
    given_up = {} if plan is None else {note.subject: note.text for note in plan.notes if note.code == HALF_REMOVED}
    found = []
    for key, binding in sorted(bindings.items()):
        if binding.began_at is not None:
            until = binding.began_at + policy.removal.finish_within
            following, why = _following(binding, policy, given_up.get(key, ""), is_late=now > until)
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


def _following(binding: Binding, policy: Policy, given_up: str, *, is_late: bool) -> tuple[Next, str]:
    if policy.mode is Mode.OBSERVE:
        return Next.NOTHING, "nothing is written in mode observe"
    if binding.stuck:
        return Next.GIVEN_BACK, f"its removal is given up: the service refused it for good ({binding.stuck})"
    if given_up:
        return Next.GIVEN_BACK, given_up
    if policy.mode is not Mode.FULL:
        return Next.GIVEN_BACK, f"its removal is given up: mode {policy.mode.value} removes nobody"
    if is_late:
        return Next.GIVEN_BACK, "its removal is given up: it could not be finished in time"
    if policy.only and not policy.only.group and not {binding.key, identity_of(binding.key)} & {*policy.only.keys}:
        return Next.NOTHING, "they are outside the pilot"
    return Next.FINISHED, ""
