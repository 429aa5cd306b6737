"""Debian's Chromium without a window, driven by Playwright; axe looks for what keeps people out."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Browser, Page, sync_playwright

from tests.fakes.debian import need, need_that

#: Nothing of Chromium's own asks the network.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Where screenshots go when somebody wants to look at them.
SHOTS = os.environ.get("SYNCD_SCREENSHOTS", "")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium, installing Debian's package, and what its driver needs, where that can be done."""
    need("chromium", ["chromium"])
    need_that(_driver_runs, "what Playwright's own Node.js is linked to", ["libatomic1", "libstdc++6"])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def _driver_runs() -> bool:
    """Return whether the driver starts: without a library, Playwright says no more than that it lost the connection."""
    node, _ = compute_driver_executable()
    return subprocess.run([node, "--version"], capture_output=True, check=False).returncode == 0


@contextmanager
def a_page(
    browser: Browser, *, width: int = 1280, dark: bool = False, scripts: bool = True, trusting: bool = False
) -> Iterator[Page]:
    """Open a page of its own, *width* CSS pixels wide; *trusting*, it takes any certificate.

    What the page says on its console as an error, and what it asks of anybody else, is collected in
    `page.complaints`; a test wants it empty.
    """
    scheme: Literal["dark", "light"] = "dark" if dark else "light"
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        java_script_enabled=scripts,
        ignore_https_errors=trusting,
        reduced_motion="reduce",
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def complaints_of(page: Page) -> list[str]:
    """Return a list that fills with what *page* says on its console, and with requests that failed."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("requestfailed", lambda request: found.append(f"{request.url}: {request.failure}"))
    return found


def barriers(page: Page) -> list[str]:
    """Return what axe finds on *page*: rule, and the elements that break it. Scripts must be on."""
    found: dict[str, Any] = Axe().run(page).response
    return [
        f"{each['id']} ({each['impact']}): {[node['target'] for node in each['nodes']]}" for each in found["violations"]
    ]


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the whole page in the folder that `SYNCD_SCREENSHOTS` names, if it names one."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
