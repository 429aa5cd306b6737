import json
import random
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from syncd.errors import UsageError
from syncd.model.plan import Gist, Plan
from syncd.model.report import Report
from syncd.planning.document import dumps, from_document, gist, loads, to_document
from syncd.rendering.html import render_html
from syncd.rendering.markdown import render_markdown
from syncd.rendering.text import render_report, render_text
from syncd.workmail.pages import PAGES
from tests.property.strategies import plans, reports

CODES = re.compile(r"\x1b\[[0-9;]+m")


@given(plans())
def test_plan_to_json_to_plan_is_the_identity(plan: Plan) -> None:
    """Whatever a plan holds, it comes back from its JSON equal, with the same digest."""
    back = loads(dumps(plan), PAGES)

    assert back == plan
    assert back.digest == plan.digest


@given(plans())
def test_the_gist_of_a_document_is_that_of_its_plan(plan: Plan) -> None:
    """Who waits, the notes and the names are the same whether or not the operations are read."""
    told = Gist(digest=plan.digest, withheld=frozenset(plan.withheld), notes=plan.notes, names=plan.names)

    assert gist(dumps(plan)) == told


@given(plans())
def test_the_same_plan_is_the_same_text(plan: Plan) -> None:
    """Writing, reading and writing again gives the same bytes, and nothing but ASCII."""
    text = dumps(plan)

    assert dumps(loads(text, PAGES)) == text
    assert text.isascii()


@given(plans(), st.integers(min_value=0, max_value=9))
def test_the_order_of_members_in_a_file_does_not_matter(plan: Plan, seed: int) -> None:
    """A document whose members were shuffled by a tool holds the same plan."""
    chance = random.Random(seed)

    def shuffled(value: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
        if isinstance(value, dict):
            members = [(name, shuffled(item)) for name, item in value.items()]
            chance.shuffle(members)
            return dict(members)
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    assert from_document(shuffled(to_document(plan)), PAGES) == plan


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - whatever JSON can hold
    """The paths to all values of a document."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(place for name, item in inner for place in places(item, (*path, name)))]


@given(plans(), st.data())
def test_no_edit_makes_another_error_than_a_usage_error(plan: Plan, data: st.DataObject) -> None:
    """Whatever is put anywhere into a document, it is read, or refused with exit code 64."""
    document = json.loads(dumps(plan))
    *parents, last = data.draw(st.sampled_from(places(document)[1:]))
    place = document
    for name in parents:
        place = place[name]
    place[last] = data.draw(st.sampled_from([None, True, -1, 1.5, "x", [], {}, {"$ref": 1}, [[1]]]))

    try:
        read = from_document(document, PAGES)
    except UsageError:
        return
    assert isinstance(dumps(read), str)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_read_or_refused(text: str) -> None:
    """What is no plan at all is a usage error."""
    with pytest.raises(UsageError):
        loads(text, PAGES)


def unseen(text: str) -> set[str]:
    """Characters that can't be seen, or that move what stands around them."""
    return {character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Cs")} - {"\n"}


@given(plans(), st.integers(min_value=40, max_value=120))
def test_colour_adds_nothing_but_colour(plan: Plan, width: int) -> None:
    """The text with colours, its codes taken out, is the text without."""
    bare = render_text(plan, colour=False, width=width)

    assert CODES.sub("", render_text(plan, colour=True, width=width)) == bare
    assert unseen(bare) == set()


@given(plans(), st.integers(min_value=40, max_value=120))
def test_no_row_is_wider_than_the_terminal(plan: Plan, width: int) -> None:
    """Wide and combining characters are measured as a terminal shows them."""
    rows = render_text(plan, colour=False, width=width).split("\n")

    assert [row for row in rows if cell_len(row) > width] == []


@given(reports())
def test_any_report_can_be_shown(report: Report) -> None:
    """A report of whatever happened is shown without anything invisible in it."""
    shown = [render_report(report, colour=False), render_markdown(report), render_html(report)]

    assert [unseen(text) for text in shown] == [set(), set(), set()]


@given(plans())
def test_every_drawing_shows_every_section(plan: Plan) -> None:
    """Text, Markdown and HTML have the same sections, in the same order."""
    titles = [line[3:].split(" (")[0] for line in render_markdown(plan).splitlines() if line.startswith("## ")]
    page = re.findall(r"<h2 id=\"[\w-]+-title\">([^<]+?) ?<", render_html(plan))
    text = render_text(plan, colour=False, limit=None).splitlines()

    assert page == titles
    assert [line.split(" (")[0] for line in text if line.split(" (")[0] in titles] == titles
