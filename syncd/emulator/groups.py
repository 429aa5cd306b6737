"""The operations on groups and their members (`workmail.md` A.2, B31 to B36)."""

from collections.abc import Callable, Mapping

from syncd.emulator import deletion, fault, sorted_ids
from syncd.emulator.entities import Entity, Group, Resource
from syncd.emulator.filters import by_name, by_primary_address, chosen_filter
from syncd.emulator.names import check_new_name
from syncd.emulator.paging import page
from syncd.emulator.users import check_updatable, listed
from syncd.emulator.world import Call, put_times


def create_group(call: Call) -> dict[str, object]:
    name: str = call.params["Name"]
    check_new_name(call, name)
    limit = call.switches.groups_limit
    if limit is not None and _living(call) >= limit:
        raise fault.limit_exceeded(f"{call.organization.id} can't have more than {limit} groups")
    group = Group(call.world.entity_id(call.organization, "GROUP", name), name)
    group.hidden = call.params.get("HiddenFromGlobalAddressList", False)
    call.organization.add(group)
    call.organization.unsettle(group, call.now, call.switches.settle, created=True)
    return {"GroupId": group.id}


def describe_group(call: Call) -> dict[str, object]:
    group = call.described(call.group("GroupId"))
    answer: dict[str, object] = {"GroupId": group.id}
    _put_shared(call, answer, group)
    answer["HiddenFromGlobalAddressList"] = group.hidden
    return answer


def update_group(call: Call) -> dict[str, object]:
    group = call.group("GroupId")
    check_updatable(call, group)
    group.hidden = call.params.get("HiddenFromGlobalAddressList", group.hidden)
    return {}


def delete_group(call: Call) -> dict[str, object]:
    return deletion.delete(call, "GroupId", Group)


def list_groups(call: Call) -> dict[str, object]:
    accepts = chosen_filter(call, {"NamePrefix": by_name, "PrimaryEmailPrefix": by_primary_address})

    def summary(group: Entity) -> dict[str, object]:
        answer: dict[str, object] = {"Id": group.id}
        _put_shared(call, answer, group)
        return answer

    return page(call, "Groups", call.organization.group_ids, listed(call, accepts, summary))


def list_group_members(call: Call) -> dict[str, object]:
    group = call.group("GroupId")
    call.alive(group)
    organization = call.organization

    def render(member_id: str) -> object:
        truth = organization.entities[member_id]
        # A member that isn't visible yet is a member all the same: only its state lags.
        member = organization.seen(truth, call.now) or truth
        answer: dict[str, object] = {
            "Id": member.id,
            "Name": member.name,
            "Type": member.kind,
            "State": member.state,
        }
        put_times(answer, member)
        return answer

    return page(call, "Members", group.members, render)


def list_groups_for_entity(call: Call) -> dict[str, object]:
    entity = call.entity("EntityId")
    call.alive(entity)
    accepts = chosen_filter(call, {"GroupNamePrefix": by_name})
    entities = call.organization.entities

    def render(group_id: str) -> object | None:
        group = entities[group_id]
        return {"GroupId": group.id, "GroupName": group.name} if accepts(group) else None

    return page(call, "Groups", entity.groups, render)


def associate_member(call: Call) -> dict[str, object]:
    group, member = _group_and_member(call)
    if sorted_ids.contains(group.members, member.id):
        return {}
    if isinstance(member, Group) and not call.switches.group_cycles and _contains(call, member, group):
        raise fault.invalid_parameter(f"MemberId: {member.id} contains {group.id}, or is the same")
    limit = call.switches.members_limit
    if limit is not None and len(group.members) >= limit:
        raise fault.limit_exceeded(f"Group {group.id} can't have more than {limit} members")
    call.organization.link(group, member)
    return {}


def disassociate_member(call: Call) -> dict[str, object]:
    group, member = _group_and_member(call)
    call.organization.unlink(group, member)
    return {}


def _group_and_member(call: Call) -> tuple[Group, Entity]:
    group, member = call.group("GroupId"), call.entity("MemberId")
    if isinstance(member, Resource):
        raise fault.entity_not_found(call.params["MemberId"])
    for entity in (group, member):
        call.alive(entity)
        if not call.switches.members_disabled:
            call.enabled(entity)
    return group, member


def _contains(call: Call, outer: Group, inner: Group) -> bool:
    """Tell whether *inner* is *outer*, or in it, or in a group in it."""
    entities = call.organization.entities
    seen, waiting = {inner.id}, [inner.id]
    while waiting:
        group_id = waiting.pop()
        if group_id == outer.id:
            return True
        above = [above for above in entities[group_id].groups if above not in seen]
        seen.update(above)
        waiting.extend(above)
    return False


def _put_shared(call: Call, answer: dict[str, object], group: Entity) -> None:
    answer["Name"] = group.name
    email = call.shown_email(group)
    if email is not None:
        answer["Email"] = email
    answer["State"] = group.state
    put_times(answer, group)


def _living(call: Call) -> int:
    entities = call.organization.entities
    return sum(entities[group_id].state != "DELETED" for group_id in call.organization.group_ids)


OPERATIONS: Mapping[str, Callable[[Call], dict[str, object]]] = {
    "CreateGroup": create_group,
    "DescribeGroup": describe_group,
    "UpdateGroup": update_group,
    "DeleteGroup": delete_group,
    "ListGroups": list_groups,
    "ListGroupMembers": list_group_members,
    "ListGroupsForEntity": list_groups_for_entity,
    "AssociateMemberToGroup": associate_member,
    "DisassociateMemberFromGroup": disassociate_member,
}
