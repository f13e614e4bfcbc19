"""Pictures of the console: ``python -m tests.browser.screenshots FOLDER [--all]``.

Fills the real hub with what the simulator's street films, redacted as a box redacts it, and photographs the
console: the pictures of the documents, or every language, size and theme, to be looked at.
"""

import argparse
import contextlib
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from edge_agent.domain.detection import Detections
from edge_agent.domain.privacy import private_regions
from edge_agent.evidence.snapshot import redact
from shared.kinds import Kind, ObjectClass
from shared.messages import ClipLoss
from simulator.deeds import Happening
from simulator.film import Filmer, Shot
from simulator.reel import Order, film
from simulator.truth import cameras_document
from simulator.weather import WEATHERS
from simulator.world import to_latlon
from tests.browser.conftest import CHROMIUM, FLAGS, as_jpeg
from tests.browser.live_town import PASSWORD, USERNAME, LiveTown, RunningBox
from tests.browser.street import BASE, CAMERAS, CITY_KEYS, SCENE

IN_DOCUMENTS = {
    ("en", "desk", "night", "incident-2"): "console.png",
    ("kk", "desk", "day", "incident-3"): "console-day.png",
    ("kk", "phone", "night", "incident-1"): "console-phone.png",
    ("en", "desk", "day", "clip-here"): "console-clip.png",
}
FILM = Order("street", seed=7, seconds=12, camera_count=2)
FILMED = cameras_document(FILM.make(), FILM.camera_count)
Views = Callable[[Browser, str, str, str, str], Iterator[tuple[str, Page]]]
SIZES = {"desk": (1440, 900), "phone": (390, 844)}
SEEN_BY = {Kind.ILLEGAL_PARKING: (0, 2), Kind.INTRUSION: (1,), Kind.DUMPING_ACT: (3,)}
REASONS = {
    Kind.ILLEGAL_PARKING: {"stood_s": 31.0, "limit_s": 30.0},
    Kind.INTRUSION: {"inside_s": 1.6, "limit_s": 1.5},
    Kind.DUMPING_ACT: {
        "lay_s": 21.0, "limit_s": 20.0, "near_m": 0.7, "near_limit_m": 2.0,
        "away_m": 9.0, "away_limit_m": 5.0,
    },
}  # fmt: skip
SUBJECTS = {
    Kind.ILLEGAL_PARKING: ObjectClass.CAR,
    Kind.INTRUSION: ObjectClass.PERSON,
    Kind.DUMPING_ACT: ObjectClass.BAG,
}


def fill(town: LiveTown, box: RunningBox) -> None:
    """Report what happens in the street's film, once for each camera that sees it."""
    for happening in SCENE.happenings:
        for camera in SEEN_BY[happening.kind]:
            place = to_latlon(happening.place)
            box.report(
                happening.kind,
                CAMERAS[camera]["id"],
                (place.lat_deg, place.lon_deg),
                REASONS[happening.kind],
                zone=happening.zone,
                subject=SUBJECTS[happening.kind],
                jpeg=snapshot(happening, camera),
            )
    wait_for_pictures(town, len(SCENE.happenings))


def wait_for_pictures(town: LiveTown, wanted: int) -> None:
    for _ in range(200):
        answer = town.admin.get("/incidents").raise_for_status().json()["incidents"]
        if sum(1 for each in answer if each["cover"] and each["dispatches"]) >= wanted:
            return
        time.sleep(0.1)
    raise TimeoutError("the incidents and their pictures did not arrive")


def snapshot(happening: Happening, camera: int) -> bytes:
    """The simulated camera's picture at the moment of the report, redacted."""
    filmer = Filmer(SCENE.world, SCENE.cameras[camera], WEATHERS["clear"], seed=camera)
    shot = filmer.shoot(SCENE.actors, happening.due_s)
    height, width = shot.bgr.shape[:2]
    redact(shot.bgr, private_regions(_detections(shot), width, height))
    return as_jpeg(shot.bgr)


def _detections(shot: Shot) -> Detections:
    boxes = np.array([seen.box for seen in shot.boxes], np.float32).reshape(-1, 4)
    classes = np.array([seen.object_class for seen in shot.boxes], np.int16)
    return Detections(boxes, np.ones(len(boxes), np.float32), classes)


def incident_views(
    browser: Browser, url: str, language: str, size: str, theme: str
) -> Iterator[tuple[str, Page]]:
    """The console's views, each ready to be photographed, with its name."""
    is_phone = size == "phone"
    with _opened(browser, url, language, size, theme) as page:
        yield "sign-in", page
        _sign_in(page)
        _settle(page)
        if is_phone:
            yield "queue", page
            page.goto(f"{url}/#/map")
            _settle(page)
            yield "map", page
            page.goto(f"{url}/#/")
        for row in range(page.locator("ul.rows a").count()):
            page.locator("ul.rows a").nth(row).click()
            page.locator("figure img").first.wait_for()
            page.locator(f"ul.rows li:nth-child({row + 1}) a[aria-current]").wait_for(state="attached")
            _settle(page)
            yield f"incident-{row + 1}", page
            if is_phone:
                page.go_back()


@contextlib.contextmanager
def _opened(browser: Browser, url: str, language: str, size: str, theme: str) -> Iterator[Page]:
    width, height = SIZES[size]
    is_phone = size == "phone"
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=2 if is_phone else 1,
        has_touch=is_phone,
    )
    context.add_init_script(
        f"localStorage.setItem('saqshy.locale', '{language}');"
        f"localStorage.setItem('saqshy.theme', '{theme}');"
    )
    page = context.new_page()
    page.goto(url)
    yield page
    context.close()


@contextlib.contextmanager
def _signed_in(browser: Browser, url: str, language: str, size: str, theme: str) -> Iterator[Page]:
    with _opened(browser, url, language, size, theme) as page:
        _sign_in(page)
        yield page


def _sign_in(page: Page) -> None:
    page.locator("input[autocomplete=username]").fill(USERNAME)
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("button[type=submit]").click()
    page.locator("ul.rows a").nth(2).wait_for()


def evidence_views(
    browser: Browser, url: str, language: str, size: str, theme: str
) -> Iterator[tuple[str, Page]]:
    """Clips and live views, in the town of ``evidence_town``."""
    with _signed_in(browser, url, language, size, theme) as page:
        for name, row in (("refused", 1), ("here", 0), ("unasked", 2)):
            if size == "phone":
                page.goto(f"{url}/#/")
            page.locator("ul.rows a").nth(row).click()
            page.locator("figure img").first.wait_for()
            page.keyboard.press("c")
            page.locator("section :is(.way p, video)").first.wait_for()
            _settle(page)
            yield f"clip-{name}", page
        page.keyboard.press("l")
        page.locator(".view img").wait_for()
        _settle(page)
        yield "live", page
        page.goto(f"{url}/#/map")
        page.locator(".zoom button").last.click()
        page.locator("dialog .view img").wait_for()
        page.wait_for_timeout(300)
        yield "live-map", page


def _settle(page: Page) -> None:
    if page.locator(".city").is_visible():
        page.locator(".city[data-drawn=true]").wait_for()
    page.wait_for_timeout(900)


def photograph_all(browser: Browser, url: str, folder: Path, views: Views) -> None:
    for language, size, theme in itertools.product(("kk", "ru", "en"), SIZES, ("night", "day")):
        for name, page in views(browser, url, language, size, theme):
            page.screenshot(path=folder / f"{size}-{theme}-{language}-{name}.png")


def photograph_for_documents(browser: Browser, url: str, folder: Path, views: Views) -> None:
    for (*look, view), file in IN_DOCUMENTS.items():
        if view.startswith("incident") != (views is incident_views):
            continue
        for name, page in views(browser, url, *look):
            if name == view:
                page.screenshot(path=folder / file, animations="disabled")


@contextlib.contextmanager
def street_town(folder: Path) -> Iterator[LiveTown]:
    with LiveTown(folder, BASE, CAMERAS) as town:
        fill(town, town.add_box("box-abai"))
        yield town


@contextlib.contextmanager
def evidence_town(folder: Path) -> Iterator[LiveTown]:
    """Three incidents: of the first the clip is here, of the second it was lost, of the third it waits."""
    film(FILM, folder / "film")
    cameras = [{key: one[key] for key in CITY_KEYS} | {"box": "box-film"} for one in FILMED]
    with LiveTown(folder, BASE, cameras) as town:
        box = town.add_filming_box("box-film", folder / "film", [one["id"] for one in FILMED])
        for number, lost in enumerate((None, ClipLoss.VAULT_FULL, None)):
            place = (FILMED[0]["lat"] + 0.003 * number, FILMED[0]["lon"])
            box.report(Kind.INTRUSION, FILMED[0]["id"], place, REASONS[Kind.INTRUSION], lost=lost)
        wait_for_pictures(town, 3)
        _ask_for_clips(town, 2)
        yield town


def _ask_for_clips(town: LiveTown, count: int) -> None:
    found = town.admin.get("/incidents").json()["incidents"]
    for incident in sorted(found, key=lambda one: one["number"])[:count]:
        event = town.admin.get(f"/incidents/{incident['id']}").json()["evidence"][0]["event"]
        town.admin.post(f"/events/{event}/clip", json={})
        while town.admin.get(f"/events/{event}/clip").json()["state"] not in ("here", "failed"):
            time.sleep(0.3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="every language, size and theme")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    take = photograph_all if asked.all else photograph_for_documents
    for make_town, its_views in ((street_town, incident_views), (evidence_town, evidence_views)):
        with (
            tempfile.TemporaryDirectory() as temporary,
            make_town(Path(temporary)) as town,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            take(browser, town.url, asked.folder, its_views)
            browser.close()


if __name__ == "__main__":
    main()
