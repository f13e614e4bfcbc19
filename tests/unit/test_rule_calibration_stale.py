"""``calibration_stale``: a picture that has moved is measured and told; light and shaking are not."""

import json
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from edge_agent.domain.conditions import Conditions, Light, Weather
from edge_agent.domain.detection import Frame
from edge_agent.domain.landmarks import LEAST_LANDMARKS, Drift, Landmarks, compare, restored, shrink
from edge_agent.domain.rules.calibration import LOST_SAMPLES, CalibrationStale
from edge_agent.domain.rules.sighting import Sighting, View
from edge_agent.domain.rules.table import verdict_holds
from edge_agent.domain.scene_file import parse_scene
from shared.kinds import Kind

WIDTH, HEIGHT = 640, 360
START_US = 1_779_253_200_000_000
Picture = np.ndarray
DAY = Conditions()


def street() -> Picture:
    """Houses, kerbs, windows: (HEIGHT, WIDTH), sharp."""
    chance, luma = np.random.default_rng(5), np.full((HEIGHT, WIDTH), 105.0, np.float32)
    for _ in range(260):
        x, y = int(chance.integers(WIDTH - 10)), int(chance.integers(HEIGHT - 10))
        luma[y : y + int(chance.integers(4, 40)), x : x + int(chance.integers(4, 60))] = chance.uniform(
            60, 170
        )
    return luma


STREET = street()


def moved(right_px: float, down_px: float = 0.0, turn_deg: float = 0.0, zoom: float = 1.0) -> Picture:
    matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), turn_deg, zoom)
    matrix[:, 2] += right_px, down_px
    return cv2.warpAffine(STREET, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)


def scene_text(shift_deg: float = 0.0) -> str:
    """A camera whose ground is 0.05 m a pixel."""
    points = [(40, 340), (600, 340), (40, 60), (600, 60), (320, 200)]
    lines = [
        f"{{ px = [{x}, {y}], lat = {51 + shift_deg - y * 0.05 / 111_195:.9f}, "
        f"lon = {71 + x * 0.05 / 69_980:.9f} }}"
        for x, y in points
    ]
    head = f'[camera]\nid = "mast"\nsize_px = [{WIDTH}, {HEIGHT}]\n[calibration]\npixel_error_px = 4\n'
    return head + "points = [" + ",\n".join(lines) + "]\n"


class Mast:
    """A calibrated camera whose scene lists no rule."""

    def __init__(self) -> None:
        self.now_s, self.number = 0.0, 0
        self.calibrate(scene_text())

    def calibrate(self, text: str) -> None:
        """Read a scene file; what the rule knows goes through a file."""
        self.scene = parse_scene(text, "mast.toml")
        spec = next(spec for spec in self.scene.rules if spec.kind is Kind.CALIBRATION_STALE)
        memory = json.loads(json.dumps(self.rule.remember())) if self.number else None
        self.rule = CalibrationStale(spec)
        if memory:
            self.rule.recall(memory)

    def samples(
        self, count: int, paint: Callable[[int], Picture], conditions: Conditions = DAY
    ) -> list[Sighting]:
        """So many samples ten minutes apart, of five pictures each."""
        found: list[Sighting] = []
        for _ in range(count):
            for step in range(6):
                self.number += 1
                noise = np.random.default_rng(self.number).normal(0, 1.5, STREET.shape)
                i420 = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
                i420[:HEIGHT] = np.clip(paint(self.number) + noise, 0, 255)
                at_us = START_US + round((self.now_s + step / 2) * 1e6)
                frame = Frame("mast", self.number, at_us, i420, WIDTH, HEIGHT, True)
                found += self.rule.step(View(at_us, 0.5, [], self.scene.ground, frame, conditions))
            self.now_s += 605
        assert all(verdict_holds(Kind.CALIBRATION_STALE, one.reason) for one in found)
        return found


def still(_number: int) -> Picture:
    return STREET


@pytest.fixture
def mast() -> Mast:
    """One whose calibrated picture is known."""
    mast = Mast()
    assert mast.samples(3, still) == []
    return mast


def test_a_turned_camera_is_told_in_pixels_and_metres_and_ends_when_it_is_turned_back(mast: Mast) -> None:
    turned = moved(20)
    assert mast.samples(3, lambda _: turned) == []
    (told,) = mast.samples(1, lambda _: turned)
    assert told.phase.name == "BEGIN"
    assert told.reason["drift_px"] == pytest.approx(20, abs=0.5)
    assert told.reason["drift_m"] == pytest.approx(1.0, abs=0.05)
    assert told.reason["limit_px"] == 8
    assert told.reason["landmarks"] >= LEAST_LANDMARKS
    assert mast.samples(6, lambda _: turned) == []
    assert [one.phase.name for one in mast.samples(6, still)] == ["END"]


def test_a_slow_drift_is_measured_from_the_calibration_and_over_restarts(mast: Mast) -> None:
    found: list[Sighting] = []
    for way_px in range(1, 16):
        mast.calibrate(scene_text())
        picture = moved(0, way_px + 0.5)
        found += mast.samples(1, lambda _, shown=picture: shown)
    (told,) = found
    assert told.reason["drift_px"] == pytest.approx(11.5, abs=0.4)


def test_a_new_calibration_ends_it_and_what_is_seen_then_is_right(mast: Mast) -> None:
    turned = moved(14, -9)
    assert len(mast.samples(4, lambda _: turned)) == 1
    mast.calibrate(scene_text(shift_deg=0.0001))
    assert [one.phase.name for one in mast.samples(8, lambda _: turned)] == ["END"]


def test_what_is_learned_in_another_light_knows_how_far_it_was_off_already(mast: Mast) -> None:
    infrared = Conditions(Light.NIGHT, is_infrared=True)
    turned = moved(20)
    assert len(mast.samples(4, lambda _: turned)) == 1
    assert mast.samples(8, lambda _: 200 - turned * 0.5, infrared) == []
    assert [one.phase.name for one in mast.samples(6, lambda _: 200 - STREET * 0.5, infrared)] == ["END"]


def shaking(number: int) -> Picture:
    return moved(*np.random.default_rng(number).normal(0, 3, 2))


def settled(_number: int) -> Picture:
    return moved(2, 1)


def half_hidden(_number: int) -> Picture:
    beside = STREET.copy()
    beside[:, : WIDTH // 2] = cv2.GaussianBlur(moved(97)[:, : WIDTH // 2], (0, 0), 3)
    return beside


def covered(_number: int) -> Picture:
    return np.full_like(STREET, 90)


def dimmed(_number: int) -> Picture:
    return STREET * 0.5 + 30


@pytest.mark.parametrize("shown", [shaking, settled, half_hidden, covered, dimmed])
def test_what_does_not_make_the_map_wrong(mast: Mast, shown: Callable[[int], Picture]) -> None:
    assert mast.samples(8, shown) == []


def test_in_rain_nothing_is_measured(mast: Mast) -> None:
    turned = moved(20)
    assert mast.samples(6, lambda _: turned, Conditions(weather=Weather.RAIN)) == []


def test_a_scene_built_over_is_learned_anew_after_a_day(mast: Mast) -> None:
    other = np.ascontiguousarray(STREET[::-1, ::-1])
    for _ in range(LOST_SAMPLES // 24):
        assert mast.samples(24, lambda _: other) == []
    turned = np.roll(other, 20, axis=1)
    assert [one.phase.name for one in mast.samples(4, lambda _: turned)] == ["BEGIN"]


def test_without_a_calibration_there_is_none() -> None:
    scene = parse_scene(f'[camera]\nid = "mast"\nsize_px = [{WIDTH}, {HEIGHT}]\n', "mast.toml")
    assert Kind.CALIBRATION_STALE not in {spec.kind for spec in scene.rules}


@pytest.mark.parametrize("way", [(3, 1, 0.0, 1.0), (-40, 12, 0.6, 1.0), (0, 0, 0.0, 1.07)])
def test_shift_turn_and_zoom_are_measured(way: tuple[float, float, float, float]) -> None:
    measured = compare(shrink(STREET.astype(np.uint8)), shrink(moved(*way).astype(np.uint8)))
    assert measured is not None
    drift = measured.drift
    assert (drift.shift_x_px * 2, drift.shift_y_px * 2) == pytest.approx(way[:2], abs=0.6)
    assert np.degrees(drift.turn) == pytest.approx(-way[2], abs=0.1)
    assert drift.zoom == pytest.approx(way[3] - 1, abs=0.005)


def test_a_damaged_memory_is_refused() -> None:
    good = Landmarks(shrink(STREET.astype(np.uint8)), Drift()).remember()
    assert restored(good).picture.shape == (180, 320)
    for bad in ({}, good | {"shape": [9, 9]}, good | {"picture": "AAAA"}, good | {"shape": [10**6, 10**6]}):
        with pytest.raises((LookupError, TypeError, ValueError)):
            restored(bad)
