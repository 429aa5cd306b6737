"""How much evidence there is that someone has left: pure bookkeeping of marks.

| the bound key is ...                                  | mark                                      |
|-------------------------------------------------------|-------------------------------------------|
| in the directory, enabled                             | none                                      |
| in the directory, disabled (or absent as disabled)    | disabled since                            |
| in the directory, rejected                            | as before, but not missing                |
| absent (gone, moved, unknown)                         | missing since, one more read              |
| absent as *not visible to us*                         | as before: never counts                   |
| absent while some record has no readable key          | as before: it may be that very record     |
"""

from collections.abc import Mapping
from datetime import datetime

from syncd.model.entry import Absence
from syncd.model.memory import Binding, Mark, Memory
from syncd.model.names import Key, kind_of
from syncd.model.state import Desired


def updated_marks(memory: Memory, desired: Desired, *, source: str, now: datetime) -> Mapping[Key, Mark]:
    """Return the marks after this read; only keys that have a mark are in it."""
    readable = all_keys_readable(desired)
    rejected = {rejection.key for rejection in desired.rejections}
    marks: dict[Key, Mark] = {}
    for key, binding in memory.bindings.items():
        wanted = desired.entities.get(key)
        if wanted is not None and wanted.enabled:
            continue
        old = memory.marks.get(key) or Mark(key=key)
        if wanted is not None:
            new = Mark(key=key, disabled_since=old.disabled_since or now)
        elif key in rejected:
            new = Mark(key=key, disabled_since=old.disabled_since)
        else:
            new = _absent(binding, old, desired, source=source, now=now, readable=readable)
        if new.missing_since or new.disabled_since:
            marks[key] = new
    return marks


def all_keys_readable(desired: Desired) -> bool:
    """Return False when some record's key couldn't be read: then nobody counts as missing."""
    return all(rejection.key is not None for rejection in desired.rejections)


def _absent(binding: Binding, old: Mark, desired: Desired, *, source: str, now: datetime, readable: bool) -> Mark:
    key = binding.key
    not_compared = kind_of(key) not in desired.read
    absence = desired.absences.get(key, Absence.UNKNOWN)
    if not_compared or not readable or binding.source != source or absence is Absence.NOT_VISIBLE:
        return old
    if absence is Absence.DISABLED:
        return Mark(key=key, disabled_since=old.disabled_since or now)
    return Mark(key=key, missing_since=old.missing_since or now, missing_cycles=old.missing_cycles + 1)
