"""The operations on mailboxes: permissions and quota (`workmail.md` A.5, B39 to B44)."""

from collections.abc import Callable, Mapping

from syncd.emulator import fault
from syncd.emulator.entities import MAX_QUOTA_MB, Entity, Group, Resource
from syncd.emulator.paging import page
from syncd.emulator.world import Call

_FULL_ACCESS = "FULL_ACCESS"


def put_permissions(call: Call) -> dict[str, object]:
    owner, grantee = _owner_and_grantee(call)
    permissions = tuple(dict.fromkeys(call.params["PermissionValues"]))
    if not permissions and call.switches.empty_permissions == "refused":
        raise fault.invalid_parameter("PermissionValues: must have at least one value")
    if _FULL_ACCESS in permissions:
        if isinstance(owner, Group):
            raise fault.invalid_parameter(f"EntityId: {owner.id} is a group and has no mailbox to access")
        if isinstance(grantee, Group) and not call.switches.full_access_for_groups:
            raise fault.invalid_parameter(f"GranteeId: {grantee.id} is a group and can't get full access")
    call.organization.grant(owner, grantee, permissions)
    return {}


def delete_permissions(call: Call) -> dict[str, object]:
    owner, grantee = _owner_and_grantee(call)
    call.organization.grant(owner, grantee, ())
    return {}


def list_permissions(call: Call) -> dict[str, object]:
    owner = call.entity("EntityId")
    if owner.state == "DELETED":
        # EntityState is not declared here.
        raise fault.entity_not_found(owner.id)
    grants = owner.grants or {}
    entities = call.organization.entities

    def render(grantee_id: str) -> object:
        return {
            "GranteeId": grantee_id,
            "GranteeType": entities[grantee_id].kind,
            "PermissionValues": list(grants[grantee_id]),
        }

    return page(call, "Permissions", sorted(grants), render)


def get_details(call: Call) -> dict[str, object]:
    user = call.user("UserId")
    if user.state == "DELETED":
        raise fault.entity_not_found(user.id)
    size = user.size if user.state == "ENABLED" else 0.0
    return {"MailboxQuota": user.quota, "MailboxSize": size}


def update_quota(call: Call) -> dict[str, object]:
    user = call.user("UserId")
    call.enabled(user)
    quota: int = call.params["MailboxQuota"]
    if quota > MAX_QUOTA_MB:
        raise fault.invalid_parameter(f"MailboxQuota: must be at most {MAX_QUOTA_MB}, is {quota}")
    user.quota = quota
    return {}


def _owner_and_grantee(call: Call) -> tuple[Entity, Entity]:
    owner, grantee = call.entity("EntityId"), call.entity("GranteeId")
    if isinstance(grantee, Resource):
        raise fault.entity_not_found(call.params["GranteeId"])
    for entity in (owner, grantee):
        call.alive(entity)
        call.enabled(entity)
    return owner, grantee


OPERATIONS: Mapping[str, Callable[[Call], dict[str, object]]] = {
    "PutMailboxPermissions": put_permissions,
    "DeleteMailboxPermissions": delete_permissions,
    "ListMailboxPermissions": list_permissions,
    "GetMailboxDetails": get_details,
    "UpdateMailboxQuota": update_quota,
}
