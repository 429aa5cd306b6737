"""What the mapping uses of a source: its key attribute, and every other one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What is used of the entries of one kind. *members* is the attribute that lists a group's members, "" for none."""

    key: str
    attributes: frozenset[str] = frozenset()
    members: str = ""

    @property
    def all(self) -> frozenset[str]:
        """Every attribute that is used."""
        return self.attributes | {self.key} | ({self.members} if self.members else set())
