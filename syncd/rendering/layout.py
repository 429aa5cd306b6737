"""Puts styled words on lines of a given width, measured in the cells of a terminal."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from rich.cells import cell_len, chop_cells


class Style(StrEnum):
    """What a text is, and the SGR code that shows it."""

    PLAIN = ""
    TITLE = "1"
    FAINT = "2"
    ADD = "32"
    CHANGE = "33"
    REMOVE = "31"
    WITHHELD = "1;35"
    PENDING = "36"
    REASON = "33;1"


#: A row keeps room for one wide character, whatever stands before it.
_NARROWEST = 2

Piece = tuple[str, Style]
Row = tuple[Piece, ...]


def wrap(pieces: Iterable[Piece], *, width: int, first: str | Row, rest: str) -> list[Row]:
    """Return rows of at most *width* cells; *first* and *rest* stand before the first and each further row.

    Rows break at spaces; only a word that is wider than a row is cut.
    """
    rows: list[list[Piece]] = []
    row: list[Piece] = [(first, Style.PLAIN)] if isinstance(first, str) else list(first)
    used, fresh, gap = sum(cell_len(text) for text, _ in row), True, 0
    for word in _words(pieces):
        if word[0][0].isspace():
            gap = cell_len(word[0][0])
            continue
        size = sum(cell_len(text) for text, _ in word)
        if not fresh and used + gap + size > width:
            rows.append(row)
            row, used, fresh = [(rest, Style.PLAIN)], cell_len(rest), True
        if not fresh:
            row.append((" " * gap, Style.PLAIN))
            used += gap
        for part in _cut(word, width - used, max(width - cell_len(rest), _NARROWEST)):
            if part is None:
                rows.append(row)
                row, used = [(rest, Style.PLAIN)], cell_len(rest)
            else:
                row.append(part)
                used += cell_len(part[0])
        fresh, gap = False, 0
    return [tuple(line) for line in [*rows, row]]


def pad(text: str, width: int) -> str:
    """Return *text* followed by spaces up to *width* cells."""
    return text + " " * (width - cell_len(text))


def paint(rows: Iterable[Row], *, colour: bool) -> str:
    """Return *rows* as text; without colour it is the same text without codes."""
    return "".join(_painted(row, colour=colour) + "\n" for row in rows)


def _painted(row: Row, *, colour: bool) -> str:
    if not colour:
        return "".join(text for text, _ in row).rstrip()
    pieces = _joined(row)
    while pieces and not pieces[-1][0].strip():
        pieces.pop()
    if pieces:
        pieces[-1] = (pieces[-1][0].rstrip(), pieces[-1][1])
    return "".join(f"\x1b[{style}m{text}\x1b[0m" if style and text else text for text, style in pieces)


def _joined(row: Row) -> list[Piece]:
    """Return the pieces of *row*, neighbours of one style as one; a gap belongs to the style around it."""
    pieces: list[Piece] = []
    for index, (text, style) in enumerate(row):
        following = row[index + 1][1] if index + 1 < len(row) else Style.PLAIN
        shown = following if pieces and text.isspace() and pieces[-1][1] is following else style
        if pieces and pieces[-1][1] is shown:
            pieces[-1] = (pieces[-1][0] + text, shown)
        else:
            pieces.append((text, shown))
    return pieces


def _words(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Split into words and the gaps between them; a word may change its style within."""
    words: list[list[Piece]] = []
    for text, style in pieces:
        for part in re.findall(r" +|[^ ]+", text):
            glued = words and not part.isspace() and not words[-1][0][0].isspace()
            if glued:
                words[-1].append((part, style))
            else:
                words.append([(part, style)])
    return words


def _cut(word: Sequence[Piece], room: int, full: int) -> list[Piece | None]:
    """Return the pieces of *word*, with None where a new row has to begin."""
    parts: list[Piece | None] = []
    for text, style in word:
        left = text
        while cell_len(left) > room:
            # A character two cells wide has no place in one: it begins the next row.
            head = chop_cells(left, room)[0] if room > 1 else ""
            if head:
                parts.append((head, style))
            parts.append(None)
            left, room = left[len(head) :], full
        parts.append((left, style))
        room -= cell_len(left)
    return parts
