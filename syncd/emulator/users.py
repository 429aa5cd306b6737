"""The operations on users (`workmail.md` A.1)."""

from collections.abc import Callable, Mapping

from syncd.emulator import deletion, fault
from syncd.emulator.entities import PROFILE, Entity, User
from syncd.emulator.filters import by_name, by_primary_address, chosen_filter
from syncd.emulator.names import check_password, check_user_name
from syncd.emulator.organization import By
from syncd.emulator.paging import page
from syncd.emulator.world import Call, put_times

_IDENTITY_STORE = "d-0123456789"
_PROFILE_ITEMS = tuple(PROFILE.items())


def create_user(call: Call) -> dict[str, object]:
    params = call.params
    name: str = params["Name"]
    role: str = params.get("Role", "USER")
    _check_role(role, "USER")
    check_user_name(call, name)
    if "Password" in params:
        check_password(params["Password"])
    limit = call.switches.users_limit
    if limit is not None and call.organization.living_users >= limit:
        raise fault.limit_exceeded(f"{call.organization.id} can't have more than {limit} users")
    user = User(call.world.entity_id(call.organization, "USER", name), name)
    user.display_name = params["DisplayName"]
    user.role = role
    user.first_name = params.get("FirstName") or None
    user.last_name = params.get("LastName") or None
    user.hidden = params.get("HiddenFromGlobalAddressList", False)
    user.idp_user_id = params.get("IdentityProviderUserId")
    call.organization.add(user)
    call.organization.unsettle(user, call.now, call.switches.settle, created=True)
    return {"UserId": user.id}


def describe_user(call: Call) -> dict[str, object]:
    user = call.described(call.user("UserId"))
    answer: dict[str, object] = {"UserId": user.id, "Name": user.name}
    _put_shared(call, answer, user)
    if user.provisioned is not None:
        answer["MailboxProvisionedDate"] = user.provisioned
        gone = user.mailbox_gone_at(call.now)
        if gone is not None:
            answer["MailboxDeprovisionedDate"] = gone
    answer["HiddenFromGlobalAddressList"] = user.hidden
    for member, attribute in _PROFILE_ITEMS:
        value = getattr(user, attribute)
        if value is not None:
            answer[member] = value
    return answer


def update_user(call: Call) -> dict[str, object]:
    user = call.user("UserId")
    refuse_system_user(user)
    check_updatable(call, user)
    params = call.params
    clears = call.switches.omitted_clears
    if "Role" in params:
        _check_role(params["Role"], user.role)
        user.role = params["Role"]
    if "DisplayName" in params or clears:
        user.display_name = params.get("DisplayName")
    if "HiddenFromGlobalAddressList" in params or clears:
        user.hidden = params.get("HiddenFromGlobalAddressList", False)
    if "IdentityProviderUserId" in params or clears:
        user.idp_user_id = params.get("IdentityProviderUserId") or None
    for member, attribute in _PROFILE_ITEMS:
        if member in params or clears:
            setattr(user, attribute, params.get(member) or None)
    return {}


def delete_user(call: Call) -> dict[str, object]:
    return deletion.delete(call, "UserId", User)


def list_users(call: Call) -> dict[str, object]:
    accepts = chosen_filter(
        call,
        {
            "UsernamePrefix": by_name,
            "DisplayNamePrefix": _by_display_name,
            "PrimaryEmailPrefix": by_primary_address,
            "IdentityProviderUserIdPrefix": _by_idp_user_id,
        },
    )

    def summary(user: Entity) -> dict[str, object]:
        answer: dict[str, object] = {"Id": user.id, "Name": user.name}
        if isinstance(user, User):
            _put_shared(call, answer, user)
        return answer

    return page(call, "Users", call.organization.user_ids, listed(call, accepts, summary))


def reset_password(call: Call) -> dict[str, object]:
    user = call.user("UserId", By.ID)
    refuse_system_user(user)
    call.alive(user)
    if not call.switches.reset_password_disabled:
        call.enabled(user)
    check_password(call.params["Password"])
    return {}


def listed(
    call: Call, accepts: Callable[[Entity], bool], summary: Callable[[Entity], dict[str, object]]
) -> Callable[[str], object | None]:
    """Render the entities of a list as they are seen now, ghosts as the switches say."""
    organization, now = call.organization, call.now
    ghosts = call.switches.ghosts_listed

    def render(entity_id: str) -> object | None:
        entity = organization.seen(organization.entities[entity_id], now)
        if entity is None or (entity.state == "DELETED" and not ghosts) or not accepts(entity):
            return None
        return summary(entity)

    return render


def refuse_system_user(entity: Entity) -> None:
    """Refuse changes to the service's own users (`workmail.md` B46)."""
    if isinstance(entity, User) and entity.role == "SYSTEM_USER":
        raise fault.unsupported(f"{entity.id} is a system user and can't be changed")


def check_updatable(call: Call, entity: Entity) -> None:
    """Refuse an update in the wrong state (`workmail.md` B19)."""
    call.alive(entity)
    if not call.switches.update_disabled:
        call.enabled(entity)


def _put_shared(call: Call, answer: dict[str, object], user: User) -> None:
    email = call.shown_email(user)
    if email is not None:
        answer["Email"] = email
    if user.display_name is not None:
        answer["DisplayName"] = user.display_name
    answer["State"] = user.state
    answer["UserRole"] = user.role
    put_times(answer, user)
    if user.idp_user_id is not None:
        answer["IdentityProviderUserId"] = user.idp_user_id
        answer["IdentityProviderIdentityStoreId"] = _IDENTITY_STORE


def _check_role(role: str, current: str) -> None:
    if role != current and role not in {"USER", "REMOTE_USER"}:
        raise fault.invalid_parameter(f"Role: can't be set to {role}")


def _by_display_name(_call: Call, user: User) -> str | None:
    return user.display_name


def _by_idp_user_id(_call: Call, user: User) -> str | None:
    return user.idp_user_id


OPERATIONS: Mapping[str, Callable[[Call], dict[str, object]]] = {
    "CreateUser": create_user,
    "DescribeUser": describe_user,
    "UpdateUser": update_user,
    "DeleteUser": delete_user,
    "ListUsers": list_users,
    "ResetPassword": reset_password,
}
