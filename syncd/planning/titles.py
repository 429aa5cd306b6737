"""What people call the subjects of operations: for whoever reads a plan, nothing rests on it."""

from collections.abc import Iterable, Mapping

from syncd.model.names import Key
from syncd.model.operation import Operation
from syncd.model.situation import Situation


def titles(situation: Situation, operations: Iterable[Operation]) -> Mapping[str, str]:
    """Return the name of each subject of *operations*: the one that the service knows, else the wanted one.

    So of those whose removal is under way, or who are held or in doubt: they are named wherever it is told.
    """
    others = (*situation.memory.begun, *situation.memory.holds, *situation.standings.doubted)
    subjects = {*others, *(operation.subject for operation in operations)}
    return {key: name for key in subjects if (name := _name(situation, key))}


def _name(situation: Situation, key: Key) -> str:
    identity = situation.standings.entity_of.get(key)
    entity = None if identity is None else situation.observed.entities.get(identity)
    if entity is not None:
        return entity.name
    wanted = situation.desired.entities.get(key)
    return wanted.name if wanted is not None else ""
