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

    def pause(self, seconds: int) -> None:
        """Nothing comes for a while."""
        self._number += seconds

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


def with_man(picture: np.ndarray) -> np.ndarray:
    hidden = picture.copy()
    hidden[200:400, 400:480] = 30
    return hidden


MAN = Track(
    1,
    ObjectClass.PERSON,
    np.array([400, 200, 480, 400], np.float32),
    0.9,
    START_US,
    START_US,
    9,
    (0.0, 0.0),
    START_US,
)


def test_somebody_known_stands_before_it() -> None:
    camera = Camera()
    camera.show(with_bench(), 20)
    assert camera.show(with_man(with_bench()), 100, [MAN]) == []


def test_seen_for_four_seconds_and_taken_behind_somebody() -> None:
    camera = Camera()
    assert camera.show(with_bench(), 4) == []
    assert camera.show(with_man(WALL), 15, [MAN]) == []
    assert camera.show(WALL, 70) == ["BEGIN"]


def test_who_hides_a_gone_thing_does_not_stop_the_time() -> None:
    camera = Camera()
    camera.show(with_bench(), 20)
    assert camera.show(WALL, 40) == []
    assert camera.show(with_man(WALL), 20, [MAN]) == []
    assert camera.show(WALL, 10) == ["BEGIN"]


def test_what_was_hardly_seen_to_be_gone_is_not_told() -> None:
    camera = Camera()
    camera.show(with_bench(), 20)
    assert camera.show(WALL, 8) == []
    assert camera.show(with_man(WALL), 100, [MAN]) == []
    assert camera.show(WALL, 8) == []
    assert camera.show(with_bench(), 60) == []


def test_whom_nobody_knew_passed_while_the_place_was_learned() -> None:
    camera = Camera()
    assert camera.show(with_man(with_bench()), 3) == []
    assert camera.show(with_bench(), 90) == []


def test_something_unknown_that_hides_the_surroundings_too_is_none() -> None:
    camera, hidden = Camera(), with_bench()
    camera.show(with_bench(), 20)
    hidden[150:500, 300:600] = 30
    assert camera.show(hidden, 100) == []


def test_two_looks_that_never_were_so_again_are_told_apart() -> None:
    camera, rng = Camera(), np.random.default_rng(6)
    one, other = (rng.normal(0, 12, (75, 125)).repeat(8, 0).repeat(8, 1) for _ in range(2))
    camera.show(with_bench(), 20)
    turned = 100 + one * np.where(with_bench() == WALL, 1, -1)
    for picture in (100 + one, 70 + other + 0.3 * WALL, turned):
        camera.pause(20)
        assert camera.show(picture, 3) == []
    assert camera.show(with_bench(), 20) == []


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_place_that_is_the_whole_picture_has_no_surroundings_to_compare() -> None:
    whole = f"[[0, 0], [{WIDTH}, 0], [{WIDTH}, {HEIGHT}], [0, {HEIGHT}]]"
    camera = Camera(SCENE.replace("[[400, 300], [480, 300], [480, 360], [400, 360]]", whole))
    assert camera.show(with_bench(), 20) == []
    assert camera.show(255 - with_bench(), 90) == ["BEGIN"]
