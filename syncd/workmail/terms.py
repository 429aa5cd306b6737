"""What WorkMail's answers mean (`workmail.md` A, B, E), and what a person can do about them."""

from collections.abc import Iterator

from syncd.model.names import fold
from syncd.model.report import Outcome, Result
from syncd.model.situation import Situation
from syncd.model.state import Entity, State
from syncd.model.terms import Terms
from syncd.workmail.failures import CREDENTIALS, DENIED, SETTLING

_RENEW = "renew the credentials; `syncd plan` tests them"
_ALLOW = "allow workmail:{call} on this organization to the role that syncd runs with"
_AGAIN = "the next cycle tries again; if it keeps failing, look at `syncd explain {key}`"
#: The service's error code -> the next step.
ADVICE = {
    **dict.fromkeys(sorted(CREDENTIALS), _RENEW),
    **dict.fromkeys(sorted(DENIED), _ALLOW),
    "DirectoryServiceAuthenticationFailedException": "the directory behind WorkMail refuses WorkMail: mend their trust",
    "DirectoryUnavailableException": "the directory behind WorkMail doesn't answer; " + _AGAIN,
    "EmailAddressInUseException": "somebody else holds it; the next cycle reads who, and waits for it",
    "EntityAlreadyRegisteredException": "somebody registered it meanwhile; the next cycle reads again and plans anew",
    "EntityNotFoundException": "somebody removed it meanwhile; the next cycle reads again and plans anew",
    "EntityStateException": "its state changed meanwhile; the next cycle reads again and plans anew",
    "InvalidParameterException": "mend the value in the directory or in the mapping",
    "InvalidPasswordException": "the organization's password policy refused what was generated: report it",
    "LimitExceededException": "a quota is reached: ask for a larger one, or want less",
    "MailDomainNotFoundException": "add the domain to the organization, or change the address at its source",
    "MailDomainStateException": "finish the verification of the domain; the next cycle tries again",
    "NameAvailabilityException": "the name is taken: give the entry another one, or adopt who holds it",
    "OrganizationNotFoundException": "check organization_id and region in the configuration",
    "OrganizationStateException": "the organization is not active: wait, or ask who manages it",
    "ReservedNameException": "the service keeps this name for itself: give the entry another one",
    "UnsupportedOperationException": "the service can only read this directory: change it where it is kept",
}
_NOT_FREE_YET = "{what} is not free yet: {whose} {name}, which is deleted, still has it; the next cycle tries again"

#: Codes that say that something is held -> what of an operation's effect that is.
_HELD = {"NameAvailabilityException": ("name",), "EmailAddressInUseException": ("alias", "primary")}


def advise(outcome: Outcome, situation: Situation) -> str:
    """Return what can be done about *outcome*: its code says it, and who is seen to stand in the way.

    What a deleted entity still has is not taken, but not free yet (`workmail.md` B2, B12).
    """
    if outcome.result is not Result.FAILED:
        return ""
    operation = outcome.operation
    if outcome.code in _HELD:
        wanted = next((str(operation.effect[name]) for name in _HELD[outcome.code] if name in operation.effect), "")
        for ghost in _ghosts(situation):
            if wanted and fold(wanted) in (fold(ghost.name), fold(ghost.primary)):
                whose = "our own" if _was_ours(situation, ghost) else "the"
                return _NOT_FREE_YET.format(what=wanted, whose=f"{whose} {ghost.kind.value}", name=ghost.name)
    call = operation.call.operation if operation.call is not None else ""
    return ADVICE.get(outcome.code, "").format(key=operation.subject, call=call)


def _ghosts(situation: Situation) -> Iterator[Entity]:
    return (entity for entity in situation.observed.entities.values() if entity.state is State.DELETED)


def _was_ours(situation: Situation, ghost: Entity) -> bool:
    return any(binding.entity == ghost.id for binding in situation.memory.bindings.values())


TERMS = Terms(
    # `workmail.md` B4, B11.
    done_before={
        "RegisterToWorkMail": "EntityAlreadyRegisteredException",
        "DeregisterFromWorkMail": "EntityStateException",
    },
    without_effect=SETTLING,
    stopping={
        **dict.fromkeys(DENIED, "is not allowed to us: allow workmail:{call}"),
        "UnsupportedOperationException": "is not possible here: the directory behind WorkMail is read-only",
    },
    fatal=CREDENTIALS,
    advise=advise,
)
