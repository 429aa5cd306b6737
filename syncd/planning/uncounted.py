"""Which rows keep whom from being counted as missing: one note for each row."""

from collections.abc import Iterable, Iterator

from syncd.model.plan import Note
from syncd.model.standing import Pending

#: The code of a note about a row that may mean somebody who is absent.
NOT_COUNTED = "not_counted"
_NAMED = 3


def uncounted_notes(waiting: Iterable[Pending]) -> Iterator[Note]:
    """Yield a note for each row because of which somebody of *waiting* isn't counted."""
    kept: dict[str, list[Pending]] = {}
    for pending in waiting:
        if pending.because:
            kept.setdefault(pending.because, []).append(pending)
    for because, people in kept.items():
        named = ", ".join(f"{each.name} ({each.key})" for each in people[:_NAMED])
        more = f" and {len(people) - _NAMED} more" if len(people) > _NAMED else ""
        text = f"while this row stands there, nobody counts as missing whom it may mean: {because}; now {named}{more}"
        yield Note(code=NOT_COUNTED, subject="", text=text)
