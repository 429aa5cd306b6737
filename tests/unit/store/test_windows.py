"""What guards count over a day and a week, as the store keeps it."""

from datetime import timedelta

from syncd.model.names import Key, Kind
from syncd.model.operation import Operation
from syncd.model.page import Count
from syncd.model.report import Outcome, Result
from syncd.model.tally import Tallied, Tally
from syncd.store.store import OrganizationStore, Store
from tests.builders import operation
from tests.fakes.clock import FakeClock

FRY, LEELA = Key("user:fry"), Key("user:leela")


def removal(key: Key) -> Operation:
    return operation("deregister", key, entity=f"id-{key}", bundle=f"removal:{key}")


def tally(key: Key, **others: object) -> Tally:
    return Tally(count=Count.REMOVALS, row=key, scope="user", **others)  # type: ignore[arg-type] # Tally's own


def now_counted(clock: FakeClock, *tallies: Tally) -> list[Tallied]:
    return [Tallied(tally=one, at=clock.now()) for one in tallies]


def rows(ours: OrganizationStore) -> list[Tally]:
    return [one.tally for one in ours.memory.load().tallies]


def test_what_is_sent_counts_from_its_intent_on(ours: OrganizationStore, clock: FakeClock) -> None:
    """Whether the answer comes or not: with its scope and weight, and whether somebody approved it."""
    counted = [tally(FRY, weight=3), Tally(count=Count.CLEARINGS, row=FRY, freed=True)]
    ours.journal("c1").intend(removal(FRY), None, tallies=now_counted(clock, *counted))

    (first, second) = ours.memory.load().tallies

    assert {first.tally, second.tally} == set(counted)
    assert first.at == clock.now()


def test_only_what_had_no_effect_is_taken_back(ours: OrganizationStore, clock: FakeClock) -> None:
    """Done, or perhaps done, counts; refused and skipped don't."""
    journal = ours.journal("c1")
    for number, result in enumerate(Result):
        one = removal(Key(f"user:{number}"))
        journal.intend(one, None, tallies=now_counted(clock, tally(one.subject)))
        journal.settle(Outcome(operation=one, result=result))

    applied, unknown = (f"user:{list(Result).index(result)}" for result in (Result.APPLIED, Result.UNKNOWN))
    assert {one.row for one in rows(ours)} == {applied, unknown}


def test_what_no_window_reaches_is_forgotten(ours: OrganizationStore, clock: FakeClock) -> None:
    """With the next good read, by the time that it says: this machine's clock may have been set ahead."""
    ours.journal("c1").intend(removal(FRY), None, tallies=now_counted(clock, tally(FRY)))
    clock.advance(days=6)
    ours.journal("c2").intend(removal(LEELA), None, tallies=now_counted(clock, tally(LEELA)))
    true = clock.now() + timedelta(days=1)
    clock.jump(days=400)
    assert {one.row for one in rows(ours)} == {FRY, LEELA}

    ours.memory.record_reads({Kind.USER: 1}, at=true)

    assert {one.row for one in rows(ours)} == {LEELA}


def test_windows_are_of_one_organization(store: Store, ours: OrganizationStore, clock: FakeClock) -> None:
    """What another organization did takes nothing of ours."""
    other = store.organization("m-9")
    other.journal("c1").intend(removal(FRY), None, tallies=now_counted(clock, tally(FRY)))
    other.memory.record_reads({Kind.USER: 10}, at=clock.now())
    other.memory.end_first_load()

    memory = ours.memory.load()

    assert (memory.tallies, memory.reads, memory.settled) == ((), (), False)
    assert other.memory.load().settled


def entries(ours: OrganizationStore) -> list[int]:
    return sorted(read.entries for read in ours.memory.load().reads if read.kind is Kind.USER)


def test_reads_are_kept_that_were_the_largest_since(ours: OrganizationStore, clock: FakeClock) -> None:
    """A larger one makes those before it useless; a smaller one doesn't; after a week each is forgotten."""
    for count in (100, 90, 80, 95):
        ours.memory.record_reads({Kind.USER: count, Kind.GROUP: 1}, at=clock.now())
        clock.advance(hours=1)
    assert entries(ours) == [95, 100]
    clock.advance(days=7, hours=-2.5)
    ours.memory.record_reads({Kind.USER: 1}, at=clock.now())

    assert entries(ours) == [1, 95]


def test_an_approved_read_is_where_its_kind_begins_anew(ours: OrganizationStore, clock: FakeClock) -> None:
    """Of the kinds that somebody said yes to, no larger read is remembered; of the others it is."""
    ours.memory.record_reads({Kind.USER: 100, Kind.GROUP: 10}, at=clock.now())
    clock.advance(hours=1)
    ours.memory.record_reads({Kind.USER: 50, Kind.GROUP: 9}, at=clock.now(), anew=[Kind.USER])

    assert entries(ours) == [50]
    assert sorted(read.entries for read in ours.memory.load().reads if read.kind is Kind.GROUP) == [9, 10]
