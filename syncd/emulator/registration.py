"""Registers entities, which enables them, and deregisters them (`workmail.md` B3 to B13)."""

from collections.abc import Callable, Mapping

from syncd.emulator import fault
from syncd.emulator.addresses import check_address
from syncd.emulator.entities import MAILBOX_GRACE_S, Entity, User
from syncd.emulator.organization import By, DirectoryKind, folded
from syncd.emulator.users import refuse_system_user
from syncd.emulator.world import Call


def register(call: Call) -> dict[str, object]:
    entity = call.entity("EntityId", By.NAME)
    refuse_system_user(entity)
    call.settled(entity)
    call.alive(entity)
    email: str = call.params["Email"]
    if entity.state == "ENABLED":
        return _register_again(call, entity, email)
    check_address(call, entity, email)
    call.organization.unsettle(entity, call.now, call.switches.settle)
    _give_primary(call, entity, email)
    if isinstance(entity, User) and entity.role != "REMOTE_USER":
        _give_mailbox(entity, call.now)
    entity.state = "ENABLED"
    entity.enabled = call.now
    entity.disabled = None
    if call.organization.directory is DirectoryKind.INTEROPERABILITY:
        _add_test_address(call, entity)
    return {}


def deregister(call: Call) -> dict[str, object]:
    entity = call.entity("EntityId")
    call.settled(entity)
    call.alive(entity)
    if entity.state == "DISABLED":
        if call.switches.deregister_disabled == "unchanged":
            return {}
        call.enabled(entity)
    call.organization.unsettle(entity, call.now, call.switches.settle)
    entity.state = "DISABLED"
    entity.disabled = call.now
    if call.switches.deregistered_addresses == "released":
        call.organization.release_all(entity)
    return {}


def _register_again(call: Call, entity: Entity, email: str) -> dict[str, object]:
    """Answer the registration of an ENABLED entity (`workmail.md` B4)."""
    same = entity.email is not None and entity.email.lower() == email.lower()
    if not same and call.switches.register_enabled == "refused":
        raise fault.already_registered(entity.id)
    return {}


def _give_primary(call: Call, entity: Entity, email: str) -> None:
    """Make an address the primary; what was reserved since a deregistration comes back beside it."""
    lowered = email.lower()
    kept = [*entity.aliases] if entity.email is None else [entity.email, *entity.aliases]
    entity.aliases = tuple(address for address in kept if address.lower() != lowered)
    entity.email = email
    call.organization.addresses[folded(email)] = entity


def _give_mailbox(user: User, now: float) -> None:
    """Give back the mailbox within thirty days (`workmail.md` B12), else make a new one."""
    gone = user.disabled is not None and user.disabled + MAILBOX_GRACE_S <= now
    if user.provisioned is None or gone:
        user.provisioned = now
        user.size = 0.0


def _add_test_address(call: Call, entity: Entity) -> None:
    """Add the address on the test domain that comes by itself with interoperability (`workmail.md` C)."""
    local = entity.name.split("@", maxsplit=1)[0]
    address = f"{local}@{call.organization.alias}.awsapps.com".lower()
    if isinstance(entity, User) and address not in call.organization.addresses:
        entity.aliases = (*entity.aliases, address)
        call.organization.addresses[address] = entity


OPERATIONS: Mapping[str, Callable[[Call], dict[str, object]]] = {
    "RegisterToWorkMail": register,
    "DeregisterFromWorkMail": deregister,
}
