"""What an error code means: the type says whether the same call may succeed later."""

import pytest

from syncd import wire
from syncd.errors import PermanentCallError, Throttled, TransientCallError
from syncd.workmail.failures import CREDENTIALS, DENIED, SETTLING, THROTTLES, call_error


@pytest.mark.parametrize("code", sorted(THROTTLES))
def test_throttles(code: str) -> None:
    """The service asks for less; how long it said is kept."""
    error = call_error("ListUsers", code, "slow down", retry_after=1.5)
    assert isinstance(error, Throttled)
    assert error.retry_after == 1.5


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AnythingAtAll", 429),
        ("AnythingAtAll", 500),
        ("AnythingAtAll", 503),
        ("RequestTimeout", 400),
        ("InternalFailure", 400),
        ("DirectoryUnavailableException", 400),
        *((code, 400) for code in sorted(SETTLING)),
    ],
)
def test_what_may_pass(code: str, status: int) -> None:
    """Server faults, outages of the directory, and states that settle by themselves (`workmail.md` B6, B17)."""
    error = call_error("RegisterToWorkMail", code, "later", status=status)
    assert isinstance(error, TransientCallError)
    assert isinstance(error, Throttled) is (status == 429)


@pytest.mark.parametrize(
    "code",
    [
        "LimitExceededException",  # botocore would take it for a throttle (`workmail.md` 0.4)
        "EmailAddressInUseException",
        "NameAvailabilityException",
        "UnsupportedOperationException",
        "InvalidParameterException",
        "OrganizationNotFoundException",
        *sorted(CREDENTIALS | DENIED),
    ],
)
def test_what_stays(code: str) -> None:
    """The same call would fail again."""
    assert isinstance(call_error("CreateAlias", code, "no"), PermanentCallError)


def test_an_error_says_what_failed() -> None:
    """Operation, code and the service's own words; the code is what decisions are made on."""
    error = call_error("CreateAlias", "LimitExceededException", "too many", request_id="abc")
    assert (error.operation, error.code, error.service_message, error.request_id) == (
        "CreateAlias",
        "LimitExceededException",
        "too many",
        "abc",
    )
    assert str(error) == "CreateAlias failed: LimitExceededException: too many"


def test_the_codes_that_pass_are_the_services_own() -> None:
    """Each of them is declared by an operation that we send: a typing error would make it permanent."""
    declared = set().union(
        *(wire.declared_errors(name) for name in ("RegisterToWorkMail", "CreateUser", "CreateAlias"))
    )
    assert declared >= SETTLING | {"DirectoryUnavailableException", "DirectoryServiceAuthenticationFailedException"}
