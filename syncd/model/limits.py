"""What the target accepts: names, addresses, lengths, characters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLimit:
    """Lengths in characters; *pattern* is matched whole; *says* tells people what the pattern allows."""

    minimum: int = 0
    maximum: int = 256
    pattern: re.Pattern[str] | None = None
    says: str = ""

    def complaint(self, value: str) -> str:
        """Return what is wrong with *value*, "" when nothing is."""
        if len(value) < self.minimum:
            return "is empty" if not value else f"has {len(value)} characters, {self.minimum} are needed"
        if len(value) > self.maximum:
            return f"has {len(value)} characters, {self.maximum} are allowed"
        if self.pattern is not None and self.pattern.fullmatch(value) is None:
            return f"has a character or form that is not allowed ({self.says})"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The target's limits, per kind of text. *reserved_names* are folded."""

    user_name: TextLimit
    group_name: TextLimit
    address: TextLimit
    display_name: TextLimit
    profile: Mapping[str, TextLimit] = field(default_factory=dict)
    aliases: int = 100
    reserved_names: frozenset[str] = frozenset()
