"""What a page asks of the directory: a key of the `mapping` section, and how its text becomes a value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenField:
    """A property of users that the directory may give for the *thing* of a page.

    *name* is its key in `mapping.users`, *says* describes it there. *parse* makes a value of a text that isn't empty,
    and raises ValueError with the reason when it can't; *remedy* says what to do then.
    """

    thing: str
    name: str
    says: str
    parse: Callable[[str], Any]
    remedy: str
