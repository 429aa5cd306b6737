"""Which names and passwords the service accepts (`workmail.md` F)."""

from syncd.emulator import fault
from syncd.emulator.organization import DirectoryKind
from syncd.emulator.world import Call

_MAX_SHORT_NAME = 20
_PASSWORD_MIN = 8
_PASSWORD_END = 64
_PASSWORD_GROUPS = 3
_ASCII_END = 0x80


def check_free_name(call: Call, name: str) -> None:
    """Refuse a name that any user, group or resource has: they share one namespace, without case (B2)."""
    if name.lower() in call.organization.names:
        raise fault.name_in_use(name)


def check_new_name(call: Call, name: str) -> None:
    lowered = name.lower()
    for reserved in call.switches.reserved_names:
        if lowered == reserved or (reserved.endswith("*") and lowered.startswith(reserved[:-1])):
            raise fault.reserved_name(name)
    check_free_name(call, name)


def check_user_name(call: Call, name: str) -> None:
    if (
        call.switches.short_user_names
        and call.organization.directory is not DirectoryKind.WORKMAIL
        and len(name) > _MAX_SHORT_NAME
    ):
        raise fault.invalid_parameter(f"Name: must have at most {_MAX_SHORT_NAME} characters in this directory")
    check_new_name(call, name)


def check_password(password: str) -> None:
    """Refuse a password that the fixed policy of a WorkMail directory refuses. It is never kept."""
    if not _PASSWORD_MIN <= len(password) < _PASSWORD_END:
        raise fault.invalid_password(f"must have {_PASSWORD_MIN} to {_PASSWORD_END - 1} characters")
    if len(set(map(_group_of, password))) < _PASSWORD_GROUPS:
        raise fault.invalid_password(
            "must have characters of three of these groups: upper case, lower case, digits, special, Latin-1"
        )


def _group_of(character: str) -> str:
    if ord(character) >= _ASCII_END:
        return "latin-1"
    if character.isdigit():
        return "digit"
    if character.isalpha():
        return "upper" if character.isupper() else "lower"
    return "special"
