"""The rule ``camera_tampered``: what is done to a camera is told, what the weather does is not."""

import itertools
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from edge_agent.domain.detection import Frame
from edge_agent.domain.rules.duty import Pause
from edge_agent.domain.rules.table import verdict_holds
from edge_agent.domain.rules.tampered import Cause
from shared.kinds import Kind
from tests.lens_films import (
    Deed,
    LensCamera,
    blinded,
    blurred,
    covered,
    darkened,
    moved,
    noisy,
    sprayed,
    untouched,
)

WIDTH, HEIGHT = 320, 240
LIMIT_S, FROZEN_S = 30, 60
DEEDS = [
    (darkened, Cause.DARK),
    (blinded, Cause.BRIGHT),
    (blurred, Cause.BLURRED),
    (covered, Cause.COVERED),
    (sprayed, Cause.COVERED),
    (moved, Cause.MOVED),
]


def street_luma() -> np.ndarray:
    """Houses, windows, kerbs: (HEIGHT, WIDTH), sharp."""
    chance = np.random.default_rng(11)
    luma = np.full((HEIGHT, WIDTH), 105.0)
    for _ in range(90):
        x, y = int(chance.integers(WIDTH - 20)), int(chance.integers(HEIGHT - 20))
        luma[y : y + int(chance.integers(8, 50)), x : x + int(chance.integers(8, 60))] = chance.uniform(
            50, 190
        )
    return luma


STREET = street_luma()


def street(change: Deed = untouched, chroma: int = 136) -> Iterator[Frame]:
    """Pictures of the street for ever, after ``change``, with a sensor's noise."""
    for number in itertools.count():
        i420 = np.full((HEIGHT * 3 // 2, WIDTH), chroma, np.uint8)
        i420[:HEIGHT] = noisy(np.asarray(change(STREET, number), np.float64), number)
        yield Frame("lens", number, 0, i420, WIDTH, HEIGHT, True)


@pytest.fixture
def camera() -> LensCamera:
    """One that knows its scene."""
    camera = LensCamera(WIDTH, HEIGHT, fps=1)
    assert camera.play(street(), 45) == []
    return camera


@pytest.mark.parametrize(("deed", "cause"), DEEDS, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_done_to_it_is_told_once_and_ends_with_it(
    camera: LensCamera, deed: Deed, cause: Cause
) -> None:
    begun_s = camera.now_s
    told = camera.play(street(), 4 * LIMIT_S, deed)
    assert [(t.phase, t.cause) for t in told] == [("BEGIN", cause)]
    assert LIMIT_S <= told[0].t_s - begun_s <= LIMIT_S + 3
    assert verdict_holds(Kind.CAMERA_TAMPERED, told[0].reason)
    assert camera.duty.pause is Pause.DOUBTFUL
    begun_s = camera.now_s
    ended = camera.play(street(), 40)
    assert [(t.phase, t.cause) for t in ended] == [("END", cause)]
    assert ended[0].t_s - begun_s <= 15
    assert verdict_holds(Kind.CAMERA_TAMPERED, ended[0].reason)
    assert camera.duty.pause is None


def test_a_frozen_picture_is_told_and_a_still_one_is_not(camera: LensCamera) -> None:
    begun_s, picture = camera.now_s, next(street())
    told = camera.play(itertools.repeat(picture), 2 * FROZEN_S)
    assert [(t.phase, t.cause) for t in told] == [("BEGIN", Cause.FROZEN)]
    assert FROZEN_S <= told[0].t_s - begun_s <= FROZEN_S + 3
    assert camera.duty.pause is Pause.DOUBTFUL
    assert [t.phase for t in camera.play(street(), 20)] == ["END"]


def test_frozen_needs_several_looks_however_rarely_they_come(camera: LensCamera) -> None:
    picture = next(street())
    camera.period_s = 10
    rare = [camera.show(picture) for _ in range(20)]
    told = [number for number, each in enumerate(rare) if each]
    assert told
    assert told[0] >= 10


def test_short_deeds_are_not_told_but_not_trusted_either(camera: LensCamera) -> None:
    told = camera.play(street(), LIMIT_S - 5, covered)
    assert camera.duty.pause is Pause.DOUBTFUL
    assert told + camera.play(street(), 60) == []
    assert camera.duty.pause is None


def test_a_suspicion_does_not_last_through_a_time_in_which_nobody_looked(camera: LensCamera) -> None:
    assert camera.play(street(), 6, blurred) == []
    camera.now_s += 1800
    assert camera.play(street(), 6, blurred) == []
    assert [t.phase for t in camera.play(street(), LIMIT_S, blurred)] == ["BEGIN"]


def test_what_was_told_of_ends_after_a_time_in_which_nobody_looked(camera: LensCamera) -> None:
    assert [t.phase for t in camera.play(street(), LIMIT_S + 5, covered)] == ["BEGIN"]
    camera.now_s += 1800
    assert [t.phase for t in camera.play(street(), 60)] == ["END"]


def darker(share: float) -> Deed:
    return lambda luma, _: 16 + (luma - 16) * share


def night_falls(luma: np.ndarray, number: int) -> np.ndarray:
    """Within half an hour, to a fiftieth."""
    return 16 + (luma - 16) * max(0.02, 0.998**number)


def fog_comes(luma: np.ndarray, number: int) -> np.ndarray:
    """Within ten minutes; the near lower part stays visible."""
    depth = np.linspace(1, 0.15, HEIGHT)[:, None]
    share = np.exp(-3 * min(1, number / 600) * depth)
    return luma * share + 165 * (1 - share)


def lightning(luma: np.ndarray, number: int) -> np.ndarray:
    return luma + (120 if number % 37 == 0 else 0)


def shaking(luma: np.ndarray, number: int) -> np.ndarray:
    return np.roll(luma, (number * 7 % 5 - 2, number * 3 % 5 - 2), (0, 1))


def snowfall(luma: np.ndarray, number: int) -> np.ndarray:
    chance, flakes = np.random.default_rng(number), luma.copy()
    for x, y in chance.integers(0, (WIDTH - 4, HEIGHT - 4), (150, 2)):
        flakes[y : y + 3, x : x + 3] = 225
    return flakes


def lorry(luma: np.ndarray, number: int) -> np.ndarray:
    """Stands before the camera for a minute: three quarters of the picture are its tarpaulin."""
    beside = luma.copy()
    if 20 < number < 80:
        beside[:, : WIDTH * 3 // 4] = 120
        beside[40:44, : WIDTH * 3 // 4] = 60
    return beside


@pytest.mark.parametrize(
    ("weather", "seconds"),
    [(night_falls, 2400), (fog_comes, 900), (lightning, 120), (shaking, 120), (snowfall, 120), (lorry, 120)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_weather_and_a_lorry_are_no_tampering(camera: LensCamera, weather: Deed, seconds: int) -> None:
    assert camera.play(street(weather), seconds) == []


def test_snow_that_slowly_covers_the_lens_is_told_in_the_end(camera: LensCamera) -> None:
    def snowed_up(luma: np.ndarray, number: int) -> np.ndarray:
        share = min(1.0, number / 1200)
        seen = cv2.GaussianBlur(luma, (0, 0), 0.1 + 8 * share)
        return seen * (1 - share) + 190 * share

    told = camera.play(street(snowed_up), 1800)
    assert [t.phase for t in told] == ["BEGIN"]
    assert told[0].cause in (Cause.COVERED, Cause.BLURRED)


def test_infrared_has_a_scene_of_its_own(camera: LensCamera) -> None:
    infrared = street(lambda luma, _: 250 - luma, chroma=128)
    assert camera.play(infrared, 90) == []
    told = camera.play(infrared, 60, covered)
    assert [(t.phase, t.cause) for t in told] == [("BEGIN", Cause.COVERED)]
    assert [t.phase for t in camera.play(infrared, 20)] == ["END"]
    assert camera.play(street(), 60) == []


def test_a_grey_cloth_that_looks_like_infrared_is_told(camera: LensCamera) -> None:
    told = camera.play(street(chroma=128), 60, sprayed)
    assert [(t.phase, t.cause) for t in told] == [("BEGIN", Cause.COVERED)]
    assert [t.phase for t in camera.play(street(), 20)] == ["END"]


def test_a_camera_that_pans_has_no_scene_that_could_be_missed() -> None:
    camera = LensCamera(WIDTH, HEIGHT, fps=1)
    panning = street(lambda luma, number: np.roll(luma, number * 15, axis=1))
    assert camera.play(panning, 240) == []


def test_a_scene_may_set_its_limits_or_switch_it_off() -> None:
    slow = LensCamera(WIDTH, HEIGHT, '[[rule]]\nkind = "camera_tampered"\nlimit_s = 90\n')
    off = LensCamera(WIDTH, HEIGHT, '[[rule]]\nkind = "camera_tampered"\nmode = "off"\n', fps=1)
    for camera in (slow, off):
        camera.play(street(), 45)
        assert camera.play(street(), 80, moved) == []
    assert [t.phase for t in slow.play(street(), 20, moved)] == ["BEGIN"]
    assert off.play(street(), 60, moved) == []


def test_a_covered_camera_is_known_for_one_after_a_restart(camera: LensCamera) -> None:
    camera.play(street(), 60, covered)
    again = LensCamera(WIDTH, HEIGHT, fps=1)
    again.now_s = camera.now_s
    again.duty.recall(camera.duty.memory())
    assert again.play(street(), 60, covered) == [], "it was told before"
    assert [t.phase for t in again.play(street(), 60)] == ["END"]
