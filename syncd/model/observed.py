"""What the service holds, as far as it was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from syncd.model.detail import Details
from syncd.model.names import EntityId
from syncd.model.state import Entity, Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the service holds. Ghosts (DELETED) are among *entities*: they are facts about bound entities.

    *gone* holds ids that were bound but of which the service said, asked by id, that they don't exist.
    *answered_at* is the service's own date of its first answer, None where it told none.
    """

    organization: Organization
    entities: Mapping[EntityId, Entity]
    details: Details
    gone: frozenset[EntityId] = frozenset()
    answered_at: datetime | None = None
