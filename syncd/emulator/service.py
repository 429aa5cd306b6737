"""The service as a plain object: one method, the calls of the real API."""

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock

from syncd import wire
from syncd.emulator import (
    addresses,
    domains,
    fault,
    groups,
    mailboxes,
    organizations,
    registration,
    resources,
    state,
    users,
)
from syncd.emulator.directories import check_directory
from syncd.emulator.entities import User
from syncd.emulator.organization import DirectoryKind
from syncd.emulator.switches import Switches
from syncd.emulator.world import Call, Request, World

_OPERATIONS: Mapping[str, Callable[[Call], dict[str, object]]] = {
    **users.OPERATIONS,
    **groups.OPERATIONS,
    **resources.OPERATIONS,
    **registration.OPERATIONS,
    **addresses.OPERATIONS,
    **mailboxes.OPERATIONS,
    **domains.OPERATIONS,
    **organizations.OPERATIONS,
}


class Emulator:
    """Amazon WorkMail in memory, as far as `workmail.md` tells facts, and by switches where it can't.

    A call is checked in this order (`workmail.md` F): parameters, organization found, its state, directory
    writable, entity found, entity state, name and mail rules, limits. Calls may come from many threads.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        seed: int = 0,
        switches: Switches = Switches(),  # noqa: B008 - frozen, so that all may share it
        page_size: int | None = None,
    ) -> None:
        self._clock = clock
        self._lock = Lock()
        self._world = World(seed=seed, switches=switches, page_size=_checked(page_size))

    @property
    def switches(self) -> Switches:
        """The switches of `workmail.md` K; a new value holds from the next call."""
        return self._world.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        with self._lock:
            self._world.switches = switches

    @property
    def page_size(self) -> int | None:
        """The most entries that a page holds, whatever the call asks for."""
        return self._world.page_size

    @page_size.setter
    def page_size(self, page_size: int | None) -> None:
        with self._lock:
            self._world.page_size = _checked(page_size)

    @staticmethod
    def operation_names() -> frozenset[str]:
        """Name the operations that are built."""
        return frozenset({*_OPERATIONS, *organizations.WITHOUT_ORGANIZATION})

    def create_organization(
        self,
        *,
        alias: str,
        domains: Sequence[str] = (),
        organization_id: str | None = None,
        directory: DirectoryKind = DirectoryKind.WORKMAIL,
        state: str = "Active",
        error_message: str | None = None,
        migration_admin: str | None = None,
    ) -> str:
        """Make an organization that is in *state* at once, all its domains verified; return its id.

        *migration_admin* names a DISABLED user to be made, as interoperability has one.
        """
        with self._lock:
            now = self._now()
            organizations.check_identity(self._world, alias, domains, organization_id)
            organizations.check_alias(self._world, alias, now)
            organization = organizations.found(
                self._world, alias, directory=directory, domains=domains, organization_id=organization_id
            )
            organization.states = [(now, state)]
            organization.completed = now
            organization.error_message = error_message
            if migration_admin is not None:
                admin = User(self._world.entity_id(organization, "USER", migration_admin), migration_admin)
                organization.add(admin)
                organization.migration_admin = admin.id
            return organization.id

    def call(self, operation: str, params: Mapping[str, object]) -> dict[str, object]:
        """Answer a call; times are epoch seconds. A null member counts as absent.

        Raises:
            ServiceFault: what the service would answer instead.
        """
        if operation not in _OPERATIONS and operation not in organizations.WITHOUT_ORGANIZATION:
            raise fault.unknown_operation(operation)
        params = _without_nulls(params)
        problems = wire.problems(operation, params)
        if problems:
            raise fault.invalid_parameter("; ".join(map(str, problems)))
        with self._lock:
            now = self._now()
            simple = organizations.WITHOUT_ORGANIZATION.get(operation)
            if simple is not None:
                organizations.forget_deleted(self._world, now)
                return simple(Request(operation, params, now, self._world))
            return _OPERATIONS[operation](self._call(operation, params, now))

    def snapshot(self) -> dict[str, object]:
        """Give the whole state as JSON can hold it, but for switches, clock and unsettled changes."""
        with self._lock:
            return state.write(self._world)

    def load(self, written: Mapping[str, object]) -> None:
        """Replace the whole state by a snapshot's."""
        with self._lock:
            state.read(self._world, written)

    def now(self) -> float:
        """Return what time it is here, in seconds since 1970."""
        return self._now()

    def _now(self) -> float:
        # The service tells times in milliseconds (`workmail.md` J).
        return round(self._clock(), 3)

    def _call(self, operation: str, params: Mapping[str, object], now: float) -> Call:
        """Prepare a call to an organization: it exists, is in order, and its directory can do this."""
        world = self._world
        organization_id = str(params["OrganizationId"])
        organization = world.organizations.get(organization_id)
        if organization is not None and organization.states[-1][1] == "Deleted":
            organizations.forget_deleted(world, now)
            organization = world.organizations.get(organization_id)
        if organization is None:
            raise fault.organization_not_found(organization_id)
        if operation not in organizations.ANY_STATE:
            state = organization.state(now)
            if state != "Active":
                raise fault.organization_state(organization_id, state)
        if organization.ghosts:
            organization.forget(now, world.switches.ghost_s)
        call = Call(operation, params, now, world, organization)
        check_directory(call)
        return call


def _checked(page_size: int | None) -> int | None:
    if page_size is not None and page_size < 1:
        raise ValueError(f"a page holds at least one entry, not {page_size}")
    return page_size


def _without_nulls(params: Mapping[str, object]) -> Mapping[str, object]:
    """Drop null members: in the protocol they are absent ones."""
    for value in params.values():
        if value is None or isinstance(value, Mapping):
            break
    else:
        return params
    return {
        key: _without_nulls(value) if isinstance(value, Mapping) else value
        for key, value in params.items()
        if value is not None
    }
