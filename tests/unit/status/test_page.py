"""The page itself: what is on it, and what never is."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from syncd.errors import Problem, SourceIncomplete
from syncd.model.status import Light, Shown
from syncd.status.chart import FALL, MOST, RISE, WIDTH, draw
from syncd.status.lamps import SHAPES, icon
from syncd.status.page import SHOWN_LARGE, policy, render_organization, render_overview
from tests.fakes import boards
from tests.fakes.boards import HOSTILE, Story, board_of, past

OPEN = Shown(personal_data=True, actions=True)
CLOSED = Shown()
#: Elements that have no end.
_VOID = {"meta", "link", "input", "br"}


class Outline(HTMLParser):
    """Reads a page strictly: what is opened is closed in order; collects headings, commands, attributes."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.headings: list[int] = []
        self.commands: list[str] = []
        self.names: set[str] = set()
        self.ids: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "pre":
            self.commands.append("")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "pre" in self.open:
            self.commands[-1] += data


def overview(*stories: Story, shown: Shown = OPEN) -> str:
    return render_overview(board_of(*stories).snapshot(), shown)


EVERY_KIND = (
    boards.in_sync("a"),
    boards.failing("b"),
    boards.waiting("c"),
    boards.stale("d"),
    boards.running("e"),
    boards.not_yet("f"),
    boards.observing("g"),
    boards.partly_failing("h"),
    boards.half_removed("i"),
)


@pytest.mark.parametrize("shown", [OPEN, CLOSED])
@pytest.mark.parametrize("stories", [(), *((story,) for story in EVERY_KIND), EVERY_KIND, tuple(boards.crowd(60))])
def test_every_page_is_well_formed(stories: tuple[Story, ...], shown: Shown) -> None:
    """Elements are closed in order, ids occur once, headings leave no level out, and nothing is scripted."""
    found = Outline(overview(*stories, shown=shown))

    assert found.names.isdisjoint({"script", "iframe", "object", "embed", "img", "base"})
    assert not [name for name in found.attributes if name.startswith("on") or name in ("style", "src")]
    assert len(found.ids) == len(set(found.ids))
    assert found.headings[0] == 1
    assert found.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(found.headings, found.headings[1:], strict=False))


@pytest.mark.parametrize("story", EVERY_KIND)
def test_a_page_of_its_own_is_well_formed_too(story: Story) -> None:
    """One organization with everything that is known of it."""
    (one,) = board_of(story).snapshot().organizations
    found = Outline(render_organization(one, OPEN))

    assert len(found.ids) == len(set(found.ids))
    assert f"syncd history --organization {story.name}" in found.commands


def test_hostile_names_are_text_and_nothing_else() -> None:
    """Whatever the directory says is shown as it is, harmless: no element, no attribute, no hidden character."""
    stories = [boards.waiting("o", HOSTILE), boards.half_removed("h", HOSTILE), boards.failing(HOSTILE[0])]
    text = overview(*stories)
    found = Outline(text)

    assert found.names.isdisjoint({"script", "iframe"})
    assert not [name for name in found.attributes if name.startswith("on")]
    assert "&lt;script&gt;alert" in text
    assert "{{ 7 * 7 }}" in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", text)


def test_without_leave_nobody_is_named() -> None:
    """Without `http.personal_data` nothing of the directory is on the page: counts, and the command that shows more."""
    names = ("amy wong", "hubert", "zapp")
    error = SourceIncomplete(
        "zapp@dop.example occurs twice", [Problem(where="people.csv:7", reason="uid zapp is there already")]
    )
    stories = [boards.waiting("c", names), boards.failing("b", error), boards.half_removed("a", names)]
    text = overview(*stories, shown=CLOSED)

    assert not [name for name in (*names, "zapp@", "people.csv") if name in text]
    assert "3 entries of the directory" in text
    assert "3 removals are not due yet" in text
    assert "1 line of detail is not shown here" in text
    assert "syncd plan --last --full --organization c" in Outline(text).commands
    shown = overview(*stories, shown=OPEN)
    assert [name for name in (*names, "zapp@", "people.csv:7: uid zapp") if name not in shown] == []


def test_with_many_the_worst_are_large_and_the_rest_is_short() -> None:
    """Two hundred organizations: who fails is first with what to type, who is in sync is a folded line each."""
    text = overview(*boards.crowd(200))
    found = Outline(text)

    assert len(text) < 200_000
    assert text.index("tenant-003") < text.index("tenant-120") < text.index("tenant-020") < text.index("tenant-077")
    assert "<summary>192 organizations in sync</summary>" in text
    assert "syncd doctor --organization tenant-057" in found.commands
    assert len(re.findall('href="/organizations/tenant-[0-9]+"', text)) == 200


def test_when_everything_fails_the_page_stays_short() -> None:
    """An outage of all of them shows the first at length and the rest as a table."""
    text = overview(*(boards.failing(f"tenant-{index:03}") for index in range(200)))

    assert text.count('<div class="trouble') == SHOWN_LARGE
    assert len(text) < 250_000
    assert len(re.findall('href="/organizations/tenant-[0-9]+"', text)) == 200


def test_the_style_is_allowed_by_its_hash_alone() -> None:
    """One style sheet, whose hash stands in the policy."""
    (style,) = re.findall("<style>(.*?)</style>", overview(), re.DOTALL)

    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in policy(actions=False)


def test_the_tab_shows_the_worst_light() -> None:
    """The icon of the page is the form and colour of the worst that is on it."""
    assert 'href="/icon/failing.svg"' in overview(boards.in_sync("a"), boards.failing("b"))
    assert 'href="/icon/in-sync.svg"' in overview(boards.in_sync())
    assert 'href="/icon/failing.svg"' in overview(boards.in_sync(), shown=Shown(missing=("store",)))
    assert len({icon(light) for light in SHAPES}) == len(Light)
    assert icon("else") is None


def test_the_chart_shows_each_cycle() -> None:
    """A bar for each cycle, the newest at the right edge; what failed hangs below the line, all else stands on it."""
    chart = draw(boards.a_long_past())

    assert chart is not None
    assert len(chart.bars) == MOST
    assert WIDTH - 8 < chart.bars[-1].x + chart.bars[-1].width <= WIDTH
    assert all(bar.y >= 0 and bar.y + bar.height <= RISE + FALL for bar in chart.bars)
    assert {bar.result for bar in chart.bars if bar.y >= RISE} == {"failed"}
    assert chart.summary == (
        "100 cycles: 82 in sync, 6 with changes, 6 partly withheld, 1 partly failed, 4 failed, 1 told to stop. "
        "The longest took 3 min 32 s."
    )


def test_a_cycle_of_no_time_is_seen() -> None:
    """A cycle that took nothing still has a bar; without cycles there is no chart."""
    chart = draw(past("failed", "in_sync", took=[0]))

    assert chart is not None
    assert min(bar.height for bar in chart.bars) >= 5
    assert draw(()) is None


def test_the_half_removed_are_named_with_what_happens_next() -> None:
    """Who, since when, what happens next, and what ends it by hand; without leave how many, and no names."""
    (one,) = board_of(boards.half_removed("pe", [f"name{number}" for number in range(30)])).snapshot().organizations
    named, closed = render_organization(one, OPEN), render_organization(one, CLOSED)

    for page in (named, closed):
        assert "Half removed" in page
        assert "30 entities are half removed" in page
        assert "20 min ago" in page
        assert "and 10 more" in page
        assert "the next cycle goes on with it; what is not finished by" in page
        assert "list it under protected: in the" in page
        assert "syncd sync --organization pe" in Outline(page).commands
    assert "name1 (user:h-1)" in named
    assert "two people want name1@planetexpress.example" in named
    assert "name1" not in closed
    assert "two people" not in closed
