"""What WorkMail accepts, from its own service model (`workmail.md` A, D, F)."""

import re
from collections.abc import Callable

from syncd import wire
from syncd.model.limits import Limits, TextLimit
from syncd.model.state import PROFILE_FIELDS

#: Names that the service is known or believed to refuse (`workmail.md` F; the full list is unknown).
RESERVED_NAMES = frozenset({"administrator", "guest", "krbtgt", "system"})
#: Aliases of one entity, hard (`workmail.md` D, B25).
ALIASES = 100


def workmail_limits(constraint: Callable[[str], wire.Constraint] = wire.constraint) -> Limits:
    """Return the limits, read from the service model's shapes."""

    def limit(shape: str, says: str) -> TextLimit:
        found = constraint(shape)
        pattern = re.compile(found.pattern, re.ASCII) if found.pattern else None
        return TextLimit(minimum=found.min or 0, maximum=found.max or 256, pattern=pattern, says=says)

    attribute = limit("UserAttribute", "any text")
    return Limits(
        user_name=limit("UserName", "letters a-z, digits, and . - _"),
        group_name=limit("GroupName", "printable Latin-1 characters"),
        address=limit("EmailAddress", "letters a-z, digits, and . _ % + - before the @, a domain after it"),
        display_name=attribute,
        profile=dict.fromkeys(PROFILE_FIELDS, attribute),
        aliases=ALIASES,
        reserved_names=RESERVED_NAMES,
    )
