"""What somebody else changes back in the target: a state at its first time, a value or a membership at its third.

Instead of fighting over it, syncd withholds its own change until a person has decided: who approves it lets it be sent
once more; who wants the other side to win changes the directory, or holds the entity. What takes somebody out of
something is never held: it goes on, and is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from syncd.model.action import Action
from syncd.model.names import Key
from syncd.model.operation import BundleKind, Change, Operation, plain
from syncd.model.page import Role
from syncd.model.plan import Note, Plan
from syncd.model.situation import Situation

#: So far back it counts how often something was changed back.
WITHIN = timedelta(days=7)
#: So often we have set it again when it isn't simply set once more.
_TIMES = 2
#: What was made of each place and when, in the order in which it was applied.
Sent = Mapping[str, Sequence[tuple[Change, datetime]]]
#: The code of a note about a membership that somebody gives again and again, and that is taken away again.
COMES_BACK = "comes_back"
_VALUES = frozenset({Role.SETS, Role.MOVES, Role.JOINS})


def places(plan: Plan) -> frozenset[str]:
    """Return the places of which it must be known what was sent lately, to tell what of *plan* is contested."""
    return frozenset(operation.place for operation in plan.operations if _is_of_interest(operation))


def contested(plan: Plan, situation: Situation, sent: Sent) -> dict[str, str]:
    """Return what of *plan* somebody else has changed back, by operation id, with the sentence that people read."""
    standings = situation.standings
    found = {
        operation.id: standings.contested[operation.subject]
        for operation in plan.operations
        if operation.subject in standings.contested and operation.verb.role is Role.ENABLES
    }
    for operation in plan.operations:
        if operation.bundle.kind is BundleKind.REMOVAL and operation.row in standings.contested:
            found[operation.id] = standings.contested[Key(operation.row)]
        elif _flips(operation, sent, situation.now) and not _withdraws(operation):
            found[operation.id] = (
                f"for the third time within {WITHIN.days} days somebody changed back in WorkMail what syncd had set: "
                "agree who decides; approve the plan to set it again"
            )
    return found


def notes(plan: Plan, situation: Situation, sent: Sent) -> Iterator[Note]:
    """Tell of memberships that somebody gives again and again: they are taken away each time."""
    for operation in plan.operations:
        if _withdraws(operation) and _flips(operation, sent, situation.now):
            text = (
                f"{operation.summary}: for the third time within {WITHIN.days} days; somebody puts it back in WorkMail"
            )
            yield Note(code=COMES_BACK, subject=operation.subject, text=text)


def _is_of_interest(operation: Operation) -> bool:
    """Return whether somebody else may change back what *operation* does, and its place tells of it.

    An address that is given up may have become an alias by another's becoming primary, which its place doesn't tell;
    one parked on the way comes to nothing by itself.
    """
    gives_up = operation.verb.role is Role.MOVES and (operation.action is Action.REMOVE or not operation.effect)
    return (
        operation.verb.role in _VALUES
        and not gives_up
        and operation.entity is not None
        and operation.call is not None
        and operation.bundle.kind in (BundleKind.SINGLE, BundleKind.MOVE)
        and not operation.tidies
    )


def _withdraws(operation: Operation) -> bool:
    return operation.verb.role is Role.JOINS and operation.destructive


def _flips(operation: Operation, sent: Sent, now: datetime) -> bool:
    """Return whether we have made this again and again what it is to become once more, and nothing else in between."""
    if not _is_of_interest(operation):
        return False
    history = sent.get(operation.place, ())
    goal = plain(operation.after)
    first = next((n for n in range(len(history), 0, -1) if history[n - 1][0] != goal), 0)
    # The first of them followed a change of the directory: only the others were answers to somebody.
    again = [at for _, at in history[first + 1 :] if now - at <= WITHIN]
    return len(again) >= _TIMES
