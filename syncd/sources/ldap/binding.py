"""Who is syncd to the server, and how does it never lock its own account?

A refused bind counts against the account: after a few of them Active Directory and the ppolicy overlay lock it. So one
account is tried at most once a minute by one process, on all servers together: they share the count.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from syncd.sources.ldap.failures import LdapResult
from syncd.sources.ldap.settings_connection import BindSettings
from syncd.sources.ldap.tls import Explanation

#: Returns the password as it is now: asked before every bind, so that a rotated secret is used at once.
Password = Callable[[], str]
PAUSE = 60.0
_LONGEST_PASSWORD = 65_536

#: Not the password's fault, and another server may do better.
_ANOTHER_SERVER = frozenset({1, 51, 52, 80})

#: What Active Directory says behind `data` when it refuses a bind.
_ACTIVE_DIRECTORY = {
    "525": ("there is no such account", "check bind.dn"),
    "52e": ("the password is wrong", "check bind.password"),
    "52f": ("an account restriction forbids it", "check the restrictions of the account"),
    "530": ("the account may not log on at this time", "lift its logon hours"),
    "531": ("the account may not log on from this machine", "lift its workstation restriction"),
    "532": ("the password has expired", "set a new one, or let it never expire"),
    "533": ("the account is disabled", "enable it"),
    "701": ("the account has expired", "extend it"),
    "773": ("the password must be changed first", "set a new one without that demand"),
    "775": ("the account is locked", "unlock it, and find out who tried wrong passwords"),
}


class NoPassword(Exception):
    """There is no password to bind with; the message says why."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused bind."""

    at: float
    reason: str


class BindBreaker:
    """Remembers refused binds, by directory (all its servers) and account."""

    def __init__(self) -> None:
        self._refusals: dict[tuple[tuple[str, ...], str], Refusal] = {}
        self._turns: dict[tuple[tuple[str, ...], str], threading.Lock] = {}
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, servers: tuple[str, ...], account: str) -> Iterator["Turn"]:
        """Let one bind as *account* at a time find out whether it may, and say how it ended."""
        key = (tuple(sorted(servers)), account)
        with self._lock:
            lock = self._turns.setdefault(key, threading.Lock())
        with lock:
            yield Turn(key, self._refusals)


class Turn:
    """The right to bind as one account, if `blocked` says so."""

    def __init__(self, key: tuple[tuple[str, ...], str], refusals: dict[tuple[tuple[str, ...], str], Refusal]) -> None:
        self._key = key
        self._refusals = refusals

    def blocked(self, now: float) -> Explanation | None:
        """Return why no bind may be tried at *now* (monotonic seconds), None if one may."""
        last = self._refusals.get(self._key)
        if last is None or now - last.at >= PAUSE:
            return None
        since = now - last.at
        reason = f"{self._key[1]} was refused {since:.0f} s ago ({last.reason}), and is not tried again so soon"
        remedy = f"mend that; the next try is possible in {PAUSE - since:.0f} s: more of them could lock the account"
        return Explanation(reason, remedy)

    def refused(self, now: float, reason: str) -> None:
        """Remember that the bind was refused."""
        self._refusals[self._key] = Refusal(now, reason)

    def succeeded(self) -> None:
        """Forget earlier refusals."""
        self._refusals.pop(self._key, None)


#: The one of this process: several organizations may use the same account.
BREAKER = BindBreaker()


def password_file(path: Path) -> Password:
    """Return what reads the password from *path* each time it is needed.

    Raises (when called):
        NoPassword: it can't be read, or is empty.
    """

    def read() -> str:
        try:
            with path.open("rb") as stream:
                text = stream.read(_LONGEST_PASSWORD).decode().removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
            message = f"the password in {path} can't be read: {reason}"
            raise NoPassword(message) from error
        if not text:
            message = f"the password in {path} is empty"
            raise NoPassword(message)
        return text

    return read


def account_of(settings: BindSettings) -> str:
    """Return whose account is used, for people and for the breaker."""
    if settings.method == "anonymous":
        return "anonymous"
    return settings.dn or f"whoever {settings.method.upper()} says"


def is_final(result: LdapResult) -> bool:
    """Return whether other servers would say the same: they share accounts, and the count of refused binds."""
    return result.code not in _ANOTHER_SERVER


def explain_refusal(result: LdapResult, settings: BindSettings) -> Explanation:
    """Return why the bind was refused, and what to do."""
    account = account_of(settings)
    detail = re.search(r"\bdata ([0-9a-f]+)\b", result.message)
    again = "no second try is made within a minute, so that the account is not locked"
    if result.code == 49 and detail and detail[1] in _ACTIVE_DIRECTORY:  # noqa: PLR2004 - invalidCredentials
        reason, remedy = _ACTIVE_DIRECTORY[detail[1]]
        return Explanation(f"{account}: {reason} ({result})", f"{remedy}; {again}")
    remedies = {
        7: "the server doesn't know this method: choose another bind.method",
        8: "the server wants an encrypted connection: use ldaps:// or tls: {start_tls: true}",
        13: "the server wants an encrypted connection: use ldaps:// or tls: {start_tls: true}",
        34: "correct bind.dn: it is no DN",
        48: "the server doesn't let this account in by this method: check bind",
        49: f"check bind.dn and bind.password; {again}",
        53: f"the message tells why; the account may be locked or its password expired; {again}",
    }
    return Explanation(f"{account} is refused: {result}", remedies.get(result.code, "look into the server's log"))
