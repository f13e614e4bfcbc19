"""An operator's work, from the set-up link to the verdict, against the real hub."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.kinds import Kind, ObjectClass
from tests.browser.conftest import AXE, axe_faults, fresh_page, sign_in
from tests.browser.live_town import LiveTown, RunningBox, RunningHub
from tests.browser.street import CAMERAS, beside

pytestmark = pytest.mark.chromium
STOOD = {"stood_s": 312.4, "limit_s": 300.0}


def test_the_whole_way_of_an_incident(page: Page, town: LiveTown, box: RunningBox, jpeg: bytes) -> None:
    """Arrives live, is opened, acknowledged and judged; the web hook's delivery shows."""
    sign_in(page, town.url)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    box.report(
        Kind.ILLEGAL_PARKING, CAMERAS[0]["id"], beside(0), STOOD,
        zone="no-stopping", subject=ObjectClass.CAR, jpeg=jpeg,
    )  # fmt: skip
    row = page.get_by_role("link", name=re.compile(f"Parked in a no-stopping zone.*{CAMERAS[0]['name']}"))
    row.click()
    expect(row).to_have_attribute("aria-current", "true")

    panel = page.get_by_role("main")
    expect(panel.get_by_role("heading", level=1)).to_have_text("Parked in a no-stopping zone")
    expect(panel).to_contain_text(re.compile("Stood 312\\ss in a no-stopping zone, limit 300\\ss."))
    picture = panel.get_by_role("img", name=re.compile("Picture from"))
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 640
    expect(panel).to_contain_text("pixelated")

    told = panel.get_by_role("listitem").filter(has_text="Police").first
    expect(told).to_contain_text(re.compile(r"Delivered \d\d:\d\d:\d\d"))
    told.click()
    expect(told).to_contain_text("Accepted, HTTP 204")
    number = panel.get_by_text(re.compile(r"^№ \d+$")).inner_text().split()[1]
    assert any(d.agency == "police" and str(d.body["incident"]["number"]) == number for d in town.deliveries)

    panel.get_by_role("button", name="Acknowledge").click()
    expect(panel.get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(row).to_contain_text("Acknowledged")
    panel.get_by_role("button", name="Verdict").click()
    panel.get_by_role("button", name="Confirmed").click()
    expect(panel.get_by_role("listitem").filter(has_text="Verdict: Confirmed")).to_be_visible()
    expect(row).to_contain_text("Confirmed")


def test_everything_by_keyboard(page: Page, town: LiveTown, box: RunningBox) -> None:
    sign_in(page, town.url)
    box.report(Kind.INTRUSION, CAMERAS[1]["id"], beside(1), {"inside_s": 2.4, "limit_s": 1.5}, zone="yard")
    row = page.get_by_role("link", name=re.compile("Entry into a closed zone")).first
    row.wait_for()
    # What other tests reported may stand above it.
    above = page.locator("ul.rows a").evaluate_all(
        "(rows) => rows.findIndex((row) => row.textContent.includes('Entry into a closed zone'))"
    )
    for _ in range(above + 1):
        page.keyboard.press("j")
    expect(row).to_be_focused()
    page.keyboard.press("Enter")
    panel = page.get_by_role("main")
    expect(panel).to_contain_text(re.compile("Inside a closed zone for 2.4\\ss, limit 1.5\\ss."))
    page.keyboard.press("a")
    expect(panel.get_by_text("Acknowledged", exact=True).first).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.type("Guard is on the way, aged 20")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(panel).to_contain_text("Guard is on the way, aged 20")
    page.keyboard.press("v")
    expect(panel.get_by_role("button", name="Confirmed")).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel.get_by_role("button", name="Confirmed")).to_have_count(0)
    page.keyboard.press("r")
    expect(panel.get_by_text("Resolved", exact=True).first).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(panel.get_by_role("heading", level=1)).to_have_text("No incident selected")


def test_filters_keep_what_they_name(page: Page, town: LiveTown, box: RunningBox) -> None:
    lay = {"lay_s": 24.0, "limit_s": 20.0, "near_m": 0.8, "near_limit_m": 2, "away_m": 7.5, "away_limit_m": 5}
    box.report(Kind.DUMPING_ACT, CAMERAS[3]["id"], beside(3), lay, subject=ObjectClass.BAG)
    sign_in(page, town.url)
    dumped = page.get_by_role("link", name=re.compile("Rubbish dumped")).first
    dumped.wait_for()
    page.get_by_role("button", name="Law and Order").click()
    expect(dumped).to_have_count(0)
    page.get_by_role("button", name="Taza Qazaqstan").click()
    expect(dumped).to_be_visible()
    page.get_by_role("button", name="Acknowledged").click()
    expect(dumped).to_have_count(0)


def test_what_cannot_be_delivered_is_said_and_sent_again(page: Page, town: LiveTown, box: RunningBox) -> None:
    """The road service refuses the signature."""
    sign_in(page, town.url)
    box.report(Kind.ROAD_OBSTRUCTION, CAMERAS[2]["id"], beside(2, 20.0), {"stood_s": 95.0, "limit_s": 90.0})
    row = page.get_by_role("link", name=re.compile("Obstacle on the road"))
    expect(row).to_contain_text("Not delivered")
    row.click()
    told = page.get_by_role("main").get_by_role("listitem").filter(has_text="Road service").first
    expect(told.get_by_text("Refused, HTTP 401")).to_have_count(1)
    told.get_by_role("button", name="Send again").click()
    expect(told.get_by_text("Refused, HTTP 401")).to_have_count(2)


def test_the_language_is_kept(page: Page, town: LiveTown) -> None:
    sign_in(page, town.url)
    page.get_by_role("button", name="Қаз").click()
    expect(page.get_by_role("heading", name="Кезек")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Кезек")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "kk"


def test_the_map_draws_the_town(page: Page, town: LiveTown) -> None:
    """The worker runs under the content policy: the canvas shows more than its background."""
    sign_in(page, town.url)
    canvas = page.locator("canvas.maplibregl-canvas")
    canvas.wait_for()
    page.locator(".city[data-drawn=true]").wait_for()
    assert len(set(canvas.screenshot())) > 200


@pytest.mark.parametrize("theme", ["night", "day"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_no_serious_fault(
    browser: Browser, town: LiveTown, box: RunningBox, theme: str, width: int
) -> None:
    if not AXE.exists():
        pytest.skip(f"{AXE} is missing; run: just console")
    with fresh_page(browser, width) as page:
        page.add_init_script(f"localStorage.setItem('saqshy.theme', '{theme}')")
        page.goto(town.url)
        assert axe_faults(page) == []
        sign_in(page, town.url)
        box.report(Kind.ILLEGAL_PARKING, CAMERAS[2]["id"], beside(2), STOOD, subject=ObjectClass.CAR)
        row = page.get_by_role("link", name=re.compile("Parked in a no-stopping zone")).first
        row.wait_for()
        assert axe_faults(page) == []
        row.click()
        page.get_by_role("heading", name="Timeline").wait_for()
        assert axe_faults(page) == []


def test_first_set_up(page: Page, tmp_path: Path) -> None:
    hub = RunningHub(tmp_path / "hub")
    try:
        assert hub.ready.setup_link
        page.goto(hub.ready.setup_link)
        page.get_by_label("Name", exact=True).fill("Ерлан Қ.")
        page.get_by_label("User name").fill("erlan")
        page.get_by_label("Password").fill("a long enough one")
        page.get_by_role("button", name="Create account").click()
        expect(page.get_by_role("heading", name="Queue")).to_be_visible()
        expect(page.get_by_text("No incidents here.")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("User name").fill("erlan")
        page.get_by_label("Password").fill("not the right one")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("User name or password is wrong.")
    finally:
        page.goto("about:blank")
        hub.stop()


def test_a_stopped_hub_is_said_and_a_new_one_found(page: Page, tmp_path: Path) -> None:
    """The banner needs 12 s of silence; the page's clock is moved, so that nobody waits for them."""
    hub = RunningHub(tmp_path / "hub")
    assert hub.ready.setup_link
    page.clock.install()
    page.goto(hub.ready.setup_link)
    page.get_by_label("Name", exact=True).fill("Ерлан Қ.")
    page.get_by_label("User name").fill("erlan")
    page.get_by_label("Password").fill("a long enough one")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    hub.stop()
    expect(page.get_by_text("This picture is stale.")).to_have_count(0)
    page.clock.fast_forward(13_000)
    expect(page.get_by_text("This picture is stale.")).to_be_visible()
    hub.start()
    try:
        page.clock.fast_forward(16_000)
        expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=10_000)
        expect(page.get_by_text("This picture is stale.")).to_have_count(0)
    finally:
        page.goto("about:blank")
        hub.stop()
