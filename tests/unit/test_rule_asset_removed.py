"""``asset_removed``: a bench before a wall, taken, hidden, in another light."""

import numpy as np
import pytest

from edge_agent.domain.detection import Frame, Track
from edge_agent.domain.rules.asset import ASSET_REMOVED
from edge_agent.domain.rules.duty import Duty
from shared.kinds import ObjectClass
from tests.street import START_US, scene_of, still_motion

HEIGHT, WIDTH = 600, 1000
SCENE = """
[[zone]]
id = "bench"
polygon_px = [[400, 300], [480, 300], [480, 360], [400, 360]]

[[rule]]
kind = "asset_removed"
zone = "bench"
"""
WALL = 100 + np.random.default_rng(4).normal(0, 12, (75, 125)).repeat(8, 0).repeat(8, 1)


def with_bench() -> np.ndarray:
    picture = WALL.copy()
    for top in range(304, 360, 12):
        picture[top : top + 6, 404:476] = 40
    return picture


class Camera:
    """Shows a picture for a while, once a second."""

    def __init__(self, scene: str = SCENE) -> None:
        self._duty = Duty(scene_of(scene))
        self._noise = np.random.default_rng(5).normal(0, 2, (5, HEIGHT, WIDTH)).astype(np.float32)
        self._number = 0

    def show(self, picture: np.ndarray, seconds: int, tracks: list[Track] | None = None) -> list[str]:
        told: list[str] = []
        for _ in range(seconds):
            self._number += 1
            at_us = START_US + self._number * 1_000_000
            i420 = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
            i420[:HEIGHT] = (picture + self._noise[self._number % 5]).clip(0, 255).astype(np.uint8)
            frame = Frame("street", self._number, at_us, i420, WIDTH, HEIGHT, True)
            found = self._duty.step(tracks or [], still_motion(), at_us, frame)
            assert all(ASSET_REMOVED.holds(one.sighting.reason) for one in found)
            told += [one.sighting.phase.name for one in found]
        return told


def test_taken_is_told_once_after_60_s_and_ends_when_it_is_back() -> None:
    camera = Camera()
    assert camera.show(with_bench(), 20) == []
    assert camera.show(WALL, 55) == []
    assert camera.show(WALL, 30) == ["BEGIN"]
    assert camera.show(with_bench(), 10) == ["END"]


def test_another_light_is_none() -> None:
    camera = Camera()
    camera.show(with_bench(), 20)
    for share in (0.9, 0.75, 0.6, 1.2):
        assert camera.show(with_bench() * share, 70) == []


def test_somebody_known_stands_before_it() -> None:
    camera, hidden = Camera(), with_bench()
    camera.show(with_bench(), 20)
    hidden[200:400, 400:480] = 30
    box = np.array([400, 200, 480, 400], np.float32)
    man = Track(1, ObjectClass.PERSON, box, 0.9, START_US, START_US, 9, (0.0, 0.0), START_US)
    assert camera.show(hidden, 100, [man]) == []


def test_something_unknown_that_hides_the_surroundings_too_is_none() -> None:
    camera, hidden = Camera(), with_bench()
    camera.show(with_bench(), 20)
    hidden[150:500, 300:600] = 30
    assert camera.show(hidden, 100) == []


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_place_that_is_the_whole_picture_has_no_surroundings_to_compare() -> None:
    whole = f"[[0, 0], [{WIDTH}, 0], [{WIDTH}, {HEIGHT}], [0, {HEIGHT}]]"
    camera = Camera(SCENE.replace("[[400, 300], [480, 300], [480, 360], [400, 360]]", whole))
    assert camera.show(with_bench(), 20) == []
    assert camera.show(255 - with_bench(), 90) == ["BEGIN"]
