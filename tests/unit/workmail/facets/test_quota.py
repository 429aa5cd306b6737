"""Quota: one call for whom the directory gives another one than the mailbox has."""

from dataclasses import replace

import pytest

from syncd.model.action import Action
from syncd.model.names import Key
from syncd.model.operation import Operation, Ref, enabled
from syncd.model.standing import Freeze, Frozen, Standings
from syncd.workmail.facets.quota import Quotas
from syncd.workmail.pages import GIVEN_QUOTA
from tests.builders import entity, entity_id, known, situation, wanted

FRY = Key("user:fry")


def proposed(given: int | None, held: int | None, *, new: bool = False, frozen: bool = False) -> list[Operation]:
    identity = entity_id("fry")
    now = situation(
        [replace(wanted("fry"), given={} if given is None else {"quota": given})],
        [] if new else [entity("fry")],
        details=known(quota={} if held is None else {identity: held}),
        standings=Standings(
            entity_of={} if new else {FRY: identity},
            key_of={} if new else {identity: FRY},
            newcomers=frozenset({FRY} if new else ()),
            frozen={FRY: Frozen(Freeze.REJECTED, "no")} if frozen else {},
        ),
    )
    return list(Quotas().propose(now).operations)


def test_another_quota_is_set_and_both_are_told() -> None:
    """In MB, with what the mailbox had."""
    (one,) = proposed(1024, 51_200)

    assert (one.before, one.after, one.action) == ({"quota": "51200 MB"}, {"quota": "1024 MB"}, Action.CHANGE)
    assert one.call is not None
    assert one.call.parameters == {"UserId": entity_id("fry"), "MailboxQuota": 1024}


def test_a_newcomer_gets_it_once_registered() -> None:
    """There is no mailbox before."""
    (one,) = proposed(1024, None, new=True)

    assert one.action is Action.ADD
    assert enabled(FRY) in one.awaits
    assert one.call is not None
    assert one.call.parameters["UserId"] == Ref(FRY)


@pytest.mark.parametrize(("given", "held", "frozen"), [(5, 5, False), (None, 5, False), (5, None, False), (5, 6, True)])
def test_nothing_is_set_where_it_is_equal_not_given_not_read_or_frozen(
    given: int | None, held: int | None, *, frozen: bool
) -> None:
    """Without a read, nobody would know what is overwritten."""
    assert proposed(given, held, frozen=frozen) == []


@pytest.mark.parametrize("text", ["0", "51201", "-1", "1.5", "1 GB", "٣", "000", "00000000199999", "9" * 5000])
def test_what_is_no_quota_is_refused(text: str) -> None:
    """Whole MB, within what the console takes."""
    with pytest.raises(ValueError, match="from 1 to 51200"):
        GIVEN_QUOTA.parse(text)


def test_the_smallest_and_the_largest_are_taken() -> None:
    """Both ends belong to it."""
    assert [GIVEN_QUOTA.parse(text) for text in ("1", "51200", "007")] == [1, 51_200, 7]
