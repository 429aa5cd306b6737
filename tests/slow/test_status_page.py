"""The status page in a real browser: read, looked at, walked through by keyboard, and attacked from another site."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, Response, expect

from syncd.web.server import HttpServer
from tests.fakes import boards
from tests.fakes.apps import PASSWORD, AskedApp, web_file
from tests.fakes.authority import Authority
from tests.fakes.boards import HOSTILE, LONG, RIGHT_TO_LEFT, SCRIPT, Story, board_of
from tests.fakes.browser import a_page, barriers, chromium, complaints_of, overflow, shoot

EACH = [
    boards.failing("corp"),
    boards.waiting("lab"),
    boards.running("school"),
]
CONTENTS: dict[str, list[Story]] = {
    "none": [],
    "one": [boards.in_sync()],
    "failing": [boards.failing()],
    "waiting": [boards.waiting()],
    "half-removed": [boards.half_removed(), boards.half_removed("lab", HOSTILE)],
    "three": EACH,
    "every-kind": [
        boards.failing("a"),
        boards.partly_failing("b"),
        boards.stale("c"),
        boards.waiting("d"),
        boards.not_yet("e"),
        boards.running("f"),
        boards.observing("g"),
        boards.in_sync("h"),
    ],
    "crowd": boards.crowd(200),
    "hostile": [boards.waiting(SCRIPT, HOSTILE), boards.failing(RIGHT_TO_LEFT), boards.waiting(LONG, HOSTILE)],
    "hostile-crowd": [boards.waiting(name, HOSTILE) for name in HOSTILE],
}
LOOKS = [(1280, False), (1280, True), (320, False), (320, True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@contextmanager
def served(*stories: Story, **settings: object) -> Iterator[tuple[str, AskedApp]]:
    """The address of a server that shows *stories*, and what a cycle was asked for."""
    asked = AskedApp(board_of(*stories), listen="127.0.0.1:0", **settings)  # type: ignore[arg-type]  # of HttpSettings
    with HttpServer(asked.app) as server:
        yield f"{server.scheme}://{server.address}", asked


@pytest.mark.parametrize(("width", "dark"), LOOKS)
@pytest.mark.parametrize("content", CONTENTS)
def test_everybody_can_read_it(content: str, width: int, dark: bool, browser: Browser) -> None:
    """In light and dark, wide and at 320 px, with any content: no barrier, no complaint, nothing sticks out."""
    with (
        served(*CONTENTS[content], personal_data=True, actions=True) as (url, _),
        a_page(browser, width=width, dark=dark) as page,
    ):
        found = complaints_of(page)
        page.goto(url)
        shoot(page, f"{content}-{width}-{'dark' if dark else 'light'}")
        assert overflow(page) == 0
        unfold(page)
        shoot(page, f"{content}-{width}-{'dark' if dark else 'light'}-unfolded")
        assert (barriers(page), overflow(page)) == ([], 0)

    assert found == []


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_everybody_can_read_the_page_of_one(width: int, dark: bool, browser: Browser) -> None:
    """The page of one organization, reached by its link from the overview."""
    with served(*boards.crowd(20), personal_data=True) as (url, _), a_page(browser, width=width, dark=dark) as page:
        found = complaints_of(page)
        page.goto(url)
        page.get_by_role("link", name="tenant-003").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("tenant-003 is failing.")
        shoot(page, f"organization-{width}-{'dark' if dark else 'light'}")
        unfold(page)
        assert (barriers(page), overflow(page)) == ([], 0)
        page.get_by_role("link", name="All organizations").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Of 20 organizations")

    assert found == []


def unfold(page: Page) -> None:
    """Open everything that is folded."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")


def test_it_needs_no_scripts(browser: Browser) -> None:
    """Without JavaScript everything is there, folded parts included."""
    with served(boards.waiting()) as (url, _), a_page(browser, scripts=False) as page:
        page.goto(url)
        expect(page.get_by_role("heading", level=1)).to_have_text("planetexpress waits for your approval.")
        page.get_by_text("As a table").click()
        expect(page.get_by_role("table").get_by_role("row")).to_have_count(62)


def test_its_structure_can_be_heard(browser: Browser) -> None:
    """Landmarks, a language, a title that begins with the verdict, a chart with words, a table beside it."""
    with served(boards.failing(), boards.in_sync("other")) as (url, _), a_page(browser) as page:
        page.goto(url)
        assert page.title() == "Of 2 organizations, 1 is failing and 1 is in sync. - syncd"
        assert page.locator("html").get_attribute("lang") == "en"
        for role in ("banner", "main", "contentinfo"):
            expect(page.get_by_role(role)).to_have_count(1)
        chart = page.get_by_role("img", name="The last cycles of planetexpress")
        expect(chart).to_have_accessible_description("99 cycles: 96 in sync, 3 failed. The longest took 15 s.")
        expect(page.get_by_role("article", name="planetexpress")).to_have_count(1)


def test_every_command_is_reached_by_keyboard(browser: Browser) -> None:
    """With Tab alone one comes to the skip link, then to each command, each fold, and the button."""
    with served(boards.waiting(), actions=True) as (url, asked), a_page(browser) as page:
        page.goto(url)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        unfold(page)
        visited = [page.evaluate("document.activeElement.outerHTML")]
        while len(visited) < 100:
            page.keyboard.press("Tab")
            visited.append(page.evaluate("document.activeElement.outerHTML"))
            if page.evaluate("document.activeElement === document.body"):
                break
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", visited[-1]
        commands = page.locator("pre.command").evaluate_all("all => all.map(one => one.outerHTML)")
        assert len(commands) > 5
        assert [command for command in commands if command not in visited] == []
        assert any("<button>" in element for element in visited)
        page.get_by_role("button").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("A cycle was asked for.")
        assert asked.asked == ["planetexpress"]


@pytest.mark.parametrize("width", [1280, 320])
def test_a_click_chooses_the_whole_command(width: int, browser: Browser) -> None:
    """A click anywhere in a command selects all of it and nothing else, also where it is wrapped."""
    with served(boards.waiting()) as (url, _), a_page(browser, width=width) as page:
        page.goto(url)
        digest = boards.waiting_plan().digest[:8]
        page.locator("pre.command", has_text="approve").click(position={"x": 30, "y": 12})
        chosen = page.evaluate("window.getSelection().toString()")

    assert chosen.strip() == f"syncd approve {digest} --organization planetexpress"


def test_names_are_shown_as_they_are_and_do_nothing(browser: Browser) -> None:
    """A script in a name is text; what would turn text around is written out."""
    with served(*CONTENTS["hostile"], personal_data=True) as (url, _), a_page(browser) as page:
        said: list[str] = []
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(url)
        unfold(page)
        text = page.locator("main").inner_text()

    assert said == []
    assert SCRIPT in text
    assert "\\u202e" in text
    assert "\u202e" not in text


class Evil(BaseHTTPRequestHandler):
    """Another site, whose page sends a form to syncd as soon as it is opened, and puts syncd into a frame."""

    target = ""

    def do_GET(self) -> None:
        page = f"""<!DOCTYPE html><title>Kittens</title>
            <iframe name="inside"></iframe><iframe name="page" src="{self.target}/"></iframe>
            <form method="post" action="{self.target}/-/sync" target="inside"></form>
            <script>document.forms[0].submit(); fetch("{self.target}/-/sync", {{method: "POST", mode: "no-cors"}});
            fetch("{self.target}/").then(() => {{ document.title = "read"; }}, () => {{ document.title = "refused"; }});
            </script>""".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its base calls it so
        """Nobody reads the log of a test."""


def test_a_page_of_another_site_can_do_nothing(browser: Browser) -> None:
    """A form, a fetch and a frame on somebody else's page: no cycle is asked for, and nothing is read or shown."""
    with served(boards.in_sync(), actions=True) as (url, asked), a_page(browser) as page:
        Evil.target = url
        evil = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
        thread = threading.Thread(target=evil.serve_forever)
        thread.start()
        try:
            statuses: dict[str, int] = {}

            def note(answer: Response) -> None:
                statuses[f"{answer.request.method} {answer.url}"] = answer.status

            page.on("response", note)
            page.goto(f"http://localhost:{evil.server_port}/")
            expect(page).to_have_title("refused")
            page.wait_for_load_state("networkidle")
            framed = page.frame(name="page")
            shown = framed.content() if framed is not None else ""
        finally:
            evil.shutdown()
            evil.server_close()
            thread.join()

    assert statuses[f"POST {url}/-/sync"] == 403
    assert asked.asked == []
    assert "planetexpress" not in shown


def test_a_browser_comes_in_with_tls_and_a_password(browser: Browser, tmp_path: Path) -> None:
    """Over TLS and with a password the page, its icon and its button work; without, there is only 401."""
    identity = Authority(tmp_path).issue("127.0.0.1")
    path = web_file(tmp_path)
    text = f"tls_server_config: {{cert_file: {identity.certificate}, key_file: {identity.key}}}\n"
    path.write_text(text + path.read_text(encoding="utf-8"), encoding="utf-8")
    with served(boards.in_sync(), actions=True, web_config=path) as (url, asked):
        with a_page(browser, trusting=True) as page, pytest.raises(Error, match="INVALID_AUTH_CREDENTIALS"):
            page.goto(url)
        context = browser.new_context(
            ignore_https_errors=True, http_credentials={"username": "ada", "password": PASSWORD}
        )
        try:
            page = context.new_page()
            page.goto(url)
            page.get_by_role("button", name="Run a cycle now").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("A cycle was asked for.")
        finally:
            context.close()

    assert url.startswith("https://")
    assert asked.asked == ["planetexpress"]


def test_it_can_be_printed(browser: Browser) -> None:
    """On paper the folded parts are open, and there is nothing to press."""
    with served(boards.waiting(), actions=True) as (url, _), a_page(browser) as page:
        page.goto(url)
        page.emulate_media(media="print")
        shoot(page, "print")
        expect(page.get_by_role("table")).to_be_visible()
        expect(page.get_by_role("button")).not_to_be_visible()
