"""How WorkMail speaks: AWS JSON 1.1 over HTTP, as `workmail.md` J tells, in front of a service with faults.

what comes in                              what goes out
no readable signature                      MissingAuthenticationToken, IncompleteSignature
signed for another service, or wrongly     InvalidSignatureException, UnrecognizedClientException
not POST / with target and media type      UnknownOperationException
a body that is no JSON object              SerializationException
a call                                     200 and its result (nothing for a void operation), or
                                           its error; or no answer, as a fault rule says
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from email.utils import formatdate
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from syncd.emulator.calllog import CallLog
from syncd.emulator.control import Control
from syncd.emulator.fault import ServiceFault
from syncd.emulator.faults import STOPPED, ConnectionDropped, FaultyService, Refused, TimedOut
from syncd.emulator.sigv4 import SignedRequest, read_authorization, verify
from syncd.ports import Clock

#: Where a server puts what breaks the connection of a request: `scope["extensions"][CONNECTION]["abort"]`.
CONNECTION = "syncd.connection"
#: Set there for a request that will get no answer, so that a stopping server need not wait for one.
SILENT = "silent"

_MEDIA_TYPE = "application/x-amz-json-1.1"
_TARGET_PREFIX = "WorkMailService."
_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]

_logger = logging.getLogger(__name__)


def create_app(
    service: FaultyService,
    log: CallLog,
    clock: Clock,
    control: Control,
    credentials: Mapping[str, str] | None = None,
) -> Starlette:
    """Return the application: WorkMail at `/`, the control API below `/-/`.

    With *credentials* (access key id -> secret) signatures are verified; without, any is taken.
    """
    endpoint = _Endpoint(service, log, clock, credentials)
    return Starlette(routes=[Route("/", endpoint.answer, methods=_METHODS), *control.routes()])


class _Endpoint:
    """Answers the requests of AWS clients."""

    def __init__(
        self, service: FaultyService, log: CallLog, clock: Clock, credentials: Mapping[str, str] | None
    ) -> None:
        self._service = service
        self._log = log
        self._clock = clock
        self._credentials = credentials

    async def answer(self, request: Request) -> Response:
        """Answer *request*, with the date by the emulator's own clock, as the service tells it by its own."""
        response = await self._answer(request)
        response.headers["date"] = formatdate(self._service.emulator.now(), usegmt=True)
        return response

    async def _answer(self, request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:
            return _Silent()
        operation = ""
        try:
            self._authorize(request, body)
            operation = _operation(request)
            params = _params(body)
        except ServiceFault as fault:
            self._log.record(operation, {}, outcome=fault.code)
            return _error(fault)
        return await self._call(operation, params)

    def _authorize(self, request: Request, body: bytes) -> None:
        said = read_authorization(request.headers.get("authorization"))
        if self._credentials is None:
            return
        signed = SignedRequest(
            method=request.method,
            path=request.url.path,
            query=request.url.query,
            headers=request.headers.items(),
            body=body,
        )
        verify(signed, said, self._credentials, self._clock.now().timestamp())

    async def _call(self, operation: str, params: Mapping[str, object]) -> Response:
        treatment = self._service.judge(operation, params)
        if treatment.delay_s:
            await asyncio.sleep(treatment.delay_s)
        for gate in treatment.gates:
            if not await asyncio.wrap_future(gate):
                treatment = STOPPED
                break
        try:
            # Not in a thread: a call takes microseconds, and the emulator lets in one at a time anyway.
            result = self._service.conclude(treatment, operation, params)
        except ServiceFault as fault:
            return _error(fault)
        except ConnectionDropped:
            return _Broken()
        except TimedOut:
            return _Silent()
        except Exception:
            _logger.exception("the emulator failed in %s; please report it", operation)
            return _error(ServiceFault("InternalFailure", "The emulator itself failed.", status=500))
        return _answer(json.dumps(result, separators=(",", ":")).encode() if result else b"")


class _Silent(Response):
    """No answer at all: holds the connection until the client gives up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - sends nothing
        scope["extensions"][CONNECTION][SILENT] = True
        while (await receive())["type"] != "http.disconnect":
            pass


class _Broken(_Silent):
    """No answer, and the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"][CONNECTION]["abort"]()
        await super().__call__(scope, receive, send)


def _operation(request: Request) -> str:
    target = request.headers.get("x-amz-target", "")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method != "POST" or not target.startswith(_TARGET_PREFIX) or media_type != _MEDIA_TYPE:
        raise ServiceFault(
            "UnknownOperationException",
            f"A call is POST / with X-Amz-Target {_TARGET_PREFIX}OPERATION and Content-Type {_MEDIA_TYPE}.",
        )
    return target.removeprefix(_TARGET_PREFIX)


def _params(body: bytes) -> Mapping[str, object]:
    try:
        params = json.loads(body or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ServiceFault("SerializationException", f"The body is not JSON: {error}.") from None
    if not isinstance(params, dict):
        raise ServiceFault("SerializationException", "The body must be a JSON object.")
    return params


def _refuse_constant(text: str) -> object:
    raise ValueError(f"{text} is no JSON number")


def _error(fault: ServiceFault) -> Response:
    body = json.dumps({"__type": fault.code, "Message": fault.message}).encode()
    response = _answer(body, fault.status)
    if isinstance(fault, Refused) and fault.retry_after_ms is not None:
        response.headers["x-amz-retry-after"] = str(fault.retry_after_ms)
    return response


def _answer(body: bytes, status: int = 200) -> Response:
    return Response(body, status_code=status, headers={"content-type": _MEDIA_TYPE, "x-amzn-requestid": str(uuid4())})
