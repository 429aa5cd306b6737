"""Deletes an entity of any kind (`workmail.md` B14 to B18)."""

from syncd.emulator import fault
from syncd.emulator.entities import Entity, User
from syncd.emulator.organization import By
from syncd.emulator.world import Call


def delete(call: Call, member: str, kind: type[Entity]) -> dict[str, object]:
    identifier: str = call.params[member]
    entity = call.organization.find(identifier, By.NAME)
    if not isinstance(entity, kind) or entity.state == "DELETED":
        if call.switches.delete_unknown == "refused":
            raise fault.entity_not_found(identifier)
        return {}
    if isinstance(entity, User) and entity.role == "SYSTEM_USER":
        raise fault.unsupported(f"{entity.id} is a system user and can't be deleted")
    # EntityNotFound is not declared for deletions: a young entity is in the wrong state instead.
    call.settled(entity, creation_is_state=True)
    if entity.state == "ENABLED":
        raise fault.entity_state(entity.id, "must be DISABLED to be deleted")
    call.organization.unsettle(entity, call.now, call.switches.settle)
    call.organization.delete(entity, call.now, call.switches)
    return {}
