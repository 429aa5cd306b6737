"""Answers whether a call, or a response, is one that WorkMail's own service model allows.

botocore's validator looks at required members, types and minima only; maxima, patterns and enumerations
reach the service unchecked (`workmail.md` C). Here all of them are checked, recursively, by functions
compiled once per operation, so that a check costs a few microseconds.

A pattern is matched against the whole value, and its word characters and digits are ASCII, as the service
reads them. A member whose value is None has the wrong type: an unset member is absent.
"""

from syncd.wire.checks import (
    check,
    constraint,
    declared_errors,
    input_members,
    models,
    operation_names,
    output_members,
    output_problems,
    problems,
    sensitive_members,
)
from syncd.wire.values import Constraint, InvalidCall, Violation

__all__ = [
    "Constraint",
    "InvalidCall",
    "Violation",
    "check",
    "constraint",
    "declared_errors",
    "input_members",
    "models",
    "operation_names",
    "output_members",
    "output_problems",
    "problems",
    "sensitive_members",
]
