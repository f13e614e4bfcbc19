"""Clips and live views in the console, from a whole box's cameras to the operator's screen."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.kinds import Kind
from shared.messages import ClipLoss
from simulator.reel import film
from tests.browser.conftest import AXE, axe_faults, fresh_page, sign_in
from tests.browser.filming_box import FilmingBox
from tests.browser.live_town import USERNAME, LiveTown
from tests.browser.screenshots import FILM, FILMED
from tests.browser.street import BASE, CITY_KEYS

pytestmark = [pytest.mark.chromium, pytest.mark.slow, pytest.mark.timeout(300)]
CAMERAS: list[dict[str, Any]] = [
    {key: camera[key] for key in CITY_KEYS} | {"box": "box-film"} for camera in FILMED
]
LOITERED = {"inside_s": 95.0, "limit_s": 90.0}
SLOW_MS = 60_000
"""A redacted clip takes a busy machine a while."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveTown]:
    with LiveTown(tmp_path_factory.mktemp("town"), BASE, CAMERAS) as town:
        yield town


@pytest.fixture(scope="module")
def box(town: LiveTown, tmp_path_factory: pytest.TempPathFactory) -> FilmingBox:
    folder = tmp_path_factory.mktemp("film")
    film(FILM, folder)
    return town.add_filming_box("box-film", folder, [camera["id"] for camera in CAMERAS])


def happen(
    box: FilmingBox, north_m: float, lost: ClipLoss | None = None, kind: Kind = Kind.LOITERING
) -> None:
    """Far enough from what other tests reported to be an incident of its own."""
    camera = CAMERAS[0]
    box.report(
        Kind.LOITERING, camera["id"], (camera["lat"] + north_m / 111_320, camera["lon"]), LOITERED, lost=lost
    )


def open_newest(page: Page) -> None:
    """It stands last among equals."""
    row = page.get_by_role("link", name=re.compile("Loitering")).last
    row.click()
    page.get_by_role("heading", name="Timeline").wait_for()


def way(page: Page, name: str) -> None:
    page.get_by_role("group", name="Evidence").get_by_role("button", name=name).click()


def test_a_clip_is_asked_for_watched_and_taken_home(
    page: Page, town: LiveTown, box: FilmingBox, tmp_path: Path
) -> None:
    happen(box, 10)
    sign_in(page, town.url)
    open_newest(page)
    page.keyboard.press("c")
    panel = page.get_by_role("main")
    expect(panel).to_contain_text("The box keeps a clip")
    panel.get_by_role("button", name="Ask the box for the clip").click()
    expect(panel.get_by_role("progressbar", name="Progress of the clip")).to_be_visible()
    video = panel.locator("video")
    expect(video).to_be_visible(timeout=SLOW_MS)
    page.wait_for_function("document.querySelector('video').readyState >= 2")
    assert video.evaluate("v => [v.videoWidth, v.videoHeight, v.error]") == [640, 360, None]
    length_s = video.evaluate(
        "v => new Promise(done => { v.onseeked = () => done(v.currentTime); v.currentTime = 3; })"
    )
    assert length_s == pytest.approx(3, abs=0.1)
    with page.expect_download() as download:
        panel.get_by_role("link", name=re.compile("Download")).click()
    taken = tmp_path / "taken.mp4"
    download.value.save_as(taken)
    assert download.value.suggested_filename.endswith(f"{CAMERAS[0]['id']}.mp4")
    expect(panel.locator("code")).to_have_text(hashlib.sha256(taken.read_bytes()).hexdigest())
    expect(panel.get_by_role("listitem").filter(has_text="Asked for the clip")).to_contain_text(USERNAME)
    looks = town.admin.get("/looks").json()["looks"]
    assert [(look["username"], look["camera"]) for look in looks if look["what"] == "clip_redacted"] == [
        (USERNAME, CAMERAS[0]["id"])
    ]
    page.keyboard.press("c")
    expect(video).to_have_count(0)


def test_a_clip_that_cannot_come_says_why(page: Page, town: LiveTown, box: FilmingBox) -> None:
    happen(box, 300, ClipLoss.VAULT_FULL)
    sign_in(page, town.url)
    open_newest(page)
    way(page, "Clip")
    page.get_by_role("button", name="Ask the box for the clip").click()
    panel = page.get_by_role("main")
    expect(panel).to_contain_text("vault was full")
    expect(panel).to_contain_text("City IT can give it more room")
    expect(panel.get_by_role("button", name="Try again")).to_have_count(0)


def test_a_box_that_is_away_sends_its_clip_when_it_is_back(
    page: Page, town: LiveTown, box: FilmingBox
) -> None:
    happen(box, 600)
    sign_in(page, town.url)
    open_newest(page)
    box.stop()
    way(page, "Clip")
    page.get_by_role("button", name="Ask the box for the clip").click()
    panel = page.get_by_role("main")
    expect(panel).to_contain_text("The clip will be sent when it is back")
    way(page, "Live")
    expect(panel).to_contain_text("The box is away")
    town.hub.stop()  # the wish outlives this too
    town.hub.start()
    box.start()
    way(page, "Clip")
    expect(panel.locator("video")).to_be_visible(timeout=SLOW_MS)


def test_a_live_view_takes_its_turn_and_gives_it_up(
    browser: Browser, page: Page, town: LiveTown, box: FilmingBox
) -> None:
    happen(box, 900)
    sign_in(page, town.url)
    open_newest(page)
    page.keyboard.press("l")
    picture = page.get_by_role("img", name=re.compile("Live picture of"))
    expect(picture).to_be_visible()
    first = picture.get_attribute("src")
    expect(picture).not_to_have_attribute("src", str(first))
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 640
    live = box.agent.live
    with fresh_page(browser) as other:
        sign_in(other, town.url)
        other.get_by_role("button", name="Live view").click()
        dialog = other.get_by_role("dialog", name="Live view")
        dialog.get_by_role("combobox").select_option(CAMERAS[1]["id"])
        expect(dialog).to_contain_text("as many live views as it may")
        hide(page, "true")
        expect(dialog.get_by_role("img", name=re.compile("Live picture of"))).to_be_visible()
        other.keyboard.press("Escape")
        box.wait(lambda: not live._leases)
    encoded, seen = live.encoded, box.eye.count
    box.wait(lambda: box.eye.count > seen + 10)
    assert live.encoded == encoded, "nobody looks, yet something was encoded"
    hide(page, "false")
    expect(picture).not_to_have_attribute("src", str(picture.get_attribute("src")))
    way(page, "Picture")
    box.wait(lambda: not live._leases)
    looks = [look for look in town.admin.get("/looks").json()["looks"] if look["what"] == "live"]
    assert {look["camera"] for look in looks} >= {camera["id"] for camera in CAMERAS}


def hide(page: Page, is_hidden: str) -> None:
    """As a browser does whose tab is covered by another one."""
    page.evaluate(
        f"Object.defineProperty(document, 'hidden', {{ value: {is_hidden}, configurable: true }});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )


@pytest.mark.parametrize("theme", ["night", "day"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_no_serious_fault(
    browser: Browser, town: LiveTown, box: FilmingBox, theme: str, width: int
) -> None:
    if not AXE.exists():
        pytest.skip(f"{AXE} is missing; run: just console")
    if not town.admin.get("/incidents").json()["incidents"]:
        happen(box, 10)
    with fresh_page(browser, width, 844) as page:
        page.add_init_script(f"localStorage.setItem('saqshy.theme', '{theme}')")
        sign_in(page, town.url)
        page.locator("ul.rows a").first.click()
        for name in ("Clip", "Live"):
            way(page, name)
            expect(page.locator("section :is(.way p, video, .view img)").first).to_be_visible()
            assert axe_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        way(page, "Picture")
        page.goto(f"{town.url}/#/map")
        page.get_by_role("button", name="Live view").click()
        expect(page.get_by_role("dialog").get_by_role("img")).to_be_visible()
        assert axe_faults(page) == []
