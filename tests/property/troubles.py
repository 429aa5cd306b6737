"""What may come between the first and the last call of a removal, and how everybody stands when it is over.

A scenario (`leaving.py`) says who leaves and what is ours to manage, a *trouble* what strikes at one writing call of
the removal and what goes on meanwhile. `run` plays one with the other and says of each leaver which of two ends it
was: removed, or as before. Anything else is neither.

Columns of the figures are added to `COLUMNS`, troubles to `TROUBLES`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from syncd.emulator import ServiceFault
from syncd.emulator.faults import ErrorAnswer, Fault
from syncd.model.names import EntityId, Key, Kind, fold, kind_of
from syncd.model.policy import Mode
from tests.fakes.cycles import DOMAIN
from tests.property.leaving import (
    LATER,
    LOUNGE,
    NOTHING,
    Breaker,
    Killed,
    Play,
    Scenario,
    Shape,
    Strike,
    addresses,
    opened,
    shapes,
)

REMOVED, AS_BEFORE = "removed", "as before"
#: Cycles that follow when the trouble is over.
AFTERWARDS = 6


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What strikes, what happens *meanwhile*, for how many cycles it is *lasting*, and how it is *over*.

    *later* numbers those of these cycles that are two hours later. With *calm* nothing fails while it lasts: half a
    removal is as wrong then as afterwards. What is about an *approval* strikes only removals that needed one.
    """

    name: str
    strike: Strike
    approval: bool = False
    meanwhile: Callable[[Play], None] = lambda _: None
    lasting: int = 0
    later: tuple[int, ...] = LATER
    over: Callable[[Play], None] = lambda _: None
    calm: bool = False


def died_before(breaker: Breaker, operation: str, params: Mapping[str, object]) -> dict[str, object]:
    """The process dies before the call is sent."""
    raise Killed


def died_after(breaker: Breaker, operation: str, params: Mapping[str, object]) -> dict[str, object]:
    """The process dies after the call has had its effect."""
    breaker.through(operation, params)
    raise Killed


def _cut_off(breaker: Breaker, operation: str, params: Mapping[str, object]) -> dict[str, object]:
    """The call never arrives."""
    raise ConnectionError


def _answer_lost(breaker: Breaker, operation: str, params: Mapping[str, object]) -> dict[str, object]:
    """The call has its effect, and its answer never arrives."""
    breaker.through(operation, params)
    raise ConnectionError


def _stopped(breaker: Breaker, operation: str, params: Mapping[str, object]) -> dict[str, object]:
    answer = breaker.through(operation, params)
    breaker.world.stop.set()
    return answer


def _failing(code: str, status: int) -> Strike:
    """From now on all calls of this name fail."""

    def strike(breaker: Breaker, operation: str, params: Mapping[str, object]) -> dict[str, object]:
        breaker.world.fail(Fault(operation=operation, error=ErrorAnswer(code=code, status=status)))
        return breaker.through(operation, params)

    return strike


def _mended(play: Play) -> None:
    play.world.fail()


def _nothing(play: Play) -> None:
    """Nobody does anything."""


def _is_protected(play: Play) -> None:
    """The operator protects who was struck."""
    play.world.policy = play.scenario.policy.model_copy(update={"protected": (play.struck,)})


def _mode_removes_nobody(play: Play) -> None:
    """The operator goes back to a mode that takes nothing away."""
    play.world.policy = play.scenario.policy.model_copy(update={"mode": Mode.UPSERT})


def _policy_is_back(play: Play) -> None:
    play.world.policy = play.scenario.policy


def _given(play: Play, operation: str, **parameters: object) -> bool:
    try:
        play.world.call(operation, **parameters)
    except ServiceFault:
        return False
    play.given_to = play.struck
    return True


def _admin_adds_an_alias(play: Play) -> None:
    alias = f"given@{DOMAIN}"
    if _given(play, "CreateAlias", EntityId=play.leavers[play.struck], Alias=alias):
        play.given = replace(play.given, aliases=frozenset({alias}))


def _admin_adds_a_membership(play: Play) -> None:
    group = play.bound(LOUNGE)
    if _given(play, "AssociateMemberToGroup", GroupId=group, MemberId=play.leavers[play.struck]):
        play.given = replace(play.given, groups=frozenset({group}))


def _returns(play: Play) -> None:
    came_back(play, play.struck)


def came_back(play: Play, key: Key) -> None:
    """The entry is back; a newcomer who wanted the address gets another one."""
    play.returned.add(key)
    play.directory.set_status(key, "enabled")
    if play.scenario.newcomer is not None:
        play.directory.change(play.scenario.newcomer, primary=f"professor@{DOMAIN}")


def _is_revoked(play: Play) -> None:
    play.world.stores.revoke(play.approved)


def _is_rejected(play: Play) -> None:
    play.directory.set_status(play.struck, "rejected")


def _is_accepted(play: Play) -> None:
    play.directory.set_status(play.struck, play.scenario.how)


def _half(play: Play) -> Iterable[Key]:
    present = [key for key in play.directory.rows if kind_of(key) is Kind.USER]
    others = [key for key in present if key not in play.leavers and key != play.scenario.newcomer]
    return others[: len(present) // 2]


def half_is_missing(play: Play) -> None:
    """The source has lost half of its people, though nobody who leaves."""
    for key in _half(play):
        play.directory.set_status(key, "absent")


def _all_are_back(play: Play) -> None:
    for key in _half(play):
        play.directory.set_status(key, "enabled")


@dataclass(frozen=True, kw_only=True)
class _Change:
    """What comes about while a removal is half done, and what ends it, if anything does."""

    name: str
    begins: Callable[[Play], None]
    ends: Callable[[Play], None] = _nothing
    lasts: bool = True
    approval: bool = False


_CHANGES = (
    _Change(name="an admin adds an alias", begins=_admin_adds_an_alias, lasts=False),
    _Change(name="an admin adds a membership", begins=_admin_adds_a_membership, lasts=False),
    _Change(name="the entry returns", begins=_returns, lasts=False),
    _Change(name="the entry is rejected", begins=_is_rejected, ends=_is_accepted),
    _Change(name="the source is disbelieved", begins=half_is_missing, ends=_all_are_back),
    _Change(name="it is protected", begins=_is_protected, ends=_policy_is_back),
    _Change(name="the mode removes nobody", begins=_mode_removes_nobody, ends=_policy_is_back),
    _Change(name="its approval is revoked", begins=_is_revoked, approval=True),
)
_DENIED = _failing("AccessDeniedException", 400)
_BROKEN = _failing("InternalFailure", 500)


def _after_death(change: _Change) -> Trouble:
    """Nothing fails any more when *change* comes: half a removal is wrong at once."""
    return Trouble(
        name=change.name,
        strike=died_after,
        meanwhile=change.begins,
        lasting=3 if change.lasts else 0,
        over=change.ends,
        calm=change.lasts,
        approval=change.approval,
    )


def _while_failing(change: _Change, name: str, strike: Strike) -> Trouble:
    """*change* comes while calls fail, and ends with that."""

    def over(play: Play) -> None:
        _mended(play)
        change.ends(play)

    return Trouble(
        name=f"{name}, {change.name}",
        strike=strike,
        meanwhile=change.begins,
        lasting=3,
        over=over,
        approval=change.approval,
    )


TROUBLES = (
    Trouble(name="dies before the effect", strike=died_before),
    Trouble(name="dies after the effect", strike=died_after),
    Trouble(name="is cut off", strike=_cut_off),
    Trouble(name="the answer is lost", strike=_answer_lost),
    Trouble(name="is told to stop", strike=_stopped),
    Trouble(name="access denied", strike=_DENIED, lasting=3, over=_mended),
    Trouble(name="500 for ever", strike=_BROKEN, lasting=6, over=_mended),
    Trouble(name="500 for three cycles", strike=_BROKEN, lasting=2, later=(), over=_mended),
    *map(_after_death, _CHANGES),
    *(_while_failing(change, "denied", _DENIED) for change in _CHANGES),
    *(_while_failing(change, "500", _BROKEN) for change in _CHANGES),
)
TROUBLES_BY_NAME = {trouble.name: trouble for trouble in TROUBLES}


# --- how it ended ----------------------------------------------------------------------------------------------------


def verdict(play: Play, key: Key) -> str:
    """Return REMOVED, AS_BEFORE, or what is wrong with both."""
    identity = play.leavers[key]
    now = shapes(play.world.documents())[identity]
    if now.state == "ENABLED":
        return _compared(play, key, now)
    if key in play.returned:
        return "still DISABLED, although it is back"
    held = addresses(now) & _to_be_released(play, play.before[identity])
    if held:
        return f"DISABLED, and nobody can have {', '.join(sorted(held))}"
    ours = {binding.entity for binding in play.world.stores.bindings.values()}
    if play.scenario.manage.members is not False and now.groups & ours:
        return "DISABLED, and in a group of ours"
    return REMOVED


def _to_be_released(play: Play, was: Shape) -> frozenset[str]:
    """Return what others can have afterwards: aliases that aren't managed stay where they are."""
    return frozenset({was.primary}) if play.scenario.manage.aliases is False else addresses(was)


def _compared(play: Play, key: Key, now: Shape) -> str:
    """Return how an ENABLED one differs from before; what an admin gave meanwhile stays, unless `exact` says no."""
    was, manage = play.before[play.leavers[key]], play.scenario.manage
    given = play.given if key == play.given_to else NOTHING
    names = {str(identity): str(document["name"]) for identity, document in play.world.documents().items()}
    differences = [] if now.primary == was.primary else [f"its primary is {now.primary}"]
    sides: tuple[tuple[str, frozenset[str], frozenset[str], frozenset[str], bool], ...] = (
        ("aliases", now.aliases, was.aliases, given.aliases, manage.aliases == "exact"),
        ("groups", frozenset(now.groups), frozenset(was.groups), frozenset(given.groups), manage.members == "exact"),
        ("members", frozenset(now.members), frozenset(was.members), frozenset(), True),
    )
    for side, held, expected, more, may_go in sides:
        lacking, extra = (expected if may_go else expected | more) - held, held - expected - more
        differences += [f"of its {side} {names.get(one, one)} is missing" for one in sorted(lacking)]
        differences += [f"of its {side} {names.get(one, one)} is too many" for one in sorted(extra)]
    return f"ENABLED, but {'; '.join(differences)}" if differences else AS_BEFORE


def harm(play: Play, states: Mapping[Key, str]) -> list[str]:
    """Return who else isn't as they should be: those who stay are as before, the newcomer has what is free."""
    documents = play.world.documents()
    now, row = shapes(documents), play.newcomer
    binding = None if row is None else play.world.stores.bindings.get(row.key)
    apart = {*play.leavers.values(), *([] if binding is None else [binding.entity])}
    found = [
        f"{documents[identity]['name']} is changed"
        for identity, was in play.before.items()
        if identity not in apart and _without(now[identity], apart) != _without(was, apart)
    ]
    served = play.returned or states[play.scenario.leavers[0]] == REMOVED
    held = NOTHING if binding is None else now[binding.entity]
    if row is not None and served and (held.state, held.primary) != ("ENABLED", fold(row.primary)):
        found.append(f"the newcomer hasn't got {row.primary}")
    return found


def _without(shape: Shape, apart: Iterable[EntityId]) -> Shape:
    return replace(shape, members=shape.members.difference(apart), groups=shape.groups.difference(apart))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one run ended: *columns* are those of the figures that it counts in, *problems* what is wrong."""

    scenario: str
    trouble: str
    at: int
    columns: frozenset[str]
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.scenario} / {self.trouble} at call {self.at}: {' | '.join(self.problems)}"


Column = Callable[[Play, Mapping[Key, str]], bool]

#: What a run counts in, by the end of each leaver.
COLUMNS: Mapping[str, Column] = {
    REMOVED: lambda _, states: set(states.values()) == {REMOVED},
    AS_BEFORE: lambda _, states: set(states.values()) == {AS_BEFORE},
    "both": lambda _, states: set(states.values()) == {REMOVED, AS_BEFORE},
    "neither": lambda _, states: not set(states.values()) <= {REMOVED, AS_BEFORE},
    "meanwhile": lambda play, _: bool(play.problems),
    "too early": lambda play, _: bool(play.world.breaker.too_early),
    "others": lambda play, states: bool(harm(play, states)),
}


def run(scenario: Scenario, trouble: Trouble, at: int) -> Ended:
    """Play *scenario* with *trouble* at its *at*-th writing call, to the end and six cycles on."""
    play = opened(scenario)
    play.leave()
    play.world.breaker.arm(at, trouble.strike)
    play.cycle()
    trouble.meanwhile(play)
    assert play.struck
    play.cycles(trouble.lasting, later=trouble.later)
    if trouble.calm:
        play.problems += [f"meanwhile {one}" for one in _wrong(_states(play))]
    trouble.over(play)
    play.cycles(AFTERWARDS)
    states = _states(play)
    early = [f"too early: {one}" for one in play.world.breaker.too_early]
    return Ended(
        scenario=scenario.name,
        trouble=trouble.name,
        at=at,
        columns=frozenset(name for name, counts in COLUMNS.items() if counts(play, states)),
        problems=(*_wrong(states), *play.problems, *early, *harm(play, states)),
    )


def _states(play: Play) -> dict[Key, str]:
    return {key: verdict(play, key) for key in play.leavers}


def _wrong(states: Mapping[Key, str]) -> list[str]:
    return [f"{key} is {state}" for key, state in states.items() if state not in (REMOVED, AS_BEFORE)]


def table(runs: Sequence[Ended]) -> str:
    """Return the figures: a line for each scenario and trouble."""
    rows = list(dict.fromkeys((one.scenario, one.trouble) for one in runs))
    lines = [f"{'scenario':<32}{'trouble':<36}{'runs':>5}" + "".join(f"{name:>11}" for name in COLUMNS)]
    for scenario, trouble in rows:
        these = [one for one in runs if (one.scenario, one.trouble) == (scenario, trouble)]
        counts = "".join(f"{sum(name in one.columns for one in these):>11}" for name in COLUMNS)
        lines.append(f"{scenario:<32}{trouble:<36}{len(these):>5}{counts}")
    return "\n".join(lines)
