"""Directory entries as LDIF, for `slapadd` and `ldapmodify`."""

import base64
from collections.abc import Iterable


def record(dn: str, *classes: str, **attributes: str | bytes | Iterable[str | bytes]) -> str:
    """Return the LDIF of an entry; an RDN of one part needs not be repeated among *attributes*."""
    lines = [_line("dn", dn), *(f"objectClass: {name}" for name in classes)]
    kind, _, value = dn.partition(",")[0].partition("=")
    if kind not in attributes and "+" not in value and "\\" not in value:
        lines.append(_line(kind, value))
    for name, found in attributes.items():
        lines += [_line(name, each) for each in ([found] if isinstance(found, str | bytes) else found)]
    return "\n".join([*lines, "", ""])


def folder(dn: str) -> str:
    """Return the LDIF of an organizational unit."""
    return record(dn, "organizationalUnit")


def person(dn: str, uid: str, **attributes: str | bytes | Iterable[str | bytes]) -> str:
    """Return the LDIF of a person called *uid*."""
    return record(dn, "inetOrgPerson", **{"uid": uid, "cn": uid.title(), "sn": uid.title(), **attributes})


def _line(name: str, value: str | bytes) -> str:
    raw = value.encode() if isinstance(value, str) else value
    is_plain = raw.isascii() and raw.decode(errors="replace").isprintable() and raw[:1] not in (b" ", b":", b"<")
    if is_plain and not raw.endswith(b" "):
        return f"{name}: {raw.decode()}"
    return f"{name}:: {base64.b64encode(raw).decode()}"
