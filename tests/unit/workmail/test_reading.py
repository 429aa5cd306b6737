"""How reads are sent: until they answer, until it is pointless, or until told to stop."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from syncd.errors import Interrupted, TargetUnreachable, Throttled, TransientCallError
from syncd.model.operation import Call, Merged
from syncd.workmail.target import WorkmailTarget
from tests.builders import ORGANIZATION_ID
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver

FRY = "3f1c0a52-9d2e-4b7a-8c11-0a1b2c3d4e5f"


class Service:
    """Answers with what *errors* holds, one after the other, then as an empty organization."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.sent: list[str] = []

    def __call__(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        self.sent.append(operation)
        if self.errors:
            raise self.errors.pop(0)
        return {"State": "Active", "OrganizationId": ORGANIZATION_ID, "Alias": "planetexpress"}


def target(service: Service, clock: FakeClock, stop: threading.Event | None = None) -> WorkmailTarget:
    return WorkmailTarget(
        service,
        ORGANIZATION_ID,
        clock=clock,
        observer=RecordingObserver(),
        make_password=lambda: "secret",
        stop=stop,
    )


def throttled(operation: str = "ListUsers") -> Throttled:
    return Throttled(operation, "ThrottlingException", "Rate exceeded")


def broken() -> TransientCallError:
    return TransientCallError("DescribeOrganization", "InternalServerError", "broken")


def test_reading_ends_with_a_stop_and_writing_does_not() -> None:
    """Once told to stop, no read is sent any more; a change under way is the executor's to finish."""
    service, stop = Service(), threading.Event()
    ours = target(service, FakeClock(), stop)
    stop.set()

    with pytest.raises(Interrupted, match="told to stop"):
        ours.lists(bound={})
    ours.send(Call("CreateAlias", {"EntityId": FRY, "Alias": "fry@planetexpress.example"}))

    assert service.sent == ["CreateAlias"]


def test_throttles_do_not_count_as_failures() -> None:
    """A read that is throttled 25 times is read in the end: a hidden rate is no outage."""
    service = Service(*(throttled() for _ in range(25)))

    assert target(service, FakeClock()).lists(bound={}).organization.id == ORGANIZATION_ID


def test_endless_throttles_are_named() -> None:
    """Throttled for good, the cycle ends, and the error points at who else calls."""
    service = Service(*(throttled() for _ in range(100)))

    with pytest.raises(TargetUnreachable, match=r"30 times.*ThrottlingException") as caught:
        target(service, FakeClock()).lists(bound={})

    assert "who else calls WorkMail" in caught.value.hint


def test_an_outage_is_given_up_without_a_last_wait() -> None:
    """Six failures end the cycle, with five growing waits between them."""
    clock = FakeClock()
    before = clock.monotonic()

    with pytest.raises(TargetUnreachable, match="6 times"):
        target(Service(*(broken() for _ in range(9))), clock).lists(bound={})

    assert clock.monotonic() - before == pytest.approx(0.2 + 0.4 + 0.8 + 1.6 + 3.2)


def test_a_throttled_update_does_not_read_again() -> None:
    """The read before an update isn't repeated with each throttle: it would use up the rate itself."""
    service = Service()
    ours = target(service, FakeClock())
    call = Call("UpdateUser", {"UserId": FRY, "City": "New New York", "*": Merged("DescribeUser")})
    rest = iter([throttled("UpdateUser")] * 3)

    def throttling(operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if operation == "UpdateUser" and (error := next(rest, None)):
            service.sent.append(operation)
            raise error
        return service(operation, parameters)

    ours._caller = throttling
    ours.send(call)

    assert service.sent == ["DescribeUser", *["UpdateUser"] * 4]
