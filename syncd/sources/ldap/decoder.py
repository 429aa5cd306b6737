"""How do bytes become entries?

One flat loop over SearchResultEntry (RFC 4511 4.5.2), definite lengths only, every length checked against the end of
what holds it. ldap3 takes seven times as long: it recurses through generic BER and decodes each value twice
(`measurements.md` 2). Whatever is no entry is left to ldap3's own decoder.

    LDAPMessage         30 len  INTEGER messageID, then
    SearchResultEntry   64 len  OCTET STRING dn, SEQUENCE OF
    PartialAttribute    30 len  OCTET STRING name, SET OF
    values              04 len  bytes
"""

from dataclasses import dataclass

#: A group of a million members has some 80 MB; whatever claims to be larger is no directory entry.
LARGEST_MESSAGE = 256 * 1024 * 1024
_MESSAGE, _INTEGER, _STRING, _SEQUENCE, _SET, _ENTRY, _CONTROLS = 0x30, 0x02, 0x04, 0x30, 0x31, 0x64, 0xA0
_LONG = 0x80
#: The length stands in the byte that follows: so it is with entries and their attributes, mostly.
_ONE_BYTE = 0x81
_LONGEST_LENGTH = 4


@dataclass(frozen=True, slots=True)
class RawEntry:
    """One entry as the server wrote it: names in its spelling, values as bytes."""

    dn: str
    attributes: dict[str, list[bytes]]


class Malformed(Exception):
    """These bytes are no LDAP; the message says where they stop being it."""


def message_size(data: bytes, at: int) -> int:
    """Return the size of the message that begins at *at*, 0 if too little of it is there to tell.

    Raises:
        Malformed: no message begins so.
    """
    have = len(data) - at
    if have and data[at] != _MESSAGE:
        raise Malformed(f"a message begins with the byte {data[at]:#04x} instead of 0x30")
    if have < 2:  # noqa: PLR2004 - a tag and the first byte of a length
        return 0
    length = data[at + 1]
    if length < _LONG:
        return length + 2
    count = length & 0x7F
    if not 1 <= count <= _LONGEST_LENGTH:
        raise Malformed(f"a message has {'no definite length' if not count else f'a length of {count} bytes'}")
    if have < 2 + count:
        return 0
    size = 2 + count + int.from_bytes(data[at + 2 : at + 2 + count])
    if size > LARGEST_MESSAGE:
        raise Malformed(f"a message claims to have {size} bytes, more than the {LARGEST_MESSAGE} that are read")
    return size


def message_id(data: bytes, at: int) -> tuple[int, int]:
    """Return the id of the whole message at *at*, and the place of its operation.

    Raises:
        Malformed: it has none.
    """
    end = at + message_size(data, at)
    place = at + 2 + (data[at + 1] & 0x7F if data[at + 1] >= _LONG else 0)
    if end - place < 3 or data[place] != _INTEGER:  # noqa: PLR2004 - tag, length, one byte
        raise Malformed("a message has no id")
    count = data[place + 1]
    operation = place + 2 + count
    if not 1 <= count <= _LONGEST_LENGTH or operation >= end:
        raise Malformed("the id of a message has no end")
    return int.from_bytes(data[place + 2 : operation]), operation


def find_entries(data: bytes, at: int, identity: int, places: list[tuple[int, int]], base: int = 0) -> int:
    """Append where the content of each entry begins and where it ends, from *base* on; return the place behind them.

    Stops at the first message that is no entry of the search *identity*, or not wholly there.

    Raises:
        Malformed: what follows is no message.
    """
    have = len(data)
    usual = bytes([_INTEGER, (width := identity.bit_length() // 8 + 1)]) + identity.to_bytes(width) + bytes([_ENTRY])
    while at + 1 < have:
        first = data[at + 1]
        content = at + 2 + (first & 0x7F if first >= _LONG else 0)
        if data[at] == _MESSAGE and _LONG != first < _LONG + 5 and data.startswith(usual, content):
            # Nearly always.
            operation = content + len(usual) - 1
            end = content + (int.from_bytes(data[at + 2 : content]) if first >= _LONG else first)
            if end > have:
                break
        else:
            end = at + message_size(data, at)
            if end == at or end > have:
                break
            found, operation = message_id(data, at)
            if data[operation] != _ENTRY or found != identity:
                break
        places.append((operation + 1 - base, end - base))
        at = end
    return at


class Names:
    """The attribute names met so far, and the order in which the server sends them."""

    __slots__ = ("known", "order")

    def __init__(self) -> None:
        self.known: dict[bytes, str] = {}
        #: Of each attribute: what stands between the lengths of it and of its values, where that ends, its name.
        self.order: list[tuple[bytes, int, str]] = []

    def forget_order(self) -> None:
        """Another search has other attributes."""
        self.order = []

    def learn(self, attributes: dict[str, list[bytes]]) -> None:
        """Remember the order of *attributes*, of the entry that has the most so far."""
        raw = {name: key for key, name in self.known.items()}
        self.order = [
            (bytes([_STRING, len(raw[name])]) + raw[name] + bytes([_SET]), len(raw[name]) + 5, name)
            for name in attributes
            if len(raw[name]) < _LONG
        ]


def decode_entries(data: bytes, places: list[tuple[int, int]], names: Names, base: int = 0) -> list[RawEntry]:
    """Return the entries at *places*, counted from *base*.

    Raises:
        Malformed: one is no entry.
    """
    try:
        return [_entry(data, base + at, base + end, names) for at, end in places]
    except IndexError:
        raise Malformed("an entry ends in the middle of a length") from None
    except UnicodeDecodeError as error:
        raise Malformed(f"a DN or an attribute name is no UTF-8: {error.object[:200]!r}") from None


def _length(data: bytes, at: int, first: int) -> tuple[int, int]:
    """Return a length of several bytes, and the place after it."""
    count = first & 0x7F
    if not 1 <= count <= _LONGEST_LENGTH:
        raise Malformed("a part of an entry has no definite length, or an impossible one")
    return int.from_bytes(data[at : at + count]), at + count


def _entry(data: bytes, at: int, end: int, names: Names) -> RawEntry:  # noqa: C901, PLR0912 - flat: calls cost more
    """Decode the entry whose length stands at *at*, and which lies within *end*.

    A length that is read past the end of its holder makes an end beyond it, which is refused.
    """
    length = data[at]
    at += 1
    if length == _ONE_BYTE:
        length, at = data[at], at + 1
    elif length >= _LONG:
        length, at = _length(data, at, length)
    if at + length != end and (at + length > end or data[at + length] != _CONTROLS):
        raise Malformed("an entry ends elsewhere than its message")
    end = at + length
    if data[at] != _STRING:
        raise Malformed("an entry has no DN")
    length = data[at + 1]
    at += 2
    if length == _ONE_BYTE:
        length, at = data[at], at + 1
    elif length >= _LONG:
        length, at = _length(data, at, length)
    stop = at + length
    if stop >= end:
        raise Malformed("a DN ends beyond its entry, or nothing follows it")
    dn = data[at:stop].decode()
    if data[stop] != _SEQUENCE:
        raise Malformed(f"the entry {dn!r} has no attributes")
    length = data[stop + 1]
    at = stop + 2
    if length == _ONE_BYTE:
        length, at = data[at], at + 1
    elif length >= _LONG:
        length, at = _length(data, at, length)
    if at + length != end:
        raise Malformed(f"the attributes of {dn!r} end elsewhere than the entry")
    return RawEntry(dn, _attributes(data, at, end, dn, names))


def _attributes(data: bytes, at: int, end: int, dn: str, names: Names) -> dict[str, list[bytes]]:
    """Decode the attributes that fill *at* to *end*."""
    attributes: dict[str, list[bytes]] = {}
    for prefix, size, name in names.order:
        if at == end:
            break
        if data.startswith(prefix, at + 2) and data[at] == _SEQUENCE:
            # Nearly always: the attribute that is expected here, one value, and every length in one byte.
            length = data[at + 1]
            last = at + length + 2
            stop = at + size
            if (
                length < _LONG
                and stop + 3 <= last <= end
                and data[stop] == last - stop - 1
                and data[stop + 1] == _STRING
                and data[stop + 2] == last - stop - 3
            ):
                attributes[name] = [data[stop + 3 : last]]
                at = last
            else:
                at = _attribute(data, at, end, dn, names.known, attributes)
    while at < end:
        at = _attribute(data, at, end, dn, names.known, attributes)
    if len(attributes) > len(names.order):
        names.learn(attributes)
    return attributes


def _attribute(
    data: bytes, at: int, end: int, dn: str, names: dict[bytes, str], attributes: dict[str, list[bytes]]
) -> int:
    """Decode the attribute at *at*, of any form; return the place after it."""
    if data[at] != _SEQUENCE:
        raise Malformed(f"something in {dn!r} is no attribute")
    length = data[at + 1]
    at += 2
    if length >= _LONG:
        length, at = _length(data, at, length)
    last = at + length
    if last > end or length < 2 or data[at] != _STRING:  # noqa: PLR2004 - tag and length of the name
        raise Malformed(f"an attribute of {dn!r} has no name, or ends beyond the entry")
    length = data[at + 1]
    at += 2
    if length >= _LONG:
        length, at = _length(data, at, length)
    stop = at + length
    if stop >= last or data[stop] != _SET:
        raise Malformed(f"an attribute of {dn!r} has no values")
    raw = data[at:stop]
    name = names.get(raw)
    if name is None:
        name = names[raw] = raw.decode()
    length = data[stop + 1]
    at = stop + 2
    if length >= _LONG:
        length, at = _length(data, at, length)
    if at + length != last:
        raise Malformed(f"the values of {name!r} of {dn!r} end elsewhere than the attribute")
    values = _values(data, at, last, name, dn)
    attributes[name] = attributes[name] + values if name in attributes else values
    return last


def _values(data: bytes, at: int, last: int, name: str, dn: str) -> list[bytes]:
    """Decode the values that fill *at* to *last*."""
    values: list[bytes] = []
    while at < last:
        length = data[at + 1]
        if data[at] != _STRING:
            raise Malformed(f"a value of {name!r} of {dn!r} is no string")
        at += 2
        if length >= _LONG:
            length, at = _length(data, at, length)
        stop = at + length
        if stop > last:
            raise Malformed(f"a value of {name!r} of {dn!r} ends beyond its attribute")
        values.append(data[at:stop])
        at = stop
    return values
