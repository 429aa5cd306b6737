"""What may stand in a log line: an allow-list of fields, addresses masked, and no secret anywhere.

Two nets, one behind the other (`ops.md` SEC-5). The first knows fields: one that is not on the list
shows only numbers and yes or no. The second knows values: every registered secret is replaced in the
finished line, in the forms in which it may have travelled.
"""

import base64
import json
import re
from collections.abc import Iterable, MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

#: Fields whose text is ours, the service's, or an opaque id. Everything else may hold personal data.
OPEN_FIELDS = frozenset(
    {
        "added",
        "attempts",
        "call",
        "changed",
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
        "operation_id",
        "organization",
        "peer",
        "plan",
        "reason",
        "removed",
        "result",
        "server",
        "sha256",
        "signal",
        "stage",
        "subject",
        "timestamp",
        "until",
    }
)
HIDDEN = "(hidden)"
_ADDRESS = re.compile(r"[^\s\"'<>(),;:=@]+@[^\s\"'<>(),;:=@]+\.[^\s\"'<>(),;:=@.]+")
#: Shorter ones would tear up ordinary words; no credential in use is that short.
_SHORTEST_SECRET = 4

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
    encoded = base64.b64encode(secret.encode()).decode()
    forms = {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        encoded,
        base64.urlsafe_b64encode(secret.encode()).decode(),
    }
    return forms | {form.rstrip("=") for form in (encoded,)}


def _masked(value: object) -> object:
    if isinstance(value, str):
        return _ADDRESS.sub("(address)", value)
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
