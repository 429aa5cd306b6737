"""What do the bytes of an attribute say? Keys and times in one canonical text, everything else as strict UTF-8."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

#: Never text, whoever maps them: an entry isn't rejected for its photo.
BINARY = frozenset(
    {
        "audio",
        "authorityrevocationlist",
        "cacertificate",
        "certificaterevocationlist",
        "jpegphoto",
        "krbprincipalkey",
        "logonhours",
        "msexchmailboxguid",
        "msexchmailboxsecuritydescriptor",
        "ntsecuritydescriptor",
        "photo",
        "thumbnaillogo",
        "thumbnailphoto",
        "usercertificate",
        "userpassword",
        "userpkcs12",
        "usersmimecertificate",
    }
)
#: Longer values are no names, addresses or phone numbers; the CSV source's cap (`caps.value_length`).
MAXIMUM_LENGTH = 4096
#: What stands in `pwdAccountLockedTime` when an administrator locked the account (ppolicy draft 5.3.3).
LOCKED_FOR_GOOD = "000001010000Z"

_GENERALIZED = re.compile(
    r"(?P<date>\d{4}\d{2}\d{2})(?P<hour>\d{2})(?:(?P<minute>\d{2})(?P<second>\d{2})?)?"
    r"(?:[.,](?P<fraction>\d+))?(?P<zone>Z|[+-]\d{2}(?:\d{2})?)"
)
_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
#: Both mean "never" (MS-ADTS, accountExpires).
_NEVER = (0, 0x7FFF_FFFF_FFFF_FFFF)
_TICKS_PER_MICROSECOND = 10
_SID_HEAD = 8
_GUID_LENGTH = 16
_NSUNIQUEID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}")
_ENTRY_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TEXT_CONTROLS = "\t\n\r"


class BadValue(ValueError):
    """The bytes don't say what an attribute of this kind must say; the text tells why."""


def text(raw: bytes) -> str:
    """Return *raw* as text.

    Raises:
        BadValue: it is no UTF-8, has control characters, or is too long.
    """
    try:
        value = raw.decode()
    except UnicodeDecodeError as error:
        raise BadValue(f"is no UTF-8 (byte {raw[error.start]:#04x} at {error.start + 1})") from error
    if len(value) > MAXIMUM_LENGTH:
        raise BadValue(f"has {len(value)} characters, {MAXIMUM_LENGTH} are allowed")
    if not value.isprintable():
        for character in value:
            if (character < " " or "\x7f" <= character <= "\x9f") and character not in _TEXT_CONTROLS:
                raise BadValue(f"contains the control character U+{ord(character):04X}")
    return value


def guid(raw: bytes) -> str:
    """Return an `objectGUID`: its first three fields are little-endian (MS-DTYP 2.3.4.2)."""
    if len(raw) != _GUID_LENGTH:
        raise BadValue(f"has {len(raw)} bytes, a GUID has {_GUID_LENGTH}")
    return str(uuid.UUID(bytes_le=raw))


def guid_bytes(canonical: str) -> bytes:
    """Return the bytes of the `objectGUID` written *canonical*; raises BadValue."""
    try:
        return uuid.UUID(canonical).bytes_le
    except ValueError as error:
        raise BadValue(f"is no GUID: {canonical!r}") from error


def sid(raw: bytes) -> str:
    """Return an `objectSid` as S-1-5-21-… (MS-DTYP 2.4.2.2)."""
    if len(raw) < _SID_HEAD or len(raw) != _SID_HEAD + 4 * raw[1] or raw[0] != 1:
        raise BadValue("is no security identifier")
    authority = int.from_bytes(raw[2:_SID_HEAD])
    parts = [int.from_bytes(raw[at : at + 4], "little") for at in range(_SID_HEAD, len(raw), 4)]
    return "-".join(["S-1", str(authority), *map(str, parts)])


def entry_uuid(raw: bytes) -> str:
    """Return an `entryUUID` in lower case."""
    written = text(raw)
    if _ENTRY_UUID.fullmatch(written):
        return written
    try:
        return str(uuid.UUID(written))
    except ValueError as error:
        raise BadValue(f"is no UUID: {written!r}") from error


def ns_unique_id(raw: bytes) -> str:
    """Return an `nsUniqueId`: four groups of eight hex digits, in lower case."""
    written = text(raw).lower()
    if _NSUNIQUEID.fullmatch(written) is None:
        raise BadValue(f"is no nsUniqueId: {written!r}")
    return written


def moment(raw: bytes) -> str:
    """Return a generalized time (RFC 4517 3.3.13) as ISO 8601 in UTC; what only looks like one stays as it is."""
    written = text(raw)
    try:
        return _iso(generalized_time(written))
    except BadValue:
        return written


def generalized_time(written: str) -> datetime:
    """Return the moment that *written* names; raises BadValue."""
    found = _GENERALIZED.fullmatch(written)
    if found is None:
        raise BadValue(f"is no generalized time: {written!r}")
    unit = timedelta(hours=1)
    unit = timedelta(minutes=1) if found["minute"] else unit
    unit = timedelta(seconds=1) if found["second"] else unit
    try:
        start = datetime.strptime(f"{found['date']}{found['hour']}{found['minute'] or '00'}00", "%Y%m%d%H%M%S").replace(
            tzinfo=_zone(found["zone"])
        )
        # A leap second (60) is the first of the next minute: datetime has no other place for it.
        start += timedelta(seconds=int(found["second"] or 0))
        return (start + unit * float(f"0.{found['fraction'] or 0}")).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadValue(f"is no moment of the calendar: {written!r}") from error


def filetime(written: str) -> datetime | None:
    """Return the moment of a Windows FILETIME (`accountExpires`), None for never; raises BadValue."""
    try:
        ticks = int(written)
    except ValueError as error:
        raise BadValue(f"is no FILETIME: {written!r}") from error
    if ticks in _NEVER:
        return None
    try:
        return _FILETIME_EPOCH + timedelta(microseconds=ticks // _TICKS_PER_MICROSECOND)
    except OverflowError:
        return None


def windows_moment(raw: bytes) -> str:
    """Return a FILETIME as ISO 8601 in UTC, "never" where it says so."""
    found = filetime(text(raw))
    return _iso(found) if found else "never"


#: Folded attribute name -> what reads its values; every other attribute is `text`.
READERS: dict[str, Callable[[bytes], str]] = {
    "objectguid": guid,
    "objectsid": sid,
    "sidhistory": sid,
    "entryuuid": entry_uuid,
    "nsuniqueid": ns_unique_id,
    "createtimestamp": moment,
    "modifytimestamp": moment,
    "whencreated": moment,
    "whenchanged": moment,
    "pwdchangedtime": moment,
    "pwdaccountlockedtime": moment,
    "accountexpires": windows_moment,
    "lastlogontimestamp": windows_moment,
    "pwdlastset": windows_moment,
}


def reader_of(attribute: str) -> Callable[[bytes], str]:
    """Return what reads the values of *attribute*."""
    return READERS.get(attribute.lower(), text)


def _iso(moment: datetime) -> str:
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _zone(written: str) -> timezone:
    if written == "Z":
        return UTC
    sign = -1 if written[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(written[1:3]), minutes=int(written[3:5] or 0)))
