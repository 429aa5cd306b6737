r"""Which entry does a distinguished name mean? RFC 4514 names read, written, and brought into one form for comparing.

Servers write one name in many ways (`CN=A, OU=B`, `cn=a,ou=b`, `cn=\41,ou=b`), and a group's member value seldom is
written as the entry itself (`pitfalls.md` C, E). Normal form: types in lower case under their short names, parts of a
multi-valued RDN sorted, values in lower case and NFKC with single spaces, every special character as a hex pair, so
that a bare comma always separates. Lower case, not full case folding: a directory tells Strasse from Straße.
"""

import re
import unicodedata
from typing import Literal

Scope = Literal["sub", "one", "base"]
#: Type and value: a text, or the BER of a `#`-string that holds none.
Part = tuple[str, str | bytes]
#: The parts of one RDN; nearly always one.
Rdn = tuple[Part, ...]

_ALIASES = {
    "2.5.4.3": "cn",
    "commonname": "cn",
    "2.5.4.4": "sn",
    "surname": "sn",
    "2.5.4.6": "c",
    "countryname": "c",
    "2.5.4.7": "l",
    "localityname": "l",
    "2.5.4.8": "st",
    "stateorprovincename": "st",
    "2.5.4.9": "street",
    "streetaddress": "street",
    "2.5.4.10": "o",
    "organizationname": "o",
    "2.5.4.11": "ou",
    "organizationalunitname": "ou",
    "2.5.4.12": "title",
    "2.5.4.42": "givenname",
    "gn": "givenname",
    "0.9.2342.19200300.100.1.1": "uid",
    "userid": "uid",
    "0.9.2342.19200300.100.1.3": "mail",
    "rfc822mailbox": "mail",
    "0.9.2342.19200300.100.1.25": "dc",
    "domaincomponent": "dc",
}
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+")
_HEX_STRING = re.compile(r"#((?:[0-9A-Fa-f]{2})+)")
_HEX_PAIR = re.compile(r"\\[0-9A-Fa-f]{2}")
#: What may follow a backslash, besides a hex pair.
_ESCAPABLE = frozenset(' "#+,;<=>\\')
_PLAIN_END = re.compile(r'[,;+"\\<>\x00]')
#: ldap3 wants # and = escaped everywhere, RFC 4514 lets that be.
_SPECIAL = re.compile(r'[\x00-\x1f\x7f"#+,;<=>\\]')
#: A name that is in normal form but for its case: by far most. No aliases, escapes, doubled or outer spaces.
_SAFE = r'[^\x00-\x20\x7f-\U0010ffff"#+,;<=>\\]'
_SIMPLE_RDN = rf"(?:cn|ou|dc|uid|o|c|l|st|sn)={_SAFE}(?: ?{_SAFE})*"
_SIMPLE = re.compile(f"{_SIMPLE_RDN}(?:,{_SIMPLE_RDN})*")
#: BER tags of a text: OCTET STRING (what RFC 4514 2.4 writes), UTF8String, PrintableString, IA5String.
_TEXT_TAGS = (0x04, 0x0C, 0x13, 0x16)
_LONG_FORM = 0x80
_UID_SUFFIX = re.compile(r"#'[01]*'B\Z")


class BadName(ValueError):
    """A text is no distinguished name; *position* counts characters from 1."""

    def __init__(self, text: str, index: int, reason: str) -> None:
        super().__init__(f"{reason} at character {index + 1}")
        self.text = text
        self.position = index + 1
        self.reason = reason


def canonical_type(name: str) -> str:
    """Return the one spelling of an attribute type that stands for all of them."""
    folded = name.lower()
    return _ALIASES.get(folded, folded)


def parse(text: str) -> tuple[Rdn, ...]:
    """Return the RDNs of *text*, the entry's own first; the empty name has none.

    Raises:
        BadName: it is no distinguished name.
    """
    index = _skip_spaces(text, 0)
    if index == len(text):
        return ()
    rdns: list[Rdn] = []
    parts: list[Part] = []
    while True:
        part, index = _parse_part(text, index)
        parts.append(part)
        separator = text[index : index + 1]
        if separator != "+":
            rdns.append(tuple(parts))
            parts = []
        if not separator:
            return tuple(rdns)
        index = _skip_spaces(text, index + 1)


def write(rdns: tuple[Rdn, ...]) -> str:
    """Return the text of *rdns* as RFC 4514 writes it, with hex pairs for what must be escaped."""
    return ",".join("+".join(f"{kind}={escape(value)}" for kind, value in rdn) for rdn in rdns)


def escape(value: str | bytes) -> str:
    """Return *value* so that it can stand in a distinguished name."""
    if isinstance(value, bytes):
        return f"#{value.hex()}"
    text = _SPECIAL.sub(_hex_pair, value)
    if text.startswith(" "):
        text = f"\\20{text[1:]}"
    if text.endswith(" "):
        text = f"{text[:-1]}\\20"
    return text


def normalize(text: str) -> str:
    """Return the normal form of the name *text*: equal for all ways to write it.

    Raises:
        BadName: it is no distinguished name.
    """
    lowered = text.lower()
    if _SIMPLE.fullmatch(lowered):
        return lowered
    return ",".join(
        "+".join(sorted(f"{canonical_type(kind)}={escape(_folded(value))}" for kind, value in rdn))
        for rdn in parse(text)
    )


def without_uid(text: str) -> str:
    """Return a `uniqueMember` value without the bit string that may follow its name (RFC 4517 3.3.21)."""
    return _UID_SUFFIX.sub("", text) if text.endswith("'B") else text


def is_within(name: str, base: str, scope: Scope) -> bool:
    """Return whether the entry called *name* is within *scope* of *base*; both in normal form."""
    if scope == "base":
        return name == base
    if scope == "one":
        return "," in name and name.partition(",")[2] == base if base else "," not in name
    return not base or name == base or name.endswith(f",{base}")


def _parse_part(text: str, index: int) -> tuple[Part, int]:
    """Return the type and value at *index*, and the place of the separator behind it."""
    value: str | bytes
    found = _TYPE.match(text, index)
    if found is None:
        raise BadName(text, index, "an attribute type such as cn or ou is missing")
    kind = found[0]
    index = _skip_spaces(text, found.end())
    if text[index : index + 1] != "=":
        raise BadName(text, index, f"a = is missing behind {kind!r}")
    index = _skip_spaces(text, index + 1)
    if text[index : index + 1] == "#":
        value, index = _parse_hex_string(text, index)
    elif text[index : index + 1] == '"':
        value, index = _parse_quoted(text, index)
    else:
        value, index = _parse_value(text, index)
    return (kind, value), index


def _parse_value(text: str, index: int) -> tuple[str, int]:
    """Return an unquoted value, outer spaces that aren't escaped left out, and where it ends."""
    pieces = bytearray()
    kept = 0
    while True:
        end = _PLAIN_END.search(text, index)
        stop = end.start() if end else len(text)
        plain = text[index:stop]
        pieces += plain.encode()
        if plain.strip(" "):
            kept = len(pieces) - (len(plain) - len(plain.rstrip(" ")))
        index = stop
        mark = text[index : index + 1]
        if mark in ("", ",", ";", "+"):
            return _decoded(text, index, pieces[:kept]), index
        if mark != "\\":
            raise BadName(text, index, f"{mark!r} must be escaped (\\{ord(mark):02x})")
        more, index = _parse_escape(text, index)
        pieces += more
        kept = len(pieces)


def _parse_quoted(text: str, index: int) -> tuple[str, int]:
    """Return a value in quotes, as RFC 2253 still read it, and where it ends."""
    pieces = bytearray()
    start, index = index, index + 1
    while text[index : index + 1] != '"':
        if index >= len(text):
            raise BadName(text, start, "a quote is opened and never closed")
        if text[index] == "\\":
            more, index = _parse_escape(text, index)
            pieces += more
        else:
            pieces += text[index].encode()
            index += 1
    value = _decoded(text, start, pieces)
    index = _skip_spaces(text, index + 1)
    if text[index : index + 1] not in ("", ",", ";", "+"):
        raise BadName(text, index, "text follows a closing quote")
    return value, index


def _parse_escape(text: str, index: int) -> tuple[bytes, int]:
    pair = _HEX_PAIR.match(text, index)
    if pair:
        return bytes.fromhex(pair[0][1:]), pair.end()
    escaped = text[index + 1 : index + 2]
    if escaped not in _ESCAPABLE or not escaped:
        raise BadName(text, index, "a backslash must be followed by two hex digits or a special character")
    return escaped.encode(), index + 2


def _parse_hex_string(text: str, index: int) -> tuple[str | bytes, int]:
    found = _HEX_STRING.match(text, index)
    if found is None:
        raise BadName(text, index, "# must be followed by pairs of hex digits; escape a # that begins a text (\\23)")
    end = _skip_spaces(text, found.end())
    if text[end : end + 1] not in ("", ",", ";", "+"):
        raise BadName(text, end, "text follows a #-string")
    content = bytes.fromhex(found[1])
    inner = _text_of_ber(content)
    return (content if inner is None else inner), end


def _text_of_ber(content: bytes) -> str | None:
    """Return the text that a BER value holds; None when it holds none."""
    if len(content) < 2 or content[0] not in _TEXT_TAGS:  # noqa: PLR2004 - a tag and a length
        return None
    length, start = content[1], 2
    if length >= _LONG_FORM:
        start += length - _LONG_FORM
        length = int.from_bytes(content[2:start])
    inner = content[start:]
    if len(inner) != length:
        return None
    try:
        return inner.decode()
    except UnicodeDecodeError:
        return None


def _decoded(text: str, index: int, pieces: bytes | bytearray) -> str:
    try:
        return pieces.decode()
    except UnicodeDecodeError as error:
        raise BadName(text, index, "the escapes before this place are no UTF-8") from error


def _folded(value: str | bytes) -> str | bytes:
    if isinstance(value, bytes):
        return value
    if value.isascii():
        value = value.lower()
    else:
        # One character at a time: Python's lower() gives a sigma at the end of a word another form.
        value = unicodedata.normalize("NFKC", "".join(map(str.lower, unicodedata.normalize("NFKC", value))))
    return " ".join(filter(None, value.split(" ")))


def _hex_pair(found: re.Match[str]) -> str:
    return f"\\{ord(found[0]):02x}"


def _skip_spaces(text: str, index: int) -> int:
    while text[index : index + 1] == " ":
        index += 1
    return index
