"""The operations on resources and their delegates (`workmail.md` A.3, B37, B38)."""

from collections.abc import Callable, Mapping
from typing import Any

from syncd.emulator import deletion, fault
from syncd.emulator.entities import BOOKING, Entity, Resource
from syncd.emulator.filters import by_name, by_primary_address, chosen_filter
from syncd.emulator.names import check_free_name, check_new_name
from syncd.emulator.paging import page
from syncd.emulator.users import check_updatable, listed
from syncd.emulator.world import Call, put_times


def create_resource(call: Call) -> dict[str, object]:
    name: str = call.params["Name"]
    check_new_name(call, name)
    resource = Resource(call.world.entity_id(call.organization, "RESOURCE", name), name)
    resource.type = call.params["Type"]
    resource.description = call.params.get("Description")
    resource.hidden = call.params.get("HiddenFromGlobalAddressList", False)
    call.organization.add(resource)
    call.organization.unsettle(resource, call.now, call.switches.settle, created=True)
    return {"ResourceId": resource.id}


def describe_resource(call: Call) -> dict[str, object]:
    resource = call.described(call.resource("ResourceId"))
    answer: dict[str, object] = {"ResourceId": resource.id}
    _put_shared(call, answer, resource)
    answer["BookingOptions"] = dict(zip(BOOKING, resource.booking, strict=True))
    answer["HiddenFromGlobalAddressList"] = resource.hidden
    return answer


def update_resource(call: Call) -> dict[str, object]:
    resource = call.resource("ResourceId")
    check_updatable(call, resource)
    params = call.params
    name: str = params.get("Name", resource.name)
    if name.lower() != resource.name.lower():
        check_free_name(call, name)
    booking = _booking(params.get("BookingOptions"), resource)
    clears = call.switches.omitted_clears
    if name != resource.name:
        call.organization.rename(resource, name)
    resource.booking = booking
    resource.type = params.get("Type", resource.type)
    if "Description" in params or clears:
        resource.description = params.get("Description") or None
    if "HiddenFromGlobalAddressList" in params or clears:
        resource.hidden = params.get("HiddenFromGlobalAddressList", False)
    return {}


def delete_resource(call: Call) -> dict[str, object]:
    return deletion.delete(call, "ResourceId", Resource)


def list_resources(call: Call) -> dict[str, object]:
    accepts = chosen_filter(call, {"NamePrefix": by_name, "PrimaryEmailPrefix": by_primary_address})

    def summary(resource: Entity) -> dict[str, object]:
        answer: dict[str, object] = {"Id": resource.id}
        if isinstance(resource, Resource):
            _put_shared(call, answer, resource)
        return answer

    return page(call, "Resources", call.organization.resource_ids, listed(call, accepts, summary))


def list_delegates(call: Call) -> dict[str, object]:
    resource = call.resource("ResourceId")
    call.alive(resource)
    entities = call.organization.entities

    def render(delegate_id: str) -> object:
        return {"Id": delegate_id, "Type": entities[delegate_id].kind}

    return page(call, "Delegates", resource.delegates, render)


def associate_delegate(call: Call) -> dict[str, object]:
    resource, delegate = _resource_and_delegate(call)
    call.enabled(delegate)
    call.organization.delegate(resource, delegate)
    return {}


def disassociate_delegate(call: Call) -> dict[str, object]:
    resource, delegate = _resource_and_delegate(call)
    call.organization.undelegate(resource, delegate)
    return {}


def _resource_and_delegate(call: Call) -> tuple[Resource, Entity]:
    resource, delegate = call.resource("ResourceId"), call.entity("EntityId")
    if isinstance(delegate, Resource):
        raise fault.entity_not_found(call.params["EntityId"])
    call.enabled(resource)
    call.alive(delegate)
    return resource, delegate


def _booking(options: Mapping[str, Any] | None, resource: Resource) -> tuple[bool, bool, bool]:
    if options is None:
        return resource.booking
    # A plain boolean that is absent is false (`workmail.md` A).
    accept, recurring, conflicting = (bool(options.get(option, False)) for option in BOOKING)
    if not accept and not resource.delegates:
        raise fault.invalid_configuration(
            f"Resource {resource.id} needs a delegate before it stops accepting requests by itself"
        )
    return accept, recurring, conflicting


def _put_shared(call: Call, answer: dict[str, object], resource: Resource) -> None:
    answer["Name"] = resource.name
    answer["Type"] = resource.type
    email = call.shown_email(resource)
    if email is not None:
        answer["Email"] = email
    answer["State"] = resource.state
    put_times(answer, resource)
    if resource.description is not None:
        answer["Description"] = resource.description


OPERATIONS: Mapping[str, Callable[[Call], dict[str, object]]] = {
    "CreateResource": create_resource,
    "DescribeResource": describe_resource,
    "UpdateResource": update_resource,
    "DeleteResource": delete_resource,
    "ListResources": list_resources,
    "ListResourceDelegates": list_delegates,
    "AssociateDelegateToResource": associate_delegate,
    "DisassociateDelegateFromResource": disassociate_delegate,
}
