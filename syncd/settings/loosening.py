"""Does a new configuration of an organization allow all that the one before it allowed?

| setting                                           | allows as much, if                                            |
|---------------------------------------------------|---------------------------------------------------------------|
| schedule, heartbeat, verify_within, apply.workers | always: they say when and how fast, not what                  |
| mode                                              | every action is still within it                               |
| adopt                                             | it is as ready: never, ask, exact                             |
| only                                              | the pilot is off, or has at least those keys, the same group  |
| protected                                         | no pattern has come                                           |
| removal                                           | no more evidence is asked for                                 |
| guards                                            | no percent and no count is smaller                            |
| apply.max_operations                              | it isn't smaller                                              |
| anything else, of whatever name                   | it is equal                                                   |

What isn't in the table must be equal: a setting that is added later ends the cycle that runs, until a row says that
it need not.
"""

from collections.abc import Callable, Mapping
from typing import Any

from syncd.model.policy import Adopt, Mode, Pilot, Removal, Section
from syncd.settings.root import OrganizationSettings

_Allows = Callable[[Any, Any], bool]
_READINESS = (Adopt.NEVER, Adopt.ASK, Adopt.EXACT)


def allows_as_much(before: OrganizationSettings, now: OrganizationSettings) -> bool:
    """Return whether a cycle that was begun under *before* may go on under *now*; when in doubt, it may not."""
    return _all_allow(before, now, _ORGANIZATION, otherwise=_equal)


def _all_allow(before: Section, now: Section, rules: Mapping[str, _Allows], *, otherwise: _Allows) -> bool:
    if type(before) is not type(now):
        return False
    names = type(now).model_fields
    return all(rules.get(name, otherwise)(getattr(before, name), getattr(now, name)) for name in names)


def _equal(before: object, now: object) -> bool:
    return before == now


def _always(_before: object, _now: object) -> bool:
    return True


def _not_smaller(before: Any, now: Any) -> bool:  # noqa: ANN401 - numbers, and what else can be compared
    return bool(now >= before)


def _not_larger(before: Any, now: Any) -> bool:  # noqa: ANN401 - the same
    return bool(now <= before)


def _mode(before: Mode, now: Mode) -> bool:
    return before.allows <= now.allows


def _adopt(before: Adopt, now: Adopt) -> bool:
    return _READINESS.index(before) <= _READINESS.index(now)


def _pilot(before: Pilot, now: Pilot) -> bool:
    if not now:
        return True
    return bool(before) and before.group == now.group and set(before.keys) <= set(now.keys)


def _patterns(before: tuple[str, ...], now: tuple[str, ...]) -> bool:
    return set(now) <= set(before)


def _removal(before: Removal, now: Removal) -> bool:
    less = dict.fromkeys(("after_cycles", "after", "disabled_after"), _not_larger)
    return _all_allow(before, now, less, otherwise=_equal)


def _limits(before: object, now: object) -> bool:
    """Return whether no limit within these settings of guards is smaller; of whatever else they have, it is equal."""
    if not isinstance(before, Section) or not isinstance(now, Section):
        return before == now
    more = dict.fromkeys(("percent", "count"), _not_smaller)
    return _all_allow(before, now, more, otherwise=_limits)


def _apply(before: Section, now: Section) -> bool:
    return _all_allow(before, now, {"workers": _always, "max_operations": _not_smaller}, otherwise=_equal)


_ORGANIZATION: dict[str, _Allows] = {
    "schedule": _always,
    "heartbeat": _always,
    "verify_within": _always,
    "mode": _mode,
    "adopt": _adopt,
    "only": _pilot,
    "protected": _patterns,
    "removal": _removal,
    "guards": _limits,
    "apply": _apply,
}
