"""A plan or a report as one HTML file that loads nothing: for change control, for print, for a telephone."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from jinja2 import Template
from markupsafe import Markup, escape

from syncd.model.plan import Plan
from syncd.model.report import Report
from syncd.rendering.plan_view import view_plan
from syncd.rendering.pouring import allowed, environment, file_of
from syncd.rendering.report_view import view_report
from syncd.rendering.switches import LETTERS, SECTIONS, hiding, kind_class
from syncd.rendering.view import Card, Column, Figures, Symbol, ViewSection

_ROOM = "syncd.rendering"
#: As many names of one line are shown at once; the rest unfolds.
FOLDED = 40
#: A bar that stands for something can be seen, in percent of the widest.
_NARROWEST = 1.5
_WORDS = {
    Symbol.ADD: "add",
    Symbol.CHANGE: "change",
    Symbol.REMOVE: "remove",
    Symbol.WITHHELD: "withheld",
    Symbol.PENDING: "pending",
    Symbol.NOTE: "note",
}
#: The budgets have a table of their own.
_ELSEWHERE = frozenset({"guards"})


def render_html(what: Plan | Report, *, mode: str = "", asked: str = "") -> str:
    """Return *what* as a page, whole; *mode*, and who *asked* for a plan, are named where they are known."""
    view = view_plan(what, mode=mode, asked=asked) if isinstance(what, Plan) else view_report(what, mode=mode)
    sections = tuple(section for section in view.sections if section.name not in _ELSEWHERE)
    page = _page().render(
        view=view,
        figures=view.figures,
        totals=tuple(zip(view.figures.columns, view.figures.totals, strict=bool(view.figures.rows))),
        chart=tuple(_chart(view.figures)),
        sections=sections,
        switches=tuple(_switches(sections)),
        said={label for label, _ in view.record} | {"Plan"},  # its digest stands there whole
        folded=FOLDED,
        words=_WORDS,
        number="{:,}".format,
        isolated=_isolated,
        kind_class=_kind_class,
        section_changes=_section_changes,
        policy=_policy(),
        style=Markup(_style()),  # noqa: S704 - both are ours, and their hashes stand in the policy
        script=Markup(_script()),  # noqa: S704 - the same
    )
    return page + "\n"


@dataclass(frozen=True, slots=True)
class _Bar:
    """One piece of a bar, in percent of the widest."""

    name: str
    x: str
    width: str


def _chart(figures: Figures) -> Iterator[tuple[str, tuple[tuple[Column, int], ...], tuple[_Bar, ...]]]:
    """Yield each row with its numbers and the pieces of its bar."""
    for name, counts in figures.rows:
        widths = [max(100 * count / figures.largest, _NARROWEST) if count else 0.0 for count in counts]
        scale = min(1.0, 100 / sum(widths))
        bars, x = [], 0.0
        for column, width in zip(figures.columns, widths, strict=True):
            if width:
                bars.append(_Bar(column.name, f"{x:.2f}", f"{width * scale:.2f}"))
                x += width * scale
        yield name, tuple(zip(figures.columns, counts, strict=True)), tuple(bars)


def _isolated(text: str) -> Markup:
    """Return *text* so that its direction moves nothing beside it; ASCII has none to isolate."""
    return escape(text) if text.isascii() else Markup("<bdi>{}</bdi>").format(text)


def _switches(sections: tuple[ViewSection, ...]) -> Iterator[tuple[str, str]]:
    """Yield the checkboxes that have something to hide."""
    changes = frozenset(change for section in sections for change in _all_changes(section))
    labels = {"add": "Added", "change": "Changed", "remove": "Removed"}
    yield from ((name, labels[name]) for name in LETTERS if name in {_WORDS[change] for change in changes})
    present = {section.name for section in sections}
    yield from ((name, label) for name, label in SECTIONS.items() if name in present)


def _kind_class(changes: frozenset[Symbol]) -> str:
    return kind_class(frozenset(_WORDS[change] for change in changes))


def _section_changes(section: ViewSection) -> frozenset[Symbol]:
    """Return what *section* does; nothing if some of its cards do nothing that the filter knows."""
    cards = [card for part in section.parts for card in part.cards]
    if not all(card.changes for card in cards) or any(not part.cards for part in section.parts):
        return frozenset()
    return _all_changes(section)


def _all_changes(section: ViewSection) -> frozenset[Symbol]:
    cards: list[Card] = [card for part in section.parts for card in part.cards]
    return frozenset(change for card in cards for change in card.changes)


@cache
def _policy() -> str:
    """Return the page's policy: its own style and script by their hashes, and nothing else."""
    return (
        f"default-src 'none'; style-src {allowed(_style())}; script-src {allowed(_script())}; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _style() -> str:
    return f"\n{file_of(_ROOM, 'page.css')}{hiding()}"


@cache
def _script() -> str:
    return f"\n{file_of(_ROOM, 'find.js')}"


@cache
def _page() -> Template:
    return environment(_ROOM).get_template("page.html")
