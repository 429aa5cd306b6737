from collections.abc import Iterator
from datetime import timedelta

import pytest

from syncd.errors import TargetUnreachable
from syncd.model.detail import ALIASES, MEMBERS, PROFILE, Thing
from syncd.model.names import EntityId
from syncd.model.operation import Call
from syncd.model.report import Outcome, Result
from syncd.store.details import BATCH, BATCH_S
from syncd.store.store import OrganizationStore
from syncd.workmail.pages import PAGES
from tests.builders import binding, entity_id, operation
from tests.fakes.clock import FakeClock

FRY = entity_id("fry")
Row = tuple[Thing, EntityId, frozenset[str]]


def rows(count: int) -> list[Row]:
    return [("aliases", EntityId(f"id-{number}"), frozenset({f"a{number}"})) for number in range(count)]


def kept(ours: OrganizationStore) -> int:
    return len(ours.details.load(valid=PAGES.details)[0].of(ALIASES))


@pytest.mark.parametrize("count", [0, 1, BATCH, 2 * BATCH + 1])
def test_every_row_is_kept(count: int, ours: OrganizationStore, clock: FakeClock) -> None:
    """As many rows as were read are kept, whether they fill a batch or not."""
    ours.details.keep(rows(count), read_at=clock.now())

    assert kept(ours) == count


def test_full_batches_are_kept_while_reading_goes_on(ours: OrganizationStore, clock: FakeClock) -> None:
    """What was read before the process is killed is there: a batch is written as soon as it is full."""
    seen: list[int] = []

    def reading() -> Iterator[Row]:
        for number, row in enumerate(rows(BATCH + 2)):
            if number == BATCH + 1:
                seen.append(kept(ours))
            yield row

    ours.details.keep(reading(), read_at=clock.now())

    assert seen == [BATCH]


def test_a_slow_read_is_kept_by_time(ours: OrganizationStore, clock: FakeClock) -> None:
    """Where the service is slow, rows don't wait for a batch to fill."""
    seen: list[int] = []

    def reading() -> Iterator[Row]:
        for row in rows(4):
            seen.append(kept(ours))
            clock.advance(seconds=BATCH_S)
            yield row

    ours.details.keep(reading(), read_at=clock.now())

    assert seen == [0, 1, 2, 3]


def test_an_interrupted_read_keeps_what_it_has(ours: OrganizationStore, clock: FakeClock) -> None:
    """When the service fails in the middle, what came before is kept, and the error goes on."""

    def reading() -> Iterator[Row]:
        yield from rows(3)
        raise TargetUnreachable("no answer")

    with pytest.raises(TargetUnreachable):
        ours.details.keep(reading(), read_at=clock.now())

    assert kept(ours) == 3


def test_a_newer_read_replaces_an_older_one(ours: OrganizationStore, clock: FakeClock) -> None:
    """Of two reads of the same detail the newer counts, in whatever order they are written."""
    newer = clock.now() + timedelta(minutes=5)
    ours.details.keep([("aliases", FRY, frozenset({"new"}))], read_at=newer)
    ours.details.keep([("aliases", FRY, frozenset({"old"}))], read_at=clock.now())

    details, read_at = ours.details.load(valid=[ALIASES])

    assert (details.of(ALIASES)[FRY], read_at["aliases"][FRY]) == (frozenset({"new"}), newer)


def test_a_read_in_the_future_is_replaced(ours: OrganizationStore, clock: FakeClock) -> None:
    """Kept while the clock was a month ahead: what is read now counts, and isn't taken for older."""
    ahead = clock.now() + timedelta(days=30)
    ours.details.keep([("aliases", FRY, frozenset({"ahead"}))], read_at=ahead)
    ours.details.keep([("aliases", FRY, frozenset({"now"}))], read_at=clock.now())

    details, read_at = ours.details.load(valid=[ALIASES])

    assert (details.of(ALIASES)[FRY], read_at["aliases"][FRY]) == (frozenset({"now"}), clock.now())


def test_a_change_in_the_future_hinders_no_read(ours: OrganizationStore, clock: FakeClock) -> None:
    """Noted while the clock was a month ahead: what is read now is kept all the same."""
    clock.jump(days=30)
    change = operation(entity=FRY, call=Call("CreateAlias", {"EntityId": FRY, "Alias": "x@planetexpress.example"}))
    ours.journal("c1").intend(change, change.call)
    clock.jump(days=-30)

    ours.details.keep([("aliases", FRY, frozenset())], read_at=clock.now())

    assert kept(ours) == 1


@pytest.mark.parametrize(("later", "expected"), [(-1, 0), (0, 1), (1, 1)])
def test_a_read_before_the_last_change_is_not_kept(
    later: float, expected: int, ours: OrganizationStore, clock: FakeClock
) -> None:
    """What another process read before an operation began is no fact any more when it comes to be written."""
    change = operation(entity=FRY, call=Call("CreateAlias", {"EntityId": FRY, "Alias": "x@planetexpress.example"}))
    ours.journal("c1").intend(change, change.call)

    ours.details.keep([("aliases", FRY, frozenset())], read_at=clock.now() + timedelta(seconds=later))

    assert kept(ours) == expected


def test_what_was_read_during_a_call_is_dropped_at_its_end(ours: OrganizationStore, clock: FakeClock) -> None:
    """Nobody knows whether a read between intent and outcome saw the change: it doesn't count, early or late."""
    change = operation(entity=FRY, call=Call("CreateAlias", {"EntityId": FRY, "Alias": "x@planetexpress.example"}))
    journal = ours.journal("c1")
    journal.intend(change, change.call)
    clock.advance(seconds=1)
    meanwhile = clock.now()
    ours.details.keep([("aliases", FRY, frozenset())], read_at=meanwhile)
    clock.advance(seconds=1)
    journal.settle(Outcome(operation=change, result=Result.APPLIED))
    assert kept(ours) == 0

    ours.details.keep([("profile", FRY, {})], read_at=meanwhile)

    assert ours.details.load(valid=PAGES.details)[0].of(PROFILE) == {}


def test_a_membership_touches_the_group_only(ours: OrganizationStore, clock: FakeClock) -> None:
    """Adding a member drops what is known of the group; of the member everything stays."""
    crew = entity_id("crew")
    call = Call("AssociateMemberToGroup", {"GroupId": crew, "MemberId": FRY})
    change = operation("member.add", "group:crew", entity=crew, call=call)
    ours.details.keep([("aliases", FRY, frozenset()), ("aliases", crew, frozenset())], read_at=clock.now())
    ours.details.keep([("members", crew, frozenset())], read_at=clock.now())

    ours.journal("c1").intend(change, call)

    details, _ = ours.details.load(valid=PAGES.details)
    assert (set(details.of(ALIASES)), set(details.of(MEMBERS))) == ({FRY}, set())


def test_a_change_of_the_binding_touches_nothing(ours: OrganizationStore, clock: FakeClock) -> None:
    """An operation without a call leaves the service, and what is known of it, as it was."""
    ours.details.keep([("aliases", FRY, frozenset())], read_at=clock.now())

    ours.journal("c1").intend(operation("adopt", entity=FRY), None, binding=binding(adopted=True))

    assert kept(ours) == 1


def test_the_same_id_is_one_object(ours: OrganizationStore, clock: FakeClock) -> None:
    """Ids among members are the objects that name the entities: a million memberships cost no million strings."""
    crew, bots = entity_id("crew"), entity_id("bots")
    ours.details.keep([("aliases", FRY, frozenset())], read_at=clock.now())
    ours.details.keep([("members", crew, frozenset({FRY})), ("members", bots, frozenset({FRY}))], read_at=clock.now())

    details, _ = ours.details.load(valid=PAGES.details)

    (fry,) = details.of(ALIASES)
    assert all(next(iter(members)) is fry for members in details.of(MEMBERS).values())
    assert details.of(MEMBERS)[crew] == {FRY}


def test_empty_details_are_one_object(ours: OrganizationStore, clock: FakeClock) -> None:
    """Most people have no alias: they share one empty set."""
    several: list[Row] = [("aliases", EntityId(f"id-{number}"), frozenset()) for number in range(3)]
    ours.details.keep(several, read_at=clock.now())

    details, _ = ours.details.load(valid=PAGES.details)

    assert len({id(aliases) for aliases in details.of(ALIASES).values()}) == 1


def test_pruning_asks_by_organization(ours: OrganizationStore, clock: FakeClock) -> None:
    """Pruning one organization leaves another's details alone, and takes any collection of ids."""
    ours.details.keep(rows(3), read_at=clock.now())

    ours.details.prune({EntityId("id-1"): "a mapping will do"})

    assert set(ours.details.load(valid=PAGES.details)[0].of(ALIASES)) == {"id-1"}
