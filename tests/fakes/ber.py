"""LDAP messages, written by hand: what a server of a test says."""

from collections.abc import Mapping, Sequence


def element(tag: int, content: bytes) -> bytes:
    """Return *content* with its tag and its length."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def integer(value: int, tag: int = 0x02) -> bytes:
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1))


def text(value: str | bytes, tag: int = 0x04) -> bytes:
    return element(tag, value.encode() if isinstance(value, str) else value)


def message(identity: int, operation: bytes, *controls: bytes) -> bytes:
    tail = element(0xA0, b"".join(controls)) if controls else b""
    return element(0x30, integer(identity) + operation + tail)


def result(tag: int, code: int, said: str = "", *, matched: str = "", referrals: Sequence[str] = ()) -> bytes:
    urls = element(0xA3, b"".join(text(url) for url in referrals)) if referrals else b""
    return element(tag, integer(code, 0x0A) + text(matched) + text(said) + urls)


def bind_response(identity: int, code: int, said: str = "") -> bytes:
    return message(identity, result(0x61, code, said))


def extended_response(identity: int, code: int, said: str = "") -> bytes:
    return message(identity, result(0x78, code, said))


def entry(identity: int, dn: str, attributes: Mapping[str, Sequence[bytes]]) -> bytes:
    parts = b"".join(
        element(0x30, text(name) + element(0x31, b"".join(map(text, values)))) for name, values in attributes.items()
    )
    return message(identity, element(0x64, text(dn) + element(0x30, parts)))


def reference(identity: int, *urls: str) -> bytes:
    return message(identity, element(0x73, b"".join(map(text, urls))))


def paged(cookie: bytes) -> bytes:
    """Return the control that a server sends with a page."""
    value = element(0x30, integer(0) + text(cookie))
    return element(0x30, text("1.2.840.113556.1.4.319") + text(value))


def done(
    identity: int,
    code: int = 0,
    said: str = "",
    *,
    cookie: bytes | None = None,
    matched: str = "",
    referrals: Sequence[str] = (),
) -> bytes:
    controls = () if cookie is None else (paged(cookie),)
    return message(identity, result(0x65, code, said, matched=matched, referrals=referrals), *controls)


def request_of(data: bytes) -> tuple[int, int]:
    """Return the id and the operation's tag of the request that *data* begins with."""
    at = 2 + (data[1] & 0x7F if data[1] >= 0x80 else 0)
    size = data[at + 1]
    return int.from_bytes(data[at + 2 : at + 2 + size]), data[at + 2 + size]


def operation_of(data: bytes) -> int:
    """Return the tag of a message's operation: 0x64 for an entry, 0x65 for the end of a search."""
    return request_of(data)[1]
