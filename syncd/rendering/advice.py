"""What a person can do about an operation that didn't succeed."""

from syncd.model.report import Outcome, Result

#: The service's error code (`workmail.md` A) -> the next step.
_BY_CODE = {
    "AccessDeniedException": "allow workmail:{call} on this organization to the role that syncd runs with",
    "UnrecognizedClientException": "renew the credentials; `syncd plan` tests them",
    "ExpiredTokenException": "renew the credentials; `syncd plan` tests them",
    "EmailAddressInUseException": "somebody else holds it; the next cycle reads who, and waits for it",
    "NameAvailabilityException": "the name is taken: give the entry another one, or adopt who holds it",
    "ReservedNameException": "the service keeps this name for itself: give the entry another one",
    "MailDomainNotFoundException": "add the domain to the organization, or change the address at its source",
    "MailDomainStateException": "finish the verification of the domain; the next cycle tries again",
    "LimitExceededException": "a quota is reached: ask for a larger one, or want less",
    "InvalidParameterException": "mend the value in the directory or in the mapping",
    "InvalidPasswordException": "the organization's password policy refused what was generated: report it",
    "EntityNotFoundException": "somebody removed it meanwhile; the next cycle reads again and plans anew",
    "EntityStateException": "its state changed meanwhile; the next cycle reads again and plans anew",
    "OrganizationNotFoundException": "check organization_id and region in the configuration",
    "OrganizationStateException": "the organization is not active: wait, or ask who manages it",
    "UnsupportedOperationException": "the service can only read this directory: change it where it is kept",
}
_BY_RESULT = {
    Result.FAILED: "the next cycle tries again; if it keeps failing, look at `syncd explain {key}`",
    Result.UNKNOWN: "nothing: the next cycle reads what became of it",
    Result.SKIPPED: "nothing: it is planned again in the next cycle",
    Result.APPLIED: "",
}


def advice(outcome: Outcome) -> str:
    """Return the next step after *outcome*, "" when there is nothing to do."""
    operation = outcome.operation
    general = _BY_RESULT[outcome.result]
    chosen = _BY_CODE.get(outcome.code, general) if outcome.result is Result.FAILED else general
    return chosen.format(key=operation.subject, call=operation.call.operation if operation.call else "")
