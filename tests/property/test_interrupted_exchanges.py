"""Two people, or three, exchange addresses, and syncd dies after each call: nobody stays without an address.

Whatever the directory, the policy or the guards say in the next cycles, each has a real primary address, and none that
a stranger had; and once they say the same as before, the exchange is complete.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from syncd.model.names import EntityId, Key
from syncd.model.policy import Manage, Mode, Policy, SourceThreshold, Threshold
from syncd.planning.ownership import is_parking
from tests.builders import WIDE_OPEN, wanted
from tests.fakes.cycles import DOMAIN
from tests.property.leaving import Strike, TroubledWorld
from tests.property.troubles import died_after, died_before
from tests.property.worlds import Directory

GUARDS = WIDE_OPEN.model_copy(update={"source_shrink": SourceThreshold()})
PEOPLE = ("amy", "bender", "fry", "hermes", "kif", "leela", "mom", "nibbler", "scruffy", "zapp", "zoidberg")
RINGS = {"a swap": ("fry", "leela"), "a ring of three": ("fry", "leela", "amy")}
#: More calls than any of these exchanges takes.
MOST_CALLS = 20


@dataclass
class Play:
    """One exchange."""

    ring: tuple[str, ...]
    aliases: str
    directory: Directory = field(default_factory=Directory)

    def __post_init__(self) -> None:
        policy = Policy(mode=Mode.FULL, manage=Manage.model_validate({"aliases": self.aliases}), guards=GUARDS)
        self.policy = policy
        self.world = TroubledWorld(policy=policy)
        for name in PEOPLE:
            self.directory.put(wanted(name))
        self.cycle()
        self.ids = {self.world.stores.bindings[Key(f"user:{name}")].entity: name for name in self.ring}
        for name, successor in zip(self.ring, (*self.ring[1:], self.ring[0]), strict=True):
            self.directory.change(Key(f"user:{name}"), primary=f"{successor}@{DOMAIN}")

    def cycle(self) -> int | None:
        code = self.world.exit_code(self.directory.mapped())
        self.world.clock.advance(seconds=60)
        return code

    def break_off(self, at: int, strike: Strike) -> bool:
        """Let the exchange be broken off at its call *at*; return whether it has as many."""
        self.world.breaker.leavers = {identity: Key(f"user:{name}") for identity, name in self.ids.items()}
        self.world.breaker.arm(at, strike)
        self.cycle()
        return self.world.breaker.struck is not None

    def primaries(self) -> Mapping[str, str]:
        documents = self.world.documents()
        return {name: str(documents[EntityId(identity)]["email"]) for identity, name in self.ids.items()}


def _missing(*names: str) -> Callable[[Play], None]:
    def change(play: Play) -> None:
        for name in names:
            play.directory.set_status(Key(f"user:{name}"), "absent")

    return change


def _rejected(play: Play) -> None:
    play.directory.set_status(Key("user:fry"), "rejected")


def _half_a_file(play: Play) -> None:
    for name in PEOPLE[:6]:
        play.directory.set_status(Key(f"user:{name}"), "absent")


def _mode(mode: Mode) -> Callable[[Play], None]:
    def change(play: Play) -> None:
        play.world.policy = play.policy.model_copy(update={"mode": mode})

    return change


def _reverted(play: Play) -> None:
    """Somebody thought better of it."""
    for name in play.ring:
        play.directory.change(Key(f"user:{name}"), primary=f"{name}@{DOMAIN}")


def _nothing(_: Play) -> None:
    """The next cycle is like the last."""


AFTERWARDS: Mapping[str, Callable[[Play], None]] = {
    "nothing": _nothing,
    "one is missing": _missing("fry"),
    "the other one is missing": _missing("leela"),
    "both are missing": _missing("fry", "leela"),
    "one is rejected": _rejected,
    "half a file": _half_a_file,
    "reverted": _reverted,
    "mode upsert": _mode(Mode.UPSERT),
    "mode create": _mode(Mode.CREATE),
}


@pytest.mark.parametrize("aliases", ["exact", "additive"])
@pytest.mark.parametrize("ring", RINGS.values(), ids=RINGS)
@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_nobody_stays_parked(afterwards: str, ring: tuple[str, ...], aliases: str) -> None:
    """Within two cycles, whatever has changed; and it ends well once that is over."""
    wrong = []
    for strike in (died_before, died_after):
        for at in range(1, MOST_CALLS):
            play = Play(ring, aliases)
            if not play.break_off(at, strike):
                break
            AFTERWARDS[afterwards](play)
            codes = [play.cycle() for _ in range(3)]
            held = play.primaries()
            ours = {f"{name}@{DOMAIN}" for name in ring}
            if not set(held.values()) <= ours:
                wrong.append(f"{strike.__name__} at {at}: {held}, exit codes {codes}")
            for name in PEOPLE:
                play.directory.set_status(Key(f"user:{name}"), "enabled")
            play.world.policy = play.policy
            ended = [play.cycle() for _ in range(3)]
            goal = {name: str(play.directory.rows[Key(f"user:{name}")].primary) for name in ring}
            if play.primaries() != goal or ended[-1] != 0:
                wrong.append(f"{strike.__name__} at {at}, in the end: {play.primaries()}, exit codes {ended}")
            aliases_left = [a for i in play.ids for a in play.world.documents()[i].get("aliases", ()) if is_parking(a)]
            if aliases_left:
                wrong.append(f"{strike.__name__} at {at}, in the end: {aliases_left}")
        assert at > len(ring), "it takes more calls than that"
    assert not wrong, "\n".join(wrong)


def test_a_limit_of_nothing_is_said() -> None:
    """A guard that is tighter now withholds the rest: exit code 3, not 0, and somebody is named."""
    play = Play(RINGS["a swap"], "exact")
    assert play.break_off(2, died_before)
    none = GUARDS.model_copy(update={"primary_changes": Threshold(percent=0, count=0)})
    play.world.policy = play.policy.model_copy(update={"guards": none})
    assert play.cycle() == 3
    plan = play.world.fresh_plan()
    assert [note.code for note in plan.notes if note.code == "parked"] == ["parked"]
