"""What may stand in a log line: an allow-list of fields, addresses masked, and no secret anywhere.

Two nets, one behind the other (`ops.md` SEC-5). The first knows fields: one that is not on the list
shows only numbers and yes or no. The second knows values: every registered secret is replaced in the
finished line, in the forms in which it may have travelled.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

from syncd.rendering.masking import without_addresses

#: Fields whose text is ours, the service's, or an opaque id. Everything else may hold personal data.
OPEN_FIELDS = frozenset(
    {
        "attempts",
        "call",
        "code",
        "command",
        "cycle_id",
        "entity",
        "error_type",
        "event",
        "exception",
        "expires_at",
        "guards",
        "keys",
        "kind",
        "level",
        "listen",
        "logger",
        "message",
        "notice",
        "observer",
        "operation_id",
        "organization",
        "path",
        "peer",
        "plan",
        "reason",
        "result",
        "server",
        "signal",
        "stage",
        "subject",
        "thread",
        "timestamp",
        "until",
    }
)
HIDDEN = "(hidden)"
#: Shorter ones would tear up ordinary words; no credential in use is that short.
_SHORTEST_SECRET = 4
#: Fewer digits may stand in any encoded text.
_SHORTEST_IN_BASE64 = 8

Event = MutableMapping[str, Any]


def hide_personal_data(event: Event) -> Event:
    """Mask addresses in open fields, and hide the text of all other fields."""
    for name, value in event.items():
        event[name] = _masked(value) if name in OPEN_FIELDS else _numbers_only(value)
    return event


class SecretFilter:
    """Replaces every registered secret in finished text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._pattern: re.Pattern[str] | None = None
        self._forms: set[str] = set()
        self.register(*secrets)

    def register(self, *secrets: str) -> None:
        """Remember *secrets* and the forms they take in URLs, JSON and headers."""
        for secret in secrets:
            if len(secret) >= _SHORTEST_SECRET:
                self._forms |= _forms(secret)
        longest_first = sorted(self._forms, key=len, reverse=True)
        if longest_first:
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def clean(self, text: str) -> str:
        """Return *text* without secrets."""
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)


def _forms(secret: str) -> set[str]:
    in_bytes = secret.encode()
    forms = {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1], repr(in_bytes)[2:-1]}
    forms |= {json.dumps(form, ensure_ascii=escaped)[1:-1] for form in forms for escaped in (True, False)}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(in_bytes).decode()
        forms |= {encoded, encoded.rstrip("=")} | _within_base64(in_bytes, encode)
    return forms


def _within_base64(secret: bytes, encode: Callable[[bytes], bytes]) -> set[str]:
    """Return what *secret* is within something longer that is encoded, such as the header of a basic authentication.

    Three bytes are four digits, so it depends on what stands before; digits that it shares with others are left out.
    """
    found = set()
    for before in range(3):
        digits = encode(bytes(before) + secret).decode()
        inner = digits[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        if len(inner) >= _SHORTEST_IN_BASE64:
            found.add(inner)
    return found


def _masked(value: object) -> object:
    if isinstance(value, str):
        return without_addresses(value)
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value


def _numbers_only(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict) and all(isinstance(item, int | float) for item in value.values()):
        return value
    return HIDDEN
