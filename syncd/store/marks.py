"""How a mark, and the moment of its last read by every clock, lie in a row."""

from typing import Any

from sqlalchemy import Row

from syncd.model.memory import Mark
from syncd.model.moments import Boot, Instant
from syncd.model.names import Key


def mark_row(mark: Mark) -> dict[str, Any]:
    """Return the columns of *mark*, but for its organization."""
    last = mark.last
    boot = None if last is None else last.boot
    return {
        "key": mark.key,
        "missing_since": mark.missing_since,
        "missing_cycles": mark.missing_cycles,
        "disabled_since": mark.disabled_since,
        "counted": mark.counted,
        "last_at": None if last is None else last.wall,
        "last_boot": None if boot is None else boot.id,
        "last_boot_s": None if boot is None else boot.seconds,
        "last_service_at": None if last is None else last.service,
        "hole": mark.hole,
        "anew": mark.anew,
    }


def read_mark(row: Row[Any]) -> Mark:
    """Return the mark of *row*."""
    boot = None if row.last_boot is None else Boot(id=row.last_boot, seconds=row.last_boot_s)
    last = None if row.last_at is None else Instant(wall=row.last_at, boot=boot, service=row.last_service_at)
    return Mark(
        key=Key(row.key),
        missing_since=row.missing_since,
        missing_cycles=row.missing_cycles,
        disabled_since=row.disabled_since,
        counted=row.counted,
        last=last,
        hole=row.hole,
        anew=row.anew,
    )
