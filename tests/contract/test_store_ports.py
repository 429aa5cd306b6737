"""What the ports MemoryStore, DetailsStore, Journal, History and Lock promise, held by the store and by its fake."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from syncd.errors import UsageError
from syncd.model.detail import ALIASES, PROFILE
from syncd.model.look import Look
from syncd.model.memory import REVOKED, Approval, Hold, Mark, Pause
from syncd.model.names import Key, Kind
from syncd.model.operation import Call, Generated, Operation, Ref
from syncd.model.report import Outcome, Refusal, Report, Result
from syncd.planning.document import dumps, loads
from syncd.ports import DetailsStore, History, Journal, Lock
from syncd.store.memory import StoredMemory
from syncd.store.store import Store
from syncd.workmail.pages import PAGES
from tests.builders import NOW, ORGANIZATION_ID, binding, entity_id, known, operation, plan
from tests.fakes.clock import FakeClock
from tests.fakes.stores import FakeDetails, FakeStores

FRY = Key("user:fry")
LEELA = Key("user:leela")


class Decisions(Protocol):
    """What people decide, which no cycle does."""

    def approve(self, approval: Approval) -> None:
        """Record *approval*."""
        ...

    def revoke(self, digest: str, *, by: str) -> object:
        """Take back what was approved of the plan *digest*."""
        ...

    def hold(self, hold: Hold) -> None:
        """Let everything of a key stay as it is."""
        ...

    def release(self, key: Key) -> bool:
        """End a hold."""
        ...

    def pause(self, pause: Pause) -> None:
        """Let nothing be sent."""
        ...

    def resume(self) -> Pause | None:
        """End a pause."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    #: Both write bindings directly too, for tests; a cycle does it through the journal.
    memory: StoredMemory | FakeStores
    details: DetailsStore
    journal: Callable[[str], Journal]
    history: History
    decisions: Decisions
    lock: Lock
    clock: FakeClock


@pytest.fixture(params=["store", "fake"])
def ports(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ports]:
    """The five ports, over the real store and over what stands for it in other tests."""
    clock = FakeClock()
    if request.param == "fake":
        fake = FakeStores(clock)
        yield Ports(
            memory=fake,
            details=FakeDetails(fake),
            journal=lambda _: fake,
            history=fake,
            decisions=fake,
            lock=fake,
            clock=clock,
        )
        return
    with Store(
        tmp_path / "syncd.db", clock=clock, encode=dumps, decode=partial(loads, pages=PAGES), details=PAGES.details
    ) as store:
        ours = store.organization(ORGANIZATION_ID)
        yield Ports(
            memory=ours.memory,
            details=ours.details,
            journal=ours.journal,
            history=ours.history,
            decisions=ours.decisions,
            lock=ours.lock,
            clock=clock,
        )


def creation(name: str = "fry") -> Operation:
    call = Call("CreateUser", {"Name": name, "DisplayName": name.title(), "Password": Generated("password")})
    return operation("user.create", f"user:{name}", call=call, after={"name": name})


def alias(name: str = "fry") -> Operation:
    key = Key(f"user:{name}")
    call = Call("CreateAlias", {"EntityId": Ref(key), "Alias": f"{name}.alias@planetexpress.example"})
    return operation("alias.add", key, entity=entity_id(name), call=call, after={"alias": name})


def applied(what: Operation) -> Outcome:
    return Outcome(operation=what, result=Result.APPLIED, attempts=1)


def test_nothing_is_remembered_at_first(ports: Ports) -> None:
    """A new store has an empty memory."""
    memory = ports.memory.load()

    assert (memory.bindings, memory.marks, memory.approvals, memory.counts, memory.open_intents) == ({}, {}, (), {}, ())


def test_a_binding_is_remembered(ports: Ports) -> None:
    """What was bound is loaded, and the newest binding of a key is the one that counts."""
    ports.memory.bind(binding(FRY))
    newer = binding(FRY, addresses=("fry@planetexpress.example",), removed_at=ports.clock.now())

    ports.memory.bind(newer)

    assert ports.memory.load().bindings == {FRY: newer}


def test_a_rebind_replaces_the_former_key(ports: Ports) -> None:
    """A binding that replaces another takes over its entity."""
    ports.memory.bind(binding(FRY))
    successor = binding(LEELA, "fry")

    ports.memory.bind(successor, replaces=FRY)

    assert ports.memory.load().bindings == {LEELA: successor}


def test_an_unbound_key_is_forgotten(ports: Ports) -> None:
    """A binding that was removed is gone; removing it again is no error."""
    ports.memory.bind(binding(FRY))

    ports.memory.unbind(FRY)
    ports.memory.unbind(FRY)

    assert ports.memory.load().bindings == {}


def test_marks_are_replaced_as_a_whole(ports: Ports) -> None:
    """Whoever is not among the marks of the last read has none."""
    mark = Mark(key=LEELA, missing_since=ports.clock.now(), missing_cycles=1)
    ports.memory.record_marks({FRY: Mark(key=FRY, missing_cycles=1)}, {Kind.USER: 7})

    ports.memory.record_marks({LEELA: mark}, {Kind.USER: 6, Kind.GROUP: 2})

    assert ports.memory.load().marks == {LEELA: mark}
    assert ports.memory.load().counts == {Kind.USER: 6, Kind.GROUP: 2}


def test_who_was_seen_has_no_mark(ports: Ports) -> None:
    """Marks are cleared one by one; who never had one is no error."""
    marks = {key: Mark(key=key, missing_since=ports.clock.now(), missing_cycles=1) for key in (FRY, LEELA)}
    ports.memory.record_marks(marks, {Kind.USER: 7})

    ports.memory.clear_marks([FRY, Key("user:nobody")])

    assert ports.memory.load().marks == {LEELA: marks[LEELA]}
    assert ports.memory.load().counts == {Kind.USER: 7}


def test_a_mark_that_was_cleared_meanwhile_does_not_come_back(ports: Ports) -> None:
    """Another read saw them while a cycle was counting: what goes on from the old mark is not written."""
    first = Mark(key=FRY, missing_since=ports.clock.now(), missing_cycles=1)
    ports.memory.record_marks({FRY: first}, {})
    ports.memory.clear_marks([FRY])

    ports.memory.record_marks({FRY: replace(first, missing_cycles=2)}, {})
    assert ports.memory.load().marks == {}

    ports.memory.record_marks({FRY: first}, {})
    assert ports.memory.load().marks == {FRY: first}


def test_no_counts_leave_the_last_good_ones(ports: Ports) -> None:
    """An empty mapping of counts changes no count."""
    ports.memory.record_marks({}, {Kind.USER: 7})

    ports.memory.record_marks({}, {})

    assert ports.memory.load().counts == {Kind.USER: 7}


def test_details_come_back_as_read(ports: Ports) -> None:
    """Aliases, profiles, members and quotas come back equal, with the time at which each was read."""
    fry, crew, now = entity_id("fry"), entity_id("crew"), ports.clock.now()
    rows = [
        ("aliases", fry, frozenset({"Phil@planetexpress.example"})),
        ("aliases", crew, frozenset[str]()),
        ("profile", fry, {"first_name": "Philip", "city": "Neu-York"}),
        ("members", crew, frozenset({fry, entity_id("leela")})),
        ("quota", fry, 2048),
    ]

    ports.details.keep(rows, read_at=now)

    details, read_at = ports.details.load(valid=PAGES.details)
    assert details == known(
        aliases={fry: frozenset({"Phil@planetexpress.example"}), crew: frozenset()},
        profile={fry: {"first_name": "Philip", "city": "Neu-York"}},
        members={crew: frozenset({fry, entity_id("leela")})},
        quota={fry: 2048},
    )
    assert read_at["aliases"] == {fry: now, crew: now}
    assert read_at["members"] == {crew: now}


def test_only_valid_details_are_loaded(ports: Ports) -> None:
    """A kind of detail that isn't asked for is not among what is returned."""
    ports.details.keep([("aliases", entity_id("fry"), frozenset())], read_at=ports.clock.now())

    details, _ = ports.details.load(valid=[PROFILE])

    assert details == known(profile={})


def test_details_of_the_absent_are_pruned(ports: Ports) -> None:
    """Details of entities that are not present any more are forgotten; the others stay."""
    fry, leela = entity_id("fry"), entity_id("leela")
    ports.details.keep([("aliases", fry, frozenset()), ("aliases", leela, frozenset())], read_at=ports.clock.now())

    ports.details.prune([leela])

    assert set(ports.details.load(valid=PAGES.details)[0].of(ALIASES)) == {leela}


def test_an_intent_drops_the_details_it_touches(ports: Ports) -> None:
    """From the intent on, what was read of the entity doesn't count; of others it does."""
    fry, leela = entity_id("fry"), entity_id("leela")
    ports.memory.bind(binding(FRY))
    ports.details.keep([("aliases", fry, frozenset()), ("aliases", leela, frozenset())], read_at=ports.clock.now())

    ports.journal("c1").intend(alias(), alias().call)

    assert set(ports.details.load(valid=PAGES.details)[0].of(ALIASES)) == {leela}


def test_an_intent_may_carry_a_binding(ports: Ports) -> None:
    """What must be known before the call, such as addresses to put back, is written with the intent."""
    kept = binding(FRY, addresses=("fry@planetexpress.example",))

    ports.journal("c1").intend(alias(), alias().call, binding=kept)

    assert ports.memory.load().bindings == {FRY: kept}


@pytest.mark.parametrize("settled", [False, True])
def test_a_creation_of_unknown_outcome_stays_open(settled: bool, ports: Ports) -> None:
    """No outcome, or an unknown one, leaves the creation open, with the name that it used."""
    journal = ports.journal("c1")
    journal.intend(creation(), creation().call)
    if settled:
        journal.settle(Outcome(operation=creation(), result=Result.UNKNOWN))

    (intent,) = ports.memory.load().open_intents

    assert (intent.key, intent.kind, intent.name, intent.at) == (FRY, Kind.USER, "fry", ports.clock.now())
    assert intent.operation == creation().id


@pytest.mark.parametrize("result", [Result.FAILED, Result.APPLIED, Result.SKIPPED])
def test_a_known_outcome_closes_a_creation(result: Result, ports: Ports) -> None:
    """A creation that failed, succeeded or was never sent is open no more."""
    journal = ports.journal("c1")
    journal.intend(creation(), creation().call)

    journal.settle(Outcome(operation=creation(), result=result))

    assert ports.memory.load().open_intents == ()


def test_a_binding_closes_a_creation(ports: Ports) -> None:
    """Once its key is bound, a creation of unknown outcome is open no more."""
    ports.journal("c1").intend(creation(), creation().call)

    ports.memory.bind(binding(FRY))

    assert ports.memory.load().open_intents == ()


def test_other_operations_are_never_open(ports: Ports) -> None:
    """What creates no entity leaves no open intent."""
    ports.journal("c1").intend(alias(), alias().call)

    assert ports.memory.load().open_intents == ()


def test_a_success_writes_its_binding(ports: Ports) -> None:
    """The binding of a creation is written with its outcome; a replaced one goes."""
    ports.memory.bind(binding(LEELA, "zoidberg"))
    journal = ports.journal("c1")
    journal.intend(creation(), creation().call)

    journal.settle(applied(creation()), binding=binding(FRY), replaces=LEELA)

    assert ports.memory.load().bindings == {FRY: binding(FRY)}


def test_a_success_writes_bindings_that_changed_hands(ports: Ports) -> None:
    """Entities change hands with the outcome; whoever loses theirs and takes none over is bound no more."""
    for one in (binding(FRY, "a"), binding(LEELA, "b"), binding("user:amy", "c")):
        ports.memory.bind(one)
    journal = ports.journal("c1")
    journal.intend(alias(), None)
    exchanged = (binding(FRY, "b"), binding(LEELA, "c"))

    journal.settle(applied(alias()), rebound=(exchanged, {FRY, LEELA, Key("user:amy")}))

    assert ports.memory.load().bindings == {one.key: one for one in exchanged}


def test_a_look_is_noted_of_who_is_bound(ports: Ports) -> None:
    """Nothing else of the binding changes, and nobody else's."""
    ports.memory.bind(binding(FRY))
    ports.memory.bind(binding(LEELA))
    look = Look("fry", "Philip J. Fry", "fry@planetexpress.example", "Philip")

    ports.memory.record_looks({FRY: look, Key("user:nobody"): look})
    ports.memory.record_looks({})

    expected = {FRY: replace(binding(FRY), look=look), LEELA: binding(LEELA)}
    assert ports.memory.load().bindings == expected


def approval(clock: FakeClock, *operations: Operation) -> Approval:
    return Approval(
        digest=plan(*operations).digest,
        operations=frozenset(each.id for each in operations),
        by="amy",
        expires_at=clock.now() + timedelta(hours=24),
    )


def test_an_approval_is_remembered_until_it_expires(ports: Ports) -> None:
    """An approval is loaded as it was given; at its end it is gone."""
    given = approval(ports.clock, alias())
    ports.decisions.approve(given)
    assert ports.memory.load().approvals == (given,)

    ports.clock.advance(hours=24)

    assert ports.memory.load().approvals == ()


def test_success_spends_an_approval(ports: Ports) -> None:
    """An approved operation that succeeded needs a new approval when it recurs; the others keep theirs."""
    given = approval(ports.clock, alias(), alias("leela"))
    ports.decisions.approve(given)
    journal = ports.journal("c1")
    journal.intend(alias(), alias().call)

    journal.settle(applied(alias()))

    assert ports.memory.load().approvals == (replace(given, operations=frozenset({alias("leela").id})),)


def test_the_first_call_of_a_removal_spends_all_of_it(ports: Ports) -> None:
    """With the intent what it spends is spent, in every approval; the rest stays approved."""
    given = approval(ports.clock, alias(), alias("leela"), alias("amy"))
    ports.decisions.approve(given)

    assert not ports.journal("c1").intend(alias(), alias().call, spends=[alias().id, alias("leela").id])

    assert ports.memory.load().approvals == (replace(given, operations=frozenset({alias("amy").id})),)


def test_what_is_revoked_is_approved_no_more(ports: Ports) -> None:
    """It frees nothing, and is remembered as what a person said no to, until another approval of it is spent."""
    given = approval(ports.clock, alias())
    ports.decisions.approve(given)
    ports.decisions.revoke(given.digest, by="amy")
    refused = ports.memory.load()
    ports.decisions.approve(given)
    again = ports.memory.load()
    journal = ports.journal("c1")
    journal.intend(alias(), alias().call)
    journal.settle(applied(alias()))
    done = ports.memory.load()

    assert (refused.approvals, refused.revoked) == ((), given.operations)
    assert (again.approvals, again.revoked) == ((given,), given.operations)
    assert (done.approvals, done.revoked) == ((), frozenset())


def test_a_revocation_of_what_had_expired_takes_nothing_back(ports: Ports) -> None:
    """It was no yes any more: nothing is withheld because of it."""
    given = approval(ports.clock, alias())
    ports.decisions.approve(given)
    ports.clock.advance(days=30)
    ports.decisions.revoke(given.digest, by="amy")
    assert ports.memory.load().revoked == frozenset()


def test_a_removal_under_way_is_stuck_once_its_approval_is_revoked(ports: Ports) -> None:
    """It may not go on, not even in a cycle that has read the memory before; after its end it is bound as ever."""
    given = approval(ports.clock, alias())
    ports.decisions.approve(given)
    (number,) = [each.number for each in ports.memory.load().approvals]
    begun = binding(FRY, began_at=NOW, approval=number, stuck_under="as it was")
    assert ports.journal("c1").intend(alias(), alias().call, binding=begun) is None
    before = ports.memory.begun()[FRY]

    ports.decisions.revoke(given.digest, by="amy")

    assert before == begun
    for now in (ports.memory.begun()[FRY], ports.memory.load().bindings[FRY]):
        assert (now.stuck, now.stuck_under) == (REVOKED, "")
    more = replace(begun, addresses=("a@b",))
    assert ports.journal("c1").intend(alias(), alias().call, binding=more) is Refusal.REVOKED
    assert ports.journal("c1").refusal(alias(), begun) is Refusal.REVOKED
    assert ports.memory.begun()[FRY].addresses == ()
    ports.memory.bind(replace(begun, began_at=None))
    assert ports.memory.load().bindings[FRY].stuck == ""


@pytest.mark.parametrize("result", [Result.FAILED, Result.UNKNOWN, Result.SKIPPED])
def test_failure_spends_no_approval(result: Result, ports: Ports) -> None:
    """What didn't succeed stays approved."""
    given = approval(ports.clock, alias())
    ports.decisions.approve(given)
    journal = ports.journal("c1")
    journal.intend(alias(), alias().call)

    journal.settle(Outcome(operation=alias(), result=result))

    assert ports.memory.load().approvals == (given,)


def test_a_stored_plan_is_found_by_its_prefix(ports: Ports) -> None:
    """A plan comes back by the first digits of its digest, value for value."""
    stored = plan(alias(), withheld={alias().id: "a guard"})
    ports.history.save_plan(stored)
    ports.history.save_plan(plan(alias("leela")))

    assert ports.history.find_plan(stored.digest[:8]) == stored


def test_an_unknown_plan_is_a_usage_error(ports: Ports) -> None:
    """A digest that no stored plan has is the user's mistake."""
    with pytest.raises(UsageError):
        ports.history.find_plan("0123456789")


def test_a_recorded_cycle_stores_its_plan(ports: Ports) -> None:
    """The plan of a recorded cycle can be named afterwards."""
    done = plan(alias())
    report = Report(
        cycle_id="c1",
        organization="planetexpress",
        command="sync",
        started_at=ports.clock.now(),
        finished_at=ports.clock.now(),
        plan=done,
        outcomes=(applied(alias()),),
    )

    ports.history.record(report)
    ports.history.save_plan(done)

    assert ports.history.find_plan(done.digest) == done


def test_a_lock_can_be_taken_again_after_it_was_left(ports: Ports) -> None:
    """Leaving, also by an error, gives the organization free."""
    with pytest.raises(ZeroDivisionError), ports.lock.held("sync"):
        raise ZeroDivisionError

    with ports.lock.held("sync"):
        assert ports.memory.load().bindings == {}


def test_a_hold_is_remembered_until_it_is_released_or_over(ports: Ports) -> None:
    """It is loaded as it was said; nothing of whom it is about may be sent, but for what gives back."""
    said = Hold(key=FRY, by="amy", at=ports.clock.now(), why="trial", until=ports.clock.now() + timedelta(hours=1))
    ports.decisions.hold(said)
    assert ports.memory.load().holds == {FRY: said}
    assert ports.journal("c1").intend(alias(), alias().call) is Refusal.HELD
    joins = operation("member.add", "group:crew", effect={"member": FRY})
    assert ports.journal("c1").refusal(joins, None) is Refusal.HELD
    back = operation("alias.add", FRY, bundle="rollback:user:fry")
    assert ports.journal("c1").refusal(back, None) is None
    assert ports.journal("c1").refusal(alias("leela"), None) is None
    ports.clock.advance(hours=1)
    assert ports.memory.load().holds == {}
    assert ports.journal("c1").refusal(alias(), None) is None
    ports.decisions.hold(replace(said, until=None))
    assert (ports.decisions.release(FRY), ports.decisions.release(FRY)) == (True, False)
    assert ports.memory.load().holds == {}


def test_a_pause_lets_nothing_be_sent(ports: Ports) -> None:
    """Until it is over, or somebody resumes."""
    said = Pause(by="amy", at=ports.clock.now(), why="move", until=ports.clock.now() + timedelta(hours=1))
    ports.decisions.pause(said)
    assert ports.memory.load().pause == said
    assert ports.journal("c1").intend(alias(), alias().call) is Refusal.PAUSED
    ports.clock.advance(hours=1)
    assert ports.memory.load().pause is None
    assert ports.decisions.resume() is None
    ports.decisions.pause(replace(said, until=None))
    assert ports.decisions.resume() == replace(said, until=None)
    assert ports.journal("c1").intend(alias(), alias().call) is None


def test_what_was_sent_is_told_by_its_place(ports: Ports) -> None:
    """What was applied there, in its order, with its time; what failed was not."""
    journal = ports.journal("c1")
    for result in (Result.APPLIED, Result.FAILED):
        journal.intend(alias(), alias().call)
        journal.settle(Outcome(operation=alias(), result=result))
    assert ports.history.sent([alias().place, "elsewhere"]) == {alias().place: ((alias().after, ports.clock.now()),)}
    assert ports.history.sent([]) == {}


def test_who_was_seen_enabled_stays_so(ports: Ports) -> None:
    """No binding that was read before, and is written afterwards, takes it back; a rebinding carries it over."""
    ports.memory.bind(binding(FRY))
    ports.memory.note_enabled([FRY])
    ports.memory.bind(binding(FRY, adopted=True))
    seen = ports.memory.load().bindings[FRY]
    assert (seen.seen_enabled, seen.adopted) == (True, True)
    ports.memory.bind(replace(seen, key=LEELA), replaces=FRY)
    assert ports.memory.load().bindings[LEELA].seen_enabled
