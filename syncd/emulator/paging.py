"""Cuts listings into pages (`workmail.md` C): opaque tokens, bound to the organization and the filter."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from syncd.emulator import fault
from syncd.emulator.world import Request

_MAX_RESULTS = 100
_SHUFFLED = 8

Render = Callable[[str], object | None]
"""Turns a key into an entry of the page, or into None if the listing leaves it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Position:
    """Where a listing stands: after *key*, in the order that *shuffle* gives."""

    key: str = ""
    shuffle: int = 0
    empty_served: bool = False


def page(request: Request, member: str, keys: Sequence[str], render: Render) -> dict[str, object]:
    """Answer one page of the sorted *keys* as the *member* of the answer, with a token if more follow.

    A page costs what it holds, not what the listing holds.
    """
    position = _position(request)
    if request.switches.empty_pages and not position.empty_served:
        empty_served = _Position(key=position.key, shuffle=position.shuffle, empty_served=True)
        return {member: [], "NextToken": _token(request, empty_served)}
    if position.shuffle:
        keys = sorted(_shuffled(key, position.shuffle) for key in keys)
    limit = _limit(request, position)
    entries: list[object] = []
    last = position.key
    for at in range(bisect_right(keys, position.key), len(keys)):
        key = keys[at]
        entry = render(key[_SHUFFLED * 2 :] if position.shuffle else key)
        if entry is None:
            continue
        if len(entries) == limit:
            return {
                member: entries,
                "NextToken": _token(request, _Position(key=last, shuffle=position.shuffle)),
            }
        entries.append(entry)
        last = key
    return {member: entries}


def _limit(request: Request, position: _Position) -> int:
    limit: int = request.params.get("MaxResults", _MAX_RESULTS)
    if request.world.page_size is not None:
        limit = min(limit, request.world.page_size)
    if request.switches.short_pages:
        limit = 1 + int(_digest(position.key, limit), 16) % max(limit - 1, 1)
    return limit


def _position(request: Request) -> _Position:
    token = request.params.get("NextToken")
    if token is None:
        return _Position(shuffle=request.world.new_listing() if request.switches.shuffle else 0)
    try:
        mark, key, shuffle, empty_served = json.loads(urlsafe_b64decode(token.encode("ascii")))
    except (ValueError, TypeError):
        mark, key, shuffle, empty_served = None, None, None, None
    if mark != _mark(request) or not isinstance(key, str) or not isinstance(shuffle, int):
        raise fault.invalid_parameter("NextToken: is not a token of this listing")
    return _Position(key=key, shuffle=shuffle, empty_served=bool(empty_served))


def _token(request: Request, position: _Position) -> str:
    content = [_mark(request), position.key, position.shuffle, int(position.empty_served)]
    return urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode("ascii")


def _mark(request: Request) -> str:
    """Identify the listing: everything that was asked, but for the page."""
    asked = {key: value for key, value in request.params.items() if key not in {"NextToken", "MaxResults"}}
    return _digest(request.world.seed, request.operation, json.dumps(asked, sort_keys=True))


def _shuffled(key: str, shuffle: int) -> str:
    return _digest(shuffle, key) + key


def _digest(*parts: object) -> str:
    return blake2b(repr(parts).encode(), digest_size=_SHUFFLED).hexdigest()
