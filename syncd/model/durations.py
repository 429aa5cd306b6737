"""Durations as people write them: `90s`, `15m`, `24h`, `7d`, `1h30m`."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_FORM = re.compile(r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?")


def parse_duration(text: object) -> timedelta:
    """Return the timedelta that *text* names; a timedelta passes through.

    Raises:
        ValueError: not of the form `1d2h3m4s`.
    """
    if isinstance(text, timedelta):
        return text
    match = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        message = f"expected a duration such as 90s, 15m, 24h or 7d, got {text!r}"
        raise ValueError(message)
    try:
        return timedelta(seconds=sum(float(n) * _UNITS[u] for u, n in match.groupdict().items() if n))
    except OverflowError:
        message = f"{text!r} is longer than any duration"
        raise ValueError(message) from None


def format_duration(span: timedelta) -> str:
    """Return *span* as people write it, in its two largest units: `2d3h`, `15m`, `0s`."""
    rest = int(span.total_seconds())
    parts = []
    for unit, size in _UNITS.items():
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts[:2]) or "0s"


#: A settings field that takes `15m`.
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
