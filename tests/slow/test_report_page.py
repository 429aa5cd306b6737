"""The page of a plan and of a report, in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from syncd.model.entry import Rejection
from syncd.model.names import Key
from syncd.model.plan import Finding, Note, Plan
from syncd.rendering.html import render_html
from tests.builders import operation, plan
from tests.fakes.browser import a_page, barriers, chromium, complaints_of, overflow, shoot
from tests.golden.example_plans import PLANS, report

PAGES = {name: render_html(each, mode="full", asked="syncd plan, cycle 4f3a9c01d2e7") for name, each in PLANS.items()}
PAGES["report"] = render_html(report(), mode="full")
HOSTILE = {
    "script": "<script>document.title = 'owned'</script>",
    "picture": "<img src=x onerror=\"document.title = 'owned'\">",
    "right-to-left": "\u202egnp.exe \u05d0\u05d1",
    "long": "n" * 255,
    "arabic": "\u0645\u0631\u062d\u0628\u0627 (evil)",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def open_page(page: Page, folder: Path, text: str) -> list[str]:
    """Open *text* as a file; return what it complains of while the test lasts."""
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    found = complaints_of(page)
    page.goto(path.as_uri())
    return found


def hostile(said: str) -> Plan:
    """A plan with *said* in every place that a directory can fill."""
    changed = operation("profile.update", before={"city": said}, after={"city": f"{said}!"}, reason=said)
    odd = operation("odd", "user:amy", summary=said, reason=said)
    return plan(
        changed,
        odd,
        operation("member.add", "group:all", after={"member": said}, reason=said),
        organization=said,
        withheld={odd.id: said},
        findings=(
            Finding(guard=said, counted=1, population=1, tripped=True, label="", budget=f"1 of {said}", text=said),
        ),
        rejections=(Rejection(key=Key(f"user:{said}"), origin=said, reason=said, remedy=said),),
        notes=(Note(code=said, subject=f"user:{said}", text=said),),
        names={"user:fry": said},
    )


def crowd(size: int) -> Plan:
    """*size* operations on half as many people, and one group that everybody joins."""
    half = size // 2
    people = [operation("profile.update", f"user:p{n}", after={"city": f"town {n % 97}"}) for n in range(half)]
    joins = [operation("member.add", "group:all", after={"member": f"p{n}"}) for n in range(size - half)]
    return plan(*people, *joins)


def shown(page: Page, selector: str = ".card") -> int:
    """How many elements a person can see."""
    return int(
        page.evaluate(
            "selector => [...document.querySelectorAll(selector)].filter(e => e.offsetParent !== null).length", selector
        )
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_nobody_out(name: str, dark: bool, browser: Browser, tmp_path: Path) -> None:
    """Every kind of page, light and dark: axe finds no barrier, and the browser nothing to complain of."""
    with a_page(browser, dark=dark) as page:
        complaints = open_page(page, tmp_path, PAGES[name])

        assert barriers(page) == []
        assert complaints == []
        assert page.locator("h1").count() == 1
        shoot(page, f"report-{name}-{'dark' if dark else 'light'}")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_telephone(name: str, browser: Browser, tmp_path: Path) -> None:
    """At 320 pixels nothing is wider than the window, and axe finds nothing."""
    with a_page(browser, width=320) as page:
        complaints = open_page(page, tmp_path, PAGES[name])

        assert overflow(page) == 0
        assert barriers(page) == []
        assert complaints == []
        shoot(page, f"report-{name}-320")


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_name(name: str, width: int, browser: Browser, tmp_path: Path) -> None:
    """Markup, bidi overrides and 255 characters are shown as they are, and run, move and widen nothing."""
    with a_page(browser, width=width) as page:
        complaints = open_page(page, tmp_path, render_html(hostile(HOSTILE[name]), asked=HOSTILE[name]))

        assert page.title().startswith("Plan for ")
        assert page.locator("img, iframe, object").count() == 0
        assert overflow(page) == 0
        assert barriers(page) == []
        assert complaints == []
        shoot(page, f"report-hostile-{name}-{width}")


def test_an_injected_script_is_not_run(browser: Browser, tmp_path: Path) -> None:
    """Should markup get into the page all the same, its policy stops it: a net behind the first one."""
    injected = PAGES["leaver"].replace("<main>", "<main><script>document.title = 'owned'</script>")
    with a_page(browser) as page:
        complaints = open_page(page, tmp_path, injected)

        assert page.title() == "Plan for planetexpress"
        assert any("Content Security Policy" in text for text in complaints)


def test_actions_are_filtered_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    """Tab and space leave out removals: their lines, their cards, and a section that has nothing else."""
    with a_page(browser) as page:
        complaints = open_page(page, tmp_path, PAGES["leaver"])
        before = shown(page, ".line.remove")
        while page.evaluate("document.activeElement.id") != "show-remove":
            page.keyboard.press("Tab")
        page.keyboard.press("Space")

        assert before > 0
        assert shown(page, ".line.remove") == 0
        assert shown(page, ".line.add") > 0
        assert not page.locator("#leaving").is_visible()
        shoot(page, "report-filtered-by-action")
        page.keyboard.press("Space")
        assert shown(page, ".line.remove") == before
        assert complaints == []


def test_what_is_withheld_can_be_left_out(browser: Browser, tmp_path: Path) -> None:
    """The checkbox of a section hides it whole."""
    with a_page(browser) as page:
        open_page(page, tmp_path, PAGES["refused"])
        page.locator("#show-withheld").uncheck()

        assert not page.locator("#withheld").is_visible()
        assert page.locator("#new").is_visible()


def test_entries_are_found_by_text(browser: Browser, tmp_path: Path) -> None:
    """Typing leaves what has all the words, says how much that is, and an empty box brings everything back."""
    with a_page(browser) as page:
        complaints = open_page(page, tmp_path, PAGES["refused"])
        total = shown(page)
        while page.evaluate("document.activeElement.id") != "find":
            page.keyboard.press("Tab")
        page.keyboard.type("PERSON3 missing")
        expect(page.locator("#found")).to_contain_text("entries have")

        assert shown(page) == 1
        assert page.locator(".card:visible").inner_text().splitlines()[1].startswith("person3")
        assert page.locator("#found").inner_text() == f"1 of {total} entries have “PERSON3 missing”"
        assert not page.locator("#new").is_visible()
        assert not page.get_by_text("needs approval").is_visible()
        assert barriers(page) == []
        page.emulate_media(media="print")
        assert page.locator(".partly").is_visible()
        page.emulate_media(media="screen")
        shoot(page, "report-filtered-by-text")
        page.locator("#find").fill("")
        expect(page.locator("#found")).to_be_empty()
        assert shown(page) == total
        assert complaints == []


def test_a_name_among_many_is_found(browser: Browser, tmp_path: Path) -> None:
    """A group's long list unfolds when what is looked for is in it."""
    with a_page(browser) as page:
        open_page(page, tmp_path, PAGES["first"])
        folded = page.locator("details")
        assert folded.get_attribute("open") is None
        page.locator("#find").fill("person059")
        expect(folded).to_have_attribute("open", "")

        assert shown(page) == 1


def test_without_scripts_everything_is_readable(browser: Browser, tmp_path: Path) -> None:
    """Scripts off: all cards are there, the checkboxes work, and no search box promises what it can't do."""
    with a_page(browser, scripts=False) as page:
        complaints = open_page(page, tmp_path, PAGES["leaver"])

        assert page.locator(".card:visible").count() == page.locator(".card").count() > 0
        assert not page.locator("#find").is_visible()
        page.locator("#show-remove").uncheck()
        assert page.locator(".line.remove:visible").count() == 0
        assert complaints == []
        shoot(page, "report-without-scripts")


def test_paper_shows_the_numbers_and_what_the_filter_left(browser: Browser, tmp_path: Path) -> None:
    """On paper there is no toolbar; what was left out stays out and the paper says so; long lists are whole."""
    with a_page(browser) as page:
        open_page(page, tmp_path, PAGES["first"])
        page.emulate_media(media="print")
        assert page.locator(".numbers").is_visible()
        assert page.locator(".chart").is_visible()
        assert not page.locator(".filter").is_visible()
        assert not page.locator(".partly").is_visible()
        long, summary = page.locator("details").bounding_box(), page.locator("summary").bounding_box()
        assert long is not None
        assert summary is not None
        assert long["height"] > 1.5 * summary["height"]
        page.emulate_media(media="screen")
        page.locator("#show-add").uncheck()
        page.emulate_media(media="print")

        assert page.locator(".partly").is_visible()
        assert page.locator(".line.add:visible").count() == 0
        assert page.locator(".numbers").is_visible()
        shoot(page, "report-print")


def test_a_large_plan_opens_and_is_filtered(browser: Browser, tmp_path: Path) -> None:
    """20,000 operations: what the page holds and how long a search takes grow with them, and no faster."""
    figures = {}
    for size in (2_000, 20_000):
        text = render_html(crowd(size))
        with a_page(browser) as page:
            complaints = open_page(page, tmp_path, text)
            nodes = int(page.evaluate("document.getElementsByTagName('*').length"))
            took = min(float(page.evaluate(SEARCH, word)) for word in ("town 13", "p77", "town 96"))
            assert shown(page) > 0
            assert complaints == []
        figures[size] = (len(text), nodes, took)
    print("characters, elements, milliseconds of a search:", figures)

    assert figures[20_000][0] < 11 * figures[2_000][0]
    assert figures[20_000][1] < 11 * figures[2_000][1]
    # Ten times as much; a search that grows with the square takes a hundred times as long.
    assert figures[20_000][2] < 40 * figures[2_000][2]


#: Searches, and lays the page out anew; returns milliseconds without the pause after typing.
SEARCH = """async (word) => {
  const box = document.getElementById("find");
  const found = document.getElementById("found");
  found.textContent = "";
  box.value = word;
  box.dispatchEvent(new Event("input"));
  const begun = performance.now();
  while (found.textContent === "") {
    await new Promise((done) => requestAnimationFrame(done));
  }
  document.body.offsetHeight;
  return performance.now() - begun - 150;
}"""
