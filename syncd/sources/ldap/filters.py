"""Is a search filter right, and where isn't it? RFC 4515 filters read, written, and built from values.

A filter of the configuration is read here, when the file is read, and sent as it is written back from what was
understood: what nobody understood never reaches a server (`ops.md` SEC-2).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_TYPE = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*|(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+)(?:;[A-Za-z0-9-]+)*")
_RULE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+")
_COMPARISON = re.compile(r"=|>=|<=|~=|:=|:")
_HEX_PAIR = re.compile(r"\\([0-9A-Fa-f]{2})")
_MUST_BE_ESCAPED = re.compile(r"[\x00-\x1f\x7f()*\\]")
#: Deeper than anyone writes; a parser of other people's text has a floor.
_DEEPEST = 100


class BadFilter(ValueError):
    """A text is no search filter; *position* counts characters from 1."""

    def __init__(self, text: str, index: int, reason: str) -> None:
        super().__init__(f"{reason} at character {index + 1}")
        self.text = text
        self.position = index + 1
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Item:
    """One comparison. *values* are bytes, several (some empty) between the asterisks of a substring match.

    *rule* and *of_name* are those of an extensible match (`cn:dn:caseExactMatch:=`); *comparison* includes its sign.
    """

    attribute: str
    comparison: str
    values: tuple[bytes, ...]
    rule: str = ""
    of_name: bool = False

    def __str__(self) -> str:
        name = self.attribute
        if self.comparison == ":=":
            name += (":dn" if self.of_name else "") + (f":{self.rule}" if self.rule else "")
        return f"({name}{self.comparison}{'*'.join(map(escape, self.values))})"


@dataclass(frozen=True, slots=True)
class Group:
    """Filters joined: `&` all, `|` any, `!` not the one."""

    sign: str
    inner: tuple["Filter", ...]

    def __str__(self) -> str:
        return f"({self.sign}{''.join(map(str, self.inner))})"


Filter = Item | Group


@dataclass(slots=True)
class _Reader:
    text: str
    index: int = 0
    depth: int = field(default=0)

    def bad(self, reason: str, index: int | None = None) -> BadFilter:
        return BadFilter(self.text, self.index if index is None else index, reason)

    def skip_spaces(self) -> None:
        while self.text[self.index : self.index + 1].isspace():
            self.index += 1

    def peek(self) -> str:
        return self.text[self.index : self.index + 1]


def parse(text: str) -> Filter:
    """Return what *text* says.

    Raises:
        BadFilter: it is no filter; where, and why.
    """
    reader = _Reader(text)
    reader.skip_spaces()
    found = _filter(reader)
    reader.skip_spaces()
    if reader.peek():
        raise reader.bad("the filter ends before this: enclose several in (&…) or (|…)")
    return found


def normalize(text: str) -> str:
    """Return *text* as it is sent: understood and written back. Raises BadFilter."""
    return str(parse(text))


def escape(value: str | bytes) -> str:
    """Return *value* so that it can stand in a filter."""
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return "".join(f"\\{byte:02x}" for byte in value)
    return _MUST_BE_ESCAPED.sub(lambda found: f"\\{ord(found[0]):02x}", value)


def equals(attribute: str, value: str | bytes) -> str:
    """Return the filter of entries that have *value*."""
    return f"({attribute}={escape(value)})"


def any_of(filters: Iterable[str]) -> str:
    """Return the filter of entries that one of *filters* finds."""
    each = list(filters)
    return each[0] if len(each) == 1 else f"(|{''.join(each)})"


def _filter(reader: _Reader) -> Filter:
    start = reader.index
    if reader.peek() != "(":
        raise reader.bad("a filter begins with (")
    reader.index += 1
    reader.depth += 1
    if reader.depth > _DEEPEST:
        raise reader.bad(f"more than {_DEEPEST} filters stand in each other")
    reader.skip_spaces()
    sign = reader.peek()
    found: Filter
    if sign and sign in "&|!":
        reader.index += 1
        found = Group(sign, _inner(reader, sign))
    else:
        found = _item(reader)
    if reader.peek() != ")":
        raise reader.bad("a ( is opened and never closed", start)
    reader.index += 1
    reader.depth -= 1
    return found


def _inner(reader: _Reader, sign: str) -> tuple[Filter, ...]:
    found = []
    reader.skip_spaces()
    while reader.peek() == "(":
        found.append(_filter(reader))
        reader.skip_spaces()
    if sign == "!" and len(found) != 1:
        raise reader.bad(f"! takes one filter, there are {len(found)}")
    if not found:
        raise reader.bad(f"{sign} joins nothing: a filter in parentheses is missing")
    return tuple(found)


def _item(reader: _Reader) -> Item:
    name = _TYPE.match(reader.text, reader.index)
    if name is None and reader.peek() != ":":
        raise reader.bad("an attribute name such as mail or objectClass is missing")
    attribute = name[0] if name else ""
    reader.index += len(attribute)
    comparison = _COMPARISON.match(reader.text, reader.index)
    if comparison is None:
        raise reader.bad(f"one of = >= <= ~= := is missing behind {attribute!r}")
    rule, of_name, sign = "", False, comparison[0]
    if sign == ":":
        of_name, rule = _matching_rule(reader)
        sign = ":="
    elif sign == ":=" and not attribute:
        raise reader.bad("an attribute name or a matching rule is missing")
    reader.index += len(sign)
    values = _values(reader)
    if len(values) > 1 and sign != "=":
        raise reader.bad(f"an asterisk has no meaning behind {sign}; as a character write \\2a")
    if len(values) > 2 and b"" in values[1:-1]:  # noqa: PLR2004 - begin and end
        raise reader.bad("two asterisks follow each other")
    return Item(attribute, sign, values, rule, of_name)


def _matching_rule(reader: _Reader) -> tuple[bool, str]:
    """Return whether `:dn` stands here, and the matching rule; the place is then that of `:=`."""
    of_name, rule = False, ""
    if reader.text[reader.index : reader.index + 3].lower() == ":dn":
        after = reader.text[reader.index + 3 : reader.index + 4]
        if after == ":":
            of_name = True
            reader.index += 3
    if reader.text[reader.index : reader.index + 2] != ":=":
        found = _RULE.match(reader.text, reader.index + 1)
        if found is None:
            raise reader.bad("a matching rule such as 1.2.840.113556.1.4.803 is missing behind :")
        rule = found[0]
        reader.index = found.end()
    if reader.text[reader.index : reader.index + 2] != ":=":
        raise reader.bad(":= is missing behind the matching rule")
    return of_name, rule


def _values(reader: _Reader) -> tuple[bytes, ...]:
    """Return the value up to the closing parenthesis, divided at its asterisks."""
    found: list[bytes] = []
    current = bytearray()
    while True:
        character = reader.peek()
        if not character or character == ")":
            return (*found, bytes(current))
        if character == "(":
            raise reader.bad("a ( within a value must be written \\28")
        if character == "\\":
            pair = _HEX_PAIR.match(reader.text, reader.index)
            if pair is None:
                raise reader.bad("a backslash must be followed by two hex digits; as a character write \\5c")
            current += bytes.fromhex(pair[1])
            reader.index = pair.end()
            continue
        if character == "*":
            found.append(bytes(current))
            current = bytearray()
        else:
            current += character.encode()
        reader.index += 1
