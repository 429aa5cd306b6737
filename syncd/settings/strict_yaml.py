"""What a YAML file says, with the line and column of everything, and without YAML's surprises.

Plain YAML turns `NO` into false, `010` into 8 and `12:30:45` into 45045, lets the last of two equal
keys win, and expands aliases without end (`ops.md` F13). Here only `true` and `false` are booleans,
only decimal numbers are numbers, `null`, `~` and nothing are null, and everything else is text;
a key that occurs twice, an anchor, an alias or a tag is a problem with its place.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from syncd.errors import Problem

#: The largest file that is read: a configuration is written by people.
MAXIMUM_BYTES = 1_000_000
#: Deeper than any configuration, and far from the interpreter's own limit.
MAXIMUM_DEPTH = 40

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]+(?:[eE][-+]?[0-9]{1,2})?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}

Value = str | int | float | bool | None


@dataclass(slots=True, kw_only=True)
class Node:
    """Something at *line* and *column* (from 1)."""

    line: int
    column: int


@dataclass(slots=True, kw_only=True)
class Scalar(Node):
    """One *value*; *text* is how it was written (or what an environment variable holds)."""

    value: Value
    text: str
    from_environment: bool = False


@dataclass(slots=True, kw_only=True)
class Items(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Entries(Node):
    """A mapping; *places* are the lines and columns of its keys."""

    entries: dict[str, Node] = field(default_factory=dict)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)


def parse(text: str, name: str) -> tuple[Node | None, list[Problem]]:
    """Return what *text* says, and what is wrong with it; None where nothing could be read."""
    reader = _Reader(name)
    if len(text.encode()) > MAXIMUM_BYTES:
        reader.problem(1, 1, f"the file has more than {MAXIMUM_BYTES} bytes")
        return None, reader.problems
    try:
        return reader.document(yaml.parse(text, Loader=yaml.SafeLoader)), reader.problems
    except _TooDeep as error:
        reader.problem(error.line, error.column, "this is nested too deep")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reader.problem(line, column, _sentence(error))
    except yaml.reader.ReaderError as error:
        line, column = _place(text, error.position)
        reader.problem(line, column, f"the character U+{_code(error):04X} is not allowed here")
    return None, reader.problems


def scalar_value(text: str) -> Value:
    """Return what an unquoted *text* stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text


def plain(node: Node) -> Any:  # noqa: ANN401 - whatever a file can say
    """Return *node* without its places."""
    if isinstance(node, Entries):
        return {key: plain(value) for key, value in node.entries.items()}
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return node.value if isinstance(node, Scalar) else None


class _TooDeep(Exception):
    """More brackets than any configuration has."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__()
        self.line = line
        self.column = column


class _Reader:
    """Builds nodes from PyYAML's events, and collects the problems on the way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []

    def problem(self, line: int, column: int, reason: str, remedy: str = "") -> None:
        self.problems.append(Problem(where=f"{self.name}:{line}:{column}", reason=reason, remedy=remedy))

    def document(self, events: Iterator[Event]) -> Node | None:
        next(events)  # the stream begins
        start = next(events)
        if isinstance(start, StreamEndEvent):
            self.problem(1, 1, "the file is empty", "syncd init writes an example")
            return None
        node = self._node(next(events), events, 0)
        next(events)  # the document ends
        more = next(events)
        if isinstance(more, DocumentStartEvent):
            self.problem(*_at(more), "a second document begins here", "remove the line with ---")
        return node

    def _node(self, event: Event, events: Iterator[Event], depth: int) -> Node:
        line, column = _at(event)
        self._refuse_magic(event, line, column)
        if isinstance(event, ScalarEvent):
            value = event.value if event.style else scalar_value(event.value)
            return Scalar(line=line, column=column, value=value, text=event.value)
        if isinstance(event, SequenceStartEvent | MappingStartEvent) and depth > MAXIMUM_DEPTH:
            raise _TooDeep(line, column)
        if isinstance(event, SequenceStartEvent):
            return self._items(events, depth, Items(line=line, column=column))
        if isinstance(event, MappingStartEvent):
            return self._entries(events, depth, Entries(line=line, column=column))
        return Scalar(line=line, column=column, value=None, text="")

    def _items(self, events: Iterator[Event], depth: int, node: Items) -> Items:
        while not isinstance(event := next(events), SequenceEndEvent):
            node.items.append(self._node(event, events, depth + 1))
        return node

    def _entries(self, events: Iterator[Event], depth: int, node: Entries) -> Entries:
        while not isinstance(event := next(events), MappingEndEvent):
            line, column = _at(event)
            key = self._node(event, events, depth + 1)
            value = self._node(next(events), events, depth + 1)
            if not isinstance(key, Scalar):
                self.problem(line, column, "a key must be a word", 'put text with {{ }} in quotes: "{{ … }}"')
            elif key.text in node.entries:
                first = node.places[key.text][0]
                self.problem(line, column, f"the key {key.text} occurs twice", f"it is in line {first} already")
            else:
                node.entries[key.text] = value
                node.places[key.text] = (line, column)
        return node

    def _refuse_magic(self, event: Event, line: int, column: int) -> None:
        """Anchors, aliases and tags make a file say something else than what stands in it."""
        if isinstance(event, AliasEvent):
            hint = f'write the value out, or in quotes: "*{event.anchor}"'
            self.problem(line, column, f"the alias *{event.anchor} is not allowed", hint)
        elif isinstance(event, NodeEvent) and event.anchor:
            hint = f'remove it, or write the value in quotes: "&{event.anchor}"'
            self.problem(line, column, f"the anchor &{event.anchor} is not allowed", hint)
        tag = getattr(event, "tag", None)
        if tag:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            self.problem(line, column, f"the tag {shown} is not allowed", "remove it, or write the value in quotes")


def _at(event: Event) -> tuple[int, int]:
    # Every event of a parsed text has a mark.
    return (event.start_mark.line + 1, event.start_mark.column + 1) if event.start_mark else (1, 1)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    """Return PyYAML's complaint as one line."""
    parts = [part for part in (error.context, error.problem) if part]
    return ", ".join(parts) or "this is not YAML"


def _code(error: yaml.reader.ReaderError) -> int:
    character = error.character
    return ord(character) if isinstance(character, str) else int(character)


def _place(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
