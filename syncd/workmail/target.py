"""The target port over one caller: reads with retries, sends once, fills placeholders."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event, Lock
from typing import Any

from syncd.errors import (
    CallError,
    Interrupted,
    PermanentCallError,
    PermissionDenied,
    TargetUnreachable,
    Throttled,
    TransientCallError,
)
from syncd.model.detail import Details, Thing
from syncd.model.names import EntityId, Kind
from syncd.model.observed import Observed
from syncd.model.operation import Call, Generated, Merged, Ref
from syncd.model.state import Entity
from syncd.model.terms import Terms
from syncd.ports import Clock, Observer, PasswordMaker
from syncd.workmail import observe
from syncd.workmail.attributes import MEMBERS
from syncd.workmail.calls import NAMING, created_by
from syncd.workmail.client import Caller, date_of
from syncd.workmail.failures import CREDENTIALS, DENIED, SETTLING
from syncd.workmail.pace import Backoff
from syncd.workmail.pages import PAGES
from syncd.workmail.terms import TERMS

_ATTEMPTS = 6
#: A throttled call waits in the shared back-off before each of them.
_THROTTLED_ATTEMPTS = 30
_FIRST_RETRY_S = 0.2
#: Ids of users and groups look like a GUID or `S-1-1-12-...`, of resources `r-` and 32 hex (`workmail.md` A).
_OPAQUE = re.compile(r"S-1-[0-9-]+|r-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4,12})+")
#: What a full UpdateUser carries besides what we change (`workmail.md` B20).
_MERGED_MEMBERS = (*MEMBERS.values(), "IdentityProviderUserId")
_CHUNK = 64


class WorkmailTarget:
    """One organization, seen through *caller*."""

    def __init__(
        self,
        caller: Caller,
        organization_id: str,
        *,
        clock: Clock,
        observer: Observer,
        make_password: PasswordMaker,
        workers: int = 1,
        stop: Event | None = None,
    ) -> None:
        """Read with at most *workers* calls at a time; with 1, no thread is started. *stop* ends reading."""
        self._caller = caller
        self._organization_id = organization_id
        self._clock = clock
        self._observer = observer
        self._make_password = make_password
        self._workers = workers
        self._stop = stop or Event()
        self._backoff = Backoff(clock)
        self._lock = Lock()
        self._calls: Counter[str] = Counter()
        self._answered_at: datetime | None = None

    @property
    def terms(self) -> Terms:
        """What WorkMail's codes mean."""
        return TERMS

    def lists(self, *, bound: Mapping[EntityId, Kind]) -> Observed:
        """Read everything that lists tell; ask by id for bound entities that no list shows."""
        self._answered_at = None  # these are the first calls of a cycle
        organization, untouchable = observe.read_organization(self._read, self._organization_id)
        entities = observe.read_entities(self._read, untouchable=untouchable)
        gone = set()
        for identity, kind in bound.items():
            if identity in entities:
                continue
            entity = observe.describe(self._read, identity, kind)
            if entity is None:
                gone.add(identity)
            else:
                entities[identity] = entity
        return Observed(
            organization=organization,
            entities=entities,
            details=Details(),
            gone=frozenset(gone),
            answered_at=self._answered_at,
        )

    def details(self, wanted: Mapping[Thing, Collection[Entity]]) -> Iterator[tuple[Thing, EntityId, Any]]:
        """Yield each detail as it is read; entities that changed meanwhile yield nothing."""
        tasks = [(thing, entity) for thing, entities in wanted.items() for entity in entities]
        ids = {str(entity.id): entity.id for _, entity in tasks}

        def read_one(task: tuple[Thing, Entity]) -> tuple[Thing, EntityId, Any]:
            thing, entity = task
            return thing, entity.id, observe.read_detail(self._read, PAGES.reader(thing), entity, ids)

        if self._workers == 1:
            yield from (row for row in map(read_one, tasks) if row[2] is not None)
            return
        with ThreadPoolExecutor(self._workers, thread_name_prefix="read") as pool:
            for start in range(0, len(tasks), _CHUNK):
                for row in pool.map(read_one, tasks[start : start + _CHUNK]):
                    if row[2] is not None:
                        yield row

    def send(self, call: Call) -> EntityId | None:
        """Fill what is left to fill, check that only opaque ids are named, and send once; return what was created."""
        parameters = dict(call.parameters)
        merged = parameters.pop("*", None)
        filled = {
            name: self._make_password() if isinstance(value, Generated) else value for name, value in parameters.items()
        }
        for name in NAMING:
            value = filled.get(name)
            if isinstance(value, Ref) or (value is not None and not _OPAQUE.fullmatch(str(value))):
                message = f"{name} is {value!r}, which is no opaque id: a name or address could mean somebody else"
                raise PermanentCallError(call.operation, "NotAnOpaqueId", message)
        if isinstance(merged, Merged):
            held = self._once(merged.operation, {"UserId": filled["UserId"]})
            unmanaged = {name: held[name] for name in _MERGED_MEMBERS if name in held and name not in filled}
            answer = self._once_let_through(call.operation, {**unmanaged, **filled})
        else:
            answer = self._once(call.operation, filled)
        return created_by(call, answer)

    def calls(self) -> Mapping[str, int]:
        """Return how many calls were made so far, retries included, by operation."""
        with self._lock:
            return self._calls.copy()

    def _once_let_through(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send what rests on a read just made.

        A throttled call had no effect. Going back to that read each time could spend what the rate allows on it alone.
        """
        for _ in range(_THROTTLED_ATTEMPTS - 1):
            try:
                return self._once(operation, parameters)
            except Throttled as error:
                self._retrying(error)
        return self._once(operation, parameters)

    def _once(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if waited := self._backoff.pause():
            self._observer.event("api_call_delayed", call=operation, waited_s=round(waited, 3))
        with self._lock:
            self._calls[operation] += 1
        begun = self._clock.monotonic()
        code = "ok"
        self._observer.event("api_call_sent", call=operation)
        try:
            answer = self._caller(operation, {"OrganizationId": self._organization_id, **parameters})
        except CallError as error:
            code = error.code
            if isinstance(error, Throttled):
                self._backoff.throttled(error.retry_after)
            raise
        else:
            self._backoff.succeeded()
            if self._answered_at is None:
                self._answered_at = date_of(answer)
            return answer
        finally:
            self._observer.called(operation, code, self._clock.monotonic() - begun)

    def _read(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send a read until it answers; reads have no effect, so any transient failure is repeated.

        Raises:
            Interrupted: told to stop. A first read of a large organization takes hours.
            TargetUnreachable: it failed too often.
            PermissionDenied: it isn't allowed.
        """
        failures = throttles = 0
        while True:
            if self._stop.is_set():
                raise Interrupted("told to stop while reading", hint="nothing was changed; the next cycle reads on")
            try:
                return self._once(operation, parameters)
            except Throttled as error:
                throttles += 1
                if throttles == _THROTTLED_ATTEMPTS:
                    raise _exhausted(error, throttles, _THROTTLED_HINT) from error
                self._retrying(error)
            except TransientCallError as error:
                if error.code in SETTLING:
                    raise
                failures += 1
                if failures == _ATTEMPTS:
                    raise _exhausted(error, failures, _UNREACHABLE_HINT) from error
                self._retrying(error)
                self._clock.sleep(_FIRST_RETRY_S * 2 ** (failures - 1))
            except PermanentCallError as error:
                raise _unusable(error) from error

    def _retrying(self, error: CallError) -> None:
        self._observer.event("api_call_retried", call=error.operation, code=error.code)


_UNREACHABLE_HINT = (
    "check the network, workmail.region (us-east-1, us-west-2 and eu-west-1 have WorkMail) "
    "and workmail.endpoint_url; nothing was changed"
)


_THROTTLED_HINT = (
    "others may use up what AWS allows to this account: look at who else calls WorkMail, and at apply.workers; "
    "nothing was changed"
)


def _exhausted(error: TransientCallError, attempts: int, hint: str) -> TargetUnreachable:
    """Return that *attempts* reads got no answer."""
    message = f"WorkMail does not answer: {error.operation} failed {attempts} times, last with {error.code}"
    return TargetUnreachable(f"{message}: {error.service_message}", hint=hint)


def _unusable(error: PermanentCallError) -> Exception:
    """Return what a failed read means for the whole cycle."""
    if error.code in CREDENTIALS:
        hint = "renew the credentials that boto3 finds (environment, profile, instance role); nothing was changed"
        return PermissionDenied(f"AWS refuses the credentials: {error.code}: {error.service_message}", hint=hint)
    if error.code in DENIED:
        hint = f"allow workmail:{error.operation} on this organization to syncd's role; nothing was changed"
        return PermissionDenied(f"{error.operation} is not allowed: {error.service_message}", hint=hint)
    return error
