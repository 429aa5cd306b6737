"""A plan or a report as Markdown: for a ticket, a pull request or a mail about the change.

What a directory says stands in code spans wherever it is more than plain words: there, no renderer finds links,
mentions, references, emoji or markup of its own.
"""

import re
from collections.abc import Iterator

from syncd.model.plan import Plan
from syncd.model.report import Report
from syncd.rendering.plan_view import view_plan
from syncd.rendering.report_view import view_report
from syncd.rendering.view import Card, Figures, Line, View, ViewSection

#: Characters that Markdown or HTML would take for its own.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&!$])")
#: Words that are nothing but words: no renderer makes more of them.
_PLAIN = re.compile(r"[\w.,;:'()/%+?–→-]*", re.UNICODE)
#: What renderers make links or pictures of without being asked: names of hosts, digests, references, `:smile:`.
_LINKED = re.compile(r"\w\.[^\W\d]|:/|[0-9a-f]{7,}|^[A-Z]+-\d|:[\w+-]+:", re.IGNORECASE)
#: As many cards of a section are shown at once; a longer one unfolds.
FOLDED = 20


def render_markdown(what: Plan | Report, *, mode: str = "", asked: str = "") -> str:
    """Return *what* as Markdown, whole; *mode*, and who *asked* for a plan, are named where they are known."""
    view = view_plan(what, mode=mode, asked=asked) if isinstance(what, Plan) else view_report(what, mode=mode)
    return "\n".join(_document(view)) + "\n"


def prose(text: str) -> str:
    """Return a sentence: its plain words as they are, every other word as code."""
    return "".join(part if part.isspace() else _word(part) for part in re.split(r"(\s+)", text))


def code(text: str) -> str:
    """Return *text* as a code span: its fence is longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text[:1] in ("`", " ", "") or text[-1:] in ("`", " ") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _cell(markdown: str) -> str:
    """Return *markdown* for a table: there, a bar ends the cell even within code."""
    return markdown.replace("|", r"\|")


def _word(word: str) -> str:
    if _PLAIN.fullmatch(word) and not _LINKED.search(word):
        return _SPECIAL.sub(r"\\\1", word)
    inner = word.strip("(),.;:'")
    if not inner:
        return _SPECIAL.sub(r"\\\1", word)
    before, _, after = word.partition(inner)
    return f"{before}{code(inner)}{after}"


def _document(view: View) -> Iterator[str]:
    yield f"# {prose(view.title)}"
    yield ""
    yield f"**{prose(view.verdict)}**"
    if view.figures.rows:
        yield ""
        yield from _numbers(view.figures)
    if view.aside:
        yield ""
        yield "Besides: " + ", ".join(f"**{number:,}** {what}" for number, what in view.aside) + "."
    yield from _orders(view)
    yield ""
    yield from ("| Record | |", "|---|---|")
    written = {label for label, _ in view.record}
    for label, text in (*(row for row in view.header if row[0] not in written), *view.record):
        yield f"| {label} | {_cell(prose(text))} |"
    if view.budgets:
        yield ""
        yield from ("| Guard | Used | Says |", "|---|---|---|")
        for budget in view.budgets:
            said = "**refused**" if budget.tripped else "within"
            yield f"| {_cell(code(budget.guard))} | {_cell(prose(budget.used))} | {said} |"
    for section in view.sections:
        if section.name != "guards":
            yield ""
            yield from _section(section)


def _numbers(figures: Figures) -> Iterator[str]:
    yield "| Operations | " + " | ".join(column.title for column in figures.columns) + " |"
    yield "|---|" + "---:|" * len(figures.columns)
    for name, counts in figures.rows:
        yield f"| {name} | " + " | ".join(f"{count:,}" for count in counts) + " |"
    if len(figures.rows) > 1:
        yield "| **Together** | " + " | ".join(f"**{total:,}**" for total in figures.totals) + " |"


def _orders(view: View) -> Iterator[str]:
    if view.orders:
        yield ""
    for order in view.orders:
        yield f"- `{order.command}` {order.effect}"


def _section(section: ViewSection) -> Iterator[str]:
    yield f"## {section.title}" + (f" ({section.size})" if section.size else "")
    if section.intro:
        yield from ("", prose(section.intro))
    for part in section.parts:
        if part.lead:
            yield from ("", f"> {prose(part.lead)}")
        yield ""
        lines = sum(1 + len(card.lines) for card in part.cards)
        if lines > FOLDED:
            yield from ("<details>", f"<summary>{lines:,} lines</summary>", "")
        for card in part.cards:
            yield from _card(card)
        if lines > FOLDED:
            yield from ("", "</details>")
    if section.command:
        yield from ("", f"    {section.command}", "", section.effect)


def _card(card: Card) -> Iterator[str]:
    margin = ""
    if card.title:
        key = f" ({_value(card.key)})" if card.key else ""
        said = card.text or card.reason
        yield f"- `{card.symbol}` **{_value(card.title)}**{key}" + (f": {prose(said)}" if said else "")
        margin = "  "
    if card.remedy:
        yield f"{margin}- what to do: {prose(card.remedy)}"
    for line in card.lines:
        yield f"{margin}- `{line.symbol}` {_line(line)}"


def _value(text: str) -> str:
    """Return a name or a value: plain where it is plain words, else as code, whole."""
    words = text.split(" ")
    if all(word and _PLAIN.fullmatch(word) and not _LINKED.search(word) for word in words):
        return _SPECIAL.sub(r"\\\1", text)
    return code(text)


def _line(line: Line) -> str:
    if line.text:
        said = prose(line.text)
    elif line.before is not None:
        said = f"{prose(line.label)}: {_value(line.before)} → {_value(line.after or '')}"
    else:
        values = [line.after] if line.after is not None else line.names
        number = f"{len(values):,} " if len(values) > 1 else ""
        said = f"{number}{prose(line.label)}: {', '.join(map(_value, values))}"
    return f"{said}, because {prose(line.reason)}" if line.reason else said
