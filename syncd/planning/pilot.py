"""Who is in the pilot: the narrowest of what the configuration and the command line say.

Each of the two, where it is on, names keys and a group; whoever isn't named by both is frozen. So nobody can widen on
the command line what the configuration allows.
"""

from collections.abc import Callable, Iterable

from syncd.errors import UsageError
from syncd.model.names import Key, Kind, identity_of
from syncd.model.policy import Pilot, Policy
from syncd.model.state import Desired


def in_all(policy: Policy, desired: Desired, keys: Iterable[Key]) -> frozenset[Key]:
    """Return those of *keys* who are in every pilot that is on."""
    return frozenset(filter(inside(policy, desired), keys))


def inside(policy: Policy, desired: Desired) -> Callable[[Key], bool]:
    """Return what says of a key whether it is in every pilot that is on."""
    named = [set(pilot.keys) | (_group(desired, pilot.group) if pilot.group else set()) for pilot in policy.pilots]
    return lambda key: all(key in chosen or identity_of(key) in chosen for chosen in named)


def refuse_nobody(policy: Policy, desired: Desired, known: Iterable[Key]) -> None:
    """Refuse a command line that leaves nobody of the configured pilot: it would look like success.

    Raises:
        UsageError: with both, and what to change.
    """
    if len(policy.pilots) < 2:  # noqa: PLR2004 - the configured one, and that of the command line
        return
    everyone = frozenset(known)
    if in_all(policy, desired, everyone):
        return
    asked = ", ".join(policy.asked)
    raise UsageError(
        f"nobody is left: --only names {asked}, and the pilot of the configuration has {_said(policy.only)} only",
        hint="--only narrows that pilot and never widens it: name somebody who is in it, or change `only:` there",
    )


def _said(pilot: Pilot) -> str:
    few = 5
    more = f" and {len(pilot.keys) - few} more" if len(pilot.keys) > few else ""
    keys = ", ".join(pilot.keys[:few]) + more
    return " and ".join(filter(None, (keys, f"the group {pilot.group}" if pilot.group else "")))


def _group(desired: Desired, name: str) -> set[str]:
    """Return the keys of the group called *name* (key, identity or name) and of everyone in it, nested too."""
    found = {
        key
        for key, wanted in desired.entities.items()
        if wanted.kind is Kind.GROUP and name in (key, identity_of(key), wanted.name)
    }
    queue = list(found)
    while queue:
        wanted = desired.entities.get(queue.pop())
        for member in wanted.members if wanted is not None else ():
            if member not in found:
                found.add(member)
                queue.append(member)
    return {str(key) for key in found}
