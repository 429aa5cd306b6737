"""Which operations a directory refuses because its content is managed elsewhere (`workmail.md` E)."""

from syncd import wire
from syncd.emulator import fault
from syncd.emulator.entities import Resource
from syncd.emulator.organization import By, DirectoryKind
from syncd.emulator.world import Call

_WRITES = frozenset(
    {
        "AssociateMemberToGroup",
        "CreateGroup",
        "CreateUser",
        "DeleteGroup",
        "DeleteUser",
        "DisassociateMemberFromGroup",
        "ResetPassword",
        "UpdateGroup",
        "UpdatePrimaryEmailAddress",
        "UpdateUser",
    }
)
_RESOURCE_WRITES = frozenset(
    {
        "AssociateDelegateToResource",
        "CreateResource",
        "DeleteResource",
        "DisassociateDelegateFromResource",
        "UpdateResource",
    }
)
_RESOURCE_READS = frozenset({"DescribeResource", "ListResourceDelegates", "ListResources"})
_ALIAS_WRITES = frozenset({"CreateAlias", "DeleteAlias"})

_REFUSED: dict[DirectoryKind, frozenset[str]] = {
    DirectoryKind.AD_CONNECTOR: _WRITES | _RESOURCE_WRITES,
    DirectoryKind.INTEROPERABILITY: _WRITES | _RESOURCE_WRITES | _RESOURCE_READS,
}


def check_directory(call: Call) -> None:
    """Refuse an operation that the organization's directory can't do, or can't do now."""
    code = call.switches.directory_fault
    if code is not None and code in wire.declared_errors(call.operation):
        raise fault.directory_fault(code)
    kind = call.organization.directory
    if call.operation in _REFUSED.get(kind, ()):
        raise fault.unsupported(f"{call.operation} can't be used with the directory of this organization")
    if kind is DirectoryKind.INTEROPERABILITY:
        _check_interoperability(call)


def _check_interoperability(call: Call) -> None:
    if call.operation in _ALIAS_WRITES:
        # Unsupported is not declared for aliases, though they can't be edited.
        raise fault.invalid_parameter("Alias: the addresses of this organization are managed in Exchange")
    if call.operation == "RegisterToWorkMail":
        entity = call.organization.find(call.params["EntityId"], By.NAME)
        if isinstance(entity, Resource):
            raise fault.unsupported("Resources of this organization are enabled in Exchange")
