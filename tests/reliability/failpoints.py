"""Dying for real: a process of its own runs the cycle on the real store, and ends at a point without any last word.

The child is forked and asks the emulator, which stays here, through a socket; so its calls outlive it as they would in
WorkMail, and its store is left as the system leaves a file whose process is gone.
"""

import json
import os
import random
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from warnings import catch_warnings, simplefilter

from syncd.emulator import ServiceFault
from tests.reliability.playing import Player
from tests.reliability.ports import Line
from tests.reliability.scenarios import SCENARIOS, Eve, Scenario, shape
from tests.reliability.strikes import WRITES, Answer, Params
from tests.reliability.world import Shelf, options

#: Where the process ends: before or after an entry of the store or a call of the service.
POINTS = (
    "before journal.intend",
    "after journal.intend",
    "before the call",
    "after the call",
    "before journal.settle",
    "after journal.settle",
    "before history.record",
    "after history.record",
    "before memory.record_marks",
    "after memory.record_marks",
)
GONE = 137


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The *nth* time that the process comes *where*, as it works on a call of *operation* ("" for any)."""

    where: str
    operation: str = ""
    nth: int = 1


class _Far:
    """The emulator, asked through *wire*; `Line` takes it for one."""

    def __init__(self, wire: socket.socket) -> None:
        self._file = wire.makefile("rw", encoding="utf-8")

    def call(self, operation: str, params: Params) -> Answer:
        self._file.write(json.dumps([operation, dict(params)]) + "\n")
        self._file.flush()
        kind, answer = json.loads(self._file.readline())
        if kind == "fault":
            raise ServiceFault(answer["code"], answer["message"], status=answer["status"])
        found: Answer = answer
        return found


def _serve(player: Player, wire: socket.socket, on_call: Callable[[int], None]) -> list[str]:
    """Answer the child until it is gone; return which calls it made."""
    calls: list[str] = []
    # Whoever was killed leaves a reset connection.
    with suppress(OSError), wire, wire.makefile("rw", encoding="utf-8") as file:
        for line in file:
            operation, params = json.loads(line)
            calls.append(operation)
            on_call(len(calls))
            try:
                answer = ["answer", player.world.emulator.call(operation, params)]
            except ServiceFault as fault:
                answer = ["fault", {"code": fault.code, "message": fault.message, "status": fault.status}]
            file.write(json.dumps(answer) + "\n")
            file.flush()
    return calls


def _child(player: Player, wire: socket.socket, passes: Callable[[str, str], None]) -> None:
    """Run one cycle in this process; never return."""
    code = 1
    try:
        world = player.world
        far = _Far(wire)
        doing = [""]

        class Dying(Line):
            def call(self, operation: str, params: Params) -> Answer:
                passes("before the call", operation)
                answer = far.call(operation, params)
                passes("after the call", operation)
                return answer

        def around(entry: str, write: Callable[[], object]) -> object:
            passes(f"before {entry}", doing[0])
            result = write()
            if entry == "journal.intend" and world.log:
                last = world.log[-1]
                call = getattr(last, "call", None)
                doing[0] = call.operation if call is not None else ""
            passes(f"after {entry}", doing[0])
            return result

        world.line.__class__ = Dying
        world.script.around_entry = around  # type: ignore[method-assign] # the child's own, which is about to end
        ended = world.cycle(options("sync", refresh=True))
        code = 0 if ended.report is not None else 3
    finally:
        os._exit(code)


def dies(player: Player, passes: Callable[[str, str], None], on_call: Callable[[int, int], None]) -> tuple[int, int]:
    """Let a forked process run the cycle; return how it ended (as a shell says it) and how many calls it made.

    *passes* is called in the child wherever it may die, *on_call* here, with the child's id, for each call.
    """
    world = player.world
    world.clock.advance(hours=1)
    world.export.write()
    world.close()
    here, there = socket.socketpair()
    with catch_warnings():
        simplefilter("ignore", DeprecationWarning)  # of threads: none of them is the child's concern
        process = os.fork()
    if not process:
        here.close()
        _child(player, there, passes)
    there.close()
    calls = _serve(player, here, lambda number: on_call(process, number))
    _, status = os.waitpid(process, 0)
    world.restart()
    code = os.waitstatus_to_exitcode(status)
    return (128 - code if code < 0 else code), len(calls)


def at(point: Point) -> Callable[[str, str], None]:
    """Return what ends the process at *point*."""
    seen = [0]

    def passes(where: str, operation: str) -> None:
        seen[0] += where == point.where and (not point.operation or operation == point.operation)
        if seen[0] == point.nth and where == point.where:
            os._exit(GONE)

    return passes


def _nowhere(where: str, operation: str) -> None:
    """The process lives."""


def _nothing(process: int, number: int) -> None:
    """Nobody does anything to it."""


def mended(player: Player, goal: Mapping[str, object]) -> list[str]:
    """Settle, and return what is not as if nothing had died."""
    player.settle()
    problems = [f"{one.invariant}: {one.text}" for one in player.played.unexpected]
    now = shape(player)
    names = sorted({*now, *goal})
    return problems + [f"{n} is {now.get(n)}, not {goal.get(n)}" for n in names if now.get(n) != goal.get(n)]


def at_every_point(eve: Eve) -> Iterator[tuple[Point, bool, list[str]]]:
    """End the process at every point and kind of call of the cycle after *eve*; yield if it died, and what is wrong."""
    operations = [name for name in WRITES if eve.calls[name]]
    for where in POINTS:
        per_call = "journal" in where or "call" in where
        for operation in operations if per_call else [""]:
            point = Point(where=where, operation="" if where == "before journal.intend" else operation)
            player = eve.again()
            code, _ = dies(player, at(point), _nothing)
            yield point, code == GONE, mended(player, eve.goal)
            player.world.close()


def at_random(eve: Eve, seed: int) -> tuple[bool, list[str]]:
    """SIGKILL the process at a moment that *seed* chooses; return whether that came in time, and what is wrong.

    The moment is a call, and a little after it: so many of the child's own steps, which nobody here knows.
    """
    dice = random.Random(seed)
    number, spin = dice.randint(1, eve.calls["*"]), dice.randint(0, 40_000)
    player = eve.again()

    def on_call(process: int, count: int) -> None:
        if count == number:
            for _ in range(spin):
                pass
            os.kill(process, signal.SIGKILL)

    code, _ = dies(player, _nowhere, on_call)
    problems = mended(player, eve.goal)
    player.world.close()
    return code == 128 + signal.SIGKILL, problems


def deaths(shelf: Shelf, kills: int, scenarios: Sequence[Scenario] = SCENARIOS) -> tuple[int, list[str]]:
    """End the process at every point of *scenarios*, and *kills* times at random; return its deaths, and wrongs."""
    died, wrong = 0, []
    for number, scenario in enumerate(scenarios):
        eve = Eve(scenario, shelf)
        for point, dead, problems in at_every_point(eve):
            died += dead
            wrong += [f"{scenario.name}, {point}: {one}" for one in problems]
        for seed in range(number, kills, len(scenarios)):
            dead, problems = at_random(eve, seed)
            died += dead
            wrong += [f"{scenario.name}, killed by seed {seed}: {one}" for one in problems]
    return died, wrong
