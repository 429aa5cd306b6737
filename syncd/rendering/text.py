"""A plan or a report on a terminal: readable without colour, in 80 columns, at three in the morning."""

from collections.abc import Iterator

from rich.cells import cell_len

from syncd.model.plan import Plan
from syncd.model.report import Report
from syncd.rendering.layout import Piece, Row, Style, pad, paint, wrap
from syncd.rendering.plan_view import view_plan
from syncd.rendering.report_view import view_report
from syncd.rendering.view import Card, Line, Symbol, View, ViewSection

#: How many cards of a section, and names of a line, are shown unless all are asked for.
LIMIT = 40
_NARROWEST = 40
_WIDEST_LABEL = 26
_WIDEST_BEFORE = 30

_STYLES = {
    Symbol.ADD: Style.ADD,
    Symbol.CHANGE: Style.CHANGE,
    Symbol.REMOVE: Style.REMOVE,
    Symbol.WITHHELD: Style.WITHHELD,
    Symbol.PENDING: Style.PENDING,
    Symbol.NOTE: Style.FAINT,
}


def render_text(plan: Plan, *, colour: bool, width: int = 80, limit: int | None = LIMIT, mode: str = "") -> str:
    """Return *plan* for a terminal of *width* columns; no *limit* shows everything."""
    return paint(_rows(view_plan(plan, mode=mode), max(width, _NARROWEST), limit), colour=colour)


def render_report(report: Report, *, colour: bool, width: int = 80, limit: int | None = LIMIT) -> str:
    """Return what came of a cycle, for a terminal of *width* columns."""
    return paint(_rows(view_report(report), max(width, _NARROWEST), limit), colour=colour)


def _rows(view: View, width: int, limit: int | None) -> Iterator[Row]:
    yield from wrap([(view.title, Style.TITLE)], width=width, first="", rest="  ")
    labels = max((cell_len(label) for label, _ in view.header), default=0)
    for label, text in view.header:
        first = f"  {pad(label, labels)}  "
        yield from wrap([(text, Style.PLAIN)], width=width, first=first, rest=" " * len(first))
    for section in view.sections:
        yield ()
        yield from _section(section, width, limit)
    yield ()
    yield from wrap([(view.verdict, Style.TITLE)], width=width, first="", rest="  ")


def _section(section: ViewSection, width: int, limit: int | None) -> Iterator[Row]:
    size = [(f" ({section.size})", Style.FAINT)] if section.size else []
    yield from wrap([(section.title, Style.TITLE), *size], width=width, first="", rest="  ")
    if section.intro:
        yield from wrap([(section.intro, Style.FAINT)], width=width, first="  ", rest="  ")
    room = limit
    hidden = 0
    for part in section.parts:
        shown = part.cards if room is None else part.cards[:room]
        hidden += len(part.cards) - len(shown)
        room = None if room is None else room - len(shown)
        if part.lead and (shown or not part.cards):
            yield from wrap([("! ", Style.WITHHELD), (part.lead, Style.PLAIN)], width=width, first="  ", rest="    ")
        for card in shown:
            yield from _card(card, width, limit, indent=4 if part.lead else 2)
    if hidden:
        yield _more(hidden, "  ")
    if section.command:
        yield ()
        yield (("    ", Style.PLAIN), (section.command, Style.TITLE))
        yield from wrap([(section.effect, Style.FAINT)], width=width, first="    ", rest="    ")


def _card(card: Card, width: int, limit: int | None, *, indent: int) -> Iterator[Row]:
    first = " " * indent
    if card.title:
        yield from wrap(_heading(card), width=width, first=first, rest=first + "    ")
    if card.remedy:
        yield from wrap(
            [("what to do: ", Style.FAINT), (card.remedy, Style.PLAIN)],
            width=width,
            first=first + "    ",
            rest=first + "    ",
        )
    labels = min(max((cell_len(_label(line)) for line in card.lines), default=0), _WIDEST_LABEL)
    befores = [cell_len(line.before) for line in card.lines if line.before is not None]
    before = min(max(befores, default=0), _WIDEST_BEFORE)
    margin = first + ("    " if card.title else "")
    shown = card.lines if limit is None else card.lines[:limit]
    for line in shown:
        yield from _line(line, width, limit, margin, (labels, before))
    if len(shown) < len(card.lines):
        yield _more(len(card.lines) - len(shown), margin)


def _heading(card: Card) -> list[Piece]:
    pieces: list[Piece] = [(f"{card.symbol} ", _STYLES[card.symbol]), (card.title, Style.TITLE)]
    if card.key:
        pieces.append((f" ({card.key})", Style.FAINT))
    if said := card.text or card.reason:
        pieces += [(": ", Style.PLAIN), (said, Style.PLAIN)]
    return pieces


def _line(line: Line, width: int, limit: int | None, margin: str, columns: tuple[int, int]) -> Iterator[Row]:
    label, before = columns
    first: list[Piece] = [(margin, Style.PLAIN), (f"{line.symbol} ", _STYLES[line.symbol])]
    pieces: list[Piece] = []
    rest = margin + "  "
    if line.text:
        pieces = [(line.text, Style.PLAIN)]
    else:
        said = _label(line)
        if cell_len(said) <= _WIDEST_LABEL:
            first.append((pad(said, label) + "  ", Style.PLAIN))
            rest = " " * sum(cell_len(text) for text, _ in first)
        else:  # no column for values is left beside a label such as this: it wraps with them
            pieces = [(f"{said}  ", Style.PLAIN)]
        pieces += _values(line, limit, before)
    if line.reason:
        pieces += [(", because ", Style.CHANGE), (line.reason, Style.PLAIN)]
    yield from wrap(pieces, width=width, first=tuple(first), rest=rest)


def _label(line: Line) -> str:
    return f"{len(line.names):,} {line.label}" if len(line.names) > 1 else line.label


def _values(line: Line, limit: int | None, before: int) -> Iterator[Piece]:
    if line.before is not None:
        yield pad(line.before, before), Style.REMOVE
        yield " -> ", Style.FAINT
        yield line.after or "", Style.ADD
    elif line.after is not None:
        yield line.after, Style.PLAIN
    else:
        shown = line.names if limit is None else line.names[:limit]
        yield ", ".join(shown), Style.PLAIN
        if len(shown) < len(line.names):
            yield f", {_hidden(len(line.names) - len(shown))}", Style.FAINT


def _more(hidden: int, margin: str) -> Row:
    return (margin, Style.PLAIN), (_hidden(hidden), Style.FAINT)


def _hidden(number: int) -> str:
    return f"... and {number:,} more (--full shows all)"
