"""What names a person, taken out of a text that others may read."""

import re

_ADDRESS = re.compile(r"[^\s\"'<>(),;:=@]+@[^\s\"'<>(),;:=@]+\.[^\s\"'<>(),;:=@.]+")


def without_addresses(text: str) -> str:
    """Return *text* with `(address)` in place of each mail address."""
    return _ADDRESS.sub("(address)", text)
