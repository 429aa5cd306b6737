"""What the mapping uses of a source: its key attribute, every other one, and which of them name other entities."""

from collections.abc import Mapping
from dataclasses import dataclass

from syncd.model.names import Kind

#: The name of the reference that says who belongs to a group.
MEMBER = "member"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Values in the source that name other entities: *name* is the part these have, *attribute* holds the values.

    *by* is, for each kind that can be named, the attribute whose values they are.
    """

    name: str
    attribute: str
    by: Mapping[Kind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What is used of the entries of one kind."""

    key: str
    attributes: frozenset[str] = frozenset()
    references: tuple[Reference, ...] = ()

    @property
    def all(self) -> frozenset[str]:
        """Every attribute that is used."""
        return self.attributes | {self.key} | {reference.attribute for reference in self.references}

    def reference(self, name: str) -> Reference | None:
        """Return the reference called *name*, None where entries of this kind have none."""
        return next((reference for reference in self.references if reference.name == name), None)
