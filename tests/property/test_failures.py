"""Every call of a rich cycle fails in every way, and syncd dies at every step: the next clean cycle mends all of it.

What must be equal to a cycle in which nothing failed is everything the organization holds: so nothing is made
twice (a second entity would have another id), nothing is lost, and nothing is left half done.

What a leaver still holds, and in which groups it is still listed as DISABLED, is not compared
(test_half_done_removals.py does). And one thing can't be mended where WorkMail keeps the addresses
of whoever is deregistered to them (`workmail.md` B13): an address whose release has failed stays with the leaver,
and whoever should get it waits, or gets an error, until the leaver is deleted.
"""

from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from syncd.emulator import Switches
from syncd.emulator.faults import ErrorAnswer, Fault
from syncd.errors import SyncdError
from syncd.model.memory import Binding
from syncd.model.names import EntityId, Key, Kind
from syncd.model.operation import Operation
from syncd.model.policy import Manage, Mode, Policy, Removal
from syncd.model.report import Outcome, Refusal, Report, Result
from syncd.parts import Parts
from tests.builders import WIDE_OPEN, wanted
from tests.fakes.cycles import DOMAIN
from tests.property.worlds import (
    Directory,
    LivingWorld,
    Sent,
    assert_lawful,
    failures,
    left,
    listed,
    stuck,
    watch,
)

POLICY = Policy(
    mode=Mode.FULL,
    manage=Manage(aliases="exact", members="exact"),
    removal=Removal(after_cycles=1, after=timedelta(0), finish_within=timedelta(days=1)),
    guards=WIDE_OPEN,
)

KINDS: dict[str, dict[str, Any]] = {
    "throttle": {"error": ErrorAnswer(code="ThrottlingException")},
    "server fault": {"error": ErrorAnswer(code="InternalFailure", status=500)},
    "timeout before": {"timeout": "before"},
    "timeout after": {"timeout": "after"},
    "dropped": {"drop": "after"},
    "access denied": {"error": ErrorAnswer(code="AccessDeniedException")},
    "expired token": {"error": ErrorAnswer(code="ExpiredTokenException")},
}


def before() -> Directory:
    """Five people in two groups, one in the other."""
    directory = Directory()
    for name in ("fry", "leela", "amy", "bender", "kif"):
        directory.put(wanted(name, profile={"department": "Crew"}))
    directory.change(Key("user:amy"), aliases=(f"wong@{DOMAIN}", f"amy.wong@{DOMAIN}"))
    directory.put(wanted("crew", kind=Kind.GROUP, members=("user:fry", "user:leela", "user:bender")))
    directory.put(wanted("staff", kind=Kind.GROUP, members=("group:crew", "user:amy", "user:kif")))
    return directory


def after() -> Directory:
    """Of everything that can happen one: a swap, a newcomer with a leaver's address, a new group, exits, profiles."""
    directory = before()
    directory.change(Key("user:fry"), primary=f"leela@{DOMAIN}")
    directory.change(Key("user:leela"), primary=f"fry@{DOMAIN}", profile={"department": "Captain"})
    directory.change(Key("user:amy"), aliases=(f"amy.wong@{DOMAIN}",))
    directory.set_status(Key("user:bender"), "disabled")
    directory.set_status(Key("user:kif"), "absent")
    directory.put(
        wanted("hermes", primary=f"bender@{DOMAIN}", aliases=(f"wong@{DOMAIN}",), profile={"department": "Office"})
    )
    directory.put(wanted("office", kind=Kind.GROUP, members=("user:hermes", "group:crew")))
    directory.change(Key("group:crew"), members=frozenset({Key("user:fry"), Key("user:hermes")}))
    return directory


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A world on the eve of the cycle; `again` makes it anew."""

    switches: Switches
    snapshot: dict[str, object]
    bindings: dict[Key, Binding]

    def again(self) -> "MortalWorld":
        world = MortalWorld(policy=POLICY, switches=self.switches)
        world.emulator.load(deepcopy(self.snapshot))
        world.stores.bindings = dict(self.bindings)
        world.clock.advance(hours=1)
        world.desired = after().mapped()
        return world


@pytest.fixture(scope="module", params=["reserved", "released", "kept"])
def eve(request: pytest.FixtureRequest) -> Saved:
    """The world in which `before` is true, with a mailbox that isn't ours; for each answer to B13."""
    switches = Switches(deregistered_addresses=request.param)
    world = LivingWorld(policy=POLICY, switches=switches)
    theirs = world.call("CreateUser", Name="mom", DisplayName="Mom", Password="Sl0rm-C0la!")["UserId"]
    world.call("RegisterToWorkMail", EntityId=theirs, Email=f"mom@{DOMAIN}")
    world.desired = before().mapped()
    assert world.fresh().exit_code == 0
    return Saved(switches=switches, snapshot=world.emulator.snapshot(), bindings=dict(world.stores.bindings))


def held(world: LivingWorld) -> dict[EntityId, dict[str, Any]]:
    """What the organization holds: without times, and of those who are DISABLED only that they are there."""
    documents = world.documents()
    enabled = {identity for identity, document in documents.items() if document["state"] == "ENABLED"}
    ignored = {"enabled", "disabled", "provisioned", "aliases", "members"}
    return {
        identity: {name: value for name, value in document.items() if name not in ignored}
        | {"aliases": sorted(document.get("aliases", ())), "members": enabled.intersection(document["members"])}
        if identity in enabled
        else {"name": document["name"], "state": document["state"]}
        for identity, document in documents.items()
    }


@pytest.fixture(scope="module")
def goal(eve: Saved) -> dict[EntityId, dict[str, Any]]:
    """What a cycle leads to in which nothing fails."""
    world = eve.again()
    report = world.fresh()
    assert {one.result for one in report.outcomes} == {Result.APPLIED}
    return held(world)


@pytest.fixture(scope="module")
def calls(eve: Saved) -> int:
    """How many calls that cycle makes, reads included."""
    world = eve.again()
    world.fresh()
    return sum(isinstance(one, Sent) for one in world.log)


def attempt(world: LivingWorld) -> Report | None:
    """One cycle, whatever comes of it; it does nothing unlawful."""
    seen = watch(world)
    try:
        report = world.fresh()
    except SyncdError:
        report = None
    assert_lawful(world, seen, report)
    return report


def assert_mended(world: LivingWorld, goal: dict[EntityId, dict[str, Any]], case: str) -> None:
    """One clean cycle, in which nothing fails, leads to *goal* and to the empty plan.

    A removal that was refused for good is given up first, and waits for a person's word.
    """
    if any(binding.stuck for binding in world.stores.bindings.values()):
        attempt(world)
        attempt(world)
        world.approve(world.fresh_plan())
    report = attempt(world)
    assert report is not None, case
    assert not failures(world, report), (case, failures(world, report))
    plan = world.fresh_plan()
    assert not left(world, plan), (case, list(listed(left(world, plan))))
    if stuck(world, plan) or any(note.code == "address_waits" for note in plan.notes):
        assert world.switches.deregistered_addresses != "released", case
        assert held(world).keys() == goal.keys(), case
    else:
        assert held(world) == goal, case


@pytest.mark.parametrize("kind", KINDS)
def test_one_failing_call_is_mended_by_the_next_cycle(
    kind: str, eve: Saved, goal: dict[EntityId, dict[str, Any]], calls: int
) -> None:
    """Whichever call fails, and however: one clean cycle later everything is as if nothing had failed."""
    cells = 0
    for number in range(1, calls + 1):
        world = eve.again()
        world.fail(Fault(nth=number, **KINDS[kind]))
        attempt(world)
        ((_, struck),) = world.service.fired()
        cells += struck
        world.fail()
        assert_mended(world, goal, f"{kind} at call {number}")
    assert cells == calls, "a cell in which nothing failed proves nothing"


@pytest.mark.parametrize("kind", KINDS)
def test_an_operation_that_keeps_failing_is_mended_when_it_works_again(
    kind: str, eve: Saved, goal: dict[EntityId, dict[str, Any]]
) -> None:
    """All calls of one name fail throughout a cycle: whatever doesn't need them is done, the rest one cycle later."""
    world = eve.again()
    plan = world.fresh_plan()
    names = {operation.call.operation for operation in plan.operations if operation.call is not None}
    assert len(names) >= 9
    for name in sorted(names):
        world = eve.again()
        world.fail(Fault(operation=name, **KINDS[kind]))
        report = attempt(world)
        assert report is not None
        if kind not in ("throttle", "expired token"):
            done = [one.operation.call for one in report.outcomes if one.result is Result.APPLIED]
            assert done, f"{kind} of {name} stopped everything"
        world.fail()
        world.clock.advance(hours=1)
        assert_mended(world, goal, f"{kind} of {name}")


# --- dying -----------------------------------------------------------------------------------------------------------


class Killed(Exception):
    """The process is gone."""


@dataclass(kw_only=True)
class Hangman:
    """Ends the process at the *nth* moment of one kind."""

    moment: str
    nth: int
    seen: int = 0

    def passes(self, moment: str) -> None:
        self.seen += moment == self.moment
        if moment == self.moment and self.seen == self.nth:
            raise Killed


class MortalJournal:
    """The world's journal, and the process that may die before or after each of its entries."""

    def __init__(self, world: LivingWorld, hangman: Hangman) -> None:
        self._stores = world.stores
        self._hangman = hangman

    def intend(self, *what: Any, **more: Any) -> Refusal | None:  # noqa: ANN401 - as it comes
        self._hangman.passes("before an intent")
        refusal = self._stores.intend(*what, **more)
        self._hangman.passes("after an intent")
        return refusal

    def refusal(self, operation: Operation, binding: Binding | None) -> Refusal | None:
        return self._stores.refusal(operation, binding)

    def settle(
        self,
        outcome: Outcome,
        *,
        binding: Binding | None = None,
        replaces: Key | None = None,
        rebound: tuple[Sequence[Binding], Collection[Key]] = ((), ()),
    ) -> None:
        self._hangman.passes("before an outcome")
        self._stores.settle(outcome, binding=binding, replaces=replaces, rebound=rebound)
        self._hangman.passes("after an outcome")


class MortalWorld(LivingWorld):
    """A world whose process dies at a moment of *hangman*'s choice."""

    hangman: Hangman | None = None

    def parts(self) -> Parts:
        parts = super().parts()
        hangman = self.hangman
        return parts if hangman is None else replace(parts, journal=lambda _: MortalJournal(self, hangman))


def deaths(eve: Saved, moment: str) -> Iterator[tuple[int, MortalWorld]]:
    """Each way to die at *moment*, until the cycle survives."""
    for nth in range(1, 1000):
        mortal = eve.again()
        mortal.hangman = Hangman(moment=moment, nth=nth)
        try:
            mortal.fresh()
        except Killed:
            mortal.hangman = None
            yield nth, mortal
        else:
            return


@pytest.mark.parametrize("moment", ["before an intent", "after an intent", "before an outcome", "after an outcome"])
def test_dying_anywhere_is_mended_by_the_next_cycle(
    moment: str, eve: Saved, goal: dict[EntityId, dict[str, Any]]
) -> None:
    """Kill -9 at any entry of the journal: the next start does the rest, and makes nothing twice."""
    operations = len(eve.again().fresh_plan().operations)
    died = 0
    for nth, world in deaths(eve, moment):
        died += 1
        assert_mended(world, goal, f"died {moment} {nth}")
    assert died == operations


def test_a_recreation_without_answer_is_bound_without_another_yes(eve: Saved) -> None:
    """Approved once: if the answer is lost, the next cycle finds what was made by its name, and makes nothing twice."""
    world = eve.again()
    world.fresh()
    fry = world.stores.bindings[Key("user:fry")].entity
    world.call("DeregisterFromWorkMail", EntityId=fry)
    world.call("DeleteUser", UserId=fry)
    plan = world.fresh_plan()
    assert plan.withheld
    world.approve(plan)
    world.fail(Fault(operation="CreateUser", timeout="after"))
    assert attempt(world) is not None
    world.fail()
    report = attempt(world)
    assert report is not None
    assert not report.plan or not report.plan.withheld
    assert world.stores.bindings[Key("user:fry")].entity != fry
    assert not left(world, world.fresh_plan())
