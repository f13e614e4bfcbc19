"""A live town for a module of tests, and a browser page that listens for faults."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect, sync_playwright

from hub.api.console import DIST
from tests.browser.live_town import PASSWORD, USERNAME, LiveTown, RunningBox
from tests.browser.street import BASE, CAMERAS

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parents[2] / "hub" / "console" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = (
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
    "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip
WAIT_MS = 20_000
"""Generous: the machine may be busy. Nothing is waited for longer than it takes."""
LISTEN = """
window.faults = [];
addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber }) =>
  window.faults.push(`policy: ${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`));
"""
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ended with its module, since Playwright keeps an event loop running in this thread meanwhile."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing; apt install chromium")
    if not (DIST / "index.html").exists():
        pytest.skip("the console is not built; run: just console")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveTown]:
    with LiveTown(tmp_path_factory.mktemp("town"), BASE, CAMERAS) as town:
        yield town


@pytest.fixture(scope="module")
def box(town: LiveTown) -> RunningBox:
    return town.add_box("box-abai")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page in English; the test fails when the page broke its content policy or threw."""
    with fresh_page(browser) as page:
        yield page


@contextlib.contextmanager
def fresh_page(browser: Browser, width: int = 1440, height: int = 900) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
    context.add_init_script(LISTEN)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    thrown: list[str] = []
    outside: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    page.on(
        "request", lambda request: outside.append(request.url) if "127.0.0.1" not in request.url else None
    )
    yield page
    faults = page.evaluate("window.faults")
    context.close()
    assert (thrown, faults, outside) == ([], [], [])


def sign_in(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("User name").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Queue").wait_for()


def axe_faults(page: Page) -> list[str]:
    """What axe finds of serious and critical faults on the page as it is."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']} ({fault['impact']}): {node['html'][:120]} {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    """A picture that no camera took: a grey ramp."""
    return as_jpeg(np.tile(np.linspace(40, 200, 640, dtype=np.uint8), (360, 1)))


def as_jpeg(picture: NDArray[np.uint8]) -> bytes:
    is_coded, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert is_coded
    return coded.tobytes()
