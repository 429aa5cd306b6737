import html
import re
from collections.abc import Callable

import pytest
from rich.cells import cell_len

from syncd.rendering.html import render_html
from syncd.rendering.markdown import render_markdown
from syncd.rendering.text import render_report, render_text
from tests.golden.example_plans import GIVEN_UP, PLANS, UNDER_WAY, half_removed_report, report

ASKED = "syncd plan, cycle 4f3a9c01d2e7, by leela"
Golden = Callable[[str, str], None]


def mode_of(name: str) -> str:
    return "upsert" if PLANS[name].outside else "full"


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_reads_the_same(name: str, golden: Golden) -> None:
    """A plan without colour, in 80 columns, is what was agreed upon."""
    text = render_text(PLANS[name], colour=False, mode=mode_of(name))

    assert max(cell_len(row) for row in text.splitlines()) <= 80
    golden(f"plans/{name}.txt", text)


@pytest.mark.parametrize("name", PLANS)
def test_a_coloured_plan_reads_the_same(name: str, golden: Golden) -> None:
    """A plan with colour, in 80 columns, is what was agreed upon."""
    golden(f"plans/{name}.ansi", render_text(PLANS[name], colour=True, mode=mode_of(name)))


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_as_markdown_reads_the_same(name: str, golden: Golden) -> None:
    """A plan as Markdown is what was agreed upon."""
    golden(f"plans/{name}.md", render_markdown(PLANS[name], mode=mode_of(name), asked=ASKED))


def test_a_page_reads_the_same(golden: Golden) -> None:
    """The page with the most kinds of sections is what was agreed upon."""
    golden("plans/aside.html", render_html(PLANS["aside"], mode=mode_of("aside"), asked=ASKED))


def test_a_report_reads_the_same(golden: Golden) -> None:
    """A report of a cycle in which something failed is what was agreed upon, with and without colour."""
    golden("plans/report.txt", render_report(report(), colour=False))
    golden("plans/report.ansi", render_report(report(), colour=True))
    golden("plans/report.md", render_markdown(report()))


def test_a_report_of_the_half_removed_reads_the_same(golden: Golden) -> None:
    """Who is half removed after a cycle, since when and what happens next, is what was agreed upon."""
    golden("plans/half_removed.txt", render_report(half_removed_report(), colour=False))
    golden("plans/half_removed.md", render_markdown(half_removed_report()))


@pytest.mark.parametrize("name", ["goes_on", "rollback"])
def test_a_page_names_removals_that_had_begun(name: str) -> None:
    """The HTML page has the sections, introductions and reasons that the text has."""
    page = " ".join(html.unescape(re.sub(r"<[^>]+>", "", render_html(PLANS[name], mode="full"))).split())
    text = render_text(PLANS[name], colour=False, mode="full")

    for title in ("Removals that had begun", "Given back"):
        assert (title in page) is (title in text)
    assert ("they are finished now" if name == "goes_on" else "this is a rollback") in page
    assert (UNDER_WAY if name == "goes_on" else GIVEN_UP) in page
