"""Every fault at every call of a scenario: whatever strikes the cycle, two clean ones later all is as if nothing had.

A scenario is a small organization in sync, and what changes then. Its cycle is played once without a fault, which says
how many calls it makes and what it leads to, and then once for each call and kind of fault.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta

from syncd.emulator import Switches
from syncd.model.names import fold
from syncd.model.policy import Adopt, Manage, Mode, Policy
from tests.reliability.events import Event, happen
from tests.reliability.playing import Player
from tests.reliability.settings import GUARDS, REMOVALS
from tests.reliability.stories import Setting, Story
from tests.reliability.strikes import CALLS, LISTS, STORE, Strike
from tests.reliability.world import Shelf

_PEOPLE = tuple(Event("joins", (slot,)) for slot in range(4))
_GROUPS = (Event("group_is_founded", (0,)), Event("group_is_founded", (1,)))
_CYCLE = Event("cycle", ("refresh",))
_DAY = Event("hours_pass", (24,))


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What an organization went through, and what then changes."""

    name: str
    before: tuple[Event, ...] = (*_PEOPLE, *_GROUPS, _CYCLE)
    changes: tuple[Event, ...]


SCENARIOS = (
    Scenario(
        name="onboard", changes=(Event("joins", (5,)), Event("changes_group", (5, 0)), Event("changes_phone", (5, 1)))
    ),
    Scenario(
        name="offboard",
        changes=(Event("gets_an_alias", (0, 1)), Event("is_marked_left", (0,)), Event("vanishes", (1,))),
    ),
    Scenario(name="swap", changes=(Event("swap_addresses", (0, 1)),)),
    Scenario(
        name="reshuffle",
        changes=(
            Event("swap_addresses", (0, 1)),
            Event("swap_addresses", (1, 2)),
            Event("gets_an_alias", (3, 2)),
            Event("changes_group", (3, 0)),
            Event("changes_group", (0, 0)),
            Event("marries", (2, 7)),
            Event("group_is_hidden", (1,)),
        ),
    ),
    Scenario(
        name="re-hire",
        before=(
            *_PEOPLE,
            *_GROUPS,
            Event("gets_an_alias", (0, 1)),
            _CYCLE,
            Event("vanishes", (0,)),
            _DAY,
            _CYCLE,
            _CYCLE,
        ),
        changes=(Event("returns", (0,)), Event("marries", (0, 9)), Event("changes_team", (0, 1))),
    ),
    Scenario(
        name="restore",
        before=(*_PEOPLE, *_GROUPS, _CYCLE, Event("backs_up"), Event("joins", (5,)), Event("vanishes", (1,)), _CYCLE),
        changes=(Event("restores_the_backup"), Event("changes_phone", (2, 1))),
    ),
    Scenario(
        name="adoption",
        before=(*_PEOPLE[:2], Event("admin_makes_a_user", (0,)), Event("admin_makes_a_user", (1,))),
        changes=(*_PEOPLE[2:], *_GROUPS),
    ),
)


def _story(scenario: Scenario) -> Story:
    policy = Policy(
        mode=Mode.FULL,
        adopt=Adopt.EXACT,
        manage=Manage(aliases="exact", members="exact"),
        removal=REMOVALS["at once"],
        guards=GUARDS["wide open"],
    )
    setting = Setting(
        guards="wide open",
        removal="at once",
        policy=policy,
        switches=Switches(deregistered_addresses="released"),
        verify_within=timedelta(hours=24),
        every_hours=1.0,
    )
    return Story(seed=0, setting=setting, events=())


class Eve:
    """The world on the eve of the cycle that is struck; `again` makes it anew."""

    def __init__(self, scenario: Scenario, shelf: Shelf) -> None:
        self.scenario = scenario
        self._shelf = shelf
        player = Player(_story(scenario), shelf)
        for one in scenario.before:
            player.happen(one)
        for one in scenario.changes:
            happen(player.world, one)
        world = player.world
        world.close()
        self._directory = deepcopy(world.directory)
        self._store = shelf.path.read_bytes()
        self._emulator = world.emulator.snapshot()
        self._true = world.clock.true_now()
        #: How often each is called in a cycle that nothing strikes.
        self.calls: Counter[str] = Counter()
        clean = self.again()
        clean.happen(_CYCLE)
        self.calls.update(clean.world.script.seen)
        clean.settle()
        self.goal = shape(clean)
        assert not clean.played.unexpected, clean.played.trace
        clean.world.close()

    def again(self) -> Player:
        player = Player(_story(self.scenario), self._shelf)
        world = player.world
        world.close()
        self._shelf.put(self._store)
        world.emulator.load(deepcopy(self._emulator))
        world.directory.__dict__.update(deepcopy(self._directory.__dict__))
        world.clock.advance(seconds=(self._true - world.clock.true_now()).total_seconds())
        world.restart()
        return player


def shape(player: Player) -> Mapping[str, object]:
    """Return what an organization holds, by name; of who is DISABLED only that."""
    documents = player.world.documents()
    names = {identity: one["name"] for identity, one in documents.items() if one["state"] == "ENABLED"}
    left_out = ("id", "enabled", "disabled", "provisioned", "aliases", "members", "email")
    found: dict[str, object] = {}
    for one in documents.values():
        seen: dict[str, object] = {"state": one["state"]}
        if one["state"] == "ENABLED":
            seen |= {name: value for name, value in one.items() if name not in left_out}
            seen |= {
                "email": fold(one["email"]),
                "aliases": sorted(map(fold, one.get("aliases", ()))),
                "members": sorted(names[member] for member in one["members"] if member in names),
            }
        found[one["name"]] = seen
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """What one fault at one call came to: *problems* is empty where all went well."""

    scenario: str
    strike: Strike
    fired: bool
    problems: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.scenario}, {self.strike}: {'; '.join(self.problems)}"


def strikes_at(eve: Eve) -> Iterator[Strike]:
    """Yield every fault at every call, and at every entry of the store, of the cycle after *eve*."""
    for kind in (*CALLS, *LISTS):
        yield from (Strike(operation="*", kind=kind, nth=nth) for nth in range(1, eve.calls["*"] + 1))
    for kind in STORE:
        yield from (Strike(operation="entry", kind=kind, nth=nth) for nth in range(1, eve.calls["entry"] + 1))


def struck(eve: Eve, strike: Strike) -> Struck:
    """Let *strike* come to the cycle after *eve*, then nothing any more; say what is wrong in the end."""
    player = eve.again()
    try:
        player.happen(Event("cycle", ("refresh",), (strike,)))
        fired = player.world.script.fired > 0
        player.settle()
        problems = [f"{one.invariant}: {one.text}" for one in player.played.unexpected]
        now = shape(player)
        names = sorted({*now, *eve.goal})
        problems += [f"{n} is {now.get(n)}, not {eve.goal.get(n)}" for n in names if now.get(n) != eve.goal.get(n)]
    finally:
        player.world.close()
    return Struck(scenario=eve.scenario.name, strike=strike, fired=fired, problems=tuple(problems))


def matrix(shelf: Shelf, scenarios: Sequence[Scenario] = SCENARIOS, *, every: int = 1) -> Iterator[Struck]:
    """Yield what each fault at each call of each scenario came to; or of *every* so many one."""
    for scenario in scenarios:
        eve = Eve(scenario, shelf)
        for number, strike in enumerate(strikes_at(eve)):
            if number % every == 0:
                yield struck(eve, strike)


def table(runs: Sequence[Struck]) -> str:
    """Return the table: a line for each scenario and kind of fault."""
    rows = Counter((one.scenario, one.strike.kind) for one in runs if one.fired)
    wrong = Counter((one.scenario, one.strike.kind) for one in runs if one.problems)
    lines = [f"{'scenario':<12}{'fault':<26}{'calls':>7}{'wrong':>7}"]
    lines += [f"{scenario:<12}{kind:<26}{rows[scenario, kind]:>7}{wrong[scenario, kind]:>7}" for scenario, kind in rows]
    lines.append(f"{'in all':<38}{sum(rows.values()):>7}{sum(wrong.values()):>7}")
    return "\n".join(lines)
