"""How much may a policy allow? Apart from the policies: `syncd --help` names the modes and must stay quick."""

from enum import StrEnum


class PolicyMode(StrEnum):
    """How much a policy allows."""

    READ_ONLY = "read-only"
    WRITE = "write"
    DELETE = "delete"
    EXPORT = "export"
