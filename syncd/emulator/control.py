"""What people and tests may ask of a running emulator, beside WorkMail itself: the routes below `/-/`.

GET  /-/livez            is it up
GET  /-/snapshot         the whole state, as `--data` keeps it
POST /-/load             replace the state by a snapshot
POST /-/organizations    create an organization; answers its id
GET  /-/faults           the rules in force, how many calls each saw, how often it struck
PUT  /-/faults           other rules
GET  /-/gates            the gates that are closed, and how many calls each holds
GET  /-/gates/NAME       answers once a call is held there, with `?calls=3` once three are; 409 if it was opened before
POST /-/gates/NAME/open  let go on who is held there, and who comes later; answers how many were held
GET  /-/switches         how the emulator answers where nobody knows how WorkMail does
PUT  /-/switches         change some of them
GET  /-/counters         calls by operation and outcome
POST /-/reset-counters   count anew
"""

import asyncio
import json
from collections.abc import Awaitable, Callable

from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from syncd.emulator.calllog import CallLog
from syncd.emulator.documents import as_document, parse_document
from syncd.emulator.fault import ServiceFault
from syncd.emulator.faults import Fault, FaultyService, parse_rules
from syncd.emulator.persistence import DataFile, load_snapshot
from syncd.emulator.seed import create_organization
from syncd.errors import SyncdError, UsageError

Handler = Callable[[Request], Awaitable[Response]]

_REFUSED = 400
_OPENED = 409


class Control:
    """The control API over one service; with *data*, what changes the state is saved at once."""

    def __init__(self, service: FaultyService, log: CallLog, data: DataFile | None = None) -> None:
        self._service = service
        self._log = log
        self._data = data

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Handler]] = [
            ("GET", "livez", self._livez),
            ("GET", "snapshot", self._snapshot),
            ("POST", "load", self._load),
            ("POST", "organizations", self._create_organization),
            ("GET", "faults", self._faults),
            ("PUT", "faults", self._set_faults),
            ("GET", "gates", self._gates),
            ("GET", "gates/{name}", self._arrival),
            ("POST", "gates/{name}/open", self._open_gate),
            ("GET", "switches", self._switches),
            ("PUT", "switches", self._set_switches),
            ("GET", "counters", self._counters),
            ("POST", "reset-counters", self._reset_counters),
        ]
        return [Route(f"/-/{name}", _answering(handler), methods=[method]) for method, name, handler in table]

    async def _livez(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _snapshot(self, _request: Request) -> Response:
        # In a thread: a large organization takes seconds, and callers must not wait that long.
        content = await run_in_threadpool(lambda: json.dumps(self._service.emulator.snapshot()).encode())
        return Response(content, media_type="application/json")

    async def _load(self, request: Request) -> Response:
        state = await _body(request)
        await run_in_threadpool(load_snapshot, self._service.emulator, state, "the snapshot")
        await self._save()
        return Response(status_code=204)

    async def _create_organization(self, request: Request) -> Response:
        organization_id = create_organization(self._service.emulator, await _body(request), "organization")
        await self._save()
        return JSONResponse({"OrganizationId": organization_id}, status_code=201)

    async def _faults(self, _request: Request) -> Response:
        rules = TypeAdapter(tuple[Fault, ...]).dump_python(self._service.rules, mode="json", exclude_defaults=True)
        counts = [{"seen": seen, "fired": fired} for seen, fired in self._service.fired()]
        return JSONResponse({"faults": rules, "counts": counts})

    async def _set_faults(self, request: Request) -> Response:
        self._service.set_rules(parse_rules(await _body(request), "faults"))
        return await self._faults(request)

    async def _gates(self, _request: Request) -> Response:
        return JSONResponse(self._service.gates.held())

    async def _arrival(self, request: Request) -> Response:
        name, calls = request.path_params["name"], request.query_params.get("calls", "1")
        if not calls.isdecimal():
            raise UsageError("calls is a number.")
        came = await asyncio.wrap_future(self._service.gates.arrival(name, int(calls)))
        return JSONResponse(self._service.gates.held(), status_code=200 if came else _OPENED)

    async def _open_gate(self, request: Request) -> Response:
        return JSONResponse({"held": self._service.gates.open(request.path_params["name"])})

    async def _switches(self, _request: Request) -> Response:
        return JSONResponse(as_document(self._service.emulator.switches))

    async def _set_switches(self, request: Request) -> Response:
        members = await _body(request)
        if not isinstance(members, dict):
            raise UsageError("Switches are a JSON object: name and value.")
        self._service.set_switches(members)
        return await self._switches(request)

    async def _counters(self, _request: Request) -> Response:
        return JSONResponse(self._log.counters())

    async def _reset_counters(self, _request: Request) -> Response:
        self._log.reset()
        return Response(status_code=204)

    async def _save(self) -> None:
        if self._data is not None:
            await run_in_threadpool(self._data.save, anyway=True)


def _answering(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except SyncdError as error:
            return JSONResponse({"error": str(error)}, status_code=_REFUSED)
        except ServiceFault as fault:
            return JSONResponse({"error": str(fault)}, status_code=fault.status)

    return answer


async def _body(request: Request) -> object:
    return parse_document(await request.body(), "the request")
