"""Whether a request comes from somebody known: passwords (bcrypt) and bearer tokens (SHA-256).

A bcrypt comparison takes a good part of a second on purpose. It runs on one thread of its own, so that probes
stay quick; who was right is remembered, so that a scrape every few seconds costs one comparison; and at most one
comparison a second is made after the first few, so that a flood of guesses can't keep this machine busy. Whoever
is remembered doesn't notice the flood.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto

import bcrypt

from syncd.web.settings import WebSettings

#: Comparisons that may be made at once before it is one a second.
BURST = 8
_PER_SECOND = 1.0
_REMEMBERED = 64
#: bcrypt looks at so many bytes; libraries before version 5 cut silently, and so did what made the hashes.
_BCRYPT_BYTES = 72


class Verdict(Enum):
    """What was found."""

    KNOWN = auto()
    UNKNOWN = auto()
    LATER = auto()  # too many guesses: ask again


class Gatekeeper:
    """Judges the Authorization header of requests; used from one event loop."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._tokens = float(BURST)
        self._filled_at = monotonic()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")

    async def judge(self, header: str, web: WebSettings) -> Verdict:
        """Return whether *header* names somebody whom *web* knows."""
        scheme, _, said = header.partition(" ")
        if scheme.casefold() == "bearer":
            return Verdict.KNOWN if _is_token(said.strip(), web) else Verdict.UNKNOWN
        if scheme.casefold() != "basic" or not web.basic_auth_users:
            return Verdict.UNKNOWN
        pair = _name_and_password(said.strip())
        return Verdict.UNKNOWN if pair is None else await self._compare(*pair, web)

    async def _compare(self, name: str, password: bytes, web: WebSettings) -> Verdict:
        known = web.basic_auth_users.get(name)
        # The hash is part of what is remembered: a changed password is asked for again.
        mark = hmac.digest(self._key, b"\0".join([name.encode(), (known or "").encode(), password]), "sha256")
        if mark in self._right:
            self._right.move_to_end(mark)
            return Verdict.KNOWN
        if not self._may_compare():
            return Verdict.LATER
        # For a name that isn't known a comparison is made too: the time taken doesn't tell which names are.
        compared = known or next(iter(web.basic_auth_users.values()))
        is_right = await asyncio.get_running_loop().run_in_executor(self._thread, _is_right, password, compared)
        if known is None or not is_right:
            return Verdict.UNKNOWN
        self._right[mark] = None
        if len(self._right) > _REMEMBERED:
            self._right.popitem(last=False)
        return Verdict.KNOWN

    def _may_compare(self) -> bool:
        now = self._monotonic()
        self._tokens = min(float(BURST), self._tokens + (now - self._filled_at) * _PER_SECOND)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _is_token(said: str, web: WebSettings) -> bool:
    found = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
    # Every hash is compared: the time taken doesn't tell which one was found.
    return sum(hmac.compare_digest(found, known) for known in web.bearer_token_hashes.values()) > 0


def _name_and_password(said: str) -> tuple[str, bytes] | None:
    try:
        name, colon, password = base64.b64decode(said, validate=True).partition(b":")
        return (name.decode(), password) if colon and b"\0" not in password else None
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def _is_right(password: bytes, known: str) -> bool:
    return bcrypt.checkpw(password[:_BCRYPT_BYTES], known.encode())
