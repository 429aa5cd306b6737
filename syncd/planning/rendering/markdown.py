"""A plan or a report as Markdown: for a ticket, a pull request or a mail about the change."""

import re
from collections.abc import Iterator

from syncd.model.plan import Plan
from syncd.model.report import Report
from syncd.planning.rendering.plan_view import view_plan
from syncd.planning.rendering.report_view import view_report
from syncd.planning.rendering.view import Card, Line, Section, View

#: Characters that Markdown or HTML would take for its own.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&])")


def render_markdown(what: Plan | Report, *, mode: str = "") -> str:
    """Return *what* as Markdown, whole; *mode* is named in a plan where it is known."""
    view = view_plan(what, mode=mode) if isinstance(what, Plan) else view_report(what)
    return "\n".join(_document(view)) + "\n"


def escaped(text: str) -> str:
    """Return *text* so that it stands as it is; no address of a page becomes a link."""
    return _SPECIAL.sub(r"\\\1", text).replace("://", r"\://")


def _document(view: View) -> Iterator[str]:
    yield f"# {escaped(view.title)}"
    yield ""
    yield f"**{escaped(view.verdict)}**"
    yield ""
    yield from ("| | |", "|---|---|")
    for label, text in view.header:
        yield f"| {escaped(label)} | {escaped(text)} |"
    for section in view.sections:
        yield ""
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    yield f"## {escaped(section.title)}" + (f" ({escaped(section.size)})" if section.size else "")
    if section.intro:
        yield from ("", escaped(section.intro))
    for part in section.parts:
        if part.lead:
            yield from ("", f"> {escaped(part.lead)}")
        yield ""
        for card in part.cards:
            yield from _card(card)
    if section.command:
        yield from ("", f"    {section.command}", "", escaped(section.effect))


def _card(card: Card) -> Iterator[str]:
    margin = ""
    if card.title:
        key = f" ({escaped(card.key)})" if card.key else ""
        said = card.text or card.reason
        yield f"- `{card.symbol}` **{escaped(card.title)}**{key}" + (f": {escaped(said)}" if said else "")
        margin = "  "
    if card.remedy:
        yield f"{margin}- what to do: {escaped(card.remedy)}"
    for line in card.lines:
        yield f"{margin}- `{line.symbol}` {_line(line)}"


def _line(line: Line) -> str:
    if line.text:
        said = escaped(line.text)
    elif line.before is not None:
        said = f"{escaped(line.label)}: {escaped(line.before)} → {escaped(line.after or '')}"
    else:
        values = [line.after] if line.after is not None else line.names
        number = f"{len(values):,} " if len(values) > 1 else ""
        said = f"{number}{escaped(line.label)}: {escaped(', '.join(values))}"
    return f"{said}, because {escaped(line.reason)}" if line.reason else said
