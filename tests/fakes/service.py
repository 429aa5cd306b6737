"""The emulator without HTTP, as the callable that the target expects."""

from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any, Protocol

from syncd.emulator import ServiceFault
from syncd.errors import OutcomeUnknown
from syncd.workmail.failures import call_error


class Service(Protocol):
    """The emulator, or the emulator behind faults."""

    def call(self, operation: str, params: Mapping[str, object]) -> dict[str, object]: ...


class PlainCaller:
    """Answers like `BotoCaller`; *sent* lists every call that reached it."""

    def __init__(
        self, service: Service, *, remember: bool = True, timestamp: Callable[[], float] | None = None
    ) -> None:
        """With *timestamp*, each answer has a `Date` header that says so."""
        self._service = service
        self._timestamp = timestamp
        self._remember = remember
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._remember:
            self.sent.append((operation, dict(parameters)))
        try:
            answer = self._service.call(operation, parameters)
        except ServiceFault as fault:
            raise call_error(operation, fault.code, fault.message, status=fault.status) from fault
        except (TimeoutError, ConnectionError) as error:
            raise OutcomeUnknown(operation, "NoAnswer", str(error)) from error
        if self._timestamp is None:
            return answer
        date = formatdate(self._timestamp(), usegmt=True)
        return {**answer, "ResponseMetadata": {"HTTPHeaders": {"date": date}}}

    @property
    def mutations(self) -> list[tuple[str, dict[str, Any]]]:
        """The calls that change something."""
        return [(name, params) for name, params in self.sent if not name.startswith(("Describe", "List", "Get"))]
