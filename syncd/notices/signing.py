"""How a receiver knows that a webhook is from us, whole and fresh.

Each request has the header `Syncd-Signature: t=SECONDS,v1=HEX` and `Syncd-Id`, which is the same each time a notice
is tried. HEX is the HMAC-SHA256 with the shared secret over `SECONDS.BODY`, the body exactly as it came. A receiver

1. takes `t` and every `v1` from the header,
2. refuses a `t` that is more than five minutes from its own clock: an old request sent again,
3. computes the HMAC over `t`, a full stop and the raw body, and compares it with each `v1` in constant time,
4. may forget a notice whose `id` (it stands in the signed body too) it has seen before.

`verify` does just that.
"""

import hmac
from collections.abc import Iterable

SIGNATURE_HEADER = "Syncd-Signature"
ID_HEADER = "Syncd-Id"
#: How far apart the clocks of sender and receiver may be, in seconds.
TOLERANCE_S = 300


def sign(secret: str, body: bytes, at: int) -> str:
    """Return the header's value for *body*, sent at *at* (seconds since 1970)."""
    return f"t={at},v1={_digest(secret, body, at)}"


def verify(secrets: Iterable[str], body: bytes, header: str, now: int, *, tolerance_s: int = TOLERANCE_S) -> bool:
    """Return whether *header* is a fresh signature of *body* by one of *secrets* (several while one is replaced)."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t" and value.isascii() and value.isdigit()]
    if len(times) != 1 or abs(now - int(times[0])) > tolerance_s:
        return False
    given = [value for name, _, value in parts if name == "v1" and value.isascii()]
    wanted = [_digest(secret, body, int(times[0])) for secret in secrets]
    return any(hmac.compare_digest(one, other) for one in given for other in wanted)


def _digest(secret: str, body: bytes, at: int) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
