"""How things are, in one line for `systemctl status`: numbers and times only (`ops.md` SD-4)."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from syncd.daemon.progress import Progress
from syncd.model.report import SUCCESSES

_WORDS = {"withheld": "await approval", "partial": "partial", "failed": "failing"}


def status_line(all_progress: Iterable[Progress], *, trouble: str = "") -> str:
    """Return such a line: `3 organizations: 2 in sync, 1 await approval; last ok 12:04:11Z; next 12:19:02Z`."""
    states = list(all_progress)
    counts = Counter(_word(state) for state in states)
    parts = [f"{len(states)} organization{'' if len(states) == 1 else 's'}"]
    if counts:
        parts[0] += ": " + ", ".join(f"{number} {word}" for word, number in counts.most_common())
    successes = [state.last_success for state in states if state.last_success is not None]
    coming = [state.next_at for state in states if state.next_at is not None]
    if successes:
        parts.append(f"last ok {_time(max(successes))}")
    if coming:
        parts.append(f"next {_time(min(coming))}")
    return "; ".join([*([f"wedged: {trouble}"] if trouble else []), *parts])


def _word(state: Progress) -> str:
    if state.running_s is not None:
        return "at work"
    if not state.summary:
        return "not yet run"
    return "in sync" if state.summary in SUCCESSES else _WORDS[state.summary]


def _time(at: datetime) -> str:
    return f"{at:%H:%M:%S}Z"
