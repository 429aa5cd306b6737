"""What WorkMail's codes come to for a person, by code and by who is seen to stand in the way."""

import pytest

from syncd import wire
from syncd.model.memory import Binding
from syncd.model.operation import Operation
from syncd.model.report import Outcome, Result
from syncd.model.situation import Situation
from syncd.model.state import Entity, State
from syncd.workmail.failures import CREDENTIALS
from syncd.workmail.terms import ADVICE, TERMS, advise
from tests.builders import DOMAIN, binding, entity, operation, situation

TAKEN = "NameAvailabilityException"
IN_USE = "EmailAddressInUseException"


def failed(operation: Operation, code: str) -> Outcome:
    return Outcome(operation=operation, result=Result.FAILED, code=code)


def named(holder: Entity, *ours: Binding) -> Situation:
    return situation(entities=[holder], bindings=ours)


FRY = operation("user.create", "user:fry", after={"name": "fry"}, effect={"name": "fry"})


def test_a_name_that_somebody_has_is_taken() -> None:
    """Another name, or adoption: nothing else helps."""
    assert advise(failed(FRY, TAKEN), named(entity("fry"))) == ADVICE[TAKEN]


def test_a_name_that_our_deleted_entity_still_has_is_not_free_yet() -> None:
    """It isn't taken: waiting helps, and it is said whose it was."""
    ghost = entity("fry", state=State.DELETED)
    ours = named(ghost, binding("user:fry"))
    assert advise(failed(FRY, TAKEN), ours) == (
        "fry is not free yet: our own user fry, which is deleted, still has it; the next cycle tries again"
    )
    assert "not free yet: the user fry" in advise(failed(FRY, TAKEN), named(ghost))


def test_an_address_that_a_deleted_entity_still_has_is_not_free_yet() -> None:
    """Of an address too, whether it is to be an alias or the primary one."""
    address = f"fry@{DOMAIN}"
    ghost = entity("philip", primary=address, state=State.DELETED)
    for field in ("alias", "primary"):
        one = operation("alias.add", "user:fry", effect={field: address.upper()})
        assert "is not free yet" in advise(failed(one, IN_USE), named(ghost))
        assert advise(failed(one, IN_USE), named(entity("leela"))) == ADVICE[IN_USE]


@pytest.mark.parametrize("result", [result for result in Result if result is not Result.FAILED])
def test_only_a_failure_has_a_code_to_go_by(result: Result) -> None:
    """What was skipped, or whose answer was lost, says nothing that the service's words could add to."""
    assert advise(Outcome(operation=FRY, result=result, code=TAKEN), situation()) == ""


def test_a_code_that_nobody_knows_has_no_advice_of_its_own() -> None:
    """Then the general word about failures stands."""
    assert advise(failed(FRY, "SomethingNew"), situation()) == ""


def test_advice_says_who_and_what() -> None:
    """The call that isn't allowed, the key to explain."""
    assert "workmail:DescribeEntity" in advise(failed(FRY, "AccessDeniedException"), situation())
    assert "syncd explain user:fry" in advise(failed(FRY, "DirectoryUnavailableException"), situation())


def test_every_code_has_advice() -> None:
    """Whatever the service model declares for a call that changes something, and credentials that are no good."""
    assert set(CREDENTIALS) <= set(ADVICE)
    assert TERMS.fatal.isdisjoint(TERMS.stopping)
    for call in ("CreateUser", "CreateGroup", "RegisterToWorkMail", "CreateAlias", "UpdateUser"):
        assert wire.declared_errors(call) <= set(ADVICE)
