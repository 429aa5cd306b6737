"""Looks operations and shapes up in the service model, and runs their compiled checks."""

from collections.abc import Mapping
from functools import cache

from botocore.loaders import Loader
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from syncd.wire.compiled import Check, compile_shape
from syncd.wire.values import Constraint, InvalidCall, Violation

# What an operation without a shape takes and gives: an object without members.
_NOTHING = StructureShape("Nothing", {"type": "structure", "members": {}})


def operation_names() -> frozenset[str]:
    """Name every operation of the service model."""
    return frozenset(_service().operation_names)


def problems(operation: str, params: Mapping[str, object]) -> tuple[Violation, ...]:
    """Find everything the service would refuse in the parameters themselves; empty means valid.

    Raises:
        KeyError: the service has no such operation.
    """
    found: list[Violation] = []
    _input_check(operation)(params, "", found)
    return tuple(found)


def check(operation: str, params: Mapping[str, object]) -> None:
    """Do nothing if the call is valid.

    Raises:
        InvalidCall: with every problem of the call.
    """
    found = problems(operation, params)
    if found:
        raise InvalidCall(operation, found)


def output_problems(operation: str, result: Mapping[str, object]) -> tuple[Violation, ...]:
    """Find everything in a response that a client could not have got from the service."""
    found: list[Violation] = []
    _output_check(operation)(result, "", found)
    return tuple(found)


@cache
def sensitive_members(operation: str) -> frozenset[str]:
    """Name the top-level input members that must not be logged: they are, or hold, sensitive shapes."""
    members = (_operation(operation).input_shape or _NOTHING).members
    return frozenset(name for name, member in members.items() if _is_sensitive(member))


@cache
def input_members(operation: str) -> frozenset[str]:
    """Return the names of what *operation* takes."""
    shape = _operation(operation).input_shape
    return frozenset(shape.members) if shape is not None else frozenset()


def output_members(operation: str) -> frozenset[str]:
    """Return the names of what *operation* answers."""
    shape = _operation(operation).output_shape
    return frozenset(shape.members) if shape is not None else frozenset()


def declared_errors(operation: str) -> frozenset[str]:
    """Name the error codes that the model declares for an operation."""
    return frozenset(shape.name for shape in _operation(operation).error_shapes)


@cache
def constraint(shape_name: str) -> Constraint:
    """Tell what the model allows for a shape such as `UserName` or `EmailAddress`.

    Raises:
        KeyError: the model has no such shape.
    """
    service = _service()
    if shape_name not in service.shape_names:
        raise KeyError(f"the service model has no shape {shape_name!r}")
    metadata = service.shape_for(shape_name).metadata
    return Constraint(min=metadata.get("min"), max=metadata.get("max"), pattern=metadata.get("pattern"))


@cache
def models() -> Loader:
    """Return what reads the models of services, and keeps what it read: a client made with it parses none again."""
    return Loader()


@cache
def _service() -> ServiceModel:
    return ServiceModel(models().load_service_model("workmail", "service-2"), "workmail")


@cache
def _operation(operation: str) -> OperationModel:
    if operation not in operation_names():
        raise KeyError(f"the service has no operation {operation!r}")
    return _service().operation_model(operation)


@cache
def _input_check(operation: str) -> Check:
    return compile_shape(_operation(operation).input_shape or _NOTHING)


@cache
def _output_check(operation: str) -> Check:
    return compile_shape(_operation(operation).output_shape or _NOTHING)


def _is_sensitive(shape: Shape) -> bool:
    if isinstance(shape, StructureShape):
        return any(_is_sensitive(member) for member in shape.members.values())
    if isinstance(shape, ListShape):
        return _is_sensitive(shape.member)
    return bool(shape.metadata.get("sensitive"))
