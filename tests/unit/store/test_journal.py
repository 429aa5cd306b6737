from dataclasses import replace

import pytest

from syncd.errors import StoreError
from syncd.model.detail import ALIASES
from syncd.model.names import EntityId, Key
from syncd.model.operation import Call, Generated, Merged, Operation, Ref
from syncd.model.report import Outcome, Result
from syncd.store.store import OrganizationStore
from syncd.workmail.pages import PAGES
from tests.builders import binding, entity_id, operation
from tests.fakes.clock import FakeClock

FRY = Key("user:fry")
CALL = Call("CreateUser", {"Name": "fry", "DisplayName": "Fry", "Password": Generated("password")})


def creation() -> Operation:
    return operation("user.create", FRY, call=CALL, after={"name": "fry"})


def test_no_secret_is_written(ours: OrganizationStore) -> None:
    """Whether the call comes with its password or with the placeholder, the placeholder is written."""
    filled = replace(CALL, parameters=dict(CALL.parameters) | {"Password": "hunter2-Swordfish"})

    ours.journal("c1").intend(creation(), filled)
    ours.journal("c2").intend(creation(), CALL)

    parameters = {"Name": "fry", "DisplayName": "Fry", "Password": {"$generated": "password"}}
    assert [each.call for each in ours.history.operations_of(FRY)] == [
        {"operation": "CreateUser", "parameters": parameters}
    ] * 2
    with ours.scope.reading("look") as connection:
        rows = connection.exec_driver_sql("SELECT * FROM journal").all()
    assert "hunter2" not in str(rows)


def test_placeholders_are_written_as_such(ours: OrganizationStore) -> None:
    """What is filled when sent is in the journal as the plan says it."""
    call = Call("UpdateUser", {"UserId": Ref(FRY), "unmanaged": Merged("DescribeUser"), "City": "Neu-York"})
    ours.journal("c1").intend(operation("profile.update", FRY, call=call), call)

    (only,) = ours.history.operations_in("c1")

    assert only.call == {
        "operation": "UpdateUser",
        "parameters": {"UserId": {"$ref": FRY}, "unmanaged": {"$merged": "DescribeUser"}, "City": "Neu-York"},
    }


@pytest.mark.parametrize("entity", [None, "id-fry"])
def test_a_call_touches_the_entity_of_its_operation(
    entity: str | None, ours: OrganizationStore, clock: FakeClock
) -> None:
    """By id, or by the key that was bound meanwhile: the entity that an operation changes loses its kept details."""
    ours.memory.bind(binding(FRY))
    ours.details.keep([("aliases", entity_id("fry"), frozenset())], read_at=clock.now())
    change = operation(subject=FRY, entity=entity)

    ours.journal("c1").intend(change, change.call)

    assert ours.details.load(valid=PAGES.details)[0].of(ALIASES) == {}


def test_who_is_not_bound_is_touched_by_nothing(ours: OrganizationStore, clock: FakeClock) -> None:
    """An operation about a key that no entity is known of drops nothing of anybody."""
    ours.details.keep([("aliases", entity_id("fry"), frozenset())], read_at=clock.now())
    change = operation(subject="user:nobody")

    ours.journal("c1").intend(change, change.call)

    assert set(ours.details.load(valid=PAGES.details)[0].of(ALIASES)) == {entity_id("fry")}


def test_a_refused_binding_takes_the_intent_back(ours: OrganizationStore, clock: FakeClock) -> None:
    """Intent, details and binding are written together or not at all."""
    ours.memory.bind(binding("user:leela"))
    ours.details.keep([("aliases", entity_id("fry"), frozenset())], read_at=clock.now())
    change = operation(entity="id-fry")

    with pytest.raises(StoreError):
        ours.journal("c1").intend(change, change.call, binding=binding("user:fry", "leela"))

    assert ours.history.operations_in("c1") == ()
    assert set(ours.details.load(valid=PAGES.details)[0].of(ALIASES)) == {entity_id("fry")}


def test_a_refused_binding_takes_the_outcome_back(ours: OrganizationStore) -> None:
    """Outcome and binding are written together or not at all: a creation whose binding failed stays open."""
    ours.memory.bind(binding("user:leela"))
    journal = ours.journal("c1")
    journal.intend(creation(), CALL)

    with pytest.raises(StoreError):
        journal.settle(Outcome(operation=creation(), result=Result.APPLIED), binding=binding(FRY, "leela"))

    assert [each.result for each in ours.history.operations_in("c1")] == [None]
    assert [intent.key for intent in ours.memory.load().open_intents] == [FRY]


def test_a_failed_second_attempt_leaves_the_first_open(ours: OrganizationStore) -> None:
    """A creation sent again in the next cycle and refused (its name is in use) says nothing about the first."""
    ours.journal("c1").intend(creation(), CALL)
    second = ours.journal("c2")
    second.intend(creation(), CALL)

    second.settle(Outcome(operation=creation(), result=Result.FAILED, code="NameAvailabilityException"))

    assert len(ours.memory.load().open_intents) == 1
    assert [each.result for each in ours.history.operations_in("c1")] == [None]


def test_a_closed_creation_stays_closed(ours: OrganizationStore) -> None:
    """Once bound and later unbound, an old creation claims nothing: whoever has the name now may be a stranger."""
    ours.journal("c1").intend(creation(), CALL)
    ours.memory.bind(binding(FRY))

    ours.memory.unbind(FRY)

    assert ours.memory.load().open_intents == ()


def test_the_successor_of_a_lost_entity_is_open(ours: OrganizationStore) -> None:
    """A creation sent for a key that is still bound, to an entity that is lost, is open until it is bound."""
    ours.memory.bind(binding(FRY))
    ours.journal("c1").intend(creation(), CALL)
    assert [intent.key for intent in ours.memory.load().open_intents] == [FRY]

    ours.memory.bind(binding(FRY, entity=EntityId("id-successor")))

    assert ours.memory.load().open_intents == ()


def test_an_unknown_outcome_may_be_learned_later(ours: OrganizationStore) -> None:
    """What was unknown and is settled again has one row, with the last word."""
    journal = ours.journal("c1")
    journal.intend(creation(), CALL)
    journal.settle(Outcome(operation=creation(), result=Result.UNKNOWN, message="no answer"))

    journal.settle(Outcome(operation=creation(), result=Result.APPLIED, entity="id-fry"))

    assert [each.result for each in ours.history.operations_in("c1")] == ["applied"]
    assert ours.memory.load().open_intents == ()


def test_an_outcome_without_intent_is_kept(ours: OrganizationStore) -> None:
    """An operation that ended without having begun is in the journal with its outcome."""
    ours.journal("c1").settle(Outcome(operation=creation(), result=Result.SKIPPED, code="Stopped"))

    (only,) = ours.history.operations_in("c1")

    assert (only.result, only.code, only.attempts) == ("skipped", "Stopped", 0)
    assert ours.memory.load().open_intents == ()
