"""Does an account's own record say that it is disabled?

| attribute            | disabled when                                                                        |
|----------------------|--------------------------------------------------------------------------------------|
| userAccountControl   | bit 2 is set, but for shared, room and equipment mailboxes, whose accounts always are |
| nsAccountLock        | true                                                                                 |
| pwdAccountLockedTime | 000001010000Z: locked for good; any other time is a lock-out after wrong passwords   |
| shadowExpire         | a day (counted from 1970) that has come; -1 is never                                 |
| accountExpires       | a moment that has come; only when asked for                                          |

`accountExpires` is no default of any flavor: Windows itself leaves such an account enabled, and contracts are prolonged
after they ended; a mailbox must not go meanwhile. Who wants it writes `disabled: [userAccountControl, accountExpires]`.
A value that can't be read says nothing: it must not disable anybody.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from syncd.sources.ldap import values

#: Folded names of what must be fetched along with `userAccountControl`.
_RECIPIENT_TYPE = "msexchrecipienttypedetails"
#: Shared, room and equipment mailboxes (`msExchRecipientTypeDetails`).
_NOBODYS_MAILBOXES = (b"4", b"16", b"32")
_ACCOUNT_DISABLED = 2
_SECONDS_A_DAY = 86_400

Attributes = Mapping[str, Sequence[bytes]]


def attributes_for(ways: Collection[str]) -> frozenset[str]:
    """Return the attributes that must be fetched to judge by *ways*."""
    return frozenset(ways) | ({"msExchRecipientTypeDetails"} if "userAccountControl" in ways else set())


def is_disabled(attributes: Attributes, ways: Collection[str], now: datetime) -> bool:
    """Return whether one of *ways* says so; the names in *attributes* are folded."""
    return any(_JUDGES[way](attributes, now) for way in ways if way.lower() in attributes)


def _by_account_control(attributes: Attributes, _: datetime) -> bool:
    if any(kind in _NOBODYS_MAILBOXES for kind in attributes.get(_RECIPIENT_TYPE, ())):
        return False
    return any((number or 0) & _ACCOUNT_DISABLED for number in _numbers(attributes, "useraccountcontrol"))


def _by_account_lock(attributes: Attributes, _: datetime) -> bool:
    return any(value.lower() == b"true" for value in attributes["nsaccountlock"])


def _by_locked_time(attributes: Attributes, _: datetime) -> bool:
    return values.LOCKED_FOR_GOOD.encode() in attributes["pwdaccountlockedtime"]


def _by_shadow_expire(attributes: Attributes, now: datetime) -> bool:
    today = int(now.timestamp()) // _SECONDS_A_DAY
    return any(day is not None and 0 <= day <= today for day in _numbers(attributes, "shadowexpire"))


def _by_account_expires(attributes: Attributes, now: datetime) -> bool:
    for raw in attributes["accountexpires"]:
        try:
            moment = values.filetime(raw.decode())
        except ValueError:
            continue
        if moment is not None and moment <= now:
            return True
    return False


def _numbers(attributes: Attributes, name: str) -> list[int | None]:
    return [_number(raw) for raw in attributes[name]]


def _number(raw: bytes) -> int | None:
    try:
        return int(raw)
    except ValueError:
        return None


_JUDGES: Mapping[str, Callable[[Attributes, datetime], bool]] = {
    "userAccountControl": _by_account_control,
    "nsAccountLock": _by_account_lock,
    "pwdAccountLockedTime": _by_locked_time,
    "shadowExpire": _by_shadow_expire,
    "accountExpires": _by_account_expires,
}
